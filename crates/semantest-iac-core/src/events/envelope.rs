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

/// `datacontenttype` of our events.
const JSON: &str = "application/json";

/// Attributes that [`Envelope`] has a place for; `datacontenttype` has none, since ours is always JSON.
const UNDERSTOOD: [&str; 12] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "correlationid",
    "causationid",
    "previouseventids",
    "sequence",
    "traceparent",
];

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
        Self::from_cloud_event(event, || serde_json::from_slice(json).unwrap_or_default())
    }

    /// Reads structured JSON that is parsed already.
    ///
    /// # Errors
    /// As [`Envelope::from_json`].
    pub fn from_value(value: Value) -> Result<Self> {
        let whole = value.as_object().cloned().unwrap_or_default();
        let event = serde_json::from_value(value)
            .map_err(|error| malformed(format!("this is not a CloudEvents 1.0 event: {error}")))?;
        Self::from_cloud_event(event, || whole)
    }

    /// `whole` gives all attributes: asked for only where the event is not one of ours.
    fn from_cloud_event(event: CloudEvent, whole: impl FnOnce() -> Map<String, Value>) -> Result<Self> {
        if event.specversion != "1.0" {
            let text = format!("specversion is `{}`; only `1.0` is understood", event.specversion);
            return Err(malformed(text).with("field", "specversion"));
        }
        for (field, value) in [("id", &event.id), ("source", &event.source), ("type", &event.event_type)] {
            if value.is_empty() {
                return Err(malformed(format!("`{field}` is empty")).with("field", field));
            }
        }
        let mut data = upcast::read(&event.event_type, event.dataschema.as_deref(), event.data)
            .map_err(|error| error.with("id", &event.id))?;
        if let Event::Unknown(foreign) = &mut data {
            foreign.attributes = whole();
            foreign.attributes.retain(|name, value| match name.as_str() {
                "data" => false,
                "datacontenttype" => value != JSON,
                name => !UNDERSTOOD.contains(&name),
            });
        }
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
        match &self.data {
            Event::Unknown(_) => serde_json::to_vec(&self.to_value()),
            _ => serde_json::to_vec(&self.to_cloud_event()),
        }
        .unwrap_or_default()
    }

    /// Structured JSON as a value.
    pub fn to_value(&self) -> Value {
        let mut value = serde_json::to_value(self.to_cloud_event()).unwrap_or_default();
        if let (Event::Unknown(foreign), Value::Object(map)) = (&self.data, &mut value) {
            if foreign.attributes.contains_key("data_base64") {
                map.remove("data");
            }
            map.extend(foreign.attributes.clone());
        }
        value
    }

    fn to_cloud_event(&self) -> CloudEvent {
        CloudEvent {
            specversion: "1.0".into(),
            id: self.id.clone(),
            source: self.source.clone(),
            event_type: self.data.type_name(),
            subject: Some(self.subject.clone()),
            time: Some(self.time),
            datacontenttype: Some(JSON.into()),
            dataschema: self.data.dataschema(),
            correlationid: self.correlation_id.clone(),
            causationid: self.causation_id.clone(),
            previouseventids: match self.previous_event_ids.is_empty() {
                true => None,
                false => Some(join_ids(&self.previous_event_ids)),
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
    ids.map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| id.replace("%2C", ",").replace("%25", "%"))
        .collect()
}

/// Foreign ids may hold a comma: it is written as in a URI.
fn join_ids(ids: &[String]) -> String {
    ids.iter().map(|id| id.replace('%', "%25").replace(',', "%2C")).collect::<Vec<_>>().join(",")
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
    /// Every other attribute that this version gives no meaning to, as it came: extensions, `datacontenttype`,
    /// `data_base64`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
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
