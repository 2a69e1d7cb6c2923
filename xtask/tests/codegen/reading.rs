//! Reads the model off the JSON Schemas.

use std::collections::BTreeMap;

use semantest_iac_core::events::{EVENT_NAMES, current_version, family};
use serde_json::{Map, Value};

use super::model::{Definition, Definitions, Event, Field, Model, Shape, Type};

/// Answers that a program gets as well; the others are the command line's own.
const ANSWERS: [&str; 7] = ["deploy", "publish", "plan", "status", "refresh", "discover", "invoke"];

/// Names that are the command line's, and what a program calls them.
const RENAMED: [(&str, &str); 2] =
    [("StatusOfAll", "StatusAnswer"), ("ComponentDefinition", "ComponentConfiguration")];

/// Reads all documents.
pub(crate) fn read(documents: &BTreeMap<String, Value>) -> Result<Model, String> {
    let document =
        |path: &str| documents.get(path).ok_or_else(|| format!("there is no schema {path} to read"));
    let (mut events, mut definitions, mut answers) = (Vec::new(), Definitions::new(), Vec::new());
    for name in EVENT_NAMES {
        let path = format!("events/{name}.schema.json");
        let schema = document(&path)?;
        add_parts(schema, &mut definitions).map_err(|error| format!("{path}: {error}"))?;
        events.push(event(name, schema).map_err(|error| format!("{path}: {error}"))?);
    }
    for verb in ANSWERS {
        let path = format!("cli/{verb}.schema.json");
        let name = answer(document(&path)?, &mut definitions).map_err(|error| format!("{path}: {error}"))?;
        if !answers.contains(&name) {
            answers.push(name);
        }
    }
    let mut configuration = Definitions::new();
    add_parts(document("semantest.schema.json")?, &mut configuration)?;
    Ok(Model { events, definitions, answers, configuration })
}

fn event(name: &str, schema: &Value) -> Result<Event, String> {
    let definition = definition(schema)?;
    let (Some(family), Some(version), Shape::Record(fields)) =
        (family(name), current_version(name), definition.shape)
    else {
        return Err("an event is an object".into());
    };
    Ok(Event { family, name: name.into(), version, docs: definition.docs, fields })
}

/// The answer for a single component; of several components there are as many answers.
fn answer(schema: &Value, definitions: &mut Definitions) -> Result<String, String> {
    add_parts(schema, definitions)?;
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(choices) => choices
            .iter()
            .filter_map(reference)
            .find(|name| !name.starts_with("Several"))
            .ok_or_else(|| "none of its choices is an answer for one component".to_owned()),
        None => {
            let name = renamed(text(schema, "title"));
            add(&name, definition(schema)?, definitions)?;
            Ok(name)
        }
    }
}

fn add_parts(schema: &Value, definitions: &mut Definitions) -> Result<(), String> {
    for (name, part) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        let part = definition(part).map_err(|error| format!("{name}: {error}"))?;
        add(&renamed(name), part, definitions)?;
    }
    Ok(())
}

fn add(name: &str, new: Definition, definitions: &mut Definitions) -> Result<(), String> {
    match definitions.get(name) {
        Some(known) if *known != new => Err(format!("two definitions are called {name}")),
        _ => {
            definitions.insert(name.into(), new);
            Ok(())
        }
    }
}

fn definition(schema: &Value) -> Result<Definition, String> {
    let docs = documentation(schema);
    let shape = if let Some(words) = words(schema) {
        Shape::Words(words)
    } else if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        Shape::Record(fields(schema, properties)?)
    } else {
        Shape::Alias(kind(schema)?)
    };
    Ok(Definition { docs, shape })
}

fn words(schema: &Value) -> Option<Vec<(String, String)>> {
    let choices = schema.get("oneOf")?.as_array()?;
    let word = |choice: &Value| Some((choice.get("const")?.as_str()?.to_owned(), documentation(choice)));
    choices.iter().map(word).collect()
}

fn fields(schema: &Value, properties: &Map<String, Value>) -> Result<Vec<Field>, String> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.is_some_and(|names| names.iter().any(|known| known == name));
    let field = |(name, schema): (&String, &Value)| {
        Ok(Field {
            name: name.clone(),
            docs: documentation(schema),
            kind: kind(schema).map_err(|error| format!("{name}: {error}"))?,
            required: is_required(name),
            default: schema.get("default").cloned(),
        })
    };
    properties.iter().map(field).collect()
}

fn kind(schema: &Value) -> Result<Type, String> {
    if let Some(name) = reference(schema) {
        return Ok(Type::Named(name));
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let (null, others): (Vec<&Value>, Vec<&Value>) =
            choices.iter().partition(|choice| choice.get("type").is_some_and(|kind| kind == "null"));
        let mut kinds = others.into_iter().map(kind).collect::<Result<Vec<Type>, String>>()?;
        let of = if kinds.len() == 1 { kinds.remove(0) } else { Type::Either(kinds) };
        return Ok(if null.is_empty() { of } else { Type::Maybe(Box::new(of)) });
    }
    match schema.get("type") {
        Some(Value::String(word)) => plain(word, schema),
        Some(Value::Array(words)) => match words.iter().filter_map(Value::as_str).collect::<Vec<_>>()[..] {
            [word, "null"] => Ok(Type::Maybe(Box::new(plain(word, schema)?))),
            _ => Err(format!("a type that is not understood: {schema}")),
        },
        None if schema.get("oneOf").is_none() => Ok(Type::Anything),
        _ => Err(format!("a type that is not understood: {schema}")),
    }
}

fn plain(word: &str, schema: &Value) -> Result<Type, String> {
    let inner = |key: &str| match schema.get(key) {
        Some(of @ Value::Object(_)) => kind(of),
        _ => Ok(Type::Anything),
    };
    Ok(match word {
        "string" => Type::Text,
        "integer" => Type::Whole,
        "number" => Type::Number,
        "boolean" => Type::Flag,
        "array" => Type::List(Box::new(inner("items")?)),
        "object" => Type::Table(Box::new(inner("additionalProperties")?)),
        _ => return Err(format!("a type that is not understood: {word}")),
    })
}

fn reference(schema: &Value) -> Option<String> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/").map(renamed)
}

fn renamed(name: &str) -> String {
    RENAMED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| *ours).to_owned()
}

/// The description, without rustdoc's links.
fn documentation(schema: &Value) -> String {
    text(schema, "description").replace("[`", "`").replace("`]", "`")
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_the_core_says_can_be_read() {
        let model = read(&semantest_iac_cli::schemas()).expect("the model");
        assert_eq!(model.events.len(), EVENT_NAMES.len());
        assert!(model.answers.contains(&"PublishAnswer".to_owned()));
        assert!(model.definitions.keys().any(|name| name == "ErrorRecord"));
    }

    #[test]
    fn a_type_that_no_printer_knows_is_refused() {
        for schema in
            [json!({ "type": "null" }), json!({ "type": ["string", "integer"] }), json!({ "oneOf": [] })]
        {
            assert!(kind(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn two_definitions_of_one_name_are_refused() {
        let mut definitions = Definitions::new();
        let text = definition(&json!({ "type": "string" })).expect("a definition");
        let number = definition(&json!({ "type": "integer" })).expect("a definition");
        assert_eq!(add("Address", text.clone(), &mut definitions), Ok(()));
        assert_eq!(add("Address", text, &mut definitions), Ok(()));
        assert_eq!(
            add("Address", number, &mut definitions),
            Err("two definitions are called Address".into())
        );
    }
}
