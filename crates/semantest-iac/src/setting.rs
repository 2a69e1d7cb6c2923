//! `--set key=value`: one setting of a configuration.

use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::component_keys::{Takes, takes};

/// Keys of a component are never nested deeper.
const DEPTH_LIMIT: usize = 8;
/// So much of a setting is repeated in a message, in characters.
const SHOWN: usize = 80;

/// One setting, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    text: String,
    path: Vec<String>,
    value: Value,
    takes: Takes,
}

impl Setting {
    /// Reads `key=value`, dots in the key for tables. The value is text where the key takes text; elsewhere it is read
    /// as TOML, else as JSON, and is text where it is neither.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting: no key, or an unknown key (with the nearest known one).
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || refused(text, "write key=value, e.g. memory_mb=512");
        let (key, value) = text.split_once('=').ok_or_else(malformed)?;
        if key.split('.').count() > DEPTH_LIMIT {
            return Err(refused(text, &format!("a key has at most {DEPTH_LIMIT} parts")));
        }
        let path = path_of(key);
        if path.iter().any(String::is_empty) {
            return Err(malformed());
        }
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let takes = takes(&parts).map_err(|why| refused(text, &why).with("field", path.join(".")))?;
        let in_words = parts.len() > 1 && is_words(&parts[..parts.len() - 1]);
        let value = if in_words { word(value) } else { read(value) };
        Ok(Self { text: text.to_owned(), path, value, takes })
    }

    /// Checks that the value is one that the key takes.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting and what it must be.
    pub fn check(&self) -> Result<()> {
        let parts: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let around = parts.split_last().map(|(_, tables)| takes(tables));
        let secret = around == Some(Ok(Takes::Words(true))) && self.value.get("secret").is_some();
        match self.takes.misfit(&self.path.join("."), &self.value).filter(|_| !secret) {
            None => Ok(()),
            Some(why) => Err(self.refused(&why)),
        }
    }

    /// Lays it over `configuration`.
    pub fn lay_over(&self, configuration: &mut Map<String, Value>) {
        let Some((last, tables)) = self.path.split_last() else { return };
        let mut table = configuration;
        for part in tables {
            let entry = table.entry(part.as_str()).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            let Value::Object(inner) = entry else { return };
            table = inner;
        }
        table.insert(last.clone(), self.value.clone());
    }

    /// The function it is for, where it is for one.
    pub fn function(&self) -> Option<&str> {
        match self.path.as_slice() {
            [functions, name, _, ..] if functions == "functions" => Some(name),
            _ => None,
        }
    }

    /// Whether it says how `function` is called, which makes it one.
    pub fn defines(&self, function: &str) -> bool {
        matches!(self.path.as_slice(), [_, name, key] if name == function && key == "handler")
    }

    /// Whether it is what `field` of the component was set by.
    pub fn covers(&self, field: &str) -> bool {
        let own = self.path.join(".");
        let starts = |longer: &str, shorter: &str| {
            longer.strip_prefix(shorter).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        starts(field, &own) || starts(&own, field)
    }

    /// An error that names the setting as it was written.
    pub fn refused(&self, why: &str) -> Error {
        refused(&self.text, why).with("field", self.path.join("."))
    }
}

/// Lays `text` (`key=value`) over `configuration`.
///
/// # Errors
/// As [`Setting::parse`] and [`Setting::check`].
pub fn set(configuration: &mut Map<String, Value>, text: &str) -> Result<()> {
    let setting = Setting::parse(text)?;
    setting.check()?;
    setting.lay_over(configuration);
    Ok(())
}

fn refused(text: &str, why: &str) -> Error {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Error::new(ErrorKind::InvalidInput, "setting.read", format!("`--set {shown}`: {why}"))
}

/// The parts of a key. In a table of texts the rest is one key: tags may hold dots.
fn path_of(key: &str) -> Vec<String> {
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    let words = (1..parts.len()).find(|length| is_words(&parts[..*length]));
    let (tables, rest) = parts.split_at(words.unwrap_or(parts.len()));
    let last = (!rest.is_empty()).then(|| rest.join("."));
    tables.iter().map(|part| (*part).to_owned()).chain(last).collect()
}

fn is_words(path: &[&str]) -> bool {
    matches!(takes(path), Ok(Takes::Words(_)))
}

