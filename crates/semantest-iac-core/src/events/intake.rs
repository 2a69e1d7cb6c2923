//! Events from outside: stricter than what is read from the log. A slip in a request would change infrastructure in
//! another way than was meant, so nothing of it is passed over.
//!
//! Source: CloudEvents 1.0.2, sections "Context attributes" and "Type system", and its JSON event format.

use serde_json::{Map, Value};

use crate::domain::component::nearest;
use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::{Envelope, TYPE_PREFIX};
use crate::events::strict_json::StrictValue;
use crate::events::{DataKeys, EVENT_NAMES, current_version, data_keys, explain_data};

/// Longest `id`, `source`, `type` and `subject`, in bytes.
const ATTRIBUTE_LIMIT: usize = 4096;
/// A bare type that differs from a name of ours in no more letters than this is meant to be it.
const SLIP: usize = 2;

/// Reads an event that somebody wants to publish: a whole CloudEvents event, or only its `type` and `data`; what is
/// missing is taken from `blank`. A bare type (`RollbackRequested`) that is one of ours need not be written out.
///
/// # Errors
/// `InvalidInput` naming the attribute: an unknown event in our own name space, an unknown key of a request, a newer
/// version of an event than this program knows, names given twice, data that is not JSON, and what CloudEvents itself
/// rules out.
pub fn read(json: &[u8], blank: &Envelope) -> Result<Envelope> {
    let StrictValue(value) = serde_json::from_slice(json).map_err(|error| {
        let text = match error.to_string() {
            said if said.starts_with("trailing") => {
                "there is more than one event: publish one at a time".to_owned()
            }
            said => format!("this is no JSON: {said}"),
        };
        malformed("", text).with("line", error.line()).with("column", error.column())
    })?;
    let Value::Object(mut event) = value else {
        return Err(malformed("", "an event is a JSON object".into()));
    };
    fill(&mut event, blank);
    check_attributes(&event)?;
    if event.contains_key("data_base64") && event.contains_key("data") {
        return Err(malformed("data_base64", "`data` and `data_base64` exclude each other".into()));
    }
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(name) = kind.strip_prefix(TYPE_PREFIX) {
        check_ours(name, &event)?;
    }
    Envelope::from_value(Value::Object(event))
}

/// CloudEvents may leave the time out; it is when the event came in then.
fn fill(event: &mut Map<String, Value>, blank: &Envelope) {
    let blank = blank.to_value();
    let required: &[&str] = match event.contains_key("specversion") {
        true => &["time"],
        false => &["time", "specversion", "id", "source"],
    };
    for attribute in required {
        event.entry(*attribute).or_insert_with(|| blank[*attribute].clone());
    }
    // A foreign type has dots, or is no name of ours.
    if let Some(Value::String(kind)) = event.get_mut("type")
        && EVENT_NAMES.iter().any(|name| strsim::damerau_levenshtein(name, kind) <= SLIP)
    {
        *kind = format!("{TYPE_PREFIX}{kind}");
    }
}

fn check_attributes(event: &Map<String, Value>) -> Result<()> {
    for (name, value) in event {
        if !name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            && name != "data_base64"
        {
            let text = format!(
                "`{}` is no name of an attribute: CloudEvents takes lower-case letters and digits",
                name.escape_debug()
            );
            return Err(malformed(&name.escape_debug().to_string(), text));
        }
        let scalar = matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null);
        if name != "data" && !scalar {
            return Err(malformed(name, format!("`{name}` must be text, a number or true or false")));
        }
    }
    for name in ["id", "source", "type"] {
        let Some(value) = event.get(name) else {
            return Err(malformed(name, format!("`{name}` is missing")));
        };
        check_text(name, value)?;
    }
    event
        .get("subject")
        .filter(|subject| !subject.is_null())
        .map_or(Ok(()), |text| check_text("subject", text))
}

fn check_text(name: &str, value: &Value) -> Result<()> {
    let why = match value.as_str() {
        None => "must be text",
        Some("") if name != "subject" => "is empty",
        Some(text) if text.len() > ATTRIBUTE_LIMIT => "is too long (4096 bytes are the most)",
        Some(text) if text.chars().any(char::is_control) => "holds a control character",
        Some(text) if name == "source" && text.contains(char::is_whitespace) => {
            "must be a URI reference, without spaces"
        }
        Some(_) => return Ok(()),
    };
    Err(malformed(name, format!("`{name}` {why}")))
}

/// An event of ours: its name, its version and the keys of its data.
fn check_ours(name: &str, event: &Map<String, Value>) -> Result<()> {
    let Some(known) = current_version(name) else {
        let hint = match nearest(name, EVENT_NAMES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "see `semantest-iac schema` for those there are".into(),
        };
        let name = name.escape_debug();
        return Err(malformed("type", format!("semantest-iac has no event `{name}`; {hint}")));
    };
    let version = match event.get("dataschema") {
        None | Some(Value::Null) => known,
        Some(schema) => version_in(schema, name)?,
    };
    if version > known {
        let text = format!(
            "this is version {version} of {name}, and this program knows {known}: upgrade semantest-iac, or send \
             version {known}"
        );
        return Err(malformed("dataschema", text));
    }
    if event.contains_key("data_base64") {
        let text = format!("{name} takes its data as JSON in `data`, not in `data_base64`");
        return Err(malformed("data_base64", text));
    }
    match event.get("data") {
        // Older versions have other keys; they are judged once they are brought up to date.
        Some(Value::Object(data)) if version == known => check_data(name, data),
        Some(Value::Object(_)) => Ok(()),
        None | Some(Value::Null) => Err(malformed("data", format!("`data` of {name} is missing"))),
        Some(_) => Err(malformed("data", format!("`data` of {name} must be a JSON object"))),
    }
}

fn version_in(schema: &Value, name: &str) -> Result<u32> {
    let version = schema
        .as_str()
        .and_then(|text| text.strip_prefix("urn:semantest-iac:")?.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|version| version.parse().ok())
        .filter(|version| *version > 0);
    version.ok_or_else(|| {
        let text =
            format!("`dataschema` of {name} must be `urn:semantest-iac:{name}:<version>`, or left out");
        malformed("dataschema", text)
    })
}

fn check_data(name: &str, data: &Map<String, Value>) -> Result<()> {
    let DataKeys { known, required } = data_keys(name);
    if let Some(unknown) = data.keys().find(|key| !known.contains(key)) {
        let hint = match nearest(unknown, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys are {}", known.join(", ")),
        };
        let unknown = unknown.escape_debug();
        return Err(malformed(&format!("data.{unknown}"), format!("{name} has no key `{unknown}`; {hint}")));
    }
    if let Some(missing) = required.into_iter().find(|key| !data.contains_key(key)) {
        let text = format!("`{missing}` of {name} is missing");
        return Err(malformed(&format!("data.{missing}"), text));
    }
    match explain_data(name, &Value::Object(data.clone())) {
        Some((path, why)) => Err(malformed(&format!("data.{path}"), format!("`{path}` of {name}: {why}"))),
        None => Ok(()),
    }
}

fn malformed(field: &str, message: String) -> Error {
    let error = Error::new(ErrorKind::InvalidInput, "event.read", message);
    if field.is_empty() { error } else { error.with("field", field) }
}
