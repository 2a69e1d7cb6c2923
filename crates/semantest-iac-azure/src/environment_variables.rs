//! Environment variables: those of all functions of an app together, and their values. From here on those of secrets are only
//! in memory and on their way.

use std::collections::BTreeMap;

use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::environment::{SecretSetting, SettingValue};
use semantest_iac_core::ports::provider::Change;
use semantest_iac_core::ports::secret_resolver::SecretValue;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::clients::Clients;

pub(crate) type Settings = BTreeMap<String, SettingValue>;

/// What the platform's and our own settings begin with.
const RESERVED: [&str; 9] = [
    "FUNCTIONS_",
    "AzureWebJobs",
    "AzureFunctions",
    "APPLICATIONINSIGHTS_",
    "WEBSITE_",
    "SCM_",
    "SEMANTEST_",
    "DEPLOYMENT_STORAGE_",
    "PYTHON_THREADPOOL_",
];

/// What settings begin with that are variables under another name: those whose name has another function's value.
const RENAMED: &str = "SEMANTEST_VARIABLE_";

/// Whether a setting is the platform's or ours, not a variable of the user's.
pub(crate) fn is_reserved(name: &str) -> bool {
    is_kept(name) && !name.starts_with(RENAMED)
}

fn is_kept(name: &str) -> bool {
    let begins =
        |prefix: &&str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    RESERVED.iter().any(begins)
}

/// The variables of several functions as settings of the app that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shared {
    /// Values by the names of settings.
    pub settings: Settings,
    /// Names of settings by those of variables, by the functions' roles.
    pub by_role: BTreeMap<String, BTreeMap<String, String>>,
}

/// The settings that the variables of `functions` are. A variable's setting is called like it; where another function has
/// another value for it already, the setting has a name of its own.
///
/// # Errors
/// `InvalidInput` where one has a name of the platform's.
pub(crate) fn together(functions: &[ServerlessFunction]) -> Result<Shared> {
    let mut shared = Shared::default();
    for function in functions {
        let mut names = BTreeMap::new();
        for (name, value) in &function.environment_variables {
            if is_kept(name) {
                let text = format!("variable `{name}` is the platform's own on Azure: use another name");
                return Err(invalid(name, text));
            }
            let mut setting = name.clone();
            let mut number = 1;
            while shared.settings.get(&setting).is_some_and(|other| other != value) {
                number += 1;
                setting = format!("{RENAMED}{number}_{name}");
            }
            shared.settings.insert(setting.clone(), value.clone());
            names.insert(name.clone(), setting);
        }
        shared.by_role.insert(function.role.clone(), names);
    }
    Ok(shared)
}

fn invalid(name: &str, text: String) -> Error {
    let field = format!("environment_variables.{name}");
    Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", field)
}

/// The values of `settings`, those of secrets as `change` has them.
///
/// # Errors
/// `SecretUnresolved`, never with a value.
pub(crate) fn values<C: FromIterator<(String, String)>>(change: &Change, settings: &Settings) -> Result<C> {
    let value = |setting: &SettingValue| match setting {
        SettingValue::Plain(text) => Ok(text.clone()),
        SettingValue::Secret(setting) => match change.secrets.get(&setting.secret) {
            Some(value) => Ok(value.reveal().to_owned()),
            None => {
                let text = format!("secret `{}` has no value", setting.secret);
                Err(Error::new(ErrorKind::SecretUnresolved, "azure.apply", text))
            }
        },
    };
    settings.iter().map(|(name, setting)| Ok((name.clone(), value(setting)?))).collect()
}

/// What was found under a name, as a setting: where a secret was asked for, its reference and the digest of what is there.
///
/// # Errors
/// Those of making a digest.
pub(crate) async fn as_setting(
    azure: &Clients,
    asked: Option<&SettingValue>,
    found: &str,
) -> Result<SettingValue> {
    let Some(SettingValue::Secret(asked)) = asked else { return Ok(SettingValue::Plain(found.to_owned())) };
    let digest = azure.secrets.digest(&SecretValue::new(found)).await?;
    Ok(SettingValue::Secret(SecretSetting { secret: asked.secret.clone(), digest: Some(digest) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn function(role: &str, variables: serde_json::Value) -> ServerlessFunction {
        let whole = json!({
            "role": role, "package": "00", "runtime": "nodejs20.x", "handler": "index.handler", "memory_mb": 128,
            "timeout_s": 3, "environment_variables": variables,
        });
        serde_json::from_value(whole).expect("a function")
    }

    #[test]
    fn functions_share_settings_and_each_has_its_own_variables() {
        let all = together(&[
            function("a", json!({ "A": "1" })),
            function("b", json!({ "A": "2", "B": "3" })),
            function("c", json!({ "A": "1" })),
        ]);
        let all = all.expect("settings");
        let names: Vec<&str> = all.settings.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "B", "SEMANTEST_VARIABLE_2_A"]);
        assert!(names.iter().all(|name| !is_reserved(name)), "all are the user's");
        assert_eq!(all.by_role["b"]["A"], "SEMANTEST_VARIABLE_2_A");
        assert_eq!((&all.by_role["c"]["A"], all.by_role["c"].contains_key("B")), (&"A".to_owned(), false));
        together(&[function("a", json!({ "website_x": "1" }))]).expect_err("the platform's");
        together(&[function("a", json!({ "SEMANTEST_VARIABLE_2_A": "1" }))]).expect_err("ours");
    }
}