/// A text: as it stands, or quoted; or a reference to a secret.
fn word(text: &str) -> Value {
    match read(text) {
        Value::String(text) => Value::String(text),
        Value::Object(map) if map.contains_key("secret") => Value::Object(map),
        _ => Value::String(text.to_owned()),
    }
}

fn read(text: &str) -> Value {
    let parsed: Option<Map<String, Value>> = toml::from_str(&format!("value = {text}")).ok();
    let value = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    let value = value.or_else(|| serde_json::from_str(text).ok().filter(|value: &Value| !value.is_null()));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn laid(texts: &[&str]) -> Value {
        let mut map = Map::new();
        for text in texts {
            set(&mut map, text).expect(text);
        }
        Value::Object(map)
    }

    #[test]
    fn values_are_toml_or_json_and_else_text() {
        let map = laid(&[
            "memory_mb=512",
            "handler=index.handler",
            "routes=[\"GET /\"]",
            "functions.list.timeout_s=5",
            "functions.list.handler=a=b",
            "replicas={\"min\": 1}",
            "cors.allow_credentials=true",
            "plan=flex-consumption",
        ]);
        let wanted = json!({
            "memory_mb": 512, "handler": "index.handler", "routes": ["GET /"],
            "functions": { "list": { "timeout_s": 5, "handler": "a=b" } },
            "replicas": { "min": 1 }, "cors": { "allow_credentials": true },
            "plan": "flex-consumption",
        });
        assert_eq!(map, wanted);
    }

    #[test]
    fn variables_and_tags_are_text_whatever_they_look_like() {
        let map = laid(&[
            "environment_variables.ONE=1",
            "environment_variables.YES=true",
            "environment_variables.QUOTED=\"1\"",
            "environment_variables.LIST=[1, 2]",
            "environment_variables.EMPTY=",
            "environment_variables.X={ secret = \"env:X\" }",
            "functions.list.environment_variables.N=2026-11-24",
            "tags.app.example/cost=7",
        ]);
        let wanted = json!({
            "environment_variables": {
                "ONE": "1", "YES": "true", "QUOTED": "1", "LIST": "[1, 2]", "EMPTY": "", "X": { "secret": "env:X" },
            },
            "functions": { "list": { "environment_variables": { "N": "2026-11-24" } } },
            "tags": { "app.example/cost": "7" },
        });
        assert_eq!(map, wanted);
    }

    #[test]
    fn what_cannot_be_set_is_refused_by_its_text_and_key() {
        let cases = [
            ("", "write key=value"),
            ("novalue", "write key=value"),
            ("=1", "write key=value"),
            ("tags.=1", "write key=value"),
            ("memory_mb=abc", "memory_mb must be a whole number from 128 to 10240"),
            ("memory_mb=64", "memory_mb must be a whole number from 128 to 10240"),
            ("functions.list.timeout_s=-1", "functions.list.timeout_s must be a whole number from 1 to 900"),
            ("kind=3", "kind must be rest-api, websocket, container-service or pulumi-stack"),
            ("plan=basic", "plan must be consumption, flex-consumption or premium"),
            ("plan=1", "plan must be consumption, flex-consumption or premium"),
            ("handler=7", "handler must be text"),
            ("handler={ secret = \"env:X\" }", "handler must be text"),
            ("tags.x={ secret = \"env:X\" }", "tags.x must be text"),
            ("routes=GET", "a list of texts"),
            ("environment_variables={ A = 1 }", "environment_variables.A must be text"),
            ("functions={ list = { memory_mb = 1 } }", "functions.list.memory_mb must be a whole number"),
            ("cors={ alow_origins = [] }", "did you mean `allow_origins`"),
            ("memry_mb=1", "did you mean `memory_mb`"),
            ("functions.list.memry_mb=1", "did you mean `memory_mb`"),
        ];
        for (text, why) in cases {
            let error = set(&mut Map::new(), text).expect_err(text);
            assert!(error.message().starts_with(&format!("`--set {text}`: ")), "{error}");
            assert!(error.message().contains(why), "{error}");
        }
    }

    #[test]
    fn a_key_without_end_is_refused() {
        let error = Setting::parse(&format!("{}=1", vec!["a"; 30_000].join("."))).expect_err("too deep");
        assert!(error.message().contains("at most 8 parts"), "{error}");
        assert!(error.message().len() < 400, "{error}");
    }
}
