//! Events from outside: what is meant is carried out, what could mean something else is refused.

use proptest::prelude::*;
use semantest_iac_core::ErrorKind;
use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::intake;
use semantest_iac_core::events::request::RemovalRequested;
use semantest_iac_testkit::world::{World, request};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

fn read(world: &World, event: &Value) -> semantest_iac_core::Result<Envelope> {
    intake::read(event.to_string().as_bytes(), &world.service().envelope(request()))
}

fn whole(event_type: &str, data: Value) -> Value {
    json!({ "specversion": "1.0", "id": "1", "source": "/billing", "type": event_type, "data": data })
}

#[test]
fn a_bare_name_of_ours_need_not_be_written_out() {
    let world = World::new();
    let data = json!({ "component": "orders" });
    for event in
        [json!({ "type": "RemovalRequested", "data": data }), whole("RemovalRequested", data.clone())]
    {
        let read = read(&world, &event).expect("an event");
        assert!(matches!(read.data, Event::RemovalRequested(_)), "{event}");
    }
    let foreign = read(&world, &json!({ "type": "ServiceDeploymentNeeded", "data": {} })).expect("an event");
    assert_eq!(foreign.data.type_name(), "ServiceDeploymentNeeded");
}

#[test]
fn what_could_mean_something_else_is_refused_and_named() {
    let ours = |name: &str| format!("com.semantest.iac.{name}");
    let request = |data: Value| whole(&ours("RollbackRequested"), data);
    let with = |key: &str, value: Value| {
        let mut event = request(json!({ "component": "orders" }));
        event[key] = value;
        event
    };
    let cases = [
        (
            request(json!({ "component": "orders", "to": 1 })),
            "known keys are component, environment, version",
            "data.to",
        ),
        (
            request(json!({ "component": "orders", "enviroment": "x" })),
            "did you mean `environment`?",
            "data.enviroment",
        ),
        (request(json!({ "component": 3 })), "invalid type", "data.component"),
        (request(json!({})), "`component` of RollbackRequested is missing", "data.component"),
        (request(json!([])), "must be a JSON object", "data"),
        (request(Value::Null), "is missing", "data"),
        (whole(&ours("DeploymentRequestd"), json!({})), "did you mean `DeploymentRequested`?", "type"),
        (whole("DeploymentRequestd", json!({})), "did you mean `DeploymentRequested`?", "type"),
        (
            with("dataschema", json!("urn:semantest-iac:RollbackRequested:99")),
            "upgrade semantest-iac",
            "dataschema",
        ),
        (with("dataschema", json!("urn:semantest-iac:RemovalRequested:1")), "must be `urn:", "dataschema"),
        (with("dataschema", json!(7)), "must be `urn:", "dataschema"),
        (with("data_base64", json!("e30=")), "exclude each other", "data_base64"),
        (with("ExtraAttr", json!("x")), "lower-case letters", "ExtraAttr"),
        (with("extra", json!({})), "must be text", "extra"),
        (with("id", json!(3)), "must be text", "id"),
        (with("id", json!("a\0b")), "control character", "id"),
        (with("source", json!("a b")), "without spaces", "source"),
        (with("type", json!("")), "is empty", "type"),
    ];
    let world = World::new();
    for (event, said, field) in cases {
        let error = read(&world, &event).expect_err(said);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{event}");
        assert!(error.message().contains(said), "{event}: {error}");
        let named = error.context().iter().find(|(key, _)| key == "field").map(|(_, field)| field.as_str());
        assert_eq!(
            named.map(|named| named.trim_end_matches('.')),
            Some(field.trim_end_matches('.')),
            "{event}"
        );
    }
}

#[test]
fn an_event_of_another_domain_is_kept_whole() {
    let world = World::new();
    for (more, absent) in [
        (json!({ "datacontenttype": "text/plain", "data": "hello", "myext": "keep", "n": 1 }), "data_base64"),
        (json!({ "datacontenttype": "image/png", "data_base64": "iVBORw==" }), "data"),
    ] {
        let mut event = whole("org.example.Thing", Value::Null);
        event["time"] = json!("2026-11-24T09:00:00Z");
        event.as_object_mut().expect("an object").remove("data");
        more.as_object().expect("an object").iter().for_each(|(key, value)| event[key] = value.clone());
        let envelope = read(&world, &event).expect("an event");
        let again = Envelope::from_json(&envelope.to_json()).expect("what we write we read");
        assert_eq!(again, envelope);
        let written = again.to_value();
        assert!(written.get(absent).is_none(), "{written}");
        for (key, value) in event.as_object().expect("an object") {
            assert_eq!(&written[key], value, "{key}");
        }
    }
}

