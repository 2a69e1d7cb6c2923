//! Property diffs: what differs between two sets of properties.

use serde_json::{Map, Value};

use crate::domain::deployment::plan::PropertyChange;
use crate::domain::deployment::resource::Properties;

/// What differs, sorted by property. Objects are compared key by key (names joined by dots), everything
/// else as a whole; a secret is one value.
pub fn diff_properties(before: &Properties, after: &Properties) -> Vec<PropertyChange> {
    let mut changes = Vec::new();
    diff_maps("", before, after, &mut changes);
    changes.sort_by(|one, other| one.property.cmp(&other.property));
    changes
}

/// Whether nothing differs. A secret without digest (its value could not be read) equals any digest of
/// the same reference.
pub fn same_properties(before: &Properties, after: &Properties) -> bool {
    before.len() == after.len()
        && before.iter().all(|(key, value)| after.get(key).is_some_and(|other| same_value(value, other)))
}

/// Whether `value` is a secret reference.
pub fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.get("secret").is_some_and(Value::is_string))
}

fn same_value(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) if is_secret(before) && is_secret(after) => {
            let digests = (one.get("digest"), other.get("digest"));
            let comparable = matches!(digests, (Some(_), Some(_)));
            one.get("secret") == other.get("secret") && (!comparable || digests.0 == digests.1)
        }
        (Value::Object(one), Value::Object(other)) => same_properties(one, other),
        _ => before == after,
    }
}

fn diff_maps(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    out: &mut Vec<PropertyChange>,
) {
    for (key, value) in before {
        if !after.contains_key(key) {
            out.push(change(join(path, key), Some(value), None));
        }
    }
    for (key, value) in after {
        match before.get(key) {
            None => out.push(change(join(path, key), None, Some(value))),
            Some(old) if same_value(old, value) => {}
            Some(old @ Value::Object(one)) if !is_secret(old) && !is_secret(value) => match value {
                Value::Object(other) => diff_maps(&join(path, key), one, other, out),
                _ => out.push(change(join(path, key), Some(old), Some(value))),
            },
            Some(old) => out.push(change(join(path, key), Some(old), Some(value))),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn change(property: String, before: Option<&Value>, after: Option<&Value>) -> PropertyChange {
    PropertyChange { property, before: before.cloned(), after: after.cloned(), known_after_apply: false }
}
