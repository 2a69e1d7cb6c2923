//! What an update of a stack would do, as details of our plan.

use semantest_iac_core::domain::deployment::plan::{PropertyChange, StepAction};
use serde_json::{Map, Value};

use crate::engine_event::{EngineEvent, Metadata, Snapshot};

/// The changes that an event of a preview tells of: a whole resource that comes or goes, the properties of one that changes.
pub(crate) fn changes(event: &EngineEvent) -> Vec<PropertyChange> {
    let Some(step) = event.resource_pre_event.as_ref().filter(|step| step.planning) else {
        return Vec::new();
    };
    let resource = &step.metadata;
    let name = format!("resources.{}::{}", resource.kind, resource.name());
    let inputs = |snapshot: &Option<Snapshot>| snapshot.as_ref().and_then(|one| one.inputs.clone());
    let whole = |map: Option<Map<String, Value>>| Some(Value::Object(map.unwrap_or_default()));
    let (before, after) = match resource.action() {
        None => return Vec::new(),
        Some(StepAction::Create) => (None, whole(inputs(&resource.new))),
        Some(StepAction::Delete) => (whole(inputs(&resource.old)), None),
        Some(StepAction::Replace) => (whole(inputs(&resource.old)), whole(inputs(&resource.new))),
        Some(_) => return properties(resource, &name),
    };
    vec![change(name, before, after)]
}

fn properties(resource: &Metadata, name: &str) -> Vec<PropertyChange> {
    let detailed = resource.detailed_diff.iter().flat_map(|diff| diff.keys().cloned());
    let mut paths: Vec<String> = detailed.collect();
    if paths.is_empty() {
        paths = resource.diffs.clone().unwrap_or_default();
    }
    let changes = paths.into_iter().map(|path| {
        let before = at(resource.old.as_ref(), &path);
        let after = at(resource.new.as_ref(), &path);
        change(format!("{name}.{path}"), before, after)
    });
    changes.collect()
}

/// What stands at a path such as `tags.Name` or `rules[0].port`: among the inputs, else among the outputs.
fn at(snapshot: Option<&Snapshot>, path: &str) -> Option<Value> {
    let snapshot = snapshot?;
    [&snapshot.inputs, &snapshot.outputs].into_iter().flatten().find_map(|map| look_up(map, path))
}

fn look_up(map: &Map<String, Value>, path: &str) -> Option<Value> {
    let mut parts = parts(path).into_iter();
    let first = map.get(parts.next()?)?;
    let found = parts.try_fold(first, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        Value::Object(map) => map.get(part),
        _ => None,
    });
    found.cloned()
}

/// The parts of a path: `a.b[0]["c.d"]` has four.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut left = path;
    while !left.is_empty() {
        let (part, rest) = match left.strip_prefix("[\"") {
            Some(quoted) => quoted.split_once("\"]").unwrap_or((quoted, "")),
            None => match left.strip_prefix('[') {
                Some(index) => index.split_once(']').unwrap_or((index, "")),
                None => left.split_at(left.find(['.', '[']).unwrap_or(left.len())),
            },
        };
        parts.push(part);
        left = rest.strip_prefix('.').unwrap_or(rest);
    }
    parts
}

fn change(property: String, before: Option<Value>, after: Option<Value>) -> PropertyChange {
    PropertyChange { property, before, after, known_after_apply: false }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recorded(text: &str) -> Vec<PropertyChange> {
        text.lines().filter_map(EngineEvent::read).flat_map(|event| changes(&event)).collect()
    }

    #[test]
    fn a_resource_that_changes_is_told_by_its_properties() {
        let changes = recorded(include_str!("../tests/recorded/preview.jsonl"));
        let greeting =
            changes.iter().find(|change| change.property.ends_with("environment_variables.GREETING"));
        let greeting = greeting.unwrap_or_else(|| panic!("{changes:?}"));
        assert!(greeting.property.starts_with("resources.semantest:index:Deployment::api."), "{greeting:?}");
        assert_eq!((&greeting.before, &greeting.after), (&Some(json!("hello")), &Some(json!("hi"))));
    }

    #[test]
    fn a_resource_that_comes_or_goes_is_told_whole() {
        let event = |op: &str, side: &str| {
            let urn = "urn:pulumi:p::q::aws:s3/bucket:Bucket::assets";
            json!({ "resourcePreEvent": { "planning": true, "metadata": {
                "op": op, "urn": urn, "type": "aws:s3/bucket:Bucket", "detailedDiff": null,
                side: { "inputs": { "acl": "private" }, "outputs": {} },
            } } })
            .to_string()
        };
        let name = "resources.aws:s3/bucket:Bucket::assets";
        let made = recorded(&event("create", "new"));
        assert_eq!((made[0].property.as_str(), &made[0].after), (name, &Some(json!({ "acl": "private" }))));
        let gone = recorded(&event("delete", "old"));
        assert_eq!(
            (gone[0].property.as_str(), &gone[0].before, &gone[0].after),
            (name, &Some(json!({ "acl": "private" })), &None)
        );
        assert!(recorded(include_str!("../tests/recorded/up.jsonl")).is_empty(), "what is done is no plan");
    }

    #[test]
    fn values_are_found_by_their_path() {
        let map = json!({ "rules": [{ "port": 1 }], "tags": { "Name": "x", "a.b": 2 } });
        let map = map.as_object().expect("an object");
        assert_eq!(look_up(map, "rules[0].port"), Some(json!(1)));
        assert_eq!(look_up(map, "tags.Name"), Some(json!("x")));
        assert_eq!(look_up(map, "tags[\"a.b\"]"), Some(json!(2)));
        assert_eq!(parts("a.b[0][\"c.d\"].e"), ["a", "b", "0", "c.d", "e"]);
        assert_eq!(look_up(map, "rules[1]"), None);
        assert_eq!(look_up(map, "tags.Name.x"), None);
    }
}
