//! What `doctor` tells: which identity and region, where calls go, and what that identity may do. Nothing is changed.

use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use semantest_iac_core::Result;
use semantest_iac_core::ports::provider::{Finding, ProviderSettings};

use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::provider::AwsProvider;

/// What a deployment does, by what it is done for.
const ACTIONS: [(&str, &[&str]); 5] = [
    ("iam", &["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "iam:TagRole", "iam:DeleteRole"]),
    (
        "lambda",
        &[
            "lambda:CreateFunction",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            "lambda:PublishVersion",
            "lambda:CreateAlias",
            "lambda:AddPermission",
            "lambda:CreateFunctionUrlConfig",
            "lambda:DeleteFunction",
        ],
    ),
    ("apigateway", &["apigateway:POST", "apigateway:PATCH", "apigateway:DELETE", "apigateway:TagResource"]),
    (
        "logs",
        &[
            "logs:CreateLogGroup",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:DeleteLogGroup",
            "logs:CreateLogDelivery",
        ],
    ),
    (
        "containers",
        &[
            "ecs:CreateCluster",
            "ecs:RegisterTaskDefinition",
            "ecs:CreateService",
            "elasticloadbalancing:CreateLoadBalancer",
            "ec2:CreateSecurityGroup",
            "application-autoscaling:RegisterScalableTarget",
        ],
    ),
];

pub(crate) async fn diagnose(provider: &AwsProvider, settings: &ProviderSettings) -> Result<Vec<Finding>> {
    let aws = match provider.clients_in(settings.region.as_deref()).await {
        Ok(aws) => aws,
        Err(error) => return Ok(vec![finding("aws region", false, error.message())]),
    };
    let from = if settings.region.is_some() { "the environment's" } else { "this machine's" };
    let mut findings = vec![finding("aws region", true, &format!("{} ({from})", aws.region))];
    if let Some(endpoint) = aws.config.endpoint_url() {
        findings.push(finding("aws endpoint", true, &format!("{endpoint}, instead of AWS's own")));
    }
    let identity = match aws.identity().await {
        Ok(identity) => identity,
        Err(error) => {
            findings.push(finding("aws identity", false, error.message()));
            return Ok(findings);
        }
    };
    findings.push(finding(
        "aws identity",
        true,
        &format!("{} in account {}", identity.arn, identity.account),
    ));
    let (reads, writes) = tokio::join!(reads(&aws), writes(&aws, &identity.arn));
    findings.extend(reads);
    findings.extend(writes);
    Ok(findings)
}

fn finding(name: &str, ok: bool, detail: &str) -> Finding {
    Finding { name: name.to_owned(), ok, detail: detail.to_owned() }
}

/// One harmless call of each service.
async fn reads(aws: &Clients) -> Vec<Finding> {
    let (iam, lambda, apis, logs, ecs) = tokio::join!(
        async {
            aws.iam.list_roles().max_items(1).send().await.map(drop).map_err(|e| failed("iam.ListRoles", e))
        },
        async {
            let sent = aws.lambda.list_functions().max_items(1).send().await;
            sent.map(drop).map_err(|e| failed("lambda.ListFunctions", e))
        },
        async {
            let sent = aws.apigateway.get_apis().max_results("1").send().await;
            sent.map(drop).map_err(|e| failed("apigateway.GetApis", e))
        },
        async {
            let sent = aws.logs.describe_log_groups().limit(1).send().await;
            sent.map(drop).map_err(|e| failed("logs.DescribeLogGroups", e))
        },
        async {
            let sent = aws.ecs.list_clusters().max_results(1).send().await;
            sent.map(drop).map_err(|e| failed("ecs.ListClusters", e))
        },
    );
    let asked = [("iam", iam), ("lambda", lambda), ("apigateway", apis), ("logs", logs), ("ecs", ecs)];
    asked
        .into_iter()
        .map(|(service, answer)| match answer {
            Ok(()) => finding(&format!("{service} read"), true, "answers, and may be read"),
            Err(error) => finding(&format!("{service} read"), false, error.message()),
        })
        .collect()
}

/// What IAM itself says the identity may do. It may not be asked by everybody.
async fn writes(aws: &Clients, arn: &str) -> Vec<Finding> {
    let Some(principal) = simulated(arn) else {
        let detail = "the account's root user may do everything; better use a role of its own";
        return vec![finding("permissions", true, detail)];
    };
    let mut findings = Vec::new();
    for (service, actions) in ACTIONS {
        let call = aws.iam.simulate_principal_policy().policy_source_arn(&principal);
        let asked =
            call.set_action_names(Some(actions.iter().map(|one| (*one).to_owned()).collect())).send().await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                let why = Failure::of(&error).into_error("iam.SimulatePrincipalPolicy");
                let detail =
                    format!("not known: IAM cannot be asked what this identity may do ({})", why.message());
                findings.push(finding("permissions", true, &detail));
                return findings;
            }
        };
        let refused = answer
            .evaluation_results()
            .iter()
            .filter(|result| result.eval_decision() != &PolicyEvaluationDecisionType::Allowed);
        let refused: Vec<&str> = refused.map(|result| result.eval_action_name()).collect();
        let detail = match refused.is_empty() {
            true => "may do what a deployment does".to_owned(),
            false => {
                format!("lacks {} (on all resources; narrower policies may still do)", refused.join(", "))
            }
        };
        findings.push(finding(&format!("{service} permissions"), refused.is_empty(), &detail));
    }
    findings
}

/// The user or role that policies are attached to: a session of a role is asked about as the role.
fn simulated(arn: &str) -> Option<String> {
    if arn.ends_with(":root") {
        return None;
    }
    let Some((head, session)) = arn.split_once(":assumed-role/") else { return Some(arn.to_owned()) };
    let role = session.split('/').next().unwrap_or_default();
    Some(format!("{}:role/{role}", head.replacen(":sts:", ":iam:", 1)))
}

#[cfg(test)]
mod tests {
    use super::simulated;

    #[test]
    fn a_session_is_asked_about_as_its_role() {
        let session = "arn:aws:sts::123456789012:assumed-role/deployer/alice";
        assert_eq!(simulated(session).as_deref(), Some("arn:aws:iam::123456789012:role/deployer"));
        let user = "arn:aws:iam::123456789012:user/alice";
        assert_eq!(simulated(user).as_deref(), Some(user));
        assert_eq!(simulated("arn:aws:iam::123456789012:root"), None);
    }
}
