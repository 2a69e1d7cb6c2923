//! A REST API on AWS, from its first deploy to its end: through the real program, against an emulator.

use std::collections::BTreeSet;

use crate::aws::projects::{hello, orders, semantest};
use crate::aws::{AwsProject, boto3, changes, eventually, get, request};
use serde_json::{Value, json};

const COMPONENT: [&str; 2] = ["--component", "rest-api"];

fn endpoint(answer: &Value) -> String {
    answer["endpoint"].as_str().expect("an endpoint").to_owned()
}

/// Deploys a project of one function; its endpoint.
fn deployed(aws: &AwsProject) -> String {
    let answer = aws.ok(&["deploy"]);
    assert_eq!(answer["status"], "deployed");
    aws.calls();
    endpoint(&answer)
}

/// Every property that `refresh` finds changed, with the kind of its resource.
fn drift(aws: &AwsProject) -> BTreeSet<String> {
    let answer = aws.ok(&["refresh"]);
    let drift = answer["drift"].as_array().expect("drift").clone();
    let properties = drift.iter().flat_map(|one| {
        let kind = one["kind"].as_str().unwrap_or_default().to_owned();
        let diff = one["diff"].as_array().cloned().unwrap_or_default();
        let named: Vec<String> =
            diff.iter().map(|d| format!("{kind} {}", d["property"].as_str().unwrap_or_default())).collect();
        if named.is_empty() { vec![format!("{kind} gone")] } else { named }
    });
    properties.collect()
}

