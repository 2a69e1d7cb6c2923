//! What requests bring about, over adapters in memory.

use semantest_iac_core::ErrorKind;
use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::application::infrastructure_event_bus::InfrastructureEventBus;
use semantest_iac_core::application::inspect::At;
use semantest_iac_core::application::service::ServiceOptions;
use semantest_iac_core::domain::deployment::plan::StepAction;
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::request::{
    DeploymentRequested, EnvironmentConfigurationRequested, RollbackRequested, ScalingRequested,
    ScalingTarget,
};
use semantest_iac_core::memory::provider::Held;
use semantest_iac_core::ports::event_bus::EventBus;
use semantest_iac_core::ports::lease::LeaseAnswer;
use semantest_iac_testkit::world::{World, deploy_with, listen, orders, request};
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn go() -> CancellationToken {
    CancellationToken::new()
}

fn foreign(id: &str, data: serde_json::Value) -> Envelope {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "/shop", "type": "org.shop.ServiceDeploymentNeeded",
        "time": "2026-11-24T09:00:00Z", "data": data
    });
    Envelope::from_value(event).expect("an event")
}

#[tokio::test]
async fn a_first_deploy_records_intent_and_outcome_of_everything_and_then_what_came_of_it() {
    let world = World::new();
    let ear = listen(&world).await;
    let answer = world.deploy().await;
    assert_eq!((answer.status, answer.version, answer.changes.created), (RunStatus::Deployed, 1, 3));
    assert_eq!(answer.endpoint.as_deref(), Some("http://shop-dev-orders-api.memory"));
    assert_eq!(answer.functions.len(), 2);
    let history = world.history().await;
    let expected = [
        "DeploymentRequested",
        "DeploymentPlanned",
        "DeploymentStarted",
        "ResourceChangeStarted function.create",
        "ResourceChangeStarted function.list",
        "ResourceCreated function.create",
        "ResourceCreated function.list",
        "ResourceChangeStarted api",
        "ResourceCreated api",
        "FunctionDeployed",
        "FunctionDeployed",
        "ApiGatewayDeployed",
        "InfrastructureUpdated",
    ];
    assert_eq!(history, expected);
    let heard = ear.0.lock().expect("no panic").clone();
    let names: Vec<&str> = expected.iter().map(|label| label.split(' ').next().expect("a name")).collect();
    assert_eq!(heard, names, "everything recorded is published, in order");
}

#[tokio::test]
async fn every_event_of_a_run_says_what_brought_it_about() {
    let world = World::new();
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    let request = &events[0];
    for event in &events[1..] {
        assert_eq!(event.causation_id.as_ref(), Some(&request.id), "{}", event.name());
        assert_eq!(event.correlation_id.as_ref(), Some(&request.id), "{}", event.name());
        assert_eq!(
            event.previous_event_ids.as_slice(),
            std::slice::from_ref(&request.id),
            "{}",
            event.name()
        );
    }
    assert!(events.iter().enumerate().all(|(at, event)| event.sequence == Some(at as u64 + 1)));
}

#[tokio::test]
async fn with_nothing_to_do_no_call_is_made() {
    let world = World::new();
    world.deploy().await;
    let calls = world.provider.calls().len();
    let answer = world.deploy().await;
    assert_eq!((answer.status, answer.version, answer.changes.unchanged), (RunStatus::Unchanged, 1, 3));
    assert_eq!(world.provider.calls().len(), calls);
    assert_eq!(world.history().await[13..], ["DeploymentRequested", "DeploymentPlanned"]);
}

#[tokio::test]
async fn new_code_touches_the_functions_and_nothing_else() {
    let world = World::new();
    world.deploy().await;
    world.project.write_code("orders", b"version two");
    let before = world.provider.calls().len();
    let answer = world.deploy().await;
    assert_eq!((answer.changes.updated, answer.changes.unchanged, answer.version), (2, 1, 2));
    assert_eq!(world.provider.calls()[before..], ["apply function.create", "apply function.list"]);
}

#[tokio::test]
async fn a_function_that_is_no_longer_wanted_goes_after_the_api_has_let_go_of_it() {
    let world = World::new();
    world.deploy().await;
    let mut definition = orders();
    definition["functions"].as_object_mut().expect("functions").remove("create");
    world.project.define_component("orders", definition);
    let before = world.provider.calls().len();
    let answer = world.deploy().await;
    assert_eq!((answer.changes.updated, answer.changes.deleted), (1, 1));
    assert_eq!(world.provider.calls()[before..], ["apply api", "delete function.create"]);
    assert_eq!(world.provider.held().len(), 2);
}

