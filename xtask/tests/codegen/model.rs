//! What the schemas say, as a language's printer wants it: names, fields, types, defaults, words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Maps whose keys are known: event, field, and what `configuration` calls them.
const KEYS_KNOWN: [(&str, &str, &str); 1] =
    [("DeploymentRequested", "configuration", "ComponentConfiguration")];

/// Everything there is to print.
pub(crate) struct Model {
    /// Events in the order of the core's list.
    pub events: Vec<Event>,
    /// Everything that has a name of its own, of events and answers.
    pub definitions: Definitions,
    /// Names of the answers that a program gets.
    pub answers: Vec<String>,
    /// What a component's configuration is made of, in a name space of its own: there a key may be left out that a
    /// blueprint has.
    pub configuration: Definitions,
}

/// Definitions by name.
pub(crate) type Definitions = BTreeMap<String, Definition>;

/// An event.
pub(crate) struct Event {
    /// The module of the core that it is defined in.
    pub family: &'static str,
    pub name: String,
    pub version: u32,
    pub docs: String,
    pub fields: Vec<Field>,
}

/// Something with a name of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub docs: String,
    pub shape: Shape,
}

/// What a definition is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Fields by name.
    Record(Vec<Field>),
    /// One of several words, each with what it means.
    Words(Vec<(String, String)>),
    /// Another name for a type.
    Alias(Type),
}

/// A field of a record or an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub name: String,
    pub docs: String,
    pub kind: Type,
    pub required: bool,
    pub default: Option<Value>,
}

/// What a field is where it is absent.
#[derive(Debug, PartialEq)]
pub(crate) enum Fallback {
    /// It cannot be absent.
    Required,
    /// Nothing.
    Null,
    /// This. Lists, maps and records are empty.
    Value(Value),
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Text,
    Whole,
    Number,
    Flag,
    Anything,
    List(Box<Type>),
    Table(Box<Type>),
    Named(String),
    Either(Vec<Type>),
    Maybe(Box<Type>),
}

impl Event {
    /// The configuration whose keys a map has, where they are known.
    pub fn keys_known(&self, field: &Field) -> Option<&'static str> {
        let known = KEYS_KNOWN.iter().find(|(event, key, _)| *event == self.name && *key == field.name);
        known.map(|(_, _, keys)| *keys)
    }
}

impl Field {
    /// Whether it is written where it is as by default: the core leaves it out where its schema names no default.
    pub fn written_as_default(&self) -> bool {
        !self.required && self.default.as_ref().is_some_and(|value| !value.is_null())
    }
}

impl Model {
    /// Kinds of errors, each with what it means.
    pub fn error_kinds(&self) -> Result<&[(String, String)], String> {
        match self.definitions.get("ErrorKind").map(|definition| &definition.shape) {
            Some(Shape::Words(kinds)) => Ok(kinds),
            _ => Err("no schema defines the kinds of errors".into()),
        }
    }

    /// What a field is where it is absent.
    pub fn fallback(&self, field: &Field) -> Result<Fallback, String> {
        if field.required {
            return Ok(Fallback::Required);
        }
        let (kind, nullable) = field.kind.without_null();
        match field.default.as_ref().filter(|value| !value.is_null()) {
            None if nullable || *kind == Type::Anything => Ok(Fallback::Null),
            given => self.value(kind, given).map(Fallback::Value),
        }
    }

    fn value(&self, kind: &Type, given: Option<&Value>) -> Result<Value, String> {
        let fits = |value: &Value| match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => true,
        };
        match (kind, given) {
            (_, Some(value)) if !fits(value) => Err("a default that is not understood".into()),
            (Type::List(_), _) => Ok(json!([])),
            (Type::Table(_), _) => Ok(json!({})),
            (_, Some(value @ (Value::Bool(_) | Value::String(_) | Value::Number(_)))) => Ok(value.clone()),
            (Type::Text, None) => Ok(json!("")),
            (Type::Whole, None) => Ok(json!(0)),
            (Type::Number, None) => Ok(json!(0.0)),
            (Type::Flag, None) => Ok(json!(false)),
            (Type::Named(name), given) => match self.definitions.get(name).map(|one| &one.shape) {
                Some(Shape::Alias(of)) => self.value(of, given),
                Some(Shape::Record(_)) if given.is_some() => Ok(json!({})),
                _ => Err("a default that is not understood".into()),
            },
            _ => Err("a default that is not understood".into()),
        }
    }
}

