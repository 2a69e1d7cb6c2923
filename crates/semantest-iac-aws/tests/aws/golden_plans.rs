//! What blueprints are lowered to on AWS, and the first plan of each, against `tests/vectors/aws/*.json`. After a change that
//! is meant: `SEMANTEST_WRITE_VECTORS=1 cargo test -p semantest-iac-aws --test aws -- golden_plans::`, and read the difference.

use std::path::PathBuf;

use crate::emulated::{Cloud, REGION};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::planner;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{Provider, ProviderSettings};
use serde_json::{Value, json};

/// Lowering calls nobody.
const NOWHERE: &str = "http://127.0.0.1:9";

fn function(role: &str, memory: u32, timeout: u32) -> Value {
    json!({
        "role": role, "package": "00".repeat(32), "runtime": "nodejs20.x", "handler": format!("{role}.handler"),
        "memory_mb": memory, "timeout_s": timeout,
    })
}

fn blueprint(component: &str, kind: &str, parts: Value) -> Blueprint {
    let mut whole = json!({
        "project": "semantest", "environment": "production", "component": component, "kind": kind,
    });
    for (key, value) in parts.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).expect("a blueprint")
}

fn lower(blueprint: &Blueprint) -> ResourceGraph {
    let settings = ProviderSettings { region: Some(REGION.into()) };
    Cloud::at(NOWHERE).provider.lower(blueprint, &settings).expect("a graph")
}