#[tokio::test]
async fn a_rollback_brings_code_settings_and_scaling_back() {
    let world = World::new();
    world.deploy().await;
    let wanted = world.provider.held();
    world.project.write_code("orders", b"version two");
    world.deploy().await;
    let service = world.service();
    let configure = EnvironmentConfigurationRequested {
        component: "orders".into(),
        environment: "dev".into(),
        variables: [("LEVEL".to_owned(), SettingValue::Plain("debug".into()))].into(),
        unset: Vec::new(),
        tags: Default::default(),
    };
    service.configure(service.envelope(configure.clone()), &configure, &go()).await.expect("a run");
    let target = ScalingTarget { reserved_concurrency: Some(5), ..Default::default() };
    let (component, environment) = ("orders".into(), "dev".into());
    let scale = ScalingRequested { component, environment, function: Some("list".into()), target };
    let scaled = service.scale(service.envelope(scale.clone()), &scale, &go()).await.expect("a run");
    assert_eq!((scaled.changes.updated, scaled.version), (1, 4), "one function of two");
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged, "settings and scaling stay in force");

    let back = RollbackRequested { component: "orders".into(), environment: "dev".into(), version: Some(1) };
    let answer = service.rollback(service.envelope(back.clone()), &back, &go()).await.expect("a run");
    assert_eq!((answer.status, answer.version), (RunStatus::Deployed, 5));
    assert_eq!(world.provider.held(), wanted);
    world.project.write_code("orders", b"version one");
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged, "what is in force is version 1's");
    let unknown = RollbackRequested { version: Some(9), ..back };
    let error =
        service.rollback(service.envelope(unknown.clone()), &unknown, &go()).await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_setting_is_unset_to_what_is_defined() {
    let world = World::new();
    let mut definition = orders();
    definition["environment_variables"] = json!({ "LEVEL": "info" });
    world.project.define_component("orders", definition);
    world.deploy().await;
    let level = |world: &World| {
        world.provider.held()["shop-dev-orders-list"].inputs["environment_variables"]["LEVEL"].clone()
    };
    let service = world.service();
    let configure = |set: bool| EnvironmentConfigurationRequested {
        component: "orders".into(),
        environment: "dev".into(),
        variables: set
            .then(|| ("LEVEL".to_owned(), SettingValue::Plain("debug".into())))
            .into_iter()
            .collect(),
        unset: if set { Vec::new() } else { vec!["LEVEL".into()] },
        tags: Default::default(),
    };
    for (set, wanted) in [(true, "debug"), (false, "info")] {
        let request = configure(set);
        service.configure(service.envelope(request.clone()), &request, &go()).await.expect("a run");
        assert_eq!(level(&world), wanted);
    }
}

#[tokio::test]
async fn a_removal_leaves_nothing_and_can_be_repeated_and_undone() {
    let world = World::new();
    assert_eq!(world.destroy().await.status, RunStatus::Unchanged, "never deployed");
    world.deploy().await;
    let answer = world.destroy().await;
    assert_eq!((answer.status, answer.changes.deleted), (RunStatus::Removed, 3));
    assert!(world.provider.held().is_empty());
    assert_eq!(world.destroy().await.status, RunStatus::Unchanged);
    assert_eq!(world.deploy().await.version, 2);
    assert_eq!(world.provider.held().len(), 3);
}

#[tokio::test]
async fn the_state_can_be_seen_as_it_was() {
    let world = World::new();
    world.deploy().await;
    let then =
        world.service().history("dev", "orders").await.expect("a history").last().expect("an event").time;
    world.clock.advance(Duration::from_secs(60));
    world.destroy().await;
    let service = world.service();
    for at in [At::Version(1), At::Time(then)] {
        let (state, _) = service.state_at("dev", "orders", at).await.expect("a state");
        assert_eq!((state.status.as_str(), state.resources.len()), ("deployed", 3), "{at:?}");
    }
    for at in [At::Version(2), At::Time("1969-01-01T00:00:00Z".parse().expect("a time"))] {
        assert_eq!(
            service.state_at("dev", "orders", at).await.expect_err("never").kind(),
            ErrorKind::NotFound
        );
    }
    let status = service.status(Some("dev"), None).await.expect("a status");
    assert_eq!(status.deployments[0].status, "removed");
}

