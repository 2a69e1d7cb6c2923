//! The keys of a component, as types, and how each is written.

use std::collections::BTreeMap;

use super::super::model::{Definitions, Field, Model, Shape, Type, in_order};
use super::super::places::Places;
use super::layout::{bracketed, comment};
use super::module::Module;
use super::records::literal;
use super::values::{camel, check_names, described};

/// What a deployment is configured with.
const ROOT: &str = "ComponentConfiguration";

/// The module.
pub(super) fn module(model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new("configuration", "The keys of a component.");
    let definitions = &model.configuration;
    // Whose keys are written otherwise, and whose those are.
    let mut renamed = BTreeMap::new();
    for name in in_order(definitions, [ROOT])? {
        let definition = &definitions[name];
        let docs = comment(0, &definition.docs, &[]);
        match &definition.shape {
            // The words are the same as in what events are made of.
            Shape::Words(_) if model.definitions.get(name) == Some(definition) => {
                let place = places.get(name).ok_or(name)?;
                module.import_type(place, name);
                module.export(place, &format!("type {name}"));
            }
            Shape::Words(words) if !model.definitions.contains_key(name) => {
                module.define(&literal(name, definition, words));
            }
            Shape::Words(_) => return Err(format!("{name} has other words in the configuration")),
            Shape::Alias(kind) if kind.names().is_empty() => {}
            Shape::Alias(kind) => {
                let text = annotation(kind, definitions);
                module.define(&format!("{docs}export type {name} = {text};\n"));
                // What it may be beside has no keys.
                if let (Type::Either(_), [of]) = (kind, &kind.names()[..])
                    && let Some(whose) = renamed.get(*of).copied()
                {
                    renamed.insert(name, whose);
                }
            }
            Shape::Record(fields) => {
                check_names(name, fields, &[])?;
                let properties: String = fields.iter().map(|field| property(field, definitions)).collect();
                module.define(&format!("{docs}export interface {name} {{\n{properties}}}\n"));
                if let Some(text) = keys(name, fields, &renamed)? {
                    module.import("written-keys", "Keys");
                    module.define(&text);
                    renamed.insert(name, name);
                }
            }
        }
    }
    Ok(module)
}

/// What the keys of a definition are called as a value.
pub(super) fn constant(name: &str) -> String {
    let words = name.char_indices().map(|(index, letter)| match letter {
        letter if letter.is_ascii_uppercase() && index > 0 => format!("_{letter}"),
        letter => letter.to_ascii_uppercase().to_string(),
    });
    words.collect()
}

fn property(field: &Field, definitions: &Definitions) -> String {
    let kind = annotation(&field.kind, definitions);
    let name = camel(&field.name);
    match field.required {
        true => described(field, &format!("  readonly {name}: {kind};\n")),
        false => described(field, &format!("  readonly {name}?: {kind} | undefined;\n")),
    }
}

/// How the keys of a definition are written; nothing where all are written as they are.
fn keys(name: &str, fields: &[Field], renamed: &BTreeMap<&str, &str>) -> Result<Option<String>, String> {
    let (mut spellings, mut inside) = (Vec::new(), Vec::new());
    for Field { name: key, kind, .. } in fields {
        let property = camel(key);
        if property != *key {
            spellings.push(format!("{property}: \"{key}\""));
        }
        match kind.without_null().0 {
            Type::Named(of) if renamed.contains_key(of.as_str()) => {
                inside.push(format!("{key}: {}", constant(renamed[of.as_str()])));
            }
            Type::Table(of) if matches!(&**of, Type::Named(of) if renamed.contains_key(of.as_str())) => {
                inside.push(format!("{key}: {}.each()", constant(of.names()[0])));
            }
            other if other.names().iter().any(|of| renamed.contains_key(of)) => {
                return Err(format!("{key}: keys in a place that is not understood"));
            }
            _ => {}
        }
    }
    if spellings.is_empty() && inside.is_empty() {
        return Ok(None);
    }
    let named = |items: &[String]| bracketed(2, "{", items, "},").replace("{  }", "{}");
    Ok(Some(format!(
        "/** How the keys of `{name}` are written. @internal */\nexport const {} = new Keys(\n{}{});\n",
        constant(name),
        named(&spellings),
        if inside.is_empty() { String::new() } else { named(&inside) },
    )))
}

fn annotation(kind: &Type, definitions: &Definitions) -> String {
    match kind {
        Type::Text => "string".into(),
        Type::Whole | Type::Number => "number".into(),
        Type::Flag => "boolean".into(),
        Type::Anything => "unknown".into(),
        Type::List(of) => format!("readonly {}[]", annotation(of, definitions)),
        Type::Table(of) => format!("Readonly<Record<string, {}>>", annotation(of, definitions)),
        Type::Maybe(of) => format!("{} | null", annotation(of, definitions)),
        Type::Either(choices) => {
            let choices: Vec<String> = choices.iter().map(|choice| annotation(choice, definitions)).collect();
            choices.join(" | ")
        }
        Type::Named(name) => match definitions.get(name).map(|definition| &definition.shape) {
            Some(Shape::Alias(of)) if of.names().is_empty() => annotation(of, definitions),
            _ => name.clone(),
        },
    }
}
