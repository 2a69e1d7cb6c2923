//! Layers: from the definition to the blueprint, and what cannot be one.

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::events::Event;
use semantest_iac_testkit::world::{World, deploy_with, orders};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";

fn world(definition: Value) -> World {
    let world = World::new();
    world.project.write_code("layers/common", b"common");
    world.project.write_code("layers/native.zip", b"native");
    world.project.define_component("orders", definition);
    world
}

async fn blueprint(definition: Value) -> Blueprint {
    let world = world(definition);
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    let planned = events.into_iter().find_map(|event| match event.data {
        Event::DeploymentPlanned(planned) => planned.blueprint,
        _ => None,
    });
    *planned.expect("a plan")
}

fn with(mut definition: Value, key: &str, value: Value) -> Value {
    definition[key] = value;
    definition
}

fn sources(blueprint: &Blueprint) -> Vec<Vec<&str>> {
    blueprint
        .functions
        .iter()
        .map(|one| one.layers.iter().map(|layer| layer.source.as_str()).collect())
        .collect()
}

#[tokio::test]
async fn the_layers_of_a_component_are_those_of_every_function_that_has_none_of_its_own() {
    let definition = json!({
        "kind": "rest-api", "code": "orders", "runtime": "python3.12", "layers": ["./layers/common/", ARN],
        "functions": {
            "list": { "handler": "orders.list", "routes": ["GET /orders"] },
            "create": { "handler": "orders.create", "routes": ["POST /orders"], "layers": ["layers/native.zip"] },
            "plain": { "handler": "orders.plain", "routes": ["GET /plain"], "layers": [] },
        }
    });
    let blueprint = blueprint(definition).await;
    assert_eq!(sources(&blueprint), [vec!["layers/native.zip"], vec!["layers/common", ARN], vec![]]);
    let list = &blueprint.functions[1].layers;
    assert_eq!(list[0].package.as_ref().map(String::len), Some(64), "a folder is packed");
    assert_eq!(list[1].package, None, "what is published elsewhere is not");
    let packages: Vec<&str> = blueprint.packages().map(|(of, _)| of).collect();
    assert_eq!(packages, ["create", "list", "plain", "layers/native.zip", "layers/common"]);
}

#[tokio::test]
async fn layers_that_cannot_be_are_refused_with_what_can() {
    let many: Vec<String> = (0..6).map(|number| format!("layers/{number}")).collect();
    let older = ARN.replace(":3", ":2");
    for (layers, why) in [
        (json!(many), "6 layers are too many: a function has 5 at most"),
        (json!(["layers/common", "./layers/common"]), "layer `layers/common` is listed twice"),
        (json!([ARN, older]), "layer:tools:2` is listed twice"),
        (json!(["arn:aws:lambda:eu-west-1:123456789012:layer:tools"]), "names no version of the layer"),
        (json!([""]), "names nothing: give a folder, a zip or the ARN"),
        (json!(["layers/gone"]), "there is no code at `layers/gone`"),
        (json!("layers/common"), r#"it must be a list of texts, such as ["layers/common"]"#),
    ] {
        let world = world(with(orders(), "layers", layers.clone()));
        let refused = deploy_with(&world.service()).await.expect_err("refused");
        assert!(refused.message().contains(why), "{layers}: {refused:?}");
        let field = refused.context().iter().find(|(key, _)| key == "field").map(|(_, field)| field.as_str());
        assert_eq!(field, Some("layers"), "{layers}: {refused:?}");
    }
    let worker = json!({ "kind": "container-service", "image": "registry.example/worker:1", "layers": ["layers/common"] });
    let refused = deploy_with(&world(worker).service()).await.expect_err("refused");
    assert!(refused.message().contains("`layers` means nothing for a container-service"), "{refused:?}");
}

#[tokio::test]
async fn another_content_of_a_layer_is_another_version() {
    let world = world(with(orders(), "layers", json!(["layers/common"])));
    let package = async || {
        let events = world.service().history("dev", "orders").await.expect("a history");
        let last = events.into_iter().rev().find_map(|event| match event.data {
            Event::DeploymentPlanned(planned) => planned.blueprint,
            _ => None,
        });
        last.expect("a plan").functions[0].layers[0].package.clone()
    };
    world.deploy().await;
    let first = package().await;
    world.project.write_code("layers/common", b"changed");
    world.deploy().await;
    assert_ne!(package().await, first);
}
