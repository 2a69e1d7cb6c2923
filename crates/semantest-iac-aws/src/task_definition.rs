//! `aws.task_definition`: what a replica runs. Every change is a new revision; the service moves on to it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Reference, Resource};
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::containers;
use crate::error::foreign;
use crate::fargate_size::fargate_size;
use crate::function_state::as_setting;
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};
use crate::task_revision::{self, Revision};

pub(crate) const WORD: &str = "aws.task_definition";

/// What the one container of a task is called.
pub(crate) const CONTAINER: &str = "service";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub region: String,
    pub family: String,
    pub image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    pub port: u16,
    /// 1024 are one CPU.
    pub cpu_units: u32,
    pub memory_mb: u32,
    #[serde(default)]
    pub environment_variables: BTreeMap<String, SettingValue>,
    pub execution_role: String,
    pub task_role: String,
    pub log_group: String,
    #[serde(default)]
    pub tags: Tags,
}

/// Addresses of what a task needs.
pub(crate) struct Needs<'a> {
    pub execution_role: &'a Address,
    pub task_role: &'a Address,
    pub log_group: &'a Address,
}

pub(crate) fn lower(
    blueprint: &Blueprint,
    service: &ContainerService,
    region: &str,
    address: impl Into<Address>,
    needs: &Needs<'_>,
) -> Result<Resource> {
    let Some(image) = &service.image else {
        let text = "a container-service needs an `image` on AWS: a `command` alone runs on this machine only";
        return Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", "image"));
    };
    let size = fargate_size(service.cpu, service.memory_mb.0)?;
    let inputs = Inputs {
        region: region.to_owned(),
        family: containers::name(blueprint),
        image: image.clone(),
        command: service.command.clone(),
        port: service.port,
        cpu_units: size.cpu_units,
        memory_mb: size.memory_mb,
        environment_variables: service.environment_variables.clone(),
        execution_role: Reference::text(needs.execution_role, "arn"),
        task_role: Reference::text(needs.task_role, "arn"),
        log_group: Reference::text(needs.log_group, "log_group_name"),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.insert("family".into());
    // Each revision has an ARN of its own, which the service refers to.
    resource.volatile_outputs.extend(["arn".to_owned(), "revision".to_owned()]);
    Ok(resource)
}

pub(crate) struct TaskDefinition;

#[async_trait]
impl ResourceKind for TaskDefinition {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(family) = family(resource) else { return Ok(None) };
        let newest = task_revision::newest(aws, &family, 1).await?.into_iter().next();
        let newest = newest.filter(|newest| ownership::is_owned(&newest.tags, &resource.tags));
        let Some(newest) = newest else { return Ok(None) };
        let inputs = observed_inputs(aws, resource, &newest).await?;
        Ok(Some(Observed { id: newest.family_arn(), inputs, outputs: outputs(&newest) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        // A registration whose answer was lost, and perhaps what has come up since.
        let recent = task_revision::newest(aws, &wanted.family, 3).await?;
        if let Some(newest) = recent.first()
            && !ownership::is_owned(&newest.tags, &change.resource.tags)
        {
            return Err(foreign("task definition", &wanted.family));
        }
        if let Some(made) = recent.iter().find(|one| ownership::is_made_by(&one.tags, operation)) {
            return Ok(applied(made, false));
        }
        let tags_only =
            change.action == ChangeAction::Update && change.changed.iter().all(|key| key == "tags");
        if let Some(newest) = recent.first().filter(|_| tags_only) {
            containers::retag(aws, &newest.arn, &newest.tags, &wanted.tags).await?;
            return Ok(applied(newest, false));
        }
        let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
        let made = task_revision::register(aws, change, &wanted, tags).await?;
        Ok(applied(&made, change.resource.id.is_none() && !recent.is_empty()))
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(family) = family(resource) else { return Ok(()) };
        task_revision::deregister(aws, &family, &resource.tags, None).await
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let mut found = Vec::new();
        for family in task_revision::families(aws, &scope.project).await? {
            let newest = task_revision::newest(aws, &family, 1).await?.into_iter().next();
            let Some(newest) = newest else { continue };
            if let Some(tags) = ownership::owner_in(&newest.tags, scope) {
                found.push(Discovered { tags, kind: WORD.into(), id: newest.family_arn() });
            }
        }
        Ok(found)
    }
}

/// The family: an orphan has nothing but its id, the family's ARN.
fn family(resource: &ResourceHandle) -> Option<String> {
    let of_inputs = resource.inputs.get("family").and_then(Value::as_str).map(str::to_owned);
    let of_id = || Some(resource.id.as_deref()?.rsplit('/').next()?.to_owned());
    of_inputs.or_else(of_id)
}

fn outputs(revision: &Revision) -> Properties {
    properties(&json!({ "arn": revision.arn, "family": revision.family, "revision": revision.number }))
}

fn applied(revision: &Revision, adopted: bool) -> Applied {
    Applied { id: revision.family_arn(), outputs: outputs(revision), adopted }
}

/// As found, under the names of the inputs. A secret is given as its reference and the digest of what is there.
async fn observed_inputs(aws: &Clients, resource: &ResourceHandle, found: &Revision) -> Result<Properties> {
    let wanted: Option<Inputs> = read(resource).ok();
    let mut variables = BTreeMap::new();
    for (name, value) in &found.variables {
        let asked = wanted.as_ref().and_then(|wanted| wanted.environment_variables.get(name));
        variables.insert(name.clone(), as_setting(aws, asked, value).await?);
    }
    let mut inputs = properties(&json!({
        "family": found.family, "image": found.image, "port": found.port, "cpu_units": found.cpu_units,
        "memory_mb": found.memory_mb, "environment_variables": variables, "task_role": found.task_role,
        "execution_role": found.execution_role, "log_group": found.log_group,
        "tags": ownership::of_user(&found.tags),
    }));
    if !found.command.is_empty() || resource.inputs.contains_key("command") {
        inputs.insert("command".into(), json!(found.command));
    }
    Ok(inputs)
}
