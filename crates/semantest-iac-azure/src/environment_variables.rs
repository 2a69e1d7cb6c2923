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

/// Whether a setting is the platform's or ours, not a variable of the user's.
pub(crate) fn is_reserved(name: &str) -> bool {
    let begins =
        |prefix: &&str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    RESERVED.iter().any(|prefix| begins(&prefix))
}

/// The variables of `functions` together: they share one app and its settings.
///
/// # Errors
/// `InvalidInput` where two functions have different values for one name, or one has a name of the platform's.
pub(crate) fn together(functions: &[ServerlessFunction]) -> Result<Settings> {
    let mut all = Settings::new();
    for function in functions {
        for (name, value) in &function.environment_variables {
            if is_reserved(name) {
                let text = format!("variable `{name}` is the platform's own on Azure: use another name");
                return Err(invalid(name, text));
            }
            if let Some(other) = all.insert(name.clone(), value.clone())
                && other != *value
            {
                let text = format!(
                    "the functions of one component share their variables on Azure, and `{name}` has different values: \
                     use different names, or make components of them"
                );
                return Err(invalid(name, text));
            }
        }
    }
    Ok(all)
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
    fn functions_share_their_variables_and_may_not_differ_in_one() {
        let all =
            together(&[function("a", json!({ "A": "1" })), function("b", json!({ "A": "1", "B": "2" }))]);
        assert_eq!(all.expect("the same").len(), 2);
        let refused = together(&[function("a", json!({ "A": "1" })), function("b", json!({ "A": "2" }))]);
        assert!(refused.expect_err("different").message().contains("`A`"));
        together(&[function("a", json!({ "website_x": "1" }))]).expect_err("the platform's");
    }
}
