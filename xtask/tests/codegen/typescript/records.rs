//! Records: what events and answers are made of, as types and as what reads and writes them.

use super::super::model::{Definition, Field, Model, Shape, Type};
use super::super::places::{Places, of_module};
use super::layout::{comment, exploded, union};
use super::module::Module;
use super::values::{Context, check_names};

/// Records that offer something beside their fields, written by hand: record, module, type, value.
const BESIDE: [(&str, &str, &str, &str); 1] = [("PublishAnswer", "publish-answer", "OfResult", "OF_RESULT")];

/// All definitions whose place is `name`.
pub(super) fn module(name: &str, docs: &str, model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new(name, docs);
    let context = Context { model, places };
    for defined in of_module(name, model, places)? {
        let definition = &model.definitions[defined];
        match &definition.shape {
            Shape::Words(words) => module.define(&literal(defined, definition, words)),
            Shape::Alias(kind) if kind.names().is_empty() => {}
            Shape::Alias(kind) => {
                let kind = context.annotation(kind, &mut module)?;
                let docs = comment(0, &definition.docs, &[]);
                module.define(&format!("{docs}export type {defined} = {kind};\n"));
            }
            Shape::Record(fields) => {
                let text = record(defined, definition, fields, &context, &mut module)
                    .map_err(|error| format!("{defined}: {error}"))?;
                module.define(&text);
                if name != "answers" && context.is_given_otherwise(&Type::Named(defined.into()))? {
                    let text = given(defined, fields, &context, &mut module)?;
                    module.define(&text);
                }
            }
        }
    }
    Ok(module)
}

/// Words as a type.
pub(super) fn literal(name: &str, definition: &Definition, words: &[(String, String)]) -> String {
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let told: Vec<_> = words.iter().filter(|(_, docs)| !docs.is_empty()).cloned().collect();
    comment(0, &definition.docs, &told) + &union(name, &quoted)
}

fn record(
    name: &str,
    definition: &Definition,
    fields: &[Field],
    context: &Context<'_>,
    module: &mut Module,
) -> Result<String, String> {
    check_names(name, fields, &[])?;
    module.import("record", "recordOf");
    let (mut extends, mut types, mut close) = (String::new(), name.to_owned(), "});".to_owned());
    if let Some((_, place, base, value)) = BESIDE.iter().find(|(record, _, _, _)| *record == name) {
        module.import_type(place, base);
        module.import(place, value);
        extends = format!(" extends {base}");
        types += &format!(", {base}");
        close = format!("}}, {value});");
    }
    let (mut entries, mut properties) = (Vec::new(), String::new());
    for field in fields {
        let codec = context.codec(field.kind.without_null().0, module)?;
        entries.push(context.entry(field, &codec, module)?);
        properties += &context.property(field, "", module)?;
    }
    let open = format!("export const {name} = recordOf<{types}>(\"{name}\", {{");
    Ok(format!(
        "{}export interface {name}{extends} {{\n{properties}}}\n\n{}{}",
        comment(0, &definition.docs, &[]),
        comment(0, &format!("Reads and writes a `{name}`."), &[]),
        exploded(0, &open, &entries, &close),
    ))
}

/// What a caller gives for a record.
fn given(name: &str, fields: &[Field], context: &Context<'_>, module: &mut Module) -> Result<String, String> {
    let mut properties = String::new();
    for field in fields {
        let printed = context.given_property(field, "", module)?;
        // The record tells what each is.
        properties += printed.lines().last().unwrap_or_default();
        properties += "\n";
    }
    let docs = format!("A `{name}` as one may be given: what is absent is as by default.");
    Ok(format!("{}export interface {name}Fields {{\n{properties}}}\n", comment(0, &docs, &[])))
}