#[tokio::test]
async fn drift_is_recorded_once_planned_and_brought_back() {
    let world = World::new();
    world.deploy().await;
    let wanted = world.provider.held();
    world.provider.tamper(|held| {
        held.get_mut("shop-dev-orders-list").expect("held").inputs["memory_mb"] = json!(1);
        held.remove("shop-dev-orders-api");
    });
    let service = world.service();
    let found = service.refresh("dev", "orders").await.expect("a look");
    assert_eq!((found.checked, found.drift.len()), (3, 2));
    let events = world.history().await.len();
    assert_eq!(service.refresh("dev", "orders").await.expect("a look").drift.len(), 2);
    assert_eq!(world.history().await.len(), events, "what is known is not recorded again");
    let plan = service.plan(&request()).await.expect("a plan");
    assert_eq!((plan.changes.created, plan.changes.updated), (1, 1), "{:#?}", plan.steps);
    world.deploy().await;
    assert_eq!(world.provider.held(), wanted);
    assert!(service.refresh("dev", "orders").await.expect("a look").drift.is_empty());
}

#[tokio::test]
async fn an_output_that_is_another_now_is_drift_and_recorded_by_the_next_deploy() {
    let world = World::new();
    let endpoint = world.deploy().await.endpoint.expect("an endpoint");
    world.provider.tamper(|held| {
        let outputs = &mut held.get_mut("shop-dev-orders-api").expect("held").outputs;
        outputs.insert("endpoint".into(), json!("http://elsewhere"));
        outputs.insert("stage".into(), json!("of no concern to the log"));
    });
    let service = world.service();
    let found = service.refresh("dev", "orders").await.expect("a look");
    assert_eq!(found.drift.len(), 1);
    let [change] = found.drift[0].diff.as_slice() else { panic!("one change: {found:?}") };
    assert_eq!(change.property, "outputs.endpoint");
    assert_eq!((&change.before, &change.after), (&Some(json!(endpoint)), &Some(json!("http://elsewhere"))));
    let plan = service.plan(&request()).await.expect("a plan");
    let step = plan.steps.iter().find(|step| step.action == StepAction::Update).expect("an update");
    assert_eq!(step.diff[0].after, change.after, "what was found is what it becomes");
    assert_eq!(world.deploy().await.changes.updated, 1);
    assert!(service.refresh("dev", "orders").await.expect("a look").drift.is_empty());
}

#[tokio::test]
async fn drift_that_was_mended_by_hand_is_forgotten() {
    let world = World::new();
    world.deploy().await;
    let set = |memory: u32| {
        move |held: &mut std::collections::BTreeMap<String, Held>| {
            held.get_mut("shop-dev-orders-list").expect("held").inputs["memory_mb"] = json!(memory);
        }
    };
    world.provider.tamper(set(1));
    world.service().refresh("dev", "orders").await.expect("a look");
    world.provider.tamper(set(256));
    world.service().refresh("dev", "orders").await.expect("a look");
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged);
}

#[tokio::test]
async fn a_request_that_is_delivered_twice_is_carried_out_once() {
    let world = World::new();
    let service = world.service();
    let envelope = service.envelope(request());
    let first = service.publish(envelope.clone(), &go()).await.expect("a run").result.expect("an answer");
    assert_eq!(first.status, RunStatus::Deployed);
    world.project.write_code("orders", b"version two");
    let second = service.publish(envelope, &go()).await.expect("a run").result.expect("an answer");
    assert_eq!((second.status, second.version), (RunStatus::Unchanged, 1), "the same request, not a new one");
}

