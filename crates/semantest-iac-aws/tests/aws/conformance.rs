//! Every kind of resource that carries tags lives through the provider port's conformance suite, on an emulated AWS.

use crate::emulated::{Cloud, REGION, properties, tags};
use semantest_iac_testkit::aws_emulator::AwsEmulator;
use semantest_iac_testkit::provider::{Sample, conforms};
use serde_json::{Value, json};

fn cloud() -> Cloud {
    Cloud::at(&AwsEmulator::shared().url())
}

/// `inputs`, and `changes` laid over them.
fn sample(project: &str, address: &str, kind: &str, inputs: Value, changes: Value) -> Sample {
    let mut updated = properties(inputs.clone());
    updated.extend(properties(changes));
    Sample { tags: tags(project, address), kind: kind.into(), inputs: properties(inputs), updated }
}

#[tokio::test]
async fn roles_conform() {
    let inputs = json!({
        "region": REGION, "role_name": "conform-role", "path": "/semantest/conform-role/",
        "service": "lambda.amazonaws.com", "tags": { "team": "one" },
    });
    let changes = json!({ "service": "ecs-tasks.amazonaws.com", "tags": { "team": "two", "more": "x" } });
    conforms(&cloud().provider, &sample("conform-role", "role", "aws.iam_role", inputs, changes)).await;
}

#[tokio::test]
async fn log_groups_conform() {
    let inputs = json!({
        "region": REGION, "log_group_name": "/aws/lambda/conform-logs-dev", "retention_days": 30, "tags": { "a": "b" },
    });
    let changes = json!({ "retention_days": 7, "tags": {} });
    conforms(&cloud().provider, &sample("conform-logs", "log_group.x", "aws.log_group", inputs, changes))
        .await;
}

#[tokio::test]
async fn functions_conform() {
    let cloud = cloud();
    let package = cloud.package("def handler(event, context):\n    return event\n").await;
    let other = cloud.package("def handler(event, context):\n    return 2\n").await;
    let digest = cloud.digest().await;
    let inputs = json!({
        "region": REGION, "function_name": "conform-function-dev", "runtime": "python3.11", "handler": "app.handler",
        "memory_mb": 256, "timeout_s": 10, "package": package, "tags": { "team": "one" },
        "role": "arn:aws:iam::123456789012:role/conform-function",
        "environment_variables": { "PLAIN": "x", "PASSWORD": { "secret": "memory:canary", "digest": digest } },
    });
    let changes = json!({
        "memory_mb": 512, "package": other, "reserved_concurrency": 2, "tags": {},
        "environment_variables": { "PASSWORD": { "secret": "memory:canary", "digest": digest } },
    });
    let sample = sample("conform-function", "function.x", "aws.lambda_function", inputs, changes);
    conforms(&cloud.provider, &sample).await;
}

fn api(name: &str, integration: &str) -> Value {
    json!({
        "region": REGION, "name": name, "routes": { "GET /a": "list", "$default": "list" },
        "integrations": { "list": integration }, "tags": {},
    })
}

#[tokio::test]
async fn http_apis_conform() {
    let lambda = "arn:${partition}:lambda:${region}:${account}:function:conform-http:live";
    let mut inputs = api("conform-http-dev", lambda);
    inputs["cors"] = json!({
        "allow_origins": ["*"], "allow_methods": [], "allow_headers": ["x-a"], "expose_headers": [],
        "allow_credentials": false, "max_age_s": 60,
    });
    let changes = json!({
        "routes": { "GET /a": "list", "POST /b": "make" },
        "integrations": { "list": lambda, "make": lambda.replace("conform-http", "conform-http-make") },
        "cors": {
            "allow_origins": ["https://example.com"], "allow_methods": ["GET"], "allow_headers": [], "expose_headers": [],
            "allow_credentials": false,
        },
    });
    conforms(&cloud().provider, &sample("conform-http", "api", "aws.http_api", inputs, changes)).await;
}

#[tokio::test]
async fn websocket_apis_conform() {
    let lambda = "arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/arn:x/invocations";
    let mut inputs = api("conform-websocket-dev", lambda);
    inputs["routes"] = json!({ "$connect": "list", "$default": "list" });
    inputs["stage"] = json!("dev");
    inputs["route_selection"] = json!("$request.body.action");
    let changes = json!({ "routes": { "$connect": "list", "send": "list" } });
    let sample = sample("conform-websocket", "api", "aws.websocket_api", inputs, changes);
    conforms(&cloud().provider, &sample).await;
}

#[tokio::test]
async fn apis_with_authorizers_conform() {
    let lambda = "arn:${partition}:lambda:${region}:${account}:function:conform-authorized:live";
    let asked = "arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/arn:x/invocations";
    let mut inputs = api("conform-authorized-dev", lambda);
    inputs["authorizers"] = json!({
        "ask": {
            "type": "lambda", "uri": asked, "identity_source": ["$request.header.Authorization"],
            "simple_responses": true, "ttl_s": 60,
        },
        "tokens": {
            "type": "jwt", "issuer": "https://id.example.com", "audience": ["orders", "carts"],
            "identity_source": ["$request.header.Authorization"],
        },
    });
    inputs["authorization"] = json!({
        "GET /a": { "authorizer": "tokens", "scopes": ["read", "write"] }, "$default": { "authorizer": "ask" },
    });
    let changes = json!({
        "authorizers": {
            "ask": {
                "type": "lambda", "uri": asked, "identity_source": ["$request.querystring.token"],
                "simple_responses": false, "ttl_s": 0,
            },
        },
        "authorization": { "GET /a": { "authorizer": "ask" } },
    });
    let sample = sample("conform-authorized", "api", "aws.http_api", inputs, changes);
    conforms(&cloud().provider, &sample).await;
}

#[tokio::test]
async fn websocket_apis_with_authorizers_conform() {
    let lambda = "arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/arn:x/invocations";
    let mut inputs = api("conform-judged-dev", lambda);
    inputs["routes"] = json!({ "$connect": "list", "$default": "list" });
    inputs["stage"] = json!("dev");
    inputs["route_selection"] = json!("$request.body.action");
    let authorizer = |source: &str| json!({ "type": "lambda", "uri": lambda, "identity_source": [source] });
    inputs["authorizers"] = json!({ "ask": authorizer("route.request.header.Authorization") });
    inputs["authorization"] = json!({ "$connect": { "authorizer": "ask" } });
    let changes = json!({ "authorizers": { "ask": authorizer("route.request.querystring.token") } });
    let sample = sample("conform-judged", "api", "aws.websocket_api", inputs, changes);
    conforms(&cloud().provider, &sample).await;
}
