//! `aws.lambda_alias`: the name that leads to a function's current version. APIs call it, so that a new version is taken up
//! at once and whole. It has no tags: it is part of its function.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::types::ProvisionedConcurrencyStatusEnum;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Observed, Operation, ResourceHandle,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, gone};
use crate::function_state::unqualified;
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.lambda_alias";

/// What the alias of every function is called.
pub(crate) const NAME: &str = "live";

/// How long it may take until instances are kept warm.
const WARMING: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    function_name: String,
    alias_name: String,
    function_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provisioned_concurrency: Option<u32>,
}

/// The alias of `function`, which is lowered to `resource`.
pub(crate) fn lower(region: &str, function: &ServerlessFunction, resource: &Resource) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        function_name: Reference::text(&resource.address, "function_name"),
        alias_name: NAME.into(),
        function_version: Reference::text(&resource.address, "version"),
        provisioned_concurrency: function.scaling.provisioned_concurrency,
    };
    let mut alias = Resource::new(format!("{}.alias", resource.address), WORD, properties(&inputs));
    alias.replace_on.extend(["function_name".to_owned(), "alias_name".to_owned()]);
    alias
}

pub(crate) struct FunctionAlias;

#[async_trait]
impl ResourceKind for FunctionAlias {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let Some((version, arn)) = look_up(aws, &asked).await? else { return Ok(None) };
        let mut inputs = properties(&json!({
            "function_name": asked.function_name, "alias_name": asked.alias_name, "function_version": version,
        }));
        if asked.provisioned_concurrency.is_some() {
            inputs.insert("provisioned_concurrency".into(), json!(kept_warm(aws, &asked).await?));
        }
        Ok(Some(Observed { id: id(&asked), inputs, outputs: outputs(&arn) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let arn = match change.action {
            ChangeAction::Update if !change.changed.contains("function_version") => None,
            ChangeAction::Update => Some(update(aws, &wanted).await?),
            _ => Some(create(aws, &wanted).await?),
        };
        let arn = match arn {
            Some(arn) => arn,
            None => known_arn(aws, change, &wanted).await?,
        };
        let before = change.previous_inputs.as_ref();
        let was_warm = before.is_some_and(|before| before.contains_key("provisioned_concurrency"));
        let is_new =
            change.action != ChangeAction::Update || change.changed.contains("provisioned_concurrency");
        match wanted.provisioned_concurrency.filter(|_| is_new) {
            Some(count) => keep_warm(aws, &wanted, count).await?,
            None if was_warm && wanted.provisioned_concurrency.is_none() => let_cool(aws, &wanted).await?,
            None => {}
        }
        Ok(Applied { id: id(&wanted), outputs: outputs(&arn), adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        let call = aws
            .lambda
            .delete_alias()
            .function_name(unqualified(&there.function_name))
            .name(&there.alias_name);
        gone("lambda.DeleteAlias", call.send().await)
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}:{}", inputs.function_name, inputs.alias_name)
}

fn outputs(arn: &str) -> Properties {
    properties(&json!({ "arn": arn }))
}

async fn known_arn(aws: &Clients, change: &Change, alias: &Inputs) -> Result<String> {
    match change.resource.outputs.get("arn").and_then(Value::as_str) {
        Some(arn) => Ok(arn.to_owned()),
        None => Ok(look_up(aws, alias).await?.map(|(_, arn)| arn).unwrap_or_default()),
    }
}

async fn look_up(aws: &Clients, alias: &Inputs) -> Result<Option<(String, String)>> {
    let call = aws.lambda.get_alias().function_name(&alias.function_name).name(&alias.alias_name);
    match call.send().await {
        Ok(found) => {
            Ok(Some((found.function_version.unwrap_or_default(), found.alias_arn.unwrap_or_default())))
        }
        Err(error) => match Failure::of(&error) {
            failure if failure.is_not_found() => Ok(None),
            failure => Err(failure.into_error("lambda.GetAlias")),
        },
    }
}

async fn create(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let call = aws.lambda.create_alias().function_name(&wanted.function_name).name(&wanted.alias_name);
    match call.function_version(&wanted.function_version).send().await.map_err(|error| Failure::of(&error)) {
        Ok(made) => Ok(made.alias_arn.unwrap_or_default()),
        // It is there, or something else is being done to the function: an update tells which.
        Err(failure) if failure.is(&["ResourceConflict", "ConflictException"]) => {
            update(aws, wanted).await.map_err(|error| match error.kind() {
                ErrorKind::NotFound => failure.into_error("lambda.CreateAlias").retry_later(),
                _ => error,
            })
        }
        // A version that was published this moment may not be seen everywhere yet.
        Err(failure) if failure.is_not_found() => Err(failure.into_error("lambda.CreateAlias").retry_later()),
        Err(failure) => Err(failure.into_error("lambda.CreateAlias")),
    }
}

async fn update(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let call = aws.lambda.update_alias().function_name(&wanted.function_name).name(&wanted.alias_name);
    let sent = call.function_version(&wanted.function_version).send().await;
    let updated = sent.map_err(|error| failed("lambda.UpdateAlias", error))?;
    Ok(updated.alias_arn.unwrap_or_default())
}

/// How many instances are kept warm, as was asked.
async fn kept_warm(aws: &Clients, alias: &Inputs) -> Result<Option<u32>> {
    let call = aws.lambda.get_provisioned_concurrency_config().function_name(&alias.function_name);
    match call.qualifier(&alias.alias_name).send().await {
        Ok(found) => {
            let count = found.requested_provisioned_concurrent_executions;
            Ok(count.and_then(|count| u32::try_from(count).ok()))
        }
        Err(error) => match Failure::of(&error) {
            failure if failure.is_not_found() || failure.is(&["ProvisionedConcurrencyConfigNotFound"]) => {
                Ok(None)
            }
            failure => Err(failure.into_error("lambda.GetProvisionedConcurrencyConfig")),
        },
    }
}

async fn keep_warm(aws: &Clients, alias: &Inputs, count: u32) -> Result<()> {
    let call = aws.lambda.put_provisioned_concurrency_config().function_name(&alias.function_name);
    let call = call.qualifier(&alias.alias_name);
    let call = call.provisioned_concurrent_executions(i32::try_from(count).unwrap_or(i32::MAX));
    call.send().await.map_err(|error| failed("lambda.PutProvisionedConcurrencyConfig", error))?;
    let mut patience =
        Patience::new(format!("{count} instances of `{}` to be warm", alias.function_name), WARMING)
            .pauses(Duration::from_millis(500), Duration::from_secs(5));
    loop {
        let call = aws.lambda.get_provisioned_concurrency_config().function_name(&alias.function_name);
        let found = call.qualifier(&alias.alias_name).send().await;
        let found = found.map_err(|error| failed("lambda.GetProvisionedConcurrencyConfig", error))?;
        match found.status {
            Some(ProvisionedConcurrencyStatusEnum::InProgress) => patience.pause().await?,
            Some(ProvisionedConcurrencyStatusEnum::Failed) => {
                let reason = found.status_reason.unwrap_or_default();
                let text = format!("instances of `{}` cannot be kept warm: {reason}", alias.function_name);
                return Err(Error::new(ErrorKind::Provider, "aws.lambda", text));
            }
            _ => return Ok(()),
        }
    }
}

async fn let_cool(aws: &Clients, alias: &Inputs) -> Result<()> {
    let call = aws.lambda.delete_provisioned_concurrency_config().function_name(&alias.function_name);
    match call.qualifier(&alias.alias_name).send().await.map_err(|error| Failure::of(&error)) {
        Ok(_) => Ok(()),
        Err(failure) if failure.is_not_found() || failure.is(&["ProvisionedConcurrencyConfigNotFound"]) => {
            Ok(())
        }
        Err(failure) => Err(failure.into_error("lambda.DeleteProvisionedConcurrencyConfig")),
    }
}
