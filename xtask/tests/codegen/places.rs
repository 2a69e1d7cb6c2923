//! Which module has a definition, the same in every language.

use std::collections::BTreeMap;

use super::model::{Model, in_order};

/// The module of each definition, by its name.
pub(crate) type Places = BTreeMap<String, &'static str>;

/// Modules of records, and what is in them.
pub(crate) const RECORDS: [(&str, &str); 4] = [
    ("records", "What events and answers are made of."),
    ("networking", "How functions and services are reached, whatever the cloud."),
    ("blueprint", "What a component needs, whatever the cloud."),
    ("answers", "What a run, a look or a published event is answered with."),
];

/// What leads to functions and services: all of it is networking.
const WAYS_IN: [&str; 3] = ["ApiGateway", "FunctionUrl", "LoadBalancer"];

/// A definition that events have is a record, or part of the blueprint or its networking if nothing else has it; the others are
/// answers'.
pub(crate) fn places(model: &Model) -> Result<Places, String> {
    let definitions = &model.definitions;
    let mut places: Places = definitions.keys().map(|name| (name.clone(), "answers")).collect();
    for name in in_order(definitions, ["Blueprint"])? {
        places.insert(name.into(), "blueprint");
    }
    for name in in_order(definitions, WAYS_IN)? {
        places.insert(name.into(), "networking");
    }
    let fields = model.events.iter().flat_map(|event| &event.fields);
    let named = fields.flat_map(|field| field.kind.names()).filter(|name| *name != "Blueprint");
    for name in in_order(definitions, named)? {
        places.insert(name.into(), "records");
    }
    // A word or a value that the blueprint and a record both have stands with the records: they name no blueprint.
    Ok(places)
}

/// Names of all definitions whose place is `module`, each after what it is made of.
pub(crate) fn of_module<'a>(module: &str, model: &'a Model, places: &Places) -> Result<Vec<&'a str>, String> {
    let fields = model.events.iter().flat_map(|event| &event.fields);
    let used = fields.flat_map(|field| field.kind.names()).chain(model.answers.iter().map(String::as_str));
    let mut names = in_order(&model.definitions, used)?;
    names.retain(|name| places.get(*name).is_some_and(|place| *place == module));
    Ok(names)
}
