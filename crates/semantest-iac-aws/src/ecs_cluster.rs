//! `aws.ecs_cluster`: one of its own for each component.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ecs::types::{Cluster, ClusterField};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Resource};
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::containers::{self, ecs_tags, tags_in};
use crate::error::{Failure, failed, foreign};
use crate::ownership::{self, Tags};
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.ecs_cluster";

/// How long tasks that are being stopped may hold their cluster.
const LET_GO: Duration = Duration::from_secs(300);

/// How many clusters DescribeClusters takes at once.
const AT_ONCE: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    cluster_name: String,
    #[serde(default)]
    tags: Tags,
}

pub(crate) fn lower(blueprint: &Blueprint, region: &str, address: impl Into<Address>) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        cluster_name: containers::name(blueprint),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.insert("cluster_name".into());
    resource
}

pub(crate) struct EcsCluster;

#[async_trait]
impl ResourceKind for EcsCluster {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(cluster) = owned(aws, resource).await? else { return Ok(None) };
        let inputs = properties(&json!({
            "cluster_name": cluster.cluster_name(), "tags": ownership::of_user(&tags_in(cluster.tags())),
        }));
        Ok(Some(Observed { id: arn(&cluster), inputs, outputs: outputs(&cluster) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let name = &wanted.cluster_name;
        // CreateCluster gives what is there, whosever it is: so it is looked for first.
        let Some(there) = look_up(aws, name).await? else {
            let made = create(aws, change, operation, &wanted).await?;
            return Ok(Applied { id: arn(&made), outputs: outputs(&made), adopted: false });
        };
        let tags = tags_in(there.tags());
        if !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign("cluster", name));
        }
        containers::retag(aws, &arn(&there), &tags, &wanted.tags).await?;
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
        Ok(Applied { id: arn(&there), outputs: outputs(&there), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(cluster) = owned(aws, resource).await? else { return Ok(()) };
        let name = cluster.cluster_name().unwrap_or_default();
        let mut patience = Patience::new(format!("the tasks of cluster `{name}` to stop"), LET_GO);
        loop {
            let sent = aws.ecs.delete_cluster().cluster(arn(&cluster)).send().await;
            match sent.map_err(|error| Failure::of(&error)) {
                Ok(_) => return Ok(()),
                Err(failure) if failure.is_not_found() => return Ok(()),
                Err(failure) if failure.is(&["ClusterContains", "UpdateInProgress"]) => {
                    patience.pause().await?
                }
                Err(failure) => return Err(failure.into_error("ecs.DeleteCluster")),
            }
        }
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let pages = aws.ecs.list_clusters().into_paginator().items().send();
        let arns = pages.try_collect().await.map_err(|error| failed("ecs.ListClusters", error))?;
        let mut found = Vec::new();
        for some in arns.chunks(AT_ONCE) {
            for cluster in describe(aws, some.to_vec()).await? {
                if let Some(tags) = ownership::owner_in(&tags_in(cluster.tags()), scope) {
                    found.push(Discovered { tags, kind: WORD.into(), id: arn(&cluster) });
                }
            }
        }
        Ok(found)
    }
}

fn arn(cluster: &Cluster) -> String {
    cluster.cluster_arn().unwrap_or_default().to_owned()
}

fn outputs(cluster: &Cluster) -> Properties {
    properties(&json!({ "arn": cluster.cluster_arn(), "cluster_name": cluster.cluster_name() }))
}

async fn owned(aws: &Clients, resource: &ResourceHandle) -> Result<Option<Cluster>> {
    let by_name = resource.inputs.get("cluster_name").and_then(Value::as_str);
    let Some(name) = resource.id.as_deref().or(by_name) else { return Ok(None) };
    let found = look_up(aws, name).await?;
    Ok(found.filter(|cluster| ownership::is_owned(&tags_in(cluster.tags()), &resource.tags)))
}

/// The cluster of that name or ARN. A deleted one is shown for a while as inactive.
async fn look_up(aws: &Clients, name: &str) -> Result<Option<Cluster>> {
    Ok(describe(aws, vec![name.to_owned()]).await?.into_iter().next())
}

async fn describe(aws: &Clients, names: Vec<String>) -> Result<Vec<Cluster>> {
    let call = aws.ecs.describe_clusters().set_clusters(Some(names)).include(ClusterField::Tags);
    match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => {
            let mut clusters = answer.clusters.unwrap_or_default();
            clusters.retain(|cluster| cluster.status() != Some("INACTIVE"));
            Ok(clusters)
        }
        Err(failure) if failure.is_not_found() => Ok(Vec::new()),
        Err(failure) => Err(failure.into_error("ecs.DescribeClusters")),
    }
}

async fn create(aws: &Clients, change: &Change, operation: &Operation, wanted: &Inputs) -> Result<Cluster> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    // The first cluster of an account makes ECS's own role there, which takes its time.
    let mut patience = Patience::new("ECS to set up its own role in this account".to_owned(), LET_GO)
        .pauses(Duration::from_secs(1), Duration::from_secs(5));
    loop {
        let call = aws.ecs.create_cluster().cluster_name(&wanted.cluster_name);
        let sent = call.set_tags(Some(ecs_tags(&tags))).send().await;
        match sent.map_err(|error| Failure::of(&error)) {
            Ok(answer) => return Ok(answer.cluster.unwrap_or_else(|| Cluster::builder().build())),
            Err(failure) if containers::is_early(&failure) => patience.pause().await?,
            Err(failure) => return Err(failure.into_error("ecs.CreateCluster")),
        }
    }
}
