//! What the schemas say, as a language's printer wants it: names, fields, types, defaults, words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

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
}
