//! Values as Pulumi sends them: JSON in which some values are secret and some are not known yet.

use std::collections::BTreeMap;
use std::fmt;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Wire};
use serde_json::{Map, Number, Value};

/// Stands for a value that is not known yet.
///
/// Source: Pulumi, sdk/go/common/resource/plugin/rpc.go and sdk/go/common/resource/sig/sig.go, as all below.
const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/// Key of objects that are something else than they look.
pub(crate) const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT: &str = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/// Whole numbers up to here are kept exactly by the floating-point numbers that Pulumi sends.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Properties by name.
pub(crate) type Properties = BTreeMap<String, Property>;

/// A value. `Debug` never shows a secret.
#[derive(Clone, PartialEq)]
pub(crate) enum Property {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Property>),
    Object(Properties),
    /// Kept encrypted in Pulumi's state, never shown.
    Secret(Box<Property>),
    /// Known only when something else has been made.
    Unknown,
}

impl Property {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value without the mark of a secret.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Secret(inner) => inner.plain(),
            other => other,
        }
    }

    /// The object this is, secret or not.
    pub fn as_object(&self) -> Option<&Properties> {
        if let Self::Object(map) = self.plain() { Some(map) } else { None }
    }

    /// Whether something in it is not known yet.
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Secret(inner) => inner.has_unknown(),
            Self::List(list) => list.iter().any(Self::has_unknown),
            Self::Object(map) => map.values().any(Self::has_unknown),
            _ => false,
        }
    }

    /// As JSON; nothing for what is secret or not known, and for Pulumi's assets.
    pub fn to_json(&self) -> Option<Value> {
        Some(match self {
            Self::Secret(_) | Self::Unknown => return None,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Number(number(*value)?),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(list) => Value::Array(list.iter().map(Self::to_json).collect::<Option<_>>()?),
            Self::Object(map) if map.contains_key(SIGNATURE) => return None,
            Self::Object(map) => {
                let entries = map.iter().map(|(key, value)| Some((key.clone(), value.to_json()?)));
                Value::Object(entries.collect::<Option<Map<_, _>>>()?)
            }
        })
    }

    /// From JSON.
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::from_json).collect()),
            Value::Object(map) => Self::Object(from_json_map(map)),
        }
    }

    fn from_wire(value: Wire) -> Self {
        match value.kind {
            None | Some(Kind::NullValue(_)) => Self::Null,
            Some(Kind::BoolValue(value)) => Self::Bool(value),
            Some(Kind::NumberValue(value)) => Self::Number(value),
            Some(Kind::StringValue(text)) if text == UNKNOWN => Self::Unknown,
            Some(Kind::StringValue(text)) => Self::Text(text),
            Some(Kind::ListValue(list)) => Self::List(list.values.into_iter().map(Self::from_wire).collect()),
            Some(Kind::StructValue(fields)) => Self::signed(from_wire(fields)),
        }
    }

    /// What an object really is.
    fn signed(mut map: Properties) -> Self {
        match map.get(SIGNATURE) {
            Some(Self::Text(signature)) if signature == SECRET => {
                let value = map.remove("value").unwrap_or(Self::Null);
                Self::Secret(Box::new(value.plain().clone()))
            }
            Some(Self::Text(signature)) if signature == OUTPUT => {
                let secret = map.get("secret") == Some(&Self::Bool(true));
                match map.remove("value") {
                    None => Self::Unknown,
                    Some(value) if secret => Self::Secret(Box::new(value.plain().clone())),
                    Some(value) => value,
                }
            }
            _ => Self::Object(map),
        }
    }

    fn into_wire(self) -> Wire {
        let kind = match self {
            Self::Null => Kind::NullValue(0),
            Self::Bool(value) => Kind::BoolValue(value),
            Self::Number(value) => Kind::NumberValue(value),
            Self::Text(text) => Kind::StringValue(text),
            Self::List(list) => {
                Kind::ListValue(ListValue { values: list.into_iter().map(Self::into_wire).collect() })
            }
            Self::Object(map) => Kind::StructValue(to_wire(map)),
            Self::Secret(inner) if inner.has_unknown() => Kind::StringValue(UNKNOWN.to_owned()),
            Self::Secret(inner) => Kind::StructValue(to_wire(Properties::from([
                (SIGNATURE.to_owned(), Self::text(SECRET)),
                ("value".to_owned(), *inner),
            ]))),
            Self::Unknown => Kind::StringValue(UNKNOWN.to_owned()),
        };
        Wire { kind: Some(kind) }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::List(list) => list.fmt(f),
            Self::Object(map) => map.fmt(f),
            Self::Secret(_) => f.write_str("[secret]"),
            Self::Unknown => f.write_str("[unknown]"),
        }
    }
}

/// Properties of a message; none where it has none.
pub(crate) fn from_message(fields: Option<Struct>) -> Properties {
    fields.map(from_wire).unwrap_or_default()
}

/// Properties for a message.
pub(crate) fn to_wire(properties: Properties) -> Struct {
    Struct { fields: properties.into_iter().map(|(key, value)| (key, value.into_wire())).collect() }
}

/// Properties of JSON.
pub(crate) fn from_json_map(map: &Map<String, Value>) -> Properties {
    map.iter().map(|(key, value)| (key.clone(), Property::from_json(value))).collect()
}

fn from_wire(fields: Struct) -> Properties {
    fields.fields.into_iter().map(|(key, value)| (key, Property::from_wire(value))).collect()
}

/// Whole numbers come as floating-point ones.
fn number(value: f64) -> Option<Number> {
    match value.fract() == 0.0 && value.abs() <= WHOLE {
        #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        true => Some(Number::from(value as i64)),
        false => Number::from_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(property: Property) -> Property {
        let wire = to_wire(Properties::from([("it".to_owned(), property)]));
        from_message(Some(wire)).remove("it").expect("it")
    }

    #[test]
    fn secrets_stay_secret_and_unknowns_unknown() {
        let object = Properties::from([
            ("plain".to_owned(), Property::Number(256.0)),
            ("secret".to_owned(), Property::Secret(Box::new(Property::text("canary")))),
            ("unknown".to_owned(), Property::Unknown),
        ]);
        let property = Property::List(vec![Property::Object(object), Property::Null]);
        assert_eq!(there_and_back(property.clone()), property);
        assert!(!format!("{property:?}").contains("canary"));
    }

    #[test]
    fn an_output_is_its_value() {
        let output = |fields: &[(&str, Property)]| {
            let mut map = Properties::from([(SIGNATURE.to_owned(), Property::text(OUTPUT))]);
            map.extend(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            there_and_back(Property::Object(map))
        };
        assert_eq!(output(&[]), Property::Unknown);
        assert_eq!(output(&[("value", Property::text("a"))]), Property::text("a"));
        let secret = output(&[("value", Property::text("a")), ("secret", Property::Bool(true))]);
        assert_eq!(secret, Property::Secret(Box::new(Property::text("a"))));
    }

    #[test]
    fn whole_numbers_are_whole_in_json() {
        assert_eq!(Property::Number(256.0).to_json(), Some(Value::from(256)));
        assert_eq!(Property::Number(0.25).to_json(), Some(Value::from(0.25)));
        assert_eq!(Property::Secret(Box::new(Property::Null)).to_json(), None);
    }
}
