//! The calls that make and change a function, as few as can be.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, FunctionConfiguration, Runtime};
use semantest_iac_core::ports::provider::{Change, Operation};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::clients::Clients;
use crate::environment_variables;
use crate::error::{Failure, failed};
use crate::function::{BESIDE_VERSIONS, Inputs};
use crate::function_state::{self, Found, settled};
use crate::ownership;
use crate::package_upload::{self, Code, Upload};
use crate::patience::Patience;

/// IAM tells the rest of AWS of a new role in its own time: mostly seconds, at times minutes.
const ROLE_PROPAGATION: Duration = Duration::from_secs(300);

/// How long another change of the same function may keep ours waiting.
const OTHER_CHANGE: Duration = Duration::from_secs(120);

/// Creates the function and publishes its first version; nothing where one of that name is there already.
pub(crate) async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<Option<Found>> {
    let name = wanted.function_name.as_str();
    let code = package_upload::code(aws, change, operation, &upload(wanted)).await?;
    let mut patience =
        Patience::new(format!("role `{}` to be assumable by Lambda", wanted.role), ROLE_PROPAGATION)
            .pauses(Duration::from_secs(1), Duration::from_secs(5));
    let created = loop {
        let sent = create_call(aws, change, operation, wanted, &code).await?.send().await;
        match sent.map_err(|error| Failure::of(&error)) {
            Ok(created) => break Ok(created),
            Err(failure) if is_early(&failure) => patience.pause().await?,
            Err(failure) => break Err(failure),
        }
    };
    package_upload::clean_up(aws, &code).await;
    let version = match created {
        Ok(created) => created.version.unwrap_or_default(),
        Err(failure) if failure.is(&["ResourceConflict"]) => return Ok(None),
        Err(failure) => return Err(failure.into_error("lambda.CreateFunction")),
    };
    let found = settled(aws, name).await?;
    let version = if is_published(&version) { version } else { publish(aws, name).await? };
    if let Some(most) = wanted.reserved_concurrency {
        reserve(aws, name, Some(most)).await?;
    }
    Ok(Some(found.published(version)))
}

async fn create_call(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    code: &Code,
) -> Result<aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder> {
    let key = key(aws, wanted).await?;
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let (memory, timeout) = (number(wanted.memory_mb), number(wanted.timeout_s));
    let call = aws.lambda.create_function().function_name(&wanted.function_name);
    let call =
        call.runtime(Runtime::from(wanted.runtime.as_str())).handler(&wanted.handler).role(&wanted.role);
    let call =
        call.memory_size(memory).timeout(timeout).publish(true).environment(environment(change, wanted)?);
    let layers = Some(wanted.layers.clone()).filter(|layers| !layers.is_empty());
    let call = call.set_kms_key_arn(key).set_tags(Some(tags.into_iter().collect())).set_layers(layers);
    Ok(call.code(match code {
        Code::Inline(zip) => FunctionCode::builder().zip_file(Blob::new(zip.clone())).build(),
        Code::InBucket { bucket, key } => FunctionCode::builder().s3_bucket(bucket).s3_key(key).build(),
    }))
}

/// What a role that Lambda has not yet heard of is refused with, and a key it may not use yet.
fn is_early(failure: &Failure) -> bool {
    ["cannot be assumed", "execution role does not have permissions", "CreateGrant"]
        .iter()
        .any(|words| failure.says("InvalidParameterValue", words))
}

