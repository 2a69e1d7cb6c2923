//! `aws.iam_role_policy`: what a role may do. It has no tags: it is part of its role.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, gone, seen};
use crate::policy_document;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.iam_role_policy";

const POLICY_NAME: &str = "semantest-iac";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    role_name: String,
    policy_name: String,
    /// Statements; `${partition}`, `${region}` and `${account}` stand for themselves.
    statements: Value,
}

/// The policy of the role at `role`, which is called `role_name`.
pub(crate) fn lower(region: &str, role: &Resource, statements: Value) -> Resource {
    let role_name = role.inputs.get("role_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (region, policy_name) = (region.to_owned(), POLICY_NAME.to_owned());
    let inputs = properties(&Inputs { region, role_name, policy_name, statements });
    let mut resource = Resource::new(format!("{}.policy", role.address), WORD, inputs);
    resource.depends_on.insert(role.address.clone());
    resource.replace_on.insert("role_name".into());
    resource
}

pub(crate) struct IamRolePolicy;

#[async_trait]
impl ResourceKind for IamRolePolicy {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let wanted: Inputs = read(resource)?;
        let call = aws.iam.get_role_policy().role_name(&wanted.role_name).policy_name(&wanted.policy_name);
        let Some(answer) = seen("iam.GetRolePolicy", call.send().await)? else { return Ok(None) };
        let found = policy_document::read(answer.policy_document()).unwrap_or_default();
        let ours: Value = serde_json::from_str(&document(aws, &wanted).await?).unwrap_or_default();
        let statements = match policy_document::same(&found, &ours) {
            true => wanted.statements.clone(),
            false => found.get("Statement").cloned().unwrap_or_default(),
        };
        let inputs = properties(&json!({ "statements": statements }));
        Ok(Some(Observed { id: id(&wanted), inputs, outputs: Default::default() }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let call = aws.iam.put_role_policy().role_name(&wanted.role_name).policy_name(&wanted.policy_name);
        let sent = call.policy_document(document(aws, &wanted).await?).send().await;
        sent.map_err(|error| match Failure::of(&error) {
            // A role that was made a moment ago is not seen everywhere yet.
            failure if failure.is_not_found() => failure.into_error("iam.PutRolePolicy").retry_later(),
            failure => failure.into_error("iam.PutRolePolicy"),
        })?;
        Ok(Applied { id: id(&wanted), outputs: Default::default(), adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        let call = aws.iam.delete_role_policy().role_name(&there.role_name).policy_name(&there.policy_name);
        gone("iam.DeleteRolePolicy", call.send().await)
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}/{}", inputs.role_name, inputs.policy_name)
}

async fn document(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let statements = aws.expand(&wanted.statements.to_string()).await?;
    Ok(format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#))
}
