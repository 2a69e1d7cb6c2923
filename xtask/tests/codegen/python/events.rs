//! Event classes.

use super::super::families::ALL;
use super::super::model::{Event, Model};
use super::Places;
use super::layout::{bracketed, docstring, exploded};
use super::module::Module;
use super::values::{Context, check_names};

/// What the hand-written bases call their own.
const TAKEN: [&str; 16] = [
    "event_id",
    "source",
    "subject",
    "time",
    "correlation_id",
    "causation_id",
    "previous_event_ids",
    "sequence",
    "traceparent",
    "position",
    "event_name",
    "event_type",
    "schema_version",
    "to_dict",
    "to_cloudevent",
    "from_cloudevent",
];

/// The module of one family.
pub(super) fn module(family: &str, docs: &str, model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new(&format!("events/{family}"), docs);
    let context = Context { model, places };
    for event in model.events.iter().filter(|event| event.family == family) {
        let text = class(event, &context, &mut module).map_err(|error| format!("{}: {error}", event.name))?;
        module.class(&event.name, &text);
    }
    Ok(module)
}

fn class(event: &Event, context: &Context<'_>, module: &mut Module) -> Result<String, String> {
    check_names(&event.name, &event.fields, &TAKEN)?;
    module.import_ours("_event", "About");
    module.import_ours("_known_event", "KnownEvent");
    module.import_ours("_record", "Field");
    module.import_ours("_record", "Fields");
    module.import("typing", "ClassVar");
    module.import("typing", "Unpack");
    let (mut entries, mut attributes, mut parameters) = (Vec::new(), String::new(), Vec::new());
    for field in &event.fields {
        entries.push(context.entry(field, module)?);
        attributes += &format!("    {}: {}\n", field.name, context.annotation(&field.kind, module)?);
        let mut kind = context.parameter(&field.kind, module)?;
        if let Some(keys) = event.keys_known(field) {
            module.import_ours("configuration", keys);
            kind += &format!(" | {keys}");
        }
        parameters.push(match context.default(field, module)? {
            Some(default) => format!("{}: {kind} = {}", field.name, unshared(&default, module)),
            None => format!("{}: {kind}", field.name),
        });
    }
    let names = |form: &dyn Fn(&str) -> String| -> Vec<String> {
        event.fields.iter().map(|field| form(&field.name)).collect()
    };
    let listed: Vec<(&str, &str)> =
        event.fields.iter().map(|field| (field.name.as_str(), field.docs.as_str())).collect();
    let mut matched = names(&|name| format!("\"{name}\""));
    if let [only] = &mut matched[..] {
        // The comma is what makes it a tuple.
        only.push(',');
    }
    let signature =
        [vec!["self".into(), "*".into()], parameters, vec!["**about: Unpack[About]".into()]].concat();
    let passed = [vec!["about".into()], names(&|name| format!("{name}={name}"))].concat();
    Ok(format!(
        "class {name}(KnownEvent):\n{docs}\n    event_name: ClassVar[str] = \"{name}\"\n    \
         schema_version: ClassVar[int] = {version}\n{fields}{matched}\n{attributes}\n{init}{body}",
        name = event.name,
        docs = docstring(4, &event.docs, "Attributes:", &listed),
        version = event.version,
        fields = exploded(4, "_fields: ClassVar[Fields] = {", &entries, "}"),
        matched = bracketed(4, "__match_args__ = (", &matched, ")"),
        init = bracketed(4, "def __init__(", &signature, ") -> None:"),
        body = bracketed(8, "self._build(", &passed, ")"),
    ))
}

/// A default that an argument may have: mappings are the one kind that could be changed by mistake.
fn unshared(default: &str, module: &mut Module) -> String {
    match default {
        "{}" => {
            module.import_ours("_record", "NOTHING");
            "NOTHING".into()
        }
        other => other.into(),
    }
}

/// The package's own module: every class, and all of them by name.
pub(super) fn index(model: &Model) -> Module {
    let mut module = Module::new("events/__init__", ALL);
    module.import("collections.abc", "Mapping");
    module.import("typing", "Final");
    module.import_ours("_event", "InfrastructureEvent");
    let mut names = Vec::new();
    for event in &model.events {
        module.import_ours(&format!("events/{}", event.family), &event.name);
        module.export(&event.name);
        names.push(format!("\"{0}\": {0}", event.name));
    }
    let classes = "EVENT_CLASSES: Final[Mapping[str, type[InfrastructureEvent]]] = {";
    let text =
        exploded(0, classes, &names, "}") + "\"\"\"Every event class by its name, requests first.\"\"\"\n";
    module.value("EVENT_CLASSES", &text);
    module
}
