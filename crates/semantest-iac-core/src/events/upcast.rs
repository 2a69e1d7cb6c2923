//! Reading events of older versions: pure functions from version n to n+1, chained.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::{TYPE_PREFIX, UnknownEvent};
use crate::events::{Event, current_version};

/// Brings the data of one event from `version` to `version + 1`.
type Upcaster = fn(Value) -> Value;

/// Every step there is: event name, version it starts from, and the step.
const UPCASTERS: &[(&str, u32, Upcaster)] = &[("DeploymentRequested", 1, deployment_requested_1_to_2)];

/// Version 1 named the component `component_name` and had no `configuration`.
fn deployment_requested_1_to_2(mut data: Value) -> Value {
    if let Some(map) = data.as_object_mut() {
        if let Some(name) = map.remove("component_name") {
            map.entry("component").or_insert(name);
        }
        map.entry("configuration").or_insert_with(|| Value::Object(Default::default()));
    }
    data
}

/// Reads `data` of `event_type`: an older version is brought up to date, a newer one or an unknown type is kept
/// as it is.
///
/// # Errors
/// `InvalidInput` where data of a known type has another shape than its schema says.
pub fn read(event_type: &str, dataschema: Option<&str>, mut data: Value) -> Result<Event> {
    let unknown = |data: Value| {
        let dataschema = dataschema.map(str::to_owned);
        Ok(Event::Unknown(UnknownEvent {
            event_type: event_type.to_owned(),
            dataschema,
            data,
            attributes: Default::default(),
        }))
    };
    let Some((name, current)) =
        event_type.strip_prefix(TYPE_PREFIX).and_then(|name| Some((name, current_version(name)?)))
    else {
        return unknown(data);
    };
    let version = version_of(dataschema, name).unwrap_or(current);
    if version > current {
        return unknown(data);
    }
    for from in version..current {
        if let Some((_, _, step)) = UPCASTERS.iter().find(|(event, at, _)| *event == name && *at == from) {
            data = step(data);
        }
    }
    Event::from_data(name, data).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "event.read", format!("the data of {name} is not valid: {error}"))
            .with("event", name)
    })
}

/// The version in `urn:semantest-iac:<EventName>:<version>`.
fn version_of(dataschema: Option<&str>, name: &str) -> Option<u32> {
    dataschema?.strip_prefix("urn:semantest-iac:")?.strip_prefix(name)?.strip_prefix(':')?.parse().ok()
}