#[test]
fn an_id_with_a_comma_stays_one_ancestor() {
    let mut envelope = World::new().service().envelope(request());
    envelope.previous_event_ids = vec!["a,b".into(), "50%".into(), "c".into()];
    let again = Envelope::from_json(&envelope.to_json()).expect("an event");
    assert_eq!(again.previous_event_ids, envelope.previous_event_ids);
}

#[test]
fn a_name_given_twice_is_refused_wherever_it_stands() {
    let blank = World::new().service().envelope(request());
    for text in [
        r#"{"type":"DeploymentRequested","type":"RemovalRequested","data":{"component":"orders"}}"#,
        r#"{"type":"DeploymentRequested","data":{"component":"orders","configuration":{"a":[{"b":1,"b":2}]}}}"#,
    ] {
        let error = intake::read(text.as_bytes(), &blank).expect_err(text);
        assert!(error.message().contains("is given twice"), "{error}");
    }
}

#[test]
fn what_this_program_writes_it_takes_in() {
    let world = World::new();
    let event = world.service().envelope(request());
    assert_eq!(read(&world, &event.to_value()).expect("an event"), event);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let blank = World::new().service().envelope(request());
        let _ = intake::read(&bytes, &blank);
    }
}

#[tokio::test]
async fn events_of_different_sources_may_have_the_same_id() {
    let world = World::new();
    let go = CancellationToken::new();
    let service = world.service();
    let from = |source: &str, memory: u32| {
        let mut event = whole(
            "DeploymentRequested",
            json!({ "component": "orders", "configuration": { "memory_mb": memory } }),
        );
        event["source"] = json!(source);
        read(&world, &event).expect("an event")
    };
    for (source, memory, status) in [
        ("/billing", 256, RunStatus::Deployed),
        ("/orders", 512, RunStatus::Deployed),
        ("/billing", 256, RunStatus::Unchanged),
    ] {
        let answer =
            service.publish(from(source, memory), &go).await.expect("a run").result.expect("an answer");
        assert_eq!(answer.status, status, "{source}");
    }
    assert_eq!(world.provider.held()["shop-dev-orders-list"].inputs["memory_mb"], 512);
    let error =
        service.publish(from("/orders", 1024), &go).await.expect_err("the same id for something else");
    assert_eq!(error.kind(), ErrorKind::DuplicateEvent);
}

#[tokio::test]
async fn an_application_event_that_comes_again_deploys_nothing_again() {
    let world = World::new();
    let (service, go) = (world.service(), CancellationToken::new());
    let data = json!({ "service_type": "orders", "environment": "dev", "service_config": {} });
    let event = whole("ServiceDeploymentNeeded", data);
    let first = read(&world, &event).expect("an event");
    let answer = service.publish(first, &go).await.expect("a run").result.expect("an answer");
    assert_eq!(answer.status, RunStatus::Deployed);
    let removal = RemovalRequested { component: "orders".into(), environment: "dev".into() };
    service.remove(service.envelope(removal.clone()), &removal, &go).await.expect("a run");
    // Without a time of its own it has the time of each delivery.
    world.clock.advance(std::time::Duration::from_secs(60));
    let events = world.history().await.len();
    let again = service.publish(read(&world, &event).expect("an event"), &go).await.expect("taken in");
    assert!(again.duplicate);
    assert_eq!(again.result.expect("an answer").status, RunStatus::Unchanged);
    assert_eq!(world.history().await.len(), events);
    assert!(world.provider.held().is_empty(), "what was removed since stays so");
}

#[tokio::test]
async fn an_application_event_taken_in_before_is_said_to_be() {
    let world = World::new();
    let service = world.service();
    let event = read(&world, &whole("org.shop.Thing", json!({}))).expect("an event");
    for duplicate in [false, true] {
        let answer = service.publish(event.clone(), &CancellationToken::new()).await.expect("taken in");
        assert_eq!(answer.duplicate, duplicate);
    }
}