/// Changes only what differs, without a look first, where the log tells that nobody has changed the function since: one
/// call for its code, one for its configuration. Nothing where a look is needed.
pub(crate) async fn quick(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<Option<Found>> {
    let revision = change.resource.outputs.get("revision").and_then(Value::as_str);
    let (Some(revision), Some(_)) = (revision, &change.resource.id) else { return Ok(None) };
    let known: [&str; 9] = [
        "package",
        "runtime",
        "handler",
        "memory_mb",
        "timeout_s",
        "environment_variables",
        "kms_key",
        "role",
        "layers",
    ];
    let changed = |key: &str| change.changed.contains(key);
    let others = change.changed.iter().any(|key| !known.contains(&key.as_str()));
    let (code, configuration) = (changed("package"), known[1..].iter().any(|key| changed(key)));
    // A look is cheaper than two guesses.
    if others || code == configuration {
        return Ok(None);
    }
    let done = if code {
        update_code(aws, change, operation, wanted, Some(revision)).await
    } else {
        update_configuration(aws, change, wanted, Some(revision)).await.map(|()| String::new())
    };
    let version = match done {
        Ok(version) => version,
        Err(failure) if failure.is(&["PreconditionFailed", "ResourceConflict"]) => return Ok(None),
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => {
            return Err(failure.into_error(if code {
                "lambda.UpdateFunctionCode"
            } else {
                "lambda.UpdateFunctionConfiguration"
            }));
        }
    };
    conclude(aws, &wanted.function_name, version).await.map(Some)
}

/// Brings a function that is there to what is wanted.
pub(crate) async fn bring(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    found: Found,
) -> Result<Found> {
    let name = wanted.function_name.as_str();
    if found.is_stillborn() {
        let sent = aws.lambda.delete_function().function_name(name).send().await;
        sent.map_err(|error| failed("lambda.DeleteFunction", error))?;
        let text = format!("the creation of function `{name}` had failed; it is made anew");
        return Err(Error::new(ErrorKind::Unavailable, "aws.lambda", text).retry_later());
    }
    let mut found = if found.is_settled() { found } else { settled(aws, name).await? };
    let (set, gone) = ownership::difference(&found.tags, &wanted.tags);
    if !set.is_empty() {
        let call = aws.lambda.tag_resource().resource(&found.arn).set_tags(Some(set.into_iter().collect()));
        call.send().await.map_err(|error| failed("lambda.TagResource", error))?;
    }
    if !gone.is_empty() {
        let keys = Some(gone.into_iter().collect());
        let call = aws.lambda.untag_resource().resource(&found.arn).set_tag_keys(keys);
        call.send().await.map_err(|error| failed("lambda.UntagResource", error))?;
    }
    let reconfigured = !is_configured(aws, change, wanted, &found).await?;
    if reconfigured {
        let mut patience = Patience::new(format!("another change of function `{name}` to end"), OTHER_CHANGE);
        while let Err(failure) = update_configuration(aws, change, wanted, None).await {
            match failure.is(&["ResourceConflict"]) || is_early(&failure) {
                true => patience.pause().await?,
                false => return Err(failure.into_error("lambda.UpdateFunctionConfiguration")),
            }
        }
        found = settled(aws, name).await?;
    }
    if found.reserved_concurrency != wanted.reserved_concurrency {
        reserve(aws, name, wanted.reserved_concurrency).await?;
    }
    let mut version = match unpublished_change(change) {
        Some(version) => version,
        None if is_configured(aws, change, wanted, &found).await?
            && found.package == wanted.package
            && !reconfigured =>
        {
            published_as(aws, &found).await?.unwrap_or_default()
        }
        None => String::new(),
    };
    if found.package != wanted.package {
        let mut patience = Patience::new(format!("another change of function `{name}` to end"), OTHER_CHANGE);
        version = loop {
            match update_code(aws, change, operation, wanted, None).await {
                Ok(version) => break version,
                Err(failure) if failure.is(&["ResourceConflict"]) => patience.pause().await?,
                Err(failure) => return Err(failure.into_error("lambda.UpdateFunctionCode")),
            }
        };
    }
    conclude(aws, name, version).await
}

/// The newest version, where it is what there is: an earlier try has published it.
async fn published_as(aws: &Clients, found: &Found) -> Result<Option<String>> {
    let pages =
        aws.lambda.list_versions_by_function().function_name(&found.name).into_paginator().items().send();
    let versions =
        pages.try_collect().await.map_err(|error| failed("lambda.ListVersionsByFunction", error))?;
    let number =
        |version: &FunctionConfiguration| version.version().and_then(|text| text.parse::<u64>().ok());
    let newest = versions.into_iter().filter(|version| number(version).is_some()).max_by_key(number);
    Ok(newest.filter(|newest| found.is_same_as(newest)).and_then(|newest| newest.version))
}

/// The version there is, where nothing changed that is part of one.
fn unpublished_change(change: &Change) -> Option<String> {
    let beside = |key: &String| BESIDE_VERSIONS.contains(&key.as_str());
    let version = change.resource.outputs.get("version").and_then(Value::as_str)?;
    (!change.changed.is_empty() && change.changed.iter().all(beside)).then(|| version.to_owned())
}

/// Waits until the change is in force; publishes it where that was not part of it.
async fn conclude(aws: &Clients, name: &str, version: String) -> Result<Found> {
    let found = settled(aws, name).await?;
    if is_published(&version) {
        return Ok(found.published(version));
    }
    let version = publish(aws, name).await?;
    // Publishing counts as a change.
    let found = function_state::look_up(aws, name).await?.unwrap_or(found);
    Ok(found.published(version))
}

/// Publishes what there is; says which version that is. Nothing changed since the last: the last.
async fn publish(aws: &Clients, name: &str) -> Result<String> {
    let mut patience = Patience::new(format!("another change of function `{name}` to end"), OTHER_CHANGE);
    loop {
        match aws
            .lambda
            .publish_version()
            .function_name(name)
            .send()
            .await
            .map_err(|error| Failure::of(&error))
        {
            Ok(published) => return Ok(published.version.unwrap_or_default()),
            Err(failure) if failure.is(&["ResourceConflict"]) => patience.pause().await?,
            Err(failure) => return Err(failure.into_error("lambda.PublishVersion")),
        }
    }
}

fn is_published(version: &str) -> bool {
    version.parse::<u64>().is_ok()
}

async fn update_code(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    revision: Option<&str>,
) -> Result<String, Failure> {
    let code = package_upload::code(aws, change, operation, &upload(wanted)).await?;
    let call = aws.lambda.update_function_code().function_name(&wanted.function_name).publish(true);
    let call = call.set_revision_id(revision.map(str::to_owned));
    let call = match &code {
        Code::Inline(zip) => call.zip_file(Blob::new(zip.clone())),
        Code::InBucket { bucket, key } => call.s3_bucket(bucket).s3_key(key),
    };
    let sent = call.send().await;
    package_upload::clean_up(aws, &code).await;
    sent.map(|updated| updated.version.unwrap_or_default()).map_err(|error| Failure::of(&error))
}

async fn update_configuration(
    aws: &Clients,
    change: &Change,
    wanted: &Inputs,
    revision: Option<&str>,
) -> Result<(), Failure> {
    let call = aws.lambda.update_function_configuration().function_name(&wanted.function_name);
    let call =
        call.runtime(Runtime::from(wanted.runtime.as_str())).handler(&wanted.handler).role(&wanted.role);
    let call = call.memory_size(number(wanted.memory_mb)).timeout(number(wanted.timeout_s));
    let call = call.environment(environment(change, wanted)?);
    let key = key(aws, wanted).await?;
    // An empty key takes the key away.
    let key = key.or_else(|| change.changed.contains("kms_key").then(String::new));
    let call = call.set_kms_key_arn(key);
    let call = call.set_layers(minds_layers(change, wanted).then(|| wanted.layers.clone()));
    let sent = call.set_revision_id(revision.map(str::to_owned)).send().await;
    sent.map(drop).map_err(|error| Failure::of(&error))
}

/// Whether its layers are ours to say: somebody may give a function without any the layers of a monitoring service.
fn minds_layers(change: &Change, wanted: &Inputs) -> bool {
    !wanted.layers.is_empty() || change.changed.contains("layers")
}

fn upload(wanted: &Inputs) -> Upload<'_> {
    Upload { package: &wanted.package, of: &wanted.function_name, tags: &wanted.tags }
}