#[test]
fn a_rest_api_lives_on_aws_from_its_first_deploy_to_its_end() {
    let aws = semantest("rest-story");
    let with = |verb: &[&str]| aws.ok(&[verb, &COMPONENT].concat());
    let answer = with(&["deploy"]);
    assert_eq!((&answer["status"], &answer["provider"]), (&json!("deployed"), &json!("aws")));
    let function = &answer["functions"][0];
    assert_eq!(function["function_name"], "rest-story-production-rest-api");
    let arn = function["arn"].as_str().expect("an ARN");
    assert!(
        arn.starts_with("arn:aws:lambda:eu-west-1:123456789012:function:rest-story-production-rest-api"),
        "{arn}"
    );
    let endpoint = endpoint(&answer);
    assert_eq!(function["endpoint"], endpoint.as_str());
    assert_eq!(get(&endpoint, "/health"), (200, r#"{"status":"ok","version":"v1"}"#.into()));
    let (status, created) = request("POST", &endpoint, "/tests", r#"{"name":"first"}"#);
    assert_eq!(status, 201, "{created}");

    let held = aws.inventory();
    assert_eq!(held["functions"][0]["MemorySize"], 1024, "production's own");
    assert_eq!(held["functions"][0]["Environment"]["Variables"]["NODE_ENV"], "production");
    for kind in ["roles", "log_groups", "functions", "apis"] {
        let tags = &held[kind][0]["tags"];
        for (key, value) in
            [("project", "<project>"), ("environment", "production"), ("component", "rest-api")]
        {
            assert_eq!(tags[format!("semantest:{key}")], value, "{kind}: {tags}");
        }
        assert!(tags["semantest:address"].is_string(), "{kind}: {tags}");
    }

    aws.calls();
    assert_eq!(with(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new(), "nothing changed, nothing asked");
    assert_eq!(aws.json(&["plan", "--detailed-exitcode", "--component", "rest-api"]).code, 0);

    let invoked =
        with(&["invoke", "--data", r#"{"requestContext":{"http":{"method":"GET","path":"/health"}}}"#]);
    assert_eq!(invoked["payload"]["statusCode"], 200, "{invoked}");
    let invoked = with(&["invoke", "--event", "http-get", "--path", "/health"]);
    assert_eq!(invoked["payload"]["statusCode"], 200, "{invoked}");
    let sent = with(&["invoke", "--async", "--event", "http-get", "--path", "/health"]);
    assert_eq!(sent["status"], "accepted", "{sent}");
    assert!(sent["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{sent}");
    let said = || {
        let logs = with(&["logs"]);
        logs["lines"].to_string().contains("created test").then_some(())
    };
    eventually("what the function said", said);
    assert_eq!(with(&["status"])["deployments"][0]["status"], "deployed");
    assert_eq!(with(&["outputs"])["outputs"]["rest-api"]["endpoint"], endpoint.as_str());

    let gone = with(&["destroy", "--yes"]);
    assert_eq!(gone["status"], "removed");
    assert_eq!(aws.inventory(), json!({}), "nothing is left");
    assert_eq!(with(&["destroy", "--yes"])["status"], "unchanged");
    assert_eq!(with(&["deploy"])["status"], "deployed", "and back again");
    assert_eq!(with(&["destroy", "--yes"])["status"], "removed");
}

#[test]
fn a_change_of_code_makes_one_call_for_the_function_and_what_a_version_needs() {
    let aws = orders("code-change");
    let endpoint = deployed(&aws);
    assert_eq!(get(&endpoint, "/orders"), (200, "all orders".into()));
    assert_eq!(request("POST", &endpoint, "/orders", ""), (200, "created".into()));
    assert_eq!(get(&endpoint, "/else").0, 404);

    aws.project.replace("list/app.py", "all orders", "no orders");
    assert_eq!(changes(&aws.ok(&["deploy"])), json!([0, 2, 0, 0]), "one function and its alias");
    let made: BTreeSet<String> = aws.changing_calls().into_iter().collect();
    let names: Vec<&str> = made.iter().map(String::as_str).collect();
    // Publishing can be asked for with the code.
    assert!(
        matches!(
            names[..],
            ["lambda:PublishVersion", "lambda:UpdateAlias", "lambda:UpdateFunctionCode"]
                | ["lambda:UpdateAlias", "lambda:UpdateFunctionCode"]
        ),
        "{names:?}"
    );
    eventually("the new code", || (get(&endpoint, "/orders").1 == "no orders").then_some(()));
    assert_eq!(request("POST", &endpoint, "/orders", ""), (200, "created".into()));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn a_change_of_settings_touches_only_what_it_is_about() {
    let aws = hello("settings");
    let endpoint = deployed(&aws);
    assert_eq!(get(&endpoint, "/hello"), (200, "hello one".into()));

    aws.project.replace("semantest.toml", "memory_mb = 128", "memory_mb = 256");
    aws.ok(&["deploy"]);
    let calls = aws.changing_calls();
    assert!(calls.contains(&"lambda:UpdateFunctionConfiguration".into()), "{calls:?}");
    assert!(
        calls.iter().all(|call| call.starts_with("lambda:") && call != "lambda:UpdateFunctionCode"),
        "{calls:?}"
    );
    assert_eq!(aws.inventory()["functions"][0]["MemorySize"], 256);

    aws.project.replace("semantest.toml", "GET /hello\"", "GET /hello\", \"GET /goodbye\"");
    aws.ok(&["deploy"]);
    assert_eq!(aws.changing_calls(), ["apigateway:CreateRoute"]);
    eventually("the new route", || (get(&endpoint, "/goodbye").0 == 200).then_some(()));

    aws.project.replace("semantest.toml", "\"GET /hello\", ", "");
    aws.ok(&["deploy"]);
    assert_eq!(aws.changing_calls(), ["apigateway:DeleteRoute"]);
    eventually("the route to go", || (get(&endpoint, "/hello").0 == 404).then_some(()));

    aws.ok(&["configure", "GREETING=good day"]);
    let calls = aws.changing_calls();
    assert!(
        calls.iter().all(|call| call.starts_with("lambda:") && call != "lambda:UpdateFunctionCode"),
        "{calls:?}"
    );
    eventually("the new variable", || (get(&endpoint, "/goodbye").1 == "good day one").then_some(()));
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged", "settings stay over a deployment");
    assert_eq!(aws.calls(), Vec::<String>::new());

    aws.ok(&["scale", "--reserved-concurrency", "2"]);
    assert_eq!(aws.changing_calls(), ["lambda:PutFunctionConcurrency"]);
    assert_eq!(aws.inventory()["functions"][0]["concurrency"], 2);
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn a_rollback_brings_back_the_code_and_the_settings_of_then() {
    let aws = hello("rollback");
    let endpoint = deployed(&aws);
    let undisturbed = aws.inventory();
    aws.project.replace("hello/app.py", " one", " two");
    aws.project.replace("semantest.toml", "GREETING = \"hello\"", "GREETING = \"hi\"");
    aws.ok(&["deploy"]);
    eventually("the second version", || (get(&endpoint, "/hello").1 == "hi two").then_some(()));
    let back = aws.ok(&["rollback", "--to", "1"]);
    assert_eq!(back["status"], "deployed");
    eventually("the first version", || (get(&endpoint, "/hello").1 == "hello one").then_some(()));
    let now = aws.inventory();
    for property in ["CodeSha256", "Environment", "MemorySize"] {
        assert_eq!(now["functions"][0][property], undisturbed["functions"][0][property]);
    }
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

/// Changes by hand: the function's memory, a route, a tag, the retention of the log.
const BY_HAND: &str = r#"
name = sys.argv[1]
functions = boto3.client("lambda")
[function] = [f for f in functions.list_functions()["Functions"] if f["FunctionName"].startswith(name)]
functions.update_function_configuration(FunctionName=function["FunctionName"], MemorySize=512)
functions.tag_resource(Resource=function["FunctionArn"], Tags={"team": "by hand"})
gateway = boto3.client("apigatewayv2")
[api] = [api for api in gateway.get_apis()["Items"] if api["Name"].startswith(name)]
[route] = gateway.get_routes(ApiId=api["ApiId"])["Items"]
gateway.delete_route(ApiId=api["ApiId"], RouteId=route["RouteId"])
gateway.create_route(ApiId=api["ApiId"], RouteKey="GET /by-hand", Target=route["Target"])
logs = boto3.client("logs")
for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]:
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=3653)
"#;

#[test]
fn drift_made_by_hand_is_found_property_by_property_and_mended() {
    let aws = hello("by-hand");
    aws.project.replace("semantest.toml", "memory_mb", "tags = { team = \"orders\" }\nmemory_mb");
    let endpoint = deployed(&aws);
    let undisturbed = aws.inventory();
    assert_eq!(drift(&aws), BTreeSet::new());
    assert!(aws.changing_calls().is_empty(), "a look changes nothing");

    boto3(BY_HAND, &["by-hand"]);
    let found = drift(&aws);
    for property in ["memory_mb", "tags", "routes", "retention"] {
        assert!(found.iter().any(|one| one.contains(property)), "{property}: {found:?}");
    }
    assert_eq!(found.len(), 5, "and nothing else: {found:?}");
    aws.calls();
    assert_eq!(aws.ok(&["deploy"])["status"], "deployed");
    assert_eq!(drift(&aws), BTreeSet::new());
    let mut mended = aws.inventory();
    // A published version is never taken back.
    mended["functions"][0]["versions"] = undisturbed["functions"][0]["versions"].clone();
    mended["functions"][0]["aliases"] = undisturbed["functions"][0]["aliases"].clone();
    assert_eq!(mended, undisturbed);
    assert_eq!(get(&endpoint, "/hello").0, 200);
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

/// Deletes the function and the role by hand.
const DELETED: &str = r#"
name = sys.argv[1]
functions, iam = boto3.client("lambda"), boto3.client("iam")
for function in functions.list_functions()["Functions"]:
    if function["FunctionName"].startswith(name):
        functions.delete_function(FunctionName=function["FunctionName"])
for role in iam.list_roles()["Roles"]:
    if role["RoleName"].startswith(name):
        for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName=policy)
        iam.delete_role(RoleName=role["RoleName"])
"#;

#[test]
fn what_was_deleted_by_hand_is_found_and_made_again() {
    let aws = hello("deleted");
    let endpoint = deployed(&aws);
    let undisturbed = aws.inventory();
    boto3(DELETED, &["deleted"]);
    let found = drift(&aws);
    for kind in ["role", "function"] {
        assert!(found.iter().any(|one| one.contains(kind) && one.ends_with(" gone")), "{kind}: {found:?}");
    }
    assert_eq!(aws.ok(&["deploy"])["status"], "deployed");
    assert_eq!(drift(&aws), BTreeSet::new());
    assert_eq!(aws.inventory(), undisturbed);
    eventually("an answer", || (get(&endpoint, "/hello").0 == 200).then_some(()));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}
