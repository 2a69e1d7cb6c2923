//! Environment variables with their values: from here on those of secrets are only in memory and on their way.

use std::collections::BTreeMap;

use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::provider::Change;
use semantest_iac_core::{Error, ErrorKind, Result};

/// The values of `settings`, those of secrets as `change` has them.
///
/// # Errors
/// `SecretUnresolved`, never with a value.
pub(crate) fn values<C: FromIterator<(String, String)>>(
    change: &Change,
    settings: &BTreeMap<String, SettingValue>,
) -> Result<C> {
    let value = |setting: &SettingValue| match setting {
        SettingValue::Plain(text) => Ok(text.clone()),
        SettingValue::Secret(setting) => match change.secrets.get(&setting.secret) {
            Some(value) => Ok(value.reveal().to_owned()),
            None => {
                let text = format!("secret `{}` has no value", setting.secret);
                Err(Error::new(ErrorKind::SecretUnresolved, "aws.apply", text))
            }
        },
    };
    settings.iter().map(|(name, setting)| Ok((name.clone(), value(setting)?))).collect()
}
