//! The envelope: CloudEvents 1.0, structured JSON mode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, upcast};

/// Prefix of every event type of ours.
pub const TYPE_PREFIX: &str = "com.semantest.iac.";

/// An event with all that CloudEvents 1.0 says of it, and our extensions.
///
/// Source: CloudEvents 1.0.2, section "Context attributes", and its JSON event format.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Unique with `source`. Ours are UUIDv7; foreign ones are opaque non-empty text.
    pub id: String,
    /// `/semantest-iac/<project>`.
    pub source: String,
    /// The stream.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub data: Event,
    /// Groups everything that one request brought about.
    pub correlation_id: Option<String>,
    /// The event that brought this one about.
    pub causation_id: Option<String>,
    /// Ancestry, newest first.
    pub previous_event_ids: Vec<String>,
    /// Place in the stream, given by the store: 1, 2, 3, ….
    pub sequence: Option<u64>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// The JSON form, in the order it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Envelope")]
pub(crate) struct CloudEvent {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataschema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlationid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previouseventids: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default)]
    data: Value,
}

/// CloudEvents' sequence extension is text; numbers are read too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Sequence {
    Number(u64),
    Text(String),
}

impl Envelope {
    /// The event's name, e.g. `FunctionDeployed`.
    pub fn name(&self) -> &str {
        self.data.name()
    }

    /// What tells it from every other event: `source` and `id` (CloudEvents 1.0.2, "Required attributes").
    pub fn identity(&self) -> (String, String) {
        (self.source.clone(), self.id.clone())
    }

    /// Reads structured JSON; data of an older version is upcast, an unknown type is kept as it is.
    ///
    /// # Errors
    /// `InvalidInput` saying which attribute is missing or malformed.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let event: CloudEvent = serde_json::from_slice(json).map_err(|error| {
            malformed(format!("this is not a CloudEvents 1.0 event: {error}"))
                .with("line", error.line())
                .with("column", error.column())
        })?;
        Self::from_cloud_event(event)
    }

    /// Reads structured JSON that is parsed already.
    ///
    /// # Errors
    /// As [`Envelope::from_json`].
    pub fn from_value(value: Value) -> Result<Self> {
        let event = serde_json::from_value(value)
            .map_err(|error| malformed(format!("this is not a CloudEvents 1.0 event: {error}")))?;
        Self::from_cloud_event(event)
    }

    fn from_cloud_event(event: CloudEvent) -> Result<Self> {
        if event.specversion != "1.0" {
            let text = format!("specversion is `{}`; only `1.0` is understood", event.specversion);
            return Err(malformed(text).with("field", "specversion"));
        }
        for (field, value) in [("id", &event.id), ("source", &event.source), ("type", &event.event_type)] {
            if value.is_empty() {
                return Err(malformed(format!("`{field}` is empty")).with("field", field));
            }
        }
        let data = upcast::read(&event.event_type, event.dataschema.as_deref(), event.data)
            .map_err(|error| error.with("id", &event.id))?;
        let time = event.time.ok_or_else(|| malformed("`time` is missing".into()).with("field", "time"))?;
        Ok(Self {
            id: event.id,
            source: event.source,
            subject: event.subject.unwrap_or_default(),
            time,
            data,
            correlation_id: event.correlationid,
            causation_id: event.causationid,
            previous_event_ids: split_ids(event.previouseventids.as_deref()),
            sequence: event.sequence.and_then(|sequence| match sequence {
                Sequence::Number(number) => Some(number),
                Sequence::Text(text) => text.parse().ok(),
            }),
            traceparent: event.traceparent,
        })
    }

    /// Structured JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Serialising plain data into memory cannot fail.
        serde_json::to_vec(&self.to_cloud_event()).unwrap_or_default()
    }

    /// Structured JSON as a value.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self.to_cloud_event()).unwrap_or_default()
    }

    fn to_cloud_event(&self) -> CloudEvent {
        CloudEvent {
            specversion: "1.0".into(),
            id: self.id.clone(),
            source: self.source.clone(),
            event_type: self.data.type_name(),
            subject: Some(self.subject.clone()),
            time: Some(self.time),
            datacontenttype: Some("application/json".into()),
            dataschema: self.data.dataschema(),
            correlationid: self.correlation_id.clone(),
            causationid: self.causation_id.clone(),
            previouseventids: match self.previous_event_ids.is_empty() {
                true => None,
                false => Some(self.previous_event_ids.join(",")),
            },
            sequence: self.sequence.map(|number| Sequence::Text(number.to_string())),
            traceparent: self.traceparent.clone(),
            data: self.data.to_data(),
        }
    }

    /// JSON Schema of the structured JSON form.
    pub fn json_schema() -> Value {
        schemars::schema_for!(CloudEvent).to_value()
    }
}

fn split_ids(text: Option<&str>) -> Vec<String> {
    let ids = text.into_iter().flat_map(|text| text.split(','));
    ids.map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn malformed(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "event.read", message)
}

/// An event of a type this version does not know. Kept and passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownEvent {
    /// The full `type`.
    pub event_type: String,
    /// `dataschema`, where given.
    pub dataschema: Option<String>,
    /// The data as it came.
    pub data: Value,
}

impl UnknownEvent {
    /// The last segment of the type.
    pub fn name(&self) -> &str {
        self.event_type.rsplit('.').next().unwrap_or(&self.event_type)
    }

    /// The data as a map; empty where it is none.
    pub fn data_map(&self) -> Map<String, Value> {
        self.data.as_object().cloned().unwrap_or_default()
    }
}
