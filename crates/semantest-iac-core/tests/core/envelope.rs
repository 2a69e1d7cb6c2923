//! The envelope: CloudEvents in, CloudEvents out, older versions upcast, unknown types kept.

use proptest::prelude::*;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::{EVENT_NAMES, Event, current_version, data_schema};
use serde_json::{Value, json};

fn event(data: Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": "any-non-empty-text",
        "source": "/semantest-iac/shop",
        "type": "com.semantest.iac.DeploymentRequested",
        "subject": "shop/dev/rest-api",
        "time": "2026-11-24T09:00:00.123456Z",
        "dataschema": "urn:semantest-iac:DeploymentRequested:2",
        "correlationid": "c",
        "causationid": "b",
        "previouseventids": "b,a",
        "sequence": "7",
        "data": data
    })
}

fn requested() -> Value {
    json!({ "component": "rest-api", "environment": "dev", "configuration": { "CamelCase-key": { "x_y": 1 } } })
}

#[test]
fn every_attribute_survives_reading_and_writing() {
    let envelope = Envelope::from_value(event(requested())).expect("an event");
    assert_eq!(envelope.previous_event_ids, ["b", "a"]);
    assert_eq!(envelope.sequence, Some(7));
    let again = Envelope::from_json(&envelope.to_json()).expect("what we write we can read");
    assert_eq!(again, envelope);
}

#[test]
fn keys_of_user_maps_are_never_rewritten() {
    let envelope = Envelope::from_value(event(requested())).expect("an event");
    assert_eq!(envelope.to_value()["data"]["configuration"], json!({ "CamelCase-key": { "x_y": 1 } }));
}

#[test]
fn an_event_of_version_1_is_upcast() {
    let old = include_bytes!("fixtures/DeploymentRequested.1.json");
    let envelope = Envelope::from_json(old).expect("the fixture");
    let Event::DeploymentRequested(request) = envelope.data else { panic!("{:?}", envelope.data) };
    assert_eq!(request.component, "rest-api");
    assert!(request.configuration.is_empty());
}

#[test]
fn an_unknown_type_is_kept_as_it_is() {
    let mut foreign = event(json!({ "service_type": "rest-api", "Odd Key": [1, 2.5, null] }));
    foreign["type"] = json!("org.example.ServiceDeploymentNeeded");
    foreign["dataschema"] = json!("https://example.org/schema");
    let envelope = Envelope::from_value(foreign.clone()).expect("an event");
    assert_eq!(envelope.name(), "ServiceDeploymentNeeded");
    let written = envelope.to_value();
    for attribute in ["type", "dataschema", "data", "id"] {
        assert_eq!(written[attribute], foreign[attribute], "{attribute}");
    }
}

#[test]
fn a_version_newer_than_this_program_is_kept_unread() {
    let mut newer = event(json!({ "something": "else" }));
    newer["dataschema"] = json!("urn:semantest-iac:DeploymentRequested:99");
    let envelope = Envelope::from_value(newer).expect("an event");
    assert!(matches!(envelope.data, Event::Unknown(_)));
    assert_eq!(envelope.to_value()["dataschema"], json!("urn:semantest-iac:DeploymentRequested:99"));
}

#[test]
fn what_is_wrong_with_an_event_is_said() {
    let cases: [(&str, Value, &str); 6] = [
        ("specversion", json!("0.3"), "specversion"),
        ("id", json!(""), "`id` is empty"),
        ("source", json!(""), "`source` is empty"),
        ("time", json!("yesterday"), "not a CloudEvents"),
        ("data", json!({ "component": 5 }), "DeploymentRequested"),
        ("data", json!("text"), "DeploymentRequested"),
    ];
    for (field, value, said) in cases {
        let mut bad = event(requested());
        bad[field] = value;
        let error = Envelope::from_value(bad).expect_err(field);
        assert!(error.message().contains(said), "{field}: {error}");
    }
}

#[test]
fn every_event_has_a_version_and_a_schema() {
    for name in EVENT_NAMES {
        assert!(current_version(name).is_some(), "{name}");
        let schema = data_schema(name).expect(name);
        assert!(schema["description"].is_string(), "{name} says what it is");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Envelope::from_json(&bytes);
    }

    #[test]
    fn no_json_makes_reading_panic(text in "[{}\\[\\]\":,a-z0-9. -]{0,200}") {
        let _ = Envelope::from_json(text.as_bytes());
    }
}
