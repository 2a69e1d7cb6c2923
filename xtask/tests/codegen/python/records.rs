//! Records: frozen dataclasses for what events and answers are made of.

use super::super::model::{Definition, Field, Model, Shape};
use super::super::places::{Places, of_module};
use super::layout::{bracketed, docstring, exploded};
use super::module::Module;
use super::values::{Context, check_names};

/// What every record calls its own.
const TAKEN: [&str; 2] = ["from_dict", "to_dict"];

/// Classes with a base of their own that is written by hand: class, module, base.
const BASES: [(&str, &str, &str); 1] = [("PublishAnswer", "_publish_answer", "OfResult")];

/// All definitions whose place is `name`.
pub(super) fn module(name: &str, docs: &str, model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new(name, docs);
    let context = Context { model, places };
    for defined in of_module(name, model, places)? {
        let definition = context.definition(defined)?;
        match &definition.shape {
            Shape::Words(words) => {
                let text = literal(defined, definition, words, &mut module);
                module.value(defined, &text);
            }
            Shape::Alias(kind) if kind.names().is_empty() => {}
            Shape::Alias(kind) => {
                module.import("typing", "TypeAlias");
                let kind = context.annotation(kind, &mut module)?;
                let docs = docstring(0, &definition.docs, "", &[]);
                module.value(
                    defined,
                    &format!(
                        "{defined}: TypeAlias = {kind}
{docs}"
                    ),
                );
            }
            Shape::Record(fields) => {
                let text = class(defined, definition, fields, &context, &mut module)
                    .map_err(|error| format!("{defined}: {error}"))?;
                module.class(defined, &text);
            }
        }
    }
    Ok(module)
}

/// Words as a type.
pub(super) fn literal(
    name: &str,
    definition: &Definition,
    words: &[(String, String)],
    module: &mut Module,
) -> String {
    module.import("typing", "Literal");
    module.import("typing", "TypeAlias");
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let listed: Vec<(&str, &str)> = words.iter().map(|(word, docs)| (word.as_str(), docs.as_str())).collect();
    let alias = bracketed(0, &format!("{name}: TypeAlias = Literal["), &quoted, "]");
    format!("{alias}{}", docstring(0, &definition.docs, "Words:", &listed))
}

fn class(
    name: &str,
    definition: &Definition,
    fields: &[Field],
    context: &Context<'_>,
    module: &mut Module,
) -> Result<String, String> {
    check_names(name, fields, &TAKEN)?;
    module.import("dataclasses", "dataclass");
    module.import("typing", "ClassVar");
    for ours in ["Field", "Fields", "Record"] {
        module.import_ours("_record", ours);
    }
    let mut bases = vec!["Record"];
    if let Some((_, place, base)) = BASES.iter().find(|(class, _, _)| *class == name) {
        module.import_ours(place, base);
        bases.insert(0, base);
    }
    let (mut entries, mut attributes) = (Vec::new(), String::new());
    for field in fields {
        entries.push(context.entry(field, module)?);
        let kind = context.annotation(&field.kind, module)?;
        let default = match context.default(field, module)?.as_deref() {
            None => String::new(),
            Some("{}") => {
                module.import("dataclasses", "field");
                " = field(default_factory=dict)".into()
            }
            Some(default) => format!(" = {default}"),
        };
        attributes += &format!("    {}: {kind}{default}\n", field.name);
    }
    let listed: Vec<(&str, &str)> =
        fields.iter().map(|field| (field.name.as_str(), field.docs.as_str())).collect();
    Ok(format!(
        "@dataclass(frozen=True, slots=True, kw_only=True)\nclass {name}({}):\n{}\n{}\n{attributes}",
        bases.join(", "),
        docstring(4, &definition.docs, "Attributes:", &listed),
        exploded(4, "_fields: ClassVar[Fields] = {", &entries, "}"),
    ))
}