impl Type {
    /// Names of the definitions it is made of.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Named(name) => vec![name],
            Self::List(of) | Self::Table(of) | Self::Maybe(of) => of.names(),
            Self::Either(choices) => choices.iter().flat_map(Type::names).collect(),
            _ => Vec::new(),
        }
    }

    /// The type and whether it may be null.
    pub fn without_null(&self) -> (&Type, bool) {
        match self {
            Self::Maybe(of) => (of, true),
            other => (other, false),
        }
    }
}

impl Definition {
    /// Names of the definitions it is made of.
    pub fn names(&self) -> Vec<&str> {
        match &self.shape {
            Shape::Record(fields) => fields.iter().flat_map(|field| field.kind.names()).collect(),
            Shape::Words(_) => Vec::new(),
            Shape::Alias(kind) => kind.names(),
        }
    }
}

/// The class of a kind of error.
pub(crate) fn error_class(kind: &str) -> String {
    let words = kind.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    let name: String = words.collect();
    if name.ends_with("Error") { name } else { name + "Error" }
}

/// `from` and all that these are made of, each after what it is made of.
pub(crate) fn in_order<'a>(
    definitions: &'a Definitions,
    from: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<&'a str>, String> {
    let mut order = Vec::new();
    for name in from {
        visit(definitions, name, &mut BTreeSet::new(), &mut order)?;
    }
    Ok(order)
}

fn visit<'a>(
    definitions: &'a Definitions,
    name: &'a str,
    above: &mut BTreeSet<&'a str>,
    order: &mut Vec<&'a str>,
) -> Result<(), String> {
    if order.contains(&name) {
        return Ok(());
    }
    if !above.insert(name) {
        return Err(format!("{name} holds itself: no printer can do that yet"));
    }
    let definition = definitions.get(name).ok_or_else(|| format!("no schema defines {name}"))?;
    for part in definition.names() {
        visit(definitions, part, above, order)?;
    }
    above.remove(name);
    order.push(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(of: &str) -> Definition {
        Definition { docs: String::new(), shape: Shape::Alias(Type::Named(of.into())) }
    }

    #[test]
    fn a_definition_comes_after_what_it_is_made_of() {
        let text = Definition { docs: String::new(), shape: Shape::Alias(Type::Text) };
        let definitions = Definitions::from([("A".into(), alias("B")), ("B".into(), text)]);
        assert_eq!(in_order(&definitions, ["A", "B"]), Ok(vec!["B", "A"]));
    }

    #[test]
    fn a_definition_that_holds_itself_is_refused() {
        let definitions = Definitions::from([("A".into(), alias("B")), ("B".into(), alias("A"))]);
        assert!(in_order(&definitions, ["A"]).is_err());
    }

    #[test]
    fn a_default_that_no_printer_knows_is_refused() {
        let (definitions, configuration) = Default::default();
        let model = Model { events: Vec::new(), definitions, answers: Vec::new(), configuration };
        let names = |default: Value| Field {
            name: "names".into(),
            docs: String::new(),
            kind: Type::List(Box::new(Type::Text)),
            required: false,
            default: Some(default),
        };
        let refused = model.fallback(&names(json!(["a"])));
        assert_eq!(refused, Err("a default that is not understood".into()));
        assert_eq!(model.fallback(&names(json!([]))), Ok(Fallback::Value(json!([]))));
        assert_eq!(model.fallback(&names(Value::Null)), Ok(Fallback::Value(json!([]))));
    }
}
