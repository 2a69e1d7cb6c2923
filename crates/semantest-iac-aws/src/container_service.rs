//! `aws.container_service`: an ECS service on Fargate. It keeps its replicas running and moves them to new revisions.

use async_trait::async_trait;
use aws_sdk_ecs::types::Service;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService as Wanted;
use semantest_iac_core::domain::deployment::resource::{
    Address, Properties, Reference, Resource, ResourceRole,
};
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::container_rollout::{self, ServiceName};
use crate::containers::{self, tags_in};
use crate::error::foreign;
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};
use crate::service_change;
use crate::{ecs_cluster, target_group, task_revision};

pub(crate) const WORD: &str = "aws.container_service";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub region: String,
    pub cluster: String,
    pub service_name: String,
    pub task_definition: String,
    /// Never fewer replicas; what the service starts with.
    pub min_replicas: u32,
    /// Never more.
    pub max_replicas: u32,
    /// None: those of the default network.
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    pub port: u16,
    pub log_group: String,
    #[serde(default)]
    pub tags: Tags,
}

/// What a service refers to.
pub(crate) struct Parts<'a> {
    pub cluster: &'a Address,
    pub task_definition: &'a Address,
    pub log_group: &'a Address,
    pub target_group: Option<&'a Address>,
    /// Subnets, or a reference to them.
    pub subnets: Value,
    /// Ids, or references to them.
    pub security_groups: Vec<String>,
}

pub(crate) fn lower(
    blueprint: &Blueprint,
    wanted: &Wanted,
    region: &str,
    address: impl Into<Address>,
    parts: Parts<'_>,
) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        cluster: Reference::text(parts.cluster, "arn"),
        service_name: containers::name(blueprint),
        task_definition: Reference::text(parts.task_definition, "arn"),
        min_replicas: wanted.replicas.min,
        max_replicas: wanted.replicas.max,
        subnets: Vec::new(),
        security_groups: parts.security_groups,
        target_group: parts.target_group.map(|group| Reference::text(group, "arn")),
        port: wanted.port,
        log_group: Reference::text(parts.log_group, "log_group_name"),
        tags: blueprint.tags.clone(),
    };
    let mut inputs = properties(&inputs);
    inputs.insert("subnets".into(), parts.subnets);
    let mut resource = Resource::new(address, WORD, inputs);
    resource.role = Some(ResourceRole::ContainerService);
    resource.replace_on.insert("service_name".into());
    resource
}

pub(crate) struct ContainerService;

#[async_trait]
impl ResourceKind for ContainerService {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(name) = name(resource) else { return Ok(None) };
        let found = container_rollout::look_up(aws, &name).await?.filter(is_active);
        let found = found.filter(|found| ownership::is_owned(&tags_in(found.tags()), &resource.tags));
        Ok(found.map(|found| {
            let inputs = observed_inputs(resource, &found);
            Observed { id: arn(&found), inputs, outputs: outputs(&found) }
        }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let name = ServiceName { cluster: wanted.cluster.clone(), service: wanted.service_name.clone() };
        // CreateService knows its own token for a while only.
        let there = container_rollout::settled(aws, &name).await?;
        let (found, is_new) = match there {
            Some(found) => (found, false),
            None => service_change::create(aws, change, operation, &wanted, &name).await?,
        };
        let tags = tags_in(found.tags());
        if !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign("service", &wanted.service_name));
        }
        if !is_new {
            service_change::bring(aws, &wanted, &name, &found).await?;
        }
        let steady = container_rollout::steady(aws, &name, &wanted).await?;
        clean_up(aws, change, &wanted).await?;
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
        Ok(Applied { id: arn(&steady), outputs: outputs(&steady), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(name) = name(resource) else { return Ok(()) };
        match container_rollout::look_up(aws, &name).await? {
            Some(found) if ownership::is_owned(&tags_in(found.tags()), &resource.tags) => {
                container_rollout::remove(aws, &name, found).await
            }
            _ => Ok(()),
        }
    }

    /// Services are listed by their cluster: those in ours.
    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let mut found = Vec::new();
        for cluster in ecs_cluster::EcsCluster.discover(aws, scope).await? {
            for service in
                container_rollout::in_cluster(aws, &cluster.id).await?.iter().filter(|one| is_active(one))
            {
                if let Some(tags) = ownership::owner_in(&tags_in(service.tags()), scope) {
                    found.push(Discovered { tags, kind: WORD.into(), id: arn(service) });
                }
            }
        }
        Ok(found)
    }
}