async fn reserve(aws: &Clients, name: &str, most: Option<u32>) -> Result<()> {
    match most {
        Some(most) => {
            let call = aws.lambda.put_function_concurrency().function_name(name);
            let sent = call.reserved_concurrent_executions(number(most)).send().await;
            sent.map(drop).map_err(|error| failed("lambda.PutFunctionConcurrency", error))
        }
        None => {
            let sent = aws.lambda.delete_function_concurrency().function_name(name).send().await;
            sent.map(drop).map_err(|error| failed("lambda.DeleteFunctionConcurrency", error))
        }
    }
}

/// The key that variables are encrypted with.
async fn key(aws: &Clients, wanted: &Inputs) -> Result<Option<String>> {
    match &wanted.kms_key {
        Some(key) => aws.expand(key).await.map(Some),
        None => Ok(None),
    }
}

/// Whether all that one call configures is as wanted.
async fn is_configured(aws: &Clients, change: &Change, wanted: &Inputs, found: &Found) -> Result<bool> {
    let variables = variables(change, wanted)?;
    let key = key(aws, wanted).await?;
    let same_key = key.unwrap_or_default() == found.kms_key.as_deref().unwrap_or_default();
    Ok(found.runtime == wanted.runtime
        && found.handler == wanted.handler
        && found.memory_mb == wanted.memory_mb
        && found.timeout_s == wanted.timeout_s
        && found.role == wanted.role
        && same_key
        && (found.layers == wanted.layers || !minds_layers(change, wanted))
        && found.variables.iter().collect::<HashMap<_, _>>() == variables.iter().collect())
}

fn environment(change: &Change, wanted: &Inputs) -> Result<Environment> {
    Ok(Environment::builder().set_variables(Some(variables(change, wanted)?)).build())
}

fn variables(change: &Change, wanted: &Inputs) -> Result<HashMap<String, String>> {
    environment_variables::values(change, &wanted.environment_variables)
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
