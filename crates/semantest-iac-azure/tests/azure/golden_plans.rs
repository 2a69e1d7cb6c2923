//! What blueprints are lowered to on Azure, and the first plan of each, against `tests/vectors/azure/*.json`. After a change
//! that is meant: `SEMANTEST_WRITE_VECTORS=1 cargo test -p semantest-iac-azure --test azure -- golden_plans::`, and read the difference.

use std::path::PathBuf;

use crate::simulated::{Cloud, blueprint, function};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::deployment::planner;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{Provider, ProviderSettings};
use serde_json::{Value, json};

/// Lowering calls nobody.
const NOWHERE: &str = "http://127.0.0.1:9";

fn lower(blueprint: &Blueprint) -> semantest_iac_core::Result<ResourceGraph> {
    let settings = ProviderSettings { region: Some("westeurope".into()) };
    Cloud::at(NOWHERE).provider.lower(blueprint, &settings)
}

/// The package's name tells the shim's bytes, too: it changes with every line of the shim.
fn without_shim(mut graph: Value) -> Value {
    if let Some(blob) = graph.pointer_mut("/package/inputs/blob") {
        *blob = "<sha256>.zip".into();
    }
    graph
}

fn compare(name: &str, blueprint: &Blueprint) {
    let graph = lower(blueprint).expect("a graph");
    let plan = planner::plan(&graph, &Default::default());
    let steps = plan.steps.iter().map(|step| json!({ "address": step.address, "after": step.after }));
    let found = json!({
        "blueprint": blueprint, "region": "westeurope", "resources": without_shim(json!(graph)),
        "steps": steps.collect::<Vec<Value>>(),
    });
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/azure")
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

fn package() -> String {
    "00".repeat(32)
}

fn rest_api(changes: Value) -> Blueprint {
    let routes = [("ANY /{proxy+}", "rest-api"), ("GET /health", "rest-api")];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let parts = json!({
        "functions": [function("rest-api", &package(), changes)], "tags": { "team": "platform" },
        "api": {
            "protocol": "http", "routes": routes, "log_retention_days": 90,
            "cors": { "allow_origins": ["https://example.com"], "max_age_s": 600 },
        },
    });
    blueprint("semantest", "rest-api", parts)
}

#[test]
fn a_rest_api_is_lowered_as_ever() {
    let changes = json!({
        "environment_variables": {
            "API_VERSION": "v1", "DB_PASSWORD": { "secret": "azure-keyvault:shop/db-password", "digest": "d1" },
        },
        "scaling": { "reserved_concurrency": 20 },
    });
    compare("rest-api", &rest_api(changes));
}

#[test]
fn a_rest_api_on_flex_consumption_is_lowered_as_ever() {
    let changes = json!({ "memory_mb": 1024, "scaling": { "provisioned_concurrency": 2 }, "timeout_s": 900 });
    let blueprint = Blueprint { plan: Some(HostingPlan::FlexConsumption), ..rest_api(changes) };
    compare("rest-api-flex", &blueprint);
}

#[test]
fn a_websocket_is_lowered_as_ever() {
    let functions = ["connect", "disconnect", "message"].map(|role| function(role, &package(), json!({})));
    let routes = [
        ("$connect", "connect"),
        ("$default", "message"),
        ("$disconnect", "disconnect"),
        ("sendMessage", "message"),
    ];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let parts = json!({ "functions": functions, "api": { "protocol": "websocket", "routes": routes } });
    compare("websocket", &blueprint("semantest", "websocket", parts));
}

#[test]
fn a_container_service_is_lowered_as_ever() {
    let parts = json!({
        "service": {
            "image": "registry.example/team/worker:1.4", "port": 8080, "cpu": 0.25,
            "memory_mb": 700, "replicas": { "min": 1, "max": 4, "target_cpu_percent": 60 },
            "environment_variables": { "A": "b", "PASSWORD": { "secret": "azure-keyvault:x/y", "digest": "d1" } },
            "command": ["serve"], "log_retention_days": 7,
        },
        "load_balancer": { "listen_port": 80, "target_port": 8080, "health_check_path": "/health" },
        "tags": { "team": "platform" },
    });
    compare("container-service", &blueprint("semantest", "container-service", parts));
}

#[test]
fn without_a_region_it_says_where_one_is_set() {
    let provider = Cloud::at(NOWHERE).provider;
    let refused = provider.lower(&rest_api(json!({})), &ProviderSettings::default());
    let message = refused.expect_err("no region").to_string();
    assert!(message.contains("AZURE_DEFAULTS_LOCATION") && message.contains("semantest.toml"), "{message}");
}

#[test]
fn a_region_may_be_called_as_the_portal_calls_it() {
    let provider = Cloud::at(NOWHERE).provider;
    let lowered = |region: &str| {
        let settings = ProviderSettings { region: Some(region.into()) };
        provider.lower(&rest_api(json!({})), &settings).expect("a graph")
    };
    assert_eq!(lowered("West Europe"), lowered("westeurope"));
}

#[test]
fn who_says_nothing_of_a_plan_gets_consumption() {
    let nothing = rest_api(json!({}));
    let said = Blueprint { plan: Some(HostingPlan::Consumption), ..nothing.clone() };
    assert_eq!(lower(&nothing).expect("a graph"), lower(&said).expect("a graph"));
}

#[test]
fn what_azure_cannot_do_is_refused_before_anything_is_begun() {
    for (changes, field) in [
        (json!({ "scaling": { "provisioned_concurrency": 1 } }), "provisioned_concurrency"),
        (json!({ "scaling": { "reserved_concurrency": 0 } }), "reserved_concurrency"),
        (json!({ "timeout_s": 601 }), "timeout_s"),
        (json!({ "memory_mb": 2048 }), "memory_mb"),
        (json!({ "runtime": "java21" }), "runtime"),
        (json!({ "kms_key": "alias/x" }), "kms_key"),
        (
            json!({ "layers": [{ "source": "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3" }] }),
            "layers",
        ),
        (
            json!({ "environment_variables": { "AWS_LAMBDA_EXEC_WRAPPER": "/opt/x" } }),
            "environment_variables.AWS_LAMBDA_EXEC_WRAPPER",
        ),
        (json!({ "environment_variables": { "WEBSITE_X": "1" } }), "environment_variables.WEBSITE_X"),
        (json!({ "log_retention_days": 3653 }), "log_retention_days"),
    ] {
        let refused = lower(&rest_api(changes.clone()));
        let error = refused.expect_err(&format!("{changes} cannot be"));
        assert!(error.context().iter().any(|(key, value)| key == "field" && value == field), "{error:?}");
    }
}

#[test]
fn authorizers_are_refused_with_what_to_do_instead() {
    let header = "$request.header.Authorization";
    for (key, authorizer) in [
        (
            "jwt_authorizers",
            json!({ "issuer": "https://x.example", "audience": ["x"], "identity_source": header }),
        ),
        ("lambda_authorizers", json!({ "function": "rest-api", "identity_source": [header] })),
    ] {
        let api = json!({ "protocol": "http", "routes": [], key: { "gate": authorizer } });
        let functions = json!([function("rest-api", &package(), json!({}))]);
        let parts = json!({ "functions": functions, "api": api });
        let error = lower(&blueprint("semantest", "rest-api", parts)).expect_err("no authorizers on Azure");
        let message = error.to_string();
        assert!(message.contains("`gate`") && message.contains("authorizer = \"none\""), "{message}");
        assert!(
            error.context().iter().any(|(key, value)| key == "field" && value == "authorizers.gate"),
            "{error:?}"
        );
    }
}

#[test]
fn tags_that_azure_would_refuse_are_refused_before_anything_is_begun() {
    let long = "x".repeat(257);
    for (key, value) in [("azure-x", "1"), ("semantest:project", "1"), ("a/b", "1"), ("a", long.as_str())] {
        let mut blueprint = rest_api(json!({}));
        blueprint.tags.insert(key.into(), value.into());
        let message = lower(&blueprint).expect_err("a tag that cannot be").to_string();
        assert!(message.contains(&format!("`{key}`")), "{message}");
    }
    let mut blueprint = rest_api(json!({}));
    blueprint.tags.insert("Team".into(), "another".into());
    lower(&blueprint).expect_err("`team` and `Team` are one tag to Azure");
}

#[test]
fn every_function_that_is_lowered_tells_its_routes_and_nothing_of_a_secret() {
    let secret = json!({ "PASSWORD": { "secret": "env:PASSWORD", "digest": "d1" } });
    let graph = lower(&rest_api(json!({ "environment_variables": secret })));
    let text = json!(graph.expect("a graph")).to_string();
    assert!(text.contains("GET /health"), "{text}");
    assert!(text.contains("env:PASSWORD"), "the reference stands there, never the value");
}
