//! Plans as people read them: like a diff.

use std::fmt::Write;

use semantest_iac::answer::PlanAnswer;
use semantest_iac::domain::deployment::plan::{ChangeCounts, PropertyChange, StepAction};
use serde_json::Value;

use super::listed;

/// A plan, like a diff: every changed line begins with its sign.
pub(crate) fn plan(answer: &PlanAnswer) -> String {
    let place = if answer.provider.is_empty() { String::new() } else { format!(" on {}", answer.provider) };
    let mut out = format!("{}{place}\n", answer.deployment);
    for step in answer.steps.iter().filter(|step| step.action != StepAction::Unchanged) {
        let why = step.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let _ = writeln!(out, "  {} {} {}{why}", sign(step.action), step.kind, step.address);
        for line in step.diff.iter().flat_map(|change| property(change, step.action)) {
            let _ = writeln!(out, "      {line}");
        }
    }
    let _ = write!(out, "plan: {}", to_do(&answer.changes));
    out
}

/// `2 to create, 1 unchanged`.
pub(crate) fn to_do(changes: &ChangeCounts) -> String {
    listed(&[
        (changes.created, "to create"),
        (changes.updated, "to update"),
        (changes.replaced, "to replace"),
        (changes.deleted, "to delete"),
        (changes.unchanged, "unchanged"),
    ])
}

/// A diff with its lines in the colour of their sign.
pub(crate) fn painted(diff: &str) -> String {
    let line = |line: &str| {
        let code = match line.trim_start().split(' ').next() {
            Some("+") => "32",
            Some("-") => "31",
            Some("~") => "33",
            Some("-/+") => "35",
            _ => return line.to_owned(),
        };
        format!("\u{1b}[{code}m{line}\u{1b}[0m")
    };
    diff.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn sign(action: StepAction) -> &'static str {
    match action {
        StepAction::Create => "+",
        StepAction::Update => "~",
        StepAction::Replace => "-/+",
        StepAction::Delete => "-",
        StepAction::Unchanged => " ",
    }
}

/// The lines of one property.
pub(super) fn property(change: &PropertyChange, action: StepAction) -> Vec<String> {
    let name = &change.property;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => vec![format!("~ {name}: (known after apply)")],
        (before, after) if is_list(before) || is_list(after) => {
            let lines = elements(before.as_ref(), after.as_ref());
            std::iter::once(format!("{} {name}:", if action == StepAction::Create { "+" } else { "~" }))
                .chain(lines.into_iter().map(|line| format!("    {line}")))
                .collect()
        }
        (None, Some(Value::Object(map))) if !map.contains_key("secret") => {
            let inner = map.iter().map(|(key, value)| format!("+ {name}.{key}: {}", text(name, value)));
            inner.collect()
        }
        (None, Some(after)) => vec![format!("+ {name}: {}", text(name, after))],
        (Some(before), None) => vec![format!("- {name}: {}", text(name, before))],
        (Some(before), Some(after)) => {
            let (before, after) = (text(name, before), text(name, after));
            match before == after {
                // Only a secret's value can differ without being seen.
                true => vec![format!("~ {name}: {after} (value changed)")],
                false => vec![format!("~ {name}: {before} -> {after}")],
            }
        }
        (None, None) => Vec::new(),
    }
}

fn is_list(value: &Option<Value>) -> bool {
    matches!(value, Some(Value::Array(list)) if !list.is_empty())
}

/// What went and what came of a list.
fn elements(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, after) = (list(before), list(after));
    let gone = before.iter().filter(|one| !after.contains(one)).map(|one| format!("- {}", element(one)));
    let come = after.iter().filter(|one| !before.contains(one)).map(|one| format!("+ {}", element(one)));
    let lines: Vec<String> = gone.chain(come).collect();
    if lines.is_empty() { vec!["~ (another order)".into()] } else { lines }
}

/// One element of a list; a route as people write it.
pub(super) fn element(value: &Value) -> String {
    match (value.get("route_key").and_then(Value::as_str), value.get("function").and_then(Value::as_str)) {
        (Some(route), Some(function)) => {
            let function =
                function.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or(function);
            format!("{route} -> {}", function.strip_suffix(".function_name").unwrap_or(function))
        }
        _ => text("", value),
    }
}

/// A value; of a package only as much of its address as tells it from others.
pub(super) fn text(name: &str, value: &Value) -> String {
    match (value.get("secret").and_then(Value::as_str), value.as_str()) {
        (Some(reference), _) => format!("secret({reference})"),
        (_, Some(address)) if name == "package" => format!("{}…", address.get(..8).unwrap_or(address)),
        (_, Some(late)) if late.starts_with("${") => format!("{late} (known after apply)"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(before: Value, after: Value) -> Vec<String> {
        let some = |value: Value| Some(value).filter(|value| !value.is_null());
        let (before, after) = (some(before), some(after));
        let change = PropertyChange { property: "p".into(), before, after, known_after_apply: false };
        property(&change, StepAction::Update)
    }

    #[test]
    fn a_list_shows_what_went_and_what_came() {
        let route = |key: &str| json!({ "route_key": key, "function": "${function.list.function_name}" });
        let said =
            lines(json!([route("GET /a"), route("GET /b")]), json!([route("GET /b"), route("GET /c")]));
        assert_eq!(said, ["~ p:", "    - GET /a -> function.list", "    + GET /c -> function.list"]);
    }

    #[test]
    fn a_secret_shows_its_reference_and_that_its_value_changed() {
        let secret = |digest: &str| json!({ "secret": "env:X", "digest": digest });
        assert_eq!(lines(secret("1"), secret("2")), ["~ p: secret(env:X) (value changed)"]);
        assert_eq!(lines(Value::Null, secret("1")), ["+ p: secret(env:X)"]);
    }

    #[test]
    fn a_diff_is_coloured_by_the_sign_of_its_lines() {
        assert_eq!(painted("a\n  + b\n  c"), "a\n\u{1b}[32m  + b\u{1b}[0m\n  c");
    }
}
