//! Event classes.

use super::super::families::ALL;
use super::super::model::{Event, Field, Model};
use super::super::places::Places;
use super::layout::{comment, exploded, union};
use super::module::Module;
use super::values::{Context, check_names};

/// What the hand-written bases call their own.
const TAKEN: [&str; 19] = [
    "eventId",
    "source",
    "subject",
    "time",
    "correlationId",
    "causationId",
    "previousEventIds",
    "sequence",
    "traceparent",
    "position",
    "eventType",
    "aggregateId",
    "timestamp",
    "type",
    "data",
    "constructor",
    "schemaVersion",
    "toJSON",
    "toCloudEvent",
];

/// The module of one family.
pub(super) fn module(family: &str, docs: &str, model: &Model, places: &Places) -> Result<Module, String> {
    let mut module = Module::new(&format!("events/{family}"), docs);
    let context = Context { model, places };
    for event in model.events.iter().filter(|event| event.family == family) {
        let text = class(event, &context, &mut module).map_err(|error| format!("{}: {error}", event.name))?;
        module.define(&text);
    }
    Ok(module)
}

fn class(event: &Event, context: &Context<'_>, module: &mut Module) -> Result<String, String> {
    let name = &event.name;
    check_names(name, &event.fields, &TAKEN)?;
    module.import_type("cloudevent", "About");
    module.import("known-event", "FIELDS");
    module.import("known-event", "KnownEvent");
    module.import_type("record", "Fields");
    let (mut entries, mut properties, mut given) = (Vec::new(), String::new(), String::new());
    for field in &event.fields {
        let (codec, also) = known_keys(event, field, context, module)?;
        entries.push(context.entry(field, &codec, module)?);
        properties += &context.property(field, "declare ", module)?;
        given += &context.given_property(field, &also, module)?;
    }
    let about = comment(0, &format!("What a new `{name}` is made of."), &[]);
    let thrown = "  /** @throws {InvalidInputError} A field is missing, unknown, or holds something of another type. */";
    Ok(format!(
        "{about}export interface {name}Fields {{\n{given}}}\n\n{docs}export class {name} extends KnownEvent {{\n  \
         static override readonly eventType = \"{name}\";\n  static override readonly schemaVersion = {version};\n  \
         /** @internal */\n{fields}\n  declare readonly eventType: \"{name}\";\n{properties}\n{thrown}\n  \
         constructor(fields: {name}Fields, about: About = {{}}) {{\n    super(fields, about);\n  }}\n}}\n",
        docs = comment(0, &event.docs, &[]),
        version = event.version,
        fields = exploded(2, "static override readonly [FIELDS]: Fields = {", &entries, "};"),
    ))
}

/// What reads a field, and what else than its type may be given for it.
fn known_keys(
    event: &Event,
    field: &Field,
    context: &Context<'_>,
    module: &mut Module,
) -> Result<(String, String), String> {
    let codec = context.codec(field.kind.without_null().0, module)?;
    let Some(keys) = event.keys_known(field) else {
        return Ok((codec, String::new()));
    };
    module.import_type("configuration", keys);
    module.import_type("key-case", "AsWritten");
    module.import("written-keys", "withKeys");
    let constant = super::configuration::constant(keys);
    module.import("configuration", &constant);
    Ok((format!("withKeys({constant}, {codec})"), format!("{keys} | AsWritten<{keys}>")))
}

/// The module of all classes, and all of them by name.
pub(super) fn index(model: &Model) -> Module {
    let mut module = Module::new("events/index", ALL);
    module.import_type("known-event", "KnownEventClass");
    let mut classes = Vec::new();
    for event in &model.events {
        let family = format!("events/{}", event.family.replace('_', "-"));
        module.import(&family, &event.name);
        module.export(&family, &event.name);
        module.export(&family, &format!("type {}Fields", event.name));
        classes.push(event.name.clone());
    }
    let classes = exploded(0, "const CLASSES: readonly KnownEventClass[] = [", &classes, "];");
    module.define(&classes);
    module.define(
        "/** Every event class by its name, requests first. */\n\
         export const EVENT_CLASSES: ReadonlyMap<string, KnownEventClass> = new Map(\n  \
         CLASSES.map((its) => [its.eventType, its]),\n);\n",
    );
    module
}

/// The module of their names: it stands on nothing.
pub(super) fn names(model: &Model) -> Module {
    let mut module = Module::new("events/names", "Names of all infrastructure events.");
    let names: Vec<String> = model.events.iter().map(|event| format!("\"{}\"", event.name)).collect();
    module.define(&(comment(0, "The name of an infrastructure event.", &[]) + &union("EventName", &names)));
    let all = exploded(0, "export const EVENT_NAMES: readonly EventName[] = Object.freeze([", &names, "]);");
    module.define(&(comment(0, "Every name, requests first.", &[]) + &all));
    module
}
