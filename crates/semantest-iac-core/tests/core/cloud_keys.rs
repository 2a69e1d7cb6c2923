//! Keys of a component that mean something on clouds only: from the definition to the blueprint.

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::networking::api_gateway::Throttling;
use semantest_iac_core::events::Event;
use semantest_iac_testkit::world::{World, orders};
use serde_json::{Value, json};

/// The blueprint of `orders`, defined so.
async fn blueprint(definition: Value) -> Blueprint {
    let world = World::new();
    world.project.define_component("orders", definition);
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    let planned = events.into_iter().find_map(|event| match event.data {
        Event::DeploymentPlanned(planned) => planned.blueprint,
        _ => None,
    });
    *planned.expect("a plan")
}

async fn refusal(definition: Value) -> String {
    let world = World::new();
    world.project.define_component("orders", definition);
    let refused = semantest_iac_testkit::world::deploy_with(&world.service()).await.expect_err("refused");
    refused.message().to_owned()
}

fn with(mut definition: Value, key: &str, value: Value) -> Value {
    definition[key] = value;
    definition
}

fn socket() -> Value {
    json!({
        "kind": "websocket", "code": "orders", "runtime": "python3.12",
        "functions": { "message": { "handler": "orders.create" } }
    })
}

fn worker() -> Value {
    json!({ "kind": "container-service", "image": "registry.example/worker:1" })
}

#[tokio::test]
async fn the_settings_of_functions_and_their_api_reach_the_blueprint() {
    for definition in [orders(), socket()] {
        let definition = with(definition, "log_retention_days", json!(30));
        let definition = with(definition, "kms_key", json!("alias/orders"));
        let definition = with(definition, "access_log", json!(true));
        let definition = with(definition, "throttling", json!({ "rate": 100, "burst": 200 }));
        let definition = with(definition, "plan", json!("flex-consumption"));
        let blueprint = blueprint(definition).await;
        assert_eq!(blueprint.plan, Some(HostingPlan::FlexConsumption));
        for function in &blueprint.functions {
            assert_eq!(function.kms_key.as_deref(), Some("alias/orders"));
            assert_eq!(function.log_retention_days, Some(30));
        }
        let api = blueprint.api.expect("an API");
        assert_eq!((api.access_log, api.log_retention_days), (Some(true), Some(30)));
        assert_eq!(api.throttling, Some(Throttling { rate: 100.0, burst: 200 }));
    }
}

#[tokio::test]
async fn the_settings_of_a_container_reach_the_blueprint() {
    let definition = with(worker(), "subnets", json!(["subnet-1", "subnet-2"]));
    let definition = with(definition, "security_groups", json!(["sg-1"]));
    let definition = with(definition, "health_check_path", json!("/health"));
    let definition = with(definition, "log_retention_days", json!(7));
    let blueprint = blueprint(definition).await;
    let service = blueprint.service.expect("a service");
    assert_eq!(service.subnets, ["subnet-1", "subnet-2"]);
    assert_eq!((service.security_groups, service.log_retention_days), (vec!["sg-1".to_owned()], Some(7)));
    assert_eq!(blueprint.load_balancer.expect("a balancer").health_check_path, "/health");
}

#[tokio::test]
async fn a_definition_without_them_makes_the_blueprint_it_always_made() {
    let of_functions = serde_json::to_value(blueprint(orders()).await).expect("JSON");
    let of_container = serde_json::to_value(blueprint(worker()).await).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("a table").keys().cloned().collect::<Vec<_>>();
    assert!(of_functions.get("plan").is_none() && of_container.get("plan").is_none());
    assert_eq!(keys(&of_functions["api"]), ["protocol", "routes"]);
    let function = ["role", "package", "runtime", "handler", "memory_mb", "timeout_s", "scaling"];
    assert_eq!(sorted(keys(&of_functions["functions"][0])), sorted(function.map(str::to_owned).to_vec()));
    let service = ["image", "port", "cpu", "memory_mb", "replicas"];
    assert_eq!(sorted(keys(&of_container["service"])), sorted(service.map(str::to_owned).to_vec()));
    assert_eq!(of_container["load_balancer"]["health_check_path"], "/");
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

#[tokio::test]
async fn what_cannot_be_or_means_nothing_for_the_kind_is_refused() {
    let throttling = json!({ "rate": 1.5, "burst": 1 });
    let cases = [
        (orders(), "log_retention_days", json!(2), "must be one of 1, 3, 5, 7, 14, 30, 60, 90"),
        (worker(), "log_retention_days", json!(4000), "must be one of 1, 3, 5"),
        (
            orders(),
            "throttling",
            json!({ "rate": 0, "burst": 1 }),
            "`throttling.rate` is 0; it must be above 0",
        ),
        (orders(), "throttling", json!({ "rate": 5 }), "a table such as { rate = 100, burst = 200 }"),
        (orders(), "throttling", json!({ "rate": "x", "burst": 1 }), "requests a second, above 0"),
        (orders(), "subnets", json!(["subnet-1"]), "`subnets` means nothing for a rest-api"),
        (socket(), "security_groups", json!(["sg-1"]), "`security_groups` means nothing for a websocket"),
        (orders(), "health_check_path", json!("/"), "`health_check_path` means nothing for a rest-api"),
        (worker(), "throttling", throttling, "`throttling` means nothing for a container-service"),
        (worker(), "access_log", json!(false), "`access_log` means nothing for a container-service"),
        (worker(), "kms_key", json!("alias/x"), "`kms_key` means nothing for a container-service"),
        (worker(), "plan", json!("premium"), "`plan` means nothing for a container-service"),
        (orders(), "plan", json!("basic"), "it must be consumption, flex-consumption or premium"),
        (orders(), "plan", json!(["premium"]), "it must be consumption, flex-consumption or premium"),
        (worker(), "health_check_path", json!("health"), "must start with `/`"),
        (worker(), "subnets", json!("subnet-1"), "a list of texts"),
        (orders(), "access_log", json!("yes"), "true or false"),
    ];
    for (definition, key, value, why) in cases {
        let said = refusal(with(definition, key, value)).await;
        assert!(said.contains(why), "{key}: {said}");
    }
}

#[tokio::test]
async fn a_container_that_could_not_be_started_or_reached_is_refused() {
    let cases = [
        ("command", json!([]), "`command` names no program"),
        ("command", json!([" "]), "`command` names no program"),
        ("command", json!(["serve", "a\u{0}b"]), "`command` holds a zero byte"),
        ("port", json!(0), "`port` is 0; it must be from 1 to 65535"),
    ];
    for (key, value, why) in cases {
        let said = refusal(with(worker(), key, value)).await;
        assert!(said.contains(why), "{key}: {said}");
    }
}

#[tokio::test]
async fn a_command_reaches_the_blueprint_word_for_word() {
    // Only the program has to be there: arguments may be empty.
    let command = ["serve", "", "--path=/a b"];
    let service = blueprint(with(worker(), "command", json!(command))).await.service.expect("a service");
    assert_eq!(service.command.expect("a command"), command);
    let reached = blueprint(with(worker(), "port", json!(65_535))).await.service.expect("a service");
    assert_eq!(reached.port, 65_535);
}
