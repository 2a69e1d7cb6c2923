//! A function as Lambda has it: one call tells its configuration, code, tags and concurrency.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use semantest_iac_core::domain::environment::{SecretSetting, SettingValue};
use semantest_iac_core::ports::secret_resolver::SecretValue;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::clients::Clients;
use crate::error::seen;
use crate::ownership::Tags;
use crate::patience::Patience;

/// How long a new or changed function may take to be ready.
const SETTLING: Duration = Duration::from_secs(300);

/// How long a new function may take to be seen at all.
const APPEARING: Duration = Duration::from_secs(20);

/// A function as found. `Debug` is left out: it holds the values of secrets.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub name: String,
    pub arn: String,
    pub runtime: String,
    pub handler: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub variables: BTreeMap<String, String>,
    /// SHA-256 (hex) of the package.
    pub package: String,
    pub role: String,
    /// ARNs of its layers, in their order.
    pub layers: Vec<String>,
    pub reserved_concurrency: Option<u32>,
    pub kms_key: Option<String>,
    pub tags: Tags,
    /// Lambda's token for "nobody changed it since".
    pub revision: Option<String>,
    /// The published version that a change gave; empty where none was published yet.
    pub version: String,
    state: Option<State>,
    last_update: Option<LastUpdateStatus>,
    reason: String,
}

/// Looks a function up.
pub(crate) async fn look_up(aws: &Clients, name: &str) -> Result<Option<Found>> {
    let answer = seen("lambda.GetFunction", aws.lambda.get_function().function_name(name).send().await)?;
    Ok(answer.map(|answer| found(name, answer)))
}

fn found(name: &str, answer: GetFunctionOutput) -> Found {
    let tags = answer.tags.unwrap_or_default().into_iter().collect();
    let concurrency = answer.concurrency.and_then(|one| one.reserved_concurrent_executions);
    let now = answer.configuration.map(|now| configured(name, now)).unwrap_or_default();
    let reserved_concurrency = concurrency.and_then(|count| u32::try_from(count).ok());
    Found { name: name.to_owned(), reserved_concurrency, tags, ..now }
}

fn configured(name: &str, now: FunctionConfiguration) -> Found {
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or_default();
    let reason = now.last_update_status_reason().or(now.state_reason()).unwrap_or_default().to_owned();
    Found {
        name: name.to_owned(),
        arn: unqualified(now.function_arn().unwrap_or_default()),
        runtime: now.runtime().map(|runtime| runtime.as_str().to_owned()).unwrap_or_default(),
        handler: now.handler().unwrap_or_default().to_owned(),
        memory_mb: number(now.memory_size),
        timeout_s: number(now.timeout),
        package: now.code_sha256().and_then(hex_of).unwrap_or_default(),
        role: now.role().unwrap_or_default().to_owned(),
        layers: now.layers().iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
        kms_key: now.kms_key_arn().map(str::to_owned),
        revision: now.revision_id().map(str::to_owned),
        state: now.state.clone(),
        last_update: now.last_update_status.clone(),
        variables: now.environment.and_then(|one| one.variables).unwrap_or_default().into_iter().collect(),
        reason,
        ..Found::default()
    }
}

/// A function's ARN without version or alias.
pub(crate) fn unqualified(arn: &str) -> String {
    arn.split(':').take(7).collect::<Vec<_>>().join(":")
}

/// A digest as Lambda gives it, in hex.
pub(crate) fn hex_of(code_sha256: &str) -> Option<String> {
    STANDARD.decode(code_sha256).ok().map(hex::encode)
}

/// Waits until the function can be called and changed.
///
/// # Errors
/// `Provider` where Lambda says that it came to nothing, `Timeout`.
pub(crate) async fn settled(aws: &Clients, name: &str) -> Result<Found> {
    let mut patience = Patience::new(format!("function `{name}` to be ready"), SETTLING);
    let mut appearing = Patience::new(format!("function `{name}` to be there"), APPEARING);
    loop {
        let Some(found) = look_up(aws, name).await? else {
            // Just made, and not yet to be seen everywhere.
            appearing.pause().await?;
            continue;
        };
        match (&found.state, &found.last_update) {
            (Some(State::Failed), _) => return Err(came_to_nothing("creation", name, &found.reason)),
            (_, Some(LastUpdateStatus::Failed)) => {
                return Err(came_to_nothing("update", name, &found.reason));
            }
            (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => patience.pause().await?,
            _ => return Ok(found),
        }
    }
}

impl Found {
    /// Whether nothing is under way.
    pub fn is_settled(&self) -> bool {
        !matches!(self.state, Some(State::Pending | State::Failed))
            && !matches!(self.last_update, Some(LastUpdateStatus::InProgress | LastUpdateStatus::Failed))
    }

    /// Whether `version` is what this is, in all that is part of a version.
    pub fn is_same_as(&self, version: &FunctionConfiguration) -> bool {
        let version = configured(&self.name, version.clone());
        let parts =
            |one: &Self| (one.package.clone(), one.runtime.clone(), one.handler.clone(), one.role.clone());
        parts(&version) == parts(self)
            && (version.memory_mb, version.timeout_s) == (self.memory_mb, self.timeout_s)
            && version.variables == self.variables
            && version.layers == self.layers
            && version.kms_key == self.kms_key
    }

    /// The same, published as `version`.
    pub fn published(self, version: String) -> Self {
        Self { version, ..self }
    }

    /// Whether its creation came to nothing: it can only be made anew.
    pub fn is_stillborn(&self) -> bool {
        self.state == Some(State::Failed)
    }
}

fn came_to_nothing(what: &str, name: &str, reason: &str) -> Error {
    let text = format!("the {what} of function `{name}` failed at Lambda: {reason}");
    Error::new(ErrorKind::Provider, "aws.lambda", text).with("function", name)
}

/// A variable's value as a setting: a secret that was asked for shows as its reference and a digest.
pub(crate) async fn as_setting(
    aws: &Clients,
    asked: Option<&SettingValue>,
    value: &str,
) -> Result<SettingValue> {
    match asked {
        Some(SettingValue::Secret(setting)) => {
            let digest = match setting.digest {
                Some(_) => Some(aws.secrets.digest(&SecretValue::new(value)).await?),
                None => None,
            };
            Ok(SettingValue::Secret(SecretSetting { secret: setting.secret.clone(), digest }))
        }
        _ => Ok(SettingValue::Plain(value.to_owned())),
    }
}
