//! `aws.lambda_function`: code, a runtime and limits. Every change publishes a version; an alias leads to it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{
    Address, Properties, Reference, Resource, ResourceRole,
};
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign, gone};
use crate::function_change;
use crate::function_layer;
use crate::function_state::{self, Found};
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.lambda_function";

/// Lambda's limit.
const NAME_LIMIT: usize = 64;

/// Inputs that are no part of a version.
pub(crate) const BESIDE_VERSIONS: [&str; 2] = ["reserved_concurrency", "tags"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub region: String,
    pub function_name: String,
    pub runtime: String,
    pub handler: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    #[serde(default)]
    pub environment_variables: BTreeMap<String, SettingValue>,
    pub package: String,
    pub role: String,
    /// ARNs, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    #[serde(default)]
    pub tags: Tags,
}

/// Address of the function with that role.
pub(crate) fn address(role: &str) -> String {
    format!("function.{role}")
}

/// What the function is called.
pub(crate) fn function_name(blueprint: &Blueprint, role: &str) -> String {
    let mut parts = vec![blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    if role != blueprint.component {
        parts.push(role);
    }
    physical_name(&parts, NAME_LIMIT)
}

/// The function, which runs as the role at `role` and logs to the group at `log_group`.
pub(crate) fn lower(
    blueprint: &Blueprint,
    function: &ServerlessFunction,
    region: &str,
    role: &Address,
    log_group: &Address,
) -> Result<Resource> {
    check(function)?;
    function.check_compiled("aws.lower")?;
    let inputs = Inputs {
        region: region.to_owned(),
        function_name: function_name(blueprint, &function.role),
        runtime: function.runtime.clone(),
        handler: function.handler.clone(),
        memory_mb: function.memory_mb.0,
        timeout_s: function.timeout_s.0,
        environment_variables: function.environment_variables.clone(),
        package: function.package.clone(),
        role: Reference::text(role, "arn"),
        layers: function_layer::arns(function, region)?,
        reserved_concurrency: function.scaling.reserved_concurrency,
        kms_key: function.kms_key.as_deref().map(key_arn),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address(&function.role), WORD, properties(&inputs));
    resource.role = Some(ResourceRole::Function);
    resource.depends_on.insert(log_group.clone());
    resource.replace_on.insert("function_name".into());
    resource.volatile_outputs.insert("version".into());
    // No part of a version: changing them publishes none.
    resource.steady_inputs.extend(BESIDE_VERSIONS.map(str::to_owned));
    Ok(resource)
}

/// Lambda takes ARNs only; users know their keys by alias or id.
fn key_arn(key: &str) -> String {
    match key {
        _ if key.starts_with("arn:") => key.to_owned(),
        _ if key.starts_with("alias/") => format!("arn:${{partition}}:kms:${{region}}:${{account}}:{key}"),
        _ => format!("arn:${{partition}}:kms:${{region}}:${{account}}:key/{key}"),
    }
}

/// AWS's limit on all variables of a function together, names included, in bytes.
const VARIABLES_LIMIT: usize = 4096;

fn check(function: &ServerlessFunction) -> Result<()> {
    let invalid = |field: &str, text: String| {
        Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", field))
    };
    let (role, runtime) = (&function.role, &function.runtime);
    if !["python3.", "nodejs", "provided.", "java", "dotnet", "ruby"]
        .iter()
        .any(|one| runtime.starts_with(one))
    {
        let text = format!(
            "function `{role}` asks for runtime `{}`; Lambda knows python3.x, nodejsNN.x, provided.al2023 and others",
            runtime.escape_debug()
        );
        return invalid("runtime", text);
    }
    let plain = function.environment_variables.iter().filter_map(|(name, value)| match value {
        SettingValue::Plain(text) => Some(name.len() + text.len()),
        SettingValue::Secret(_) => None,
    });
    let size: usize = plain.sum();
    if size > VARIABLES_LIMIT {
        let text = format!(
            "the environment variables of function `{role}` take {size} bytes; Lambda takes {VARIABLES_LIMIT} at most"
        );
        return invalid("environment_variables", text);
    }
    if function.scaling.provisioned_concurrency == Some(0) {
        let text =
            format!("function `{role}` has provisioned_concurrency 0: leave it out, or keep at least 1 warm");
        return invalid("provisioned_concurrency", text);
    }
    Ok(())
}

pub(crate) struct Function;

#[async_trait]
impl ResourceKind for Function {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(name) = name(resource) else { return Ok(None) };
        let found = function_state::look_up(aws, &name).await?;
        let Some(found) = found.filter(|found| ownership::is_owned(&found.tags, &resource.tags)) else {
            return Ok(None);
        };
        let inputs = observed_inputs(aws, resource, &found).await?;
        Ok(Some(Observed { outputs: stable_outputs(&found.arn, &name), id: name, inputs }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let name = wanted.function_name.clone();
        if change.action == ChangeAction::Update
            && let Some(version) = function_change::quick(aws, change, operation, &wanted).await?
        {
            return applied(aws, &name, version, false).await;
        }
        if change.action != ChangeAction::Update
            && let Some(version) = function_change::create(aws, change, operation, &wanted).await?
        {
            return applied(aws, &name, version, false).await;
        }
        // Something of that name is there.
        let Some(found) = function_state::look_up(aws, &name).await? else {
            let gone = Failure::Unknown { timed_out: false, detail: format!("function `{name}` is gone") };
            return Err(gone.into_error("lambda.GetFunction"));
        };
        if !ownership::is_owned(&found.tags, &change.resource.tags) {
            return Err(foreign("function", &name));
        }
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&found.tags, operation);
        let version = function_change::bring(aws, change, operation, &wanted, found).await?;
        applied(aws, &name, version, adopted).await
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(name) = name(resource) else { return Ok(()) };
        match function_state::look_up(aws, &name).await? {
            Some(found) if ownership::is_owned(&found.tags, &resource.tags) => {}
            _ => return Ok(()),
        }
        gone("lambda.DeleteFunction", aws.lambda.delete_function().function_name(&name).send().await)
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let pages = aws.lambda.list_functions().into_paginator().items().send();
        let all = pages.try_collect().await.map_err(|error| failed("lambda.ListFunctions", error))?;
        let prefix = crate::discovery::prefix_of(&scope.project);
        let mut found = Vec::new();
        for function in all.iter().filter_map(|function| function.function_name()) {
            if !function.starts_with(&prefix) {
                continue;
            }
            let Some(function) = function_state::look_up(aws, function).await? else { continue };
            if let Some(tags) = ownership::owner_in(&function.tags, scope) {
                found.push(Discovered { tags, kind: WORD.into(), id: function.name });
            }
        }
        Ok(found)
    }
}

/// What the function is called: an orphan has nothing but its id.
pub(crate) fn name(resource: &ResourceHandle) -> Option<String> {
    let of_inputs = resource.inputs.get("function_name").and_then(Value::as_str).map(str::to_owned);
    of_inputs.or_else(|| resource.id.clone())
}

/// Outputs that a later look gives as well.
fn stable_outputs(arn: &str, name: &str) -> Properties {
    properties(&json!({ "arn": arn, "function_name": name }))
}

async fn applied(aws: &Clients, name: &str, version: Found, adopted: bool) -> Result<Applied> {
    let arn = match version.arn.is_empty() {
        true => {
            aws.expand(&format!("arn:${{partition}}:lambda:${{region}}:${{account}}:function:{name}")).await?
        }
        false => version.arn,
    };
    let mut outputs = stable_outputs(&arn, name);
    outputs.insert("version".into(), version.version.into());
    if let Some(revision) = version.revision {
        outputs.insert("revision".into(), revision.into());
    }
    Ok(Applied { id: name.to_owned(), outputs, adopted })
}

/// As found, under the names of the inputs. A secret is given as its reference and the digest of what is there.
async fn observed_inputs(aws: &Clients, resource: &ResourceHandle, found: &Found) -> Result<Properties> {
    let wanted: Option<Inputs> = read(resource).ok();
    let mut variables = BTreeMap::new();
    for (name, value) in &found.variables {
        let asked = wanted.as_ref().and_then(|wanted| wanted.environment_variables.get(name));
        variables.insert(name.clone(), function_state::as_setting(aws, asked, value).await?);
    }
    let mut inputs = properties(&json!({
        "function_name": found.name, "runtime": found.runtime, "handler": found.handler,
        "memory_mb": found.memory_mb, "timeout_s": found.timeout_s, "environment_variables": variables,
        "package": found.package, "role": found.role, "tags": ownership::of_user(&found.tags),
    }));
    // Absent inputs are what nobody asked for; present ones are compared, also where the cloud has lost them.
    let asked = |key: &str| resource.inputs.contains_key(key);
    if asked("reserved_concurrency") {
        inputs.insert("reserved_concurrency".into(), json!(found.reserved_concurrency));
    }
    if asked("layers") {
        inputs.insert("layers".into(), json!(found.layers));
    }
    if asked("kms_key") {
        let asked = wanted.as_ref().and_then(|wanted| wanted.kms_key.as_deref()).unwrap_or_default();
        let same = found.kms_key.as_deref() == Some(&aws.expand(asked).await?);
        inputs.insert("kms_key".into(), if same { json!(asked) } else { json!(found.kms_key) });
    }
    Ok(inputs)
}