#[tokio::test]
async fn an_application_event_becomes_a_request_with_the_environments_provider() {
    let world = World::new();
    let service = Arc::new(world.service());
    InfrastructureEventBus::attach(&service).await.expect("attached");
    let data =
        json!({ "service_type": "orders", "environment": "dev", "service_config": { "memory_mb": 512 } });
    let event = Arc::new(foreign("needed-1", data));
    assert!(world.bus.publish(&[event.clone(), event]).await.expect("published").is_empty());
    let history = service.history("dev", "orders").await.expect("a history");
    assert_eq!(history[0].causation_id.as_deref(), Some("needed-1"));
    let id = uuid::Uuid::parse_str(&history[0].id).expect("an id of ours");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(history.iter().filter(|event| event.name() == "DeploymentRequested").count(), 1);
    assert_eq!(world.provider.held()["shop-dev-orders-list"].inputs["memory_mb"], 512);

    let broken = Arc::new(foreign("needed-2", json!({ "environment": "dev" })));
    let failed = world.bus.publish(&[broken]).await.expect("published");
    assert!(failed[0].error.message().contains("service_type"), "{:?}", failed[0].error);
}

#[tokio::test]
async fn what_is_wrong_with_a_definition_is_said_before_anything_is_done() {
    let cases = [
        (json!({ "memory_mb": 64 }), "from 128 to 10240"),
        (json!({ "timeout_s": 901 }), "from 1 to 900"),
        (json!({ "functions": { "list": { "routes": ["FETCH /x"] } } }), "the method is unknown"),
        (json!({ "functions": { "list": { "routes": ["POST /orders"] } } }), "belongs to both"),
        (json!({ "functions": { "list": { "handler": null } } }), "has no `handler`"),
        (json!({ "environment_variables": { "A B": "x" } }), "no name for an environment variable"),
        (json!({ "environment_variables": { "A": { "secret": "plain" } } }), "needs a scheme"),
        (
            json!({ "environment_variables": { "A": { "secret": "vault:x" } } }),
            "cannot resolve; it resolves: memory",
        ),
        (
            json!({ "environment_variables": { "A": { "secret": "memory:" } } }),
            "names nothing after `memory:`",
        ),
        (json!({ "environment_variables": { "AWS_REGION": "x" } }), "is set by the runtime itself"),
        (json!({ "environment_variables": { "A": "x".repeat(70_000) } }), "longer than 64 KiB"),
        (json!({ "environment_variables": { "A": 1 } }), "must be text, or a reference"),
        (json!({ "memory_mb": "much" }), "a whole number, in MiB"),
        (
            json!({ "functions": { "list": { "routes": ["GET /{a}", "GET /{b}"] } } }),
            "match the same requests",
        ),
        (json!({ "functions": { "list": { "routes": ["GET /{a}/{a}"] } } }), "have the same name"),
        (json!({ "functions": { "list": { "routes": ["GET /\u{0}"] } } }), "control character"),
        (json!({ "functions": { "list": { "handler": "../x.handler" } } }), "leads out of the code"),
        (json!({ "functions": { "list": { "handler": "" } } }), "is no handler"),
        (json!({ "routes": ["GET /"] }), "beside `functions`"),
        (json!({ "kind": "websocket" }), "is not a WebSocket route"),
        (json!({ "code": "nowhere" }), "no code at `nowhere`"),
        (json!({ "kind": "teapot" }), "cannot be used"),
        (json!({ "memry_mb": 1 }), "did you mean `memory_mb`"),
    ];
    for (configuration, said) in cases {
        let world = World::new();
        let service = world.service();
        let mut request = request();
        request.configuration = configuration.as_object().cloned().unwrap_or_else(Map::new);
        let error = service.deploy(service.envelope(request.clone()), &request, &go()).await.expect_err(said);
        assert!(error.message().contains(said), "{configuration}: {error}");
        assert!(
            world.provider.calls().is_empty() && service.history("dev", "orders").await.is_err(),
            "{said}"
        );
    }
}

#[tokio::test]
async fn what_stands_in_an_environment_variable_is_never_a_reference() {
    let world = World::new();
    let mut definition = orders();
    definition["environment_variables"] =
        json!({ "A": "${api.endpoint}", "B": "${function.nowhere.arn} ${HOME}" });
    world.project.define_component("orders", definition.clone());
    assert_eq!(world.deploy().await.status, RunStatus::Deployed);
    let held = &world.provider.held()["shop-dev-orders-list"];
    assert_eq!(held.inputs["environment_variables"], definition["environment_variables"]);
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged);
}

