//! Modules of events, the same in every language.

use std::collections::BTreeSet;

use super::model::Model;

/// Modules of the core's events, and what is in them.
pub(crate) const FAMILIES: [(&str, &str); 4] = [
    ("request", "Requests: what an application or a front door asks for."),
    ("run", "A run of a deployment: planned, started, ended."),
    ("resource_change", "Changes of single resources: the intent before each call, the outcome after it."),
    ("outcome", "Outcome facts: what applications listen for."),
];

/// What all events together are.
pub(crate) const ALL: &str = "Infrastructure events: requests that come in, facts that go out.";

/// Refuses a model with an event that no module takes.
pub(crate) fn check(model: &Model) -> Result<(), String> {
    let families: BTreeSet<&str> = FAMILIES.iter().map(|(family, _)| *family).collect();
    match model.events.iter().find(|event| !families.contains(event.family)) {
        Some(lost) => Err(format!("no module takes the family of {}: {}", lost.name, lost.family)),
        None => Ok(()),
    }
}
