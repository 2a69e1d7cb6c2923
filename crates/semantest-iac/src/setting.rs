//! `--set key=value`: one setting of a configuration.

use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// Lays `text` (`key=value`, dots in the key for tables) over `configuration`. The value is read as TOML; what is no
/// TOML is text.
///
/// # Errors
/// `InvalidInput` where there is no key.
pub fn set(configuration: &mut Map<String, Value>, text: &str) -> Result<()> {
    let malformed = || {
        let text = format!("`{}` is no setting: write key=value, e.g. memory_mb=512", text.escape_debug());
        Error::new(ErrorKind::InvalidInput, "setting.read", text)
    };
    let (key, value) = text.split_once('=').ok_or_else(malformed)?;
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(malformed());
    }
    let (last, tables) = parts.split_last().ok_or_else(malformed)?;
    let mut table = configuration;
    for part in tables {
        let entry = table.entry(*part).or_insert_with(|| Value::Object(Map::new()));
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        table = entry.as_object_mut().ok_or_else(malformed)?;
    }
    table.insert((*last).to_owned(), read(value));
    Ok(())
}

fn read(text: &str) -> Value {
    let parsed: Option<Map<String, Value>> = toml::from_str(&format!("value = {text}")).ok();
    let value = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_toml_and_else_text() {
        let mut map = Map::new();
        let texts = [
            "memory_mb=512",
            "handler=index.handler",
            "routes=[\"GET /\"]",
            "functions.list.timeout_s=5",
            "functions.list.handler=a=b",
            "environment_variables.X={ secret = \"env:X\" }",
            "tags.empty=",
        ];
        for text in texts {
            set(&mut map, text).expect(text);
        }
        let wanted = json!({
            "memory_mb": 512, "handler": "index.handler", "routes": ["GET /"],
            "functions": { "list": { "timeout_s": 5, "handler": "a=b" } },
            "environment_variables": { "X": { "secret": "env:X" } }, "tags": { "empty": "" },
        });
        assert_eq!(Value::Object(map), wanted);
    }

    #[test]
    fn what_has_no_key_is_refused() {
        for text in ["", "novalue", "=1", "a..b=1"] {
            assert!(set(&mut Map::new(), text).is_err(), "{text}");
        }
    }
}