#[tokio::test]
async fn a_stop_before_anything_is_begun_leaves_no_trace() {
    let world = World::new();
    let service = world.service();
    let stopped = go();
    stopped.cancel();
    let error = service.deploy(service.envelope(request()), &request(), &stopped).await.expect_err("stopped");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Cancelled, semantest_iac_core::Retry::Later));
    assert_eq!(service.history("dev", "orders").await.expect_err("no history").kind(), ErrorKind::NotFound);
    assert!(world.provider.calls().is_empty());
}

#[tokio::test]
async fn a_rollback_whose_code_is_lost_is_refused_before_anything_is_begun() {
    let world = World::new();
    world.deploy().await;
    let lost = world.artifacts.list().await.expect("a list").remove(0).0;
    world.project.write_code("orders", b"version two");
    world.deploy().await;
    world.artifacts.remove(&lost).await.expect("removed");
    let service = world.service();
    let back = RollbackRequested { component: "orders".into(), environment: "dev".into(), version: Some(1) };
    let events = world.history().await.len();
    let error = service.rollback(service.envelope(back.clone()), &back, &go()).await.expect_err("lost");
    assert!(error.message().contains("deploy it anew"), "{error}");
    assert_eq!(world.history().await.len(), events);
}

#[tokio::test]
async fn a_rollback_after_a_failed_run_goes_to_the_version_before_it() {
    let world = World::new();
    world.deploy().await;
    world.project.write_code("orders", b"version two");
    world.deploy().await;
    let theirs = Held { tags: None, kind: "memory.function".into(), inputs: Map::new(), outputs: Map::new() };
    let mut definition = orders();
    definition["functions"]["extra"] = json!({ "handler": "orders.extra", "routes": ["GET /extra"] });
    definition["memory_mb"] = json!(512);
    world.project.define_component("orders", definition);
    world.provider.tamper(|held| drop(held.insert("shop-dev-orders-extra".into(), theirs)));
    assert_eq!(world.deploy().await.status, RunStatus::Failed);
    let wanted = world.provider.held()["shop-dev-orders-list"].inputs["package"].clone();
    let service = world.service();
    let back = RollbackRequested { component: "orders".into(), environment: "dev".into(), version: None };
    let answer = service.rollback(service.envelope(back.clone()), &back, &go()).await.expect("a run");
    assert_eq!((answer.status, answer.version), (RunStatus::Deployed, 3));
    let list = &world.provider.held()["shop-dev-orders-list"];
    assert_eq!((&list.inputs["package"], &list.inputs["memory_mb"]), (&wanted, &json!(256)));
}

#[tokio::test]
async fn the_clock_of_another_source_does_not_move_what_was_when() {
    let world = World::new();
    let service = world.service();
    world.deploy().await;
    let mut event = service.envelope(DeploymentRequested {
        configuration: json!({ "memory_mb": 512 }).as_object().cloned().unwrap_or_default(),
        ..request()
    });
    event.source = "/billing".into();
    event.time = "2099-01-01T00:00:00Z".parse().expect("a time");
    world.clock.advance(Duration::from_secs(60));
    let before = now(&world);
    world.clock.advance(Duration::from_secs(60));
    service.publish(event, &go()).await.expect("a run");
    world.clock.advance(Duration::from_secs(60));
    let at = |time| service.state_at("dev", "orders", At::Time(time));
    assert_eq!(at(before).await.expect("a state").0.version, 1);
    assert_eq!(at(now(&world)).await.expect("a state").0.version, 2);
    let position = service.recorded_before(before).await.expect("a position");
    let first =
        world.store.read_all(position, 1).await.expect("a page").remove(0).envelope().expect("an event");
    assert_eq!((first.name(), first.source.as_str()), ("DeploymentRequested", "/billing"));
}

