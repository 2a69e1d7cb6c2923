//! Secrets of a blueprint: digests for the planner, values for the executor.

use crate::domain::blueprint::Blueprint;
use crate::domain::environment::{SecretSetting, SettingValue};
use crate::error::Result;
use crate::ports::secret_resolver::{ResolvedSecrets, SecretResolver};

/// Resolves every secret that `blueprint` refers to and writes the digests beside the references.
///
/// # Errors
/// `SecretUnresolved`, unless `lenient`: then the reference stays without a digest.
pub(crate) async fn resolve(
    blueprint: &mut Blueprint,
    resolver: &dyn SecretResolver,
    lenient: bool,
) -> Result<ResolvedSecrets> {
    let mut resolved = ResolvedSecrets::default();
    for setting in secrets_of(blueprint) {
        let value = match resolved.get(&setting.secret).cloned() {
            Some(value) => value,
            None => match resolver.resolve(&setting.secret).await {
                Ok(value) => value,
                Err(_) if lenient => continue,
                Err(error) => return Err(error),
            },
        };
        setting.digest = Some(resolver.digest(&value).await?);
        resolved.insert(setting.secret.clone(), value);
    }
    Ok(resolved)
}

fn secrets_of(blueprint: &mut Blueprint) -> impl Iterator<Item = &mut SecretSetting> {
    let of_functions = blueprint.functions.iter_mut().map(|function| &mut function.environment_variables);
    let of_service = blueprint.service.iter_mut().map(|service| &mut service.environment_variables);
    of_functions.chain(of_service).flat_map(|variables| variables.values_mut()).filter_map(
        |value| match value {
            SettingValue::Secret(setting) => Some(setting),
            SettingValue::Plain(_) => None,
        },
    )
}
