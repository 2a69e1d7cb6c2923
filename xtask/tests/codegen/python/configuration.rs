//! The keys of a component, as dictionaries whose keys are known.

use super::super::model::{Definition, Definitions, Field, Model, Shape, Type, in_order};
use super::Places;
use super::layout::docstring;
use super::module::Module;
use super::records::literal;

/// The dictionary that a deployment is configured with.
const ROOT: &str = "ComponentConfiguration";

/// The module.
pub(super) fn module(model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new("configuration", "The keys of a component, for editors and type checkers.");
    let definitions = &model.configuration;
    for name in in_order(definitions, [ROOT])? {
        let definition = &definitions[name];
        match &definition.shape {
            // The words are the same as in what events are made of.
            Shape::Words(_) if model.definitions.get(name) == Some(definition) => {
                module.import_ours(places.get(name).ok_or(name)?, name);
                module.export(name);
            }
            Shape::Words(words) if !model.definitions.contains_key(name) => {
                let text = literal(name, definition, words, &mut module);
                module.value(name, &text);
            }
            Shape::Words(_) => return Err(format!("{name} has other words in the configuration")),
            Shape::Alias(kind) if kind.names().is_empty() => {}
            Shape::Alias(kind) => {
                module.import("typing", "TypeAlias");
                let kind = annotation(kind, definitions, &mut module);
                let docs = docstring(0, &definition.docs, "", &[]);
                module.value(name, &format!("{name}: TypeAlias = {kind}\n{docs}"));
            }
            Shape::Record(fields) => {
                let text = class(name, definition, fields, definitions, &mut module);
                module.class(name, &text);
            }
        }
    }
    Ok(module)
}

fn class(
    name: &str,
    definition: &Definition,
    fields: &[Field],
    definitions: &Definitions,
    module: &mut Module,
) -> String {
    module.import("typing", "TypedDict");
    let mut keys = String::new();
    for field in fields {
        let mut kind = annotation(&field.kind, definitions, module);
        if field.required {
            module.import("typing", "Required");
            kind = format!("Required[{kind}]");
        }
        keys += &format!("    {}: {kind}\n", field.name);
    }
    let listed: Vec<(&str, &str)> =
        fields.iter().map(|field| (field.name.as_str(), field.docs.as_str())).collect();
    let docs = docstring(4, &definition.docs, "Attributes:", &listed);
    format!("class {name}(TypedDict, total=False):\n{docs}\n{keys}")
}

fn annotation(kind: &Type, definitions: &Definitions, module: &mut Module) -> String {
    match kind {
        Type::Text => "str".into(),
        Type::Whole => "int".into(),
        Type::Number => "float".into(),
        Type::Flag => "bool".into(),
        Type::Anything => "object".into(),
        Type::List(of) => format!("list[{}]", annotation(of, definitions, module)),
        Type::Table(of) => {
            module.import("collections.abc", "Mapping");
            format!("Mapping[str, {}]", annotation(of, definitions, module))
        }
        Type::Maybe(of) => format!("{} | None", annotation(of, definitions, module)),
        Type::Either(choices) => {
            let choices: Vec<String> =
                choices.iter().map(|choice| annotation(choice, definitions, module)).collect();
            choices.join(" | ")
        }
        Type::Named(name) => match definitions.get(name).map(|definition| &definition.shape) {
            Some(Shape::Alias(of)) if of.names().is_empty() => annotation(of, definitions, module),
            _ => name.clone(),
        },
    }
}