#[tokio::test]
async fn no_more_is_kept_warm_than_may_run() {
    let world = World::new();
    world.deploy().await;
    let service = world.service();
    let target = ScalingTarget {
        reserved_concurrency: Some(1),
        provisioned_concurrency: Some(5),
        ..ScalingTarget::default()
    };
    let scale =
        ScalingRequested { component: "orders".into(), environment: "dev".into(), function: None, target };
    let error = service.scale(service.envelope(scale.clone()), &scale, &go()).await.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_complete_configuration_needs_no_definition() {
    let world = World::new();
    let service = world.service();
    let mut request = request();
    request.component = "extra".into();
    let error =
        service.deploy(service.envelope(request.clone()), &request, &go()).await.expect_err("unknown");
    assert!(error.message().contains("the project defines: orders"), "{error}");
    let configuration =
        json!({ "kind": "container-service", "image": "registry.example/worker:1", "port": 80 });
    request.configuration = configuration.as_object().cloned().expect("an object");
    let answer = service.deploy(service.envelope(request.clone()), &request, &go()).await.expect("a run");
    assert_eq!((answer.status, answer.changes.created), (RunStatus::Deployed, 2));
    let names: Vec<String> = service
        .history("dev", "extra")
        .await
        .expect("a history")
        .iter()
        .map(|e| e.name().to_owned())
        .collect();
    for fact in ["ContainerServiceDeployed", "LoadBalancerDeployed"] {
        assert!(names.iter().any(|name| name == fact), "{fact} in {names:?}");
    }
}

#[tokio::test]
async fn a_deployment_does_not_move_to_another_provider() {
    let world = World::new();
    world.deploy().await;
    world.project.define_environment("dev", "elsewhere");
    let error = deploy_with(&world.service()).await.expect_err("no such provider");
    assert!(error.message().contains("this build has: memory"), "{error}");
    let mut moved = request();
    moved.provider = Some("memory".into());
    moved.region = Some("mars".into());
    let service = world.service();
    let error = service.deploy(service.envelope(moved.clone()), &moved, &go()).await.expect_err("moved");
    assert!(error.message().contains("destroy it first"), "{error}");
}

#[tokio::test]
async fn what_exists_and_is_not_ours_is_left_alone_and_the_rest_can_be_resumed() {
    let world = World::new();
    let theirs = Held { tags: None, kind: "memory.function".into(), inputs: Map::new(), outputs: Map::new() };
    world.provider.tamper(|held| drop(held.insert("shop-dev-orders-list".into(), theirs.clone())));
    let answer = world.deploy().await;
    let error = answer.error.expect("an error");
    assert_eq!((answer.status, error.kind), (RunStatus::Failed, ErrorKind::DeploymentFailed));
    assert!(error.message.contains("not ours"), "{}", error.message);
    assert_eq!(world.provider.held()["shop-dev-orders-list"], theirs);
    assert_eq!(answer.changes.created, 1, "what does not depend on it is done");
    let history = world.history().await;
    assert_eq!(history[history.len() - 2..], ["FunctionDeployed", "InfrastructureUpdateFailed"]);
    world.provider.tamper(|held| drop(held.remove("shop-dev-orders-list")));
    let answer = world.deploy().await;
    assert_eq!((answer.status, answer.version), (RunStatus::Deployed, 1));
    assert_eq!(world.provider.held().len(), 3);
}

#[tokio::test]
async fn a_deployment_that_is_held_is_refused_with_the_holder_or_waited_for() {
    let world = World::new();
    let hold = || world.leases.acquire("shop/dev/orders", "alice", now(&world), Duration::from_secs(60));
    let LeaseAnswer::Acquired(_) = hold().await.expect("a lease") else { panic!("it is free") };
    let error = deploy_with(&world.service()).await.expect_err("held");
    assert_eq!(error.kind(), ErrorKind::Held);
    assert!(error.message().contains("alice") && error.message().contains("since"), "{error}");
    // The manual clock moves by each wait: the lease expires meanwhile.
    let patient = ServiceOptions { lease_wait: Duration::from_secs(120), ..ServiceOptions::default() };
    let service = world.service_with(world.provider.clone(), world.store.clone(), patient);
    assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Deployed);
}

#[tokio::test]
async fn a_stop_that_comes_before_the_wait_for_a_holder_is_told_as_a_stop() {
    let world = World::new();
    let held = world.leases.acquire("shop/dev/orders", "alice", now(&world), Duration::from_secs(60)).await;
    assert!(matches!(held, Ok(LeaseAnswer::Acquired(_))), "it is free");
    let patient = ServiceOptions { lease_wait: Duration::from_secs(120), ..ServiceOptions::default() };
    let service = world.service_with(world.provider.clone(), world.store.clone(), patient);
    let stopped = go();
    stopped.cancel();
    let error = service.deploy(service.envelope(request()), &request(), &stopped).await.expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(world.provider.calls().is_empty());
}

fn now(world: &World) -> semantest_iac_core::ports::clock::Timestamp {
    semantest_iac_core::ports::clock::Clock::now(world.clock.as_ref())
}
