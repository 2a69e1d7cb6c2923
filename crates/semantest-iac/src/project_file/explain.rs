//! What a parser's complaint means for whoever wrote the file.

use std::path::Path;

use semantest_iac_core::Error;
use semantest_iac_core::domain::component::nearest;

use super::invalid;
use super::location::{Locations, line_of};
use crate::component_keys::takes;

/// A parser's complaint with file, line, column, field and, for an unknown key, the nearest known one.
pub(super) fn explain(error: &toml::de::Error, text: &str, path: &Path, locations: &Locations) -> Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line = line_of(text, at);
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let said = error.message().trim();
    let field = match missing(said) {
        // What is missing stands nowhere: it belongs to the table that was found wanting.
        Some(key) if before.trim().is_empty() && key == "project" => Some(key.to_owned()),
        Some(key) => locations.field_at(line).map(|table| format!("{table}.{key}")),
        None => locations.field_at(line).map(str::to_owned),
    };
    let text = in_words(said, field.as_deref());
    let error = invalid(path, format!("{}, line {line}, column {column}: {text}", path.display()));
    let error = error.with("line", line).with("column", column);
    field.into_iter().fold(error, |error, field| error.with("field", field))
}

fn missing(said: &str) -> Option<&str> {
    said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
}

/// The complaint in words for people.
pub(super) fn in_words(said: &str, field: Option<&str>) -> String {
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    if let (true, Some((unknown, known))) = (said.starts_with("unknown field"), quoted.split_first()) {
        return match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
            None => format!("unknown key `{unknown}`; known keys here are {}", known.join(", ")),
        };
    }
    match missing(said) {
        Some("project") => return "`project` is missing: begin the file with project = \"name\"".into(),
        Some("provider") => return "`provider` is missing: local, aws or azure".into(),
        Some(key) => return format!("`{key}` is missing"),
        None => {}
    }
    if said.contains("untagged enum SettingValue") {
        return "the value must be text, or a reference such as { secret = \"env:NAME\" }".to_owned();
    }
    let wrong_value = ["invalid type", "invalid value", "unknown variant", "wanted"];
    let key = field.and_then(component_key).filter(|_| wrong_value.iter().any(|word| said.starts_with(word)));
    match key {
        Some((key, takes)) if said.starts_with("invalid") => {
            format!("`{key}` must be {takes} ({})", said.replace('\n', " "))
        }
        Some((key, takes)) => format!("`{key}` must be {takes}"),
        None => said.replace('\n', " "),
    }
}

/// The key of a component that `field` is, and what it takes.
fn component_key(field: &str) -> Option<(&str, String)> {
    let parts: Vec<&str> = field.split('.').collect();
    let below = match parts.as_slice() {
        ["components", _, below @ ..] | ["environments", _, "components", _, below @ ..] => below,
        _ => return None,
    };
    let takes = takes(below).ok()?;
    below.last().map(|key| (*key, takes.words()))
}
