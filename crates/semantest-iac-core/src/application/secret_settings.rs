//! Secrets of a blueprint: digests for the planner, values for the executor.

use crate::domain::blueprint::Blueprint;
use crate::domain::environment::{SecretSetting, SettingValue, check_text};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::secret_resolver::{ResolvedSecrets, SecretResolver};

/// What becomes of a blueprint's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// They are needed: one without a value is an error.
    Apply,
    /// They are compared: one without a value stays without a digest.
    Compare,
    /// They are left alone.
    Ignore,
}

/// Resolves every secret that `blueprint` refers to and writes the digests beside the references.
///
/// # Errors
/// `SecretUnresolved`, where they are to be applied.
pub(crate) async fn resolve(
    blueprint: &mut Blueprint,
    resolver: &dyn SecretResolver,
    region: Option<&str>,
    purpose: SecretUse,
) -> Result<ResolvedSecrets> {
    let mut resolved = ResolvedSecrets::default();
    if purpose == SecretUse::Ignore {
        return Ok(resolved);
    }
    for setting in secrets_of(blueprint) {
        let value = match resolved.get(&setting.secret).cloned() {
            Some(value) => value,
            None => match resolver.resolve_in(&setting.secret, region).await {
                Ok(value) => value,
                Err(_) if purpose == SecretUse::Compare => continue,
                Err(error) => return Err(error),
            },
        };
        if let Err(why) = check_text(value.reveal()) {
            let text = format!("secret `{}` {why}", setting.secret);
            return Err(Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text)
                .with("reference", &setting.secret));
        }
        setting.digest = Some(resolver.digest(&value).await?);
        resolved.insert(setting.secret.clone(), value);
    }
    Ok(resolved)
}

fn secrets_of(blueprint: &mut Blueprint) -> impl Iterator<Item = &mut SecretSetting> {
    let of_functions = blueprint.functions.iter_mut().map(|function| &mut function.environment_variables);
    let of_stack = blueprint.stack.iter_mut();
    let of_stack = of_stack.flat_map(|stack| [&mut stack.config, &mut stack.environment_variables]);
    let of_service = blueprint.service.iter_mut().map(|service| &mut service.environment_variables);
    of_functions.chain(of_service).chain(of_stack).flat_map(|variables| variables.values_mut()).filter_map(
        |value| match value {
            SettingValue::Secret(setting) => Some(setting),
            SettingValue::Plain(_) => None,
        },
    )
}