/// Takes away what the service has moved on from: earlier revisions, and the target group of an earlier port.
async fn clean_up(aws: &Clients, change: &Change, wanted: &Inputs) -> Result<()> {
    let owner = |address: &str| {
        let mut owner = change.resource.tags.clone();
        owner.address = Address::from(address);
        owner
    };
    if change.changed.contains("task_definition") {
        let family = wanted.task_definition.rsplit('/').next().and_then(|tail| tail.split(':').next());
        let owner = owner(crate::container_service_graph::TASK_DEFINITION);
        let in_use = Some(wanted.task_definition.as_str());
        task_revision::deregister(aws, family.unwrap_or_default(), &owner, in_use).await?;
    }
    if let Some(group) = wanted.target_group.as_ref().filter(|_| change.changed.contains("target_group")) {
        target_group::retire(aws, &owner(crate::container_service_graph::TARGET_GROUP), Some(group)).await?;
    }
    Ok(())
}

/// Cluster and service: an orphan has nothing but its ARN, `…:service/<cluster>/<service>`.
fn name(resource: &ResourceHandle) -> Option<ServiceName> {
    if let Some(name) = resource.id.as_deref().and_then(ServiceName::of_arn) {
        return Some(name);
    }
    let text = |key: &str| resource.inputs.get(key).and_then(Value::as_str).map(str::to_owned);
    let cluster = text("cluster").filter(|cluster| !cluster.starts_with("${"))?;
    Some(ServiceName { cluster, service: text("service_name")? })
}

fn is_active(service: &Service) -> bool {
    service.status() == Some("ACTIVE")
}

fn arn(service: &Service) -> String {
    service.service_arn().unwrap_or_default().to_owned()
}

fn outputs(service: &Service) -> Properties {
    properties(&json!({
        "arn": service.service_arn(), "service_name": service.service_name(), "cluster": service.cluster_arn(),
    }))
}

/// As found, under the names of the inputs. How many replicas there are is the service's own affair, within the bounds.
fn observed_inputs(resource: &ResourceHandle, found: &Service) -> Properties {
    let network = found.network_configuration().and_then(|network| network.awsvpc_configuration());
    let balancer = found.load_balancers().first();
    let mut inputs = properties(&json!({
        "cluster": found.cluster_arn(), "service_name": found.service_name(),
        "task_definition": found.task_definition(), "tags": ownership::of_user(&tags_in(found.tags())),
        "security_groups": network.map(|network| network.security_groups()).unwrap_or_default(),
    }));
    let asked = |key: &str| resource.inputs.get(key);
    if asked("subnets").and_then(Value::as_array).is_some_and(|asked| !asked.is_empty()) {
        inputs.insert("subnets".into(), json!(network.map(|network| network.subnets()).unwrap_or_default()));
    }
    for key in ["subnets", "security_groups"] {
        if let (Some(asked), Some(found)) = (asked(key), inputs.get(key))
            && same_members(asked, found)
        {
            inputs.insert(key.into(), asked.clone());
        }
    }
    if asked("target_group").is_some() {
        inputs.insert("target_group".into(), json!(balancer.and_then(|one| one.target_group_arn())));
        inputs.insert("port".into(), json!(balancer.and_then(|one| one.container_port())));
    }
    let desired = i64::from(found.desired_count());
    for (key, bound) in [("min_replicas", i64::min as fn(i64, i64) -> i64), ("max_replicas", i64::max)] {
        if let Some(asked) = asked(key).and_then(Value::as_i64) {
            inputs.insert(key.into(), bound(asked, desired).into());
        }
    }
    inputs
}

/// Whether two lists hold the same texts, in whatever order.
fn same_members(one: &Value, other: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut all: Vec<String> =
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        all.sort();
        all
    };
    sorted(one) == sorted(other)
}