fn compare(name: &str, blueprint: &Blueprint) {
    let graph = lower(blueprint);
    let plan = planner::plan(&graph, &Default::default());
    let steps = plan.steps.iter().map(|step| json!({ "address": step.address, "after": step.after }));
    let found = json!({
        "blueprint": blueprint, "region": REGION, "resources": graph, "steps": steps.collect::<Vec<Value>>(),
    });
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/aws")
        .join(format!("{name}.json"));
    if std::env::var_os("SEMANTEST_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&found).expect("JSON");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, text + "\n").expect("written");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let golden: Value = serde_json::from_str(&golden).expect("JSON");
    assert_eq!(found, golden, "{name} is lowered to something else than {}", file.display());
}

#[test]
fn a_rest_api_is_lowered_as_ever() {
    let mut function = function("rest-api", 512, 30);
    function["environment_variables"] = json!({
        "API_VERSION": "v1", "DB_PASSWORD": { "secret": "aws-secretsmanager:db#password", "digest": "d1" },
    });
    function["scaling"] = json!({ "reserved_concurrency": 20, "provisioned_concurrency": 2 });
    function["kms_key"] = json!("alias/semantest");
    let routes = [("GET /health", "rest-api"), ("ANY /{proxy+}", "rest-api")];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    compare(
        "rest-api",
        &blueprint(
            "rest-api",
            "rest-api",
            json!({
                "functions": [function], "tags": { "team": "platform" },
                "api": {
                    "protocol": "http", "routes": routes, "throttling": { "rate": 50.0, "burst": 100 },
                    "cors": { "allow_origins": ["https://example.com"], "max_age_s": 600 },
                },
            }),
        ),
    );
}

#[test]
fn a_websocket_is_lowered_as_ever() {
    let functions =
        [function("connect", 256, 10), function("disconnect", 256, 10), function("message", 512, 30)];
    let routes = [
        ("$connect", "connect"),
        ("$default", "message"),
        ("$disconnect", "disconnect"),
        ("sendMessage", "message"),
    ];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let parts = json!({ "functions": functions, "api": { "protocol": "websocket", "routes": routes } });
    compare("websocket", &blueprint("websocket", "websocket", parts));
}

#[test]
fn an_api_with_authorizers_is_lowered_as_ever() {
    let functions = [function("auth", 128, 5), function("list", 256, 10)];
    let routes = [
        json!({
            "route_key": "GET /orders", "function": "list", "authorizer": "tokens", "authorization_scopes": ["read"],
        }),
        json!({ "route_key": "POST /orders", "function": "list", "authorizer": "ask" }),
        json!({ "route_key": "GET /health", "function": "list" }),
    ];
    let header = "$request.header.Authorization";
    let parts = json!({
        "functions": functions,
        "api": {
            "protocol": "http", "routes": routes, "stage_variables": { "table": "orders" },
            "jwt_authorizers": {
                "tokens": { "issuer": "https://id.example.com", "audience": ["orders"], "identity_source": header },
            },
            "lambda_authorizers": {
                "ask": { "function": "auth", "identity_source": [header], "simple_responses": true, "ttl_s": 300 },
            },
        },
    });
    compare("authorizers", &blueprint("orders", "rest-api", parts));
}

#[test]
fn a_websocket_with_an_authorizer_is_lowered_as_ever() {
    let functions = [function("auth", 128, 5), function("connect", 256, 10)];
    let routes = [json!({ "route_key": "$connect", "function": "connect", "authorizer": "ask" })];
    let ask = json!({ "function": "auth", "identity_source": ["route.request.querystring.token"] });
    let api = json!({ "protocol": "websocket", "routes": routes, "lambda_authorizers": { "ask": ask } });
    let parts = json!({ "functions": functions, "api": api });
    compare("websocket-authorizer", &blueprint("chat", "websocket", parts));
}

#[test]
fn functions_with_layers_are_lowered_as_ever() {
    let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";
    let common = json!({ "source": "layers/common", "package": "11".repeat(32) });
    let (mut list, mut create) = (function("list", 128, 5), function("create", 128, 5));
    list["layers"] = json!([common, { "source": arn }]);
    create["layers"] = json!([common]);
    let routes = [("GET /orders", "list"), ("POST /orders", "create")];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let api = json!({ "protocol": "http", "routes": routes });
    compare("layers", &blueprint("orders", "rest-api", json!({ "functions": [create, list], "api": api })));
}

#[test]
fn an_issuer_that_api_gateway_could_not_ask_is_refused_before_anything_is_begun() {
    let tokens = json!({
        "issuer": "http://id.example.com", "audience": ["x"], "identity_source": "$request.header.Authorization",
    });
    let routes = [json!({ "route_key": "$default", "function": "list", "authorizer": "tokens" })];
    let api = json!({ "protocol": "http", "routes": routes, "jwt_authorizers": { "tokens": tokens } });
    let parts = json!({ "functions": [function("list", 128, 3)], "api": api });
    let settings = ProviderSettings { region: Some(REGION.into()) };
    let refused = Cloud::at(NOWHERE).provider.lower(&blueprint("x", "rest-api", parts), &settings);
    let message = refused.expect_err("http").to_string();
    assert!(message.contains("http://id.example.com") && message.contains("https only"), "{message}");
}

#[test]
fn a_container_service_is_lowered_as_ever() {
    let parts = json!({
        "service": {
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker:1.4", "port": 8080, "cpu": 0.25,
            "memory_mb": 700, "replicas": { "min": 1, "max": 4, "target_cpu_percent": 60 },
            "environment_variables": { "A": "b", "PASSWORD": { "secret": "aws-ssm:/db/password", "digest": "d1" } },
            "command": ["serve"], "log_retention_days": 7,
        },
        "load_balancer": { "listen_port": 80, "target_port": 8080, "health_check_path": "/health" },
        "tags": { "team": "platform" },
    });
    compare("container-service", &blueprint("worker", "container-service", parts));
}

#[test]
fn names_keep_to_every_limit_and_stay_apart() {
    let long = "a-component-whose-name-is-as-long-as-names-can-be-and-then-some";
    let graph_of = |component: &str| {
        let routes = [json!({ "route_key": "$default", "function": "list" })];
        let parts = json!({ "functions": [function("list", 128, 3)], "api": { "protocol": "http", "routes": routes } });
        lower(&blueprint(component, "rest-api", parts))
    };
    let (one, other) = (graph_of(&format!("{long}-1")), graph_of(&format!("{long}-2")));
    for (resource, twin) in one.iter().zip(other.iter()) {
        for (key, limit) in [("function_name", 64), ("role_name", 64), ("log_group_name", 512), ("name", 128)]
        {
            let Some(name) =
                resource.inputs.get(key).and_then(Value::as_str).filter(|name| !name.contains("${"))
            else {
                continue;
            };
            assert!(name.len() <= limit, "{name} is longer than {limit}");
            assert_ne!(Some(&json!(name)), twin.inputs.get(key), "two components, two names");
        }
    }
}

#[test]
fn without_a_region_it_says_where_one_is_set() {
    let routes = [json!({ "route_key": "$default", "function": "list" })];
    let parts =
        json!({ "functions": [function("list", 128, 3)], "api": { "protocol": "http", "routes": routes } });
    let refused =
        Cloud::at(NOWHERE).provider.lower(&blueprint("x", "rest-api", parts), &ProviderSettings::default());
    let message = refused.expect_err("no region").to_string();
    assert!(message.contains("AWS_REGION") && message.contains("semantest.toml"), "{message}");
}

#[test]
fn tags_that_aws_would_refuse_are_refused_before_anything_is_begun() {
    for (key, value) in [("aws:x", "1"), ("semantest:project", "1"), ("a", "<>"), ("a", &"x".repeat(257))] {
        let parts = json!({ "functions": [function("list", 128, 3)], "tags": { key: value } });
        let settings = ProviderSettings { region: Some(REGION.into()) };
        let refused = Cloud::at(NOWHERE).provider.lower(&blueprint("x", "rest-api", parts), &settings);
        let message = refused.expect_err("a tag that cannot be").to_string();
        assert!(message.contains(&format!("`{key}`")), "{message}");
    }
}
