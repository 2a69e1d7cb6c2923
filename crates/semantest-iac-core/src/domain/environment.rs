//! An environment: a name with a provider, a region and settings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of a setting: plain text, or a reference to a secret that is resolved at apply time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// The value itself.
    Plain(String),
    /// `{ secret = "env:DB_PASSWORD" }`.
    Secret(SecretSetting),
}

/// A reference to a secret, never its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSetting {
    /// `<scheme>:<rest>`: `env:NAME`, `file:PATH`, `aws-secretsmanager:…`, `azure-keyvault:…`.
    pub secret: String,
    /// Keyed digest of the value when it was last applied, to notice a change. Filled in by the planner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl SettingValue {
    /// The reference, where this is a secret.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(setting) => Some(&setting.secret),
        }
    }
}

/// `[environments.<name>]` without its component overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentDefinition {
    /// `local`, `aws`, `azure`.
    pub provider: String,
    /// `eu-west-1`, `westeurope`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// Variables and tags laid over a component: what `configure` sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentConfiguration {
    /// Environment variables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, SettingValue>,
    /// Tags by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Checks the name of an environment variable: letters, digits and `_`, not starting with a digit.
///
/// # Errors
/// What is wrong, in words.
pub fn check_variable_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if first && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Ok(());
    }
    let name = name.escape_debug();
    Err(format!("`{name}` is no name for an environment variable: use letters, digits and _"))
}

/// Longest value of an environment variable, in bytes: what every system can start a process with.
const VALUE_LIMIT: usize = 64 * 1024;

/// Checks a value that is written down, or the reference to a secret; `schemes` can be resolved.
///
/// # Errors
/// What is wrong, in words.
pub fn check_value(name: &str, value: &SettingValue, schemes: &[String]) -> Result<(), String> {
    let reference = match value {
        SettingValue::Plain(text) => {
            return check_text(text).map_err(|why| format!("the value of `{name}` {why}"));
        }
        SettingValue::Secret(setting) => setting.secret.as_str(),
    };
    match reference.split_once(':') {
        None => Err(format!("the secret of `{name}` needs a scheme, such as `env:{name}`")),
        Some((scheme, _)) if !schemes.iter().any(|known| known == scheme) => Err(format!(
            "the secret of `{name}` has the scheme `{}`, which this build cannot resolve; it resolves: {}",
            scheme.escape_debug(),
            schemes.join(", ")
        )),
        Some((scheme, "")) => Err(format!("the secret of `{name}` names nothing after `{scheme}:`")),
        Some(_) => Ok(()),
    }
}

/// Checks that `text` can be the value of an environment variable.
///
/// # Errors
/// What is wrong, in words; never the text.
pub fn check_text(text: &str) -> Result<(), &'static str> {
    match text {
        _ if text.contains('\0') => Err("holds a NUL character, which an environment variable cannot"),
        _ if text.len() > VALUE_LIMIT => {
            Err("is longer than 64 KiB, which an environment variable cannot be")
        }
        _ => Ok(()),
    }
}
