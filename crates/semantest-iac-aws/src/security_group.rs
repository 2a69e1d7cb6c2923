//! `aws.security_group`: who may connect to a load balancer, and who to the containers behind it.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Resource};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::ec2::{self, Ingress, Query, SecurityGroup as Found};
use crate::error::{Failure, foreign};
use crate::network::network;
use crate::ownership::{self, Tags};
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.security_group";

/// EC2's limit.
const NAME_LIMIT: usize = 255;

/// How long network interfaces of what was deleted hold their group: minutes, as a rule less than five.
const INTERFACES_GONE: std::time::Duration = std::time::Duration::from_secs(900);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    group_name: String,
    description: String,
    /// Its network is theirs; none: the default one.
    subnets: Vec<String>,
    ingress: Vec<Ingress>,
    #[serde(default)]
    tags: Tags,
}

/// The group at `address`; `part` tells several of one component apart.
pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    address: impl Into<Address>,
    part: &str,
    subnets: &[String],
    mut ingress: Vec<Ingress>,
) -> Resource {
    ingress.sort();
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component, part];
    let inputs = Inputs {
        region: region.to_owned(),
        group_name: physical_name(&parts, NAME_LIMIT),
        description: format!("{part} of {}", physical_name(&parts[..3], 200)),
        subnets: subnets.to_vec(),
        ingress,
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.extend(["group_name".to_owned(), "description".to_owned()]);
    resource
}

pub(crate) struct SecurityGroup;

#[async_trait]
impl ResourceKind for SecurityGroup {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(group) = look_up(aws, resource).await? else { return Ok(None) };
        let inputs = properties(&json!({
            "group_name": group.group_name, "description": group.description, "ingress": group.ingress,
            "tags": ownership::of_user(&group.tags),
        }));
        Ok(Some(Observed { id: group.group_id.clone(), inputs, outputs: outputs(&group) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        if change.action == ChangeAction::Update
            && let Some(there) = look_up(aws, &change.resource).await?
        {
            return bring(aws, change, operation, &wanted, there).await;
        }
        let vpc = network(aws, &wanted.subnets).await?.vpc_id;
        let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
        let created =
            ec2::create_security_group(aws, &wanted.group_name, &wanted.description, &vpc, &tags).await;
        let there = match created {
            Ok(group_id) => made(group_id, &wanted, vpc, tags),
            Err(failure) if failure.is(&["InvalidGroup.Duplicate"]) => {
                let named = named(aws, &wanted.group_name).await?;
                let Some(there) = named.into_iter().find(|group| group.vpc_id == vpc) else {
                    return Err(failure.into_error("ec2.CreateSecurityGroup").retry_later());
                };
                there
            }
            Err(failure) => return Err(failure.into_error("ec2.CreateSecurityGroup")),
        };
        bring(aws, change, operation, &wanted, there).await
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(group) = look_up(aws, resource).await? else { return Ok(()) };
        let what = format!("network interfaces to let go of security group {}", group.group_name);
        let seconds = std::time::Duration::from_secs;
        let mut patience = Patience::new(what, INTERFACES_GONE).pauses(seconds(1), seconds(10));
        loop {
            match ec2::delete_security_group(aws, &group.group_id).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_not_found() => return Ok(()),
                Err(failure) if failure.is(&["DependencyViolation", "InvalidGroup.InUse"]) => {
                    patience.pause().await?;
                }
                Err(failure) => return Err(failure.into_error("ec2.DeleteSecurityGroup")),
            }
        }
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let query = Query::new().filter(1, "tag-key", ownership::ADDRESS);
        let all = ec2::security_groups(aws, query).await;
        let all = all.map_err(|failure| failure.into_error("ec2.DescribeSecurityGroups"))?;
        let owned = all.into_iter().filter_map(|group| {
            let tags = ownership::owner_in(&group.tags, scope)?;
            Some(Discovered { tags, kind: WORD.into(), id: group.group_id })
        });
        Ok(owned.collect())
    }
}

fn made(group_id: String, wanted: &Inputs, vpc_id: String, tags: Tags) -> Found {
    let (group_name, description) = (wanted.group_name.clone(), wanted.description.clone());
    Found { group_id, group_name, description, vpc_id, tags, ingress: Vec::new() }
}

fn outputs(group: &Found) -> Properties {
    properties(&json!({ "group_id": group.group_id, "vpc_id": group.vpc_id }))
}

/// Our group: by its id, or else by its name, which others may have in other networks.
async fn look_up(aws: &Clients, resource: &ResourceHandle) -> Result<Option<Found>> {
    let found = match (&resource.id, resource.inputs.get("group_name").and_then(Value::as_str)) {
        (Some(id), _) => match ec2::security_groups(aws, Query::new().with("GroupId.1", id)).await {
            Ok(found) => found,
            Err(failure) if failure.is_not_found() => return Ok(None),
            Err(failure) => return Err(failure.into_error("ec2.DescribeSecurityGroups")),
        },
        (None, Some(name)) => named(aws, name).await?,
        (None, None) => return Ok(None),
    };
    Ok(found.into_iter().find(|group| ownership::is_owned(&group.tags, &resource.tags)))
}

async fn named(aws: &Clients, name: &str) -> Result<Vec<Found>> {
    let found = ec2::security_groups(aws, Query::new().filter(1, "group-name", name)).await;
    let mut found = found.map_err(|failure| failure.into_error("ec2.DescribeSecurityGroups"))?;
    found.retain(|group| group.group_name == name);
    Ok(found)
}

/// Brings a group that is there to what is wanted.
async fn bring(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    there: Found,
) -> Result<Applied> {
    if !ownership::is_owned(&there.tags, &change.resource.tags) {
        return Err(foreign("security group", &wanted.group_name));
    }
    let id = there.group_id.as_str();
    let missing: Vec<Ingress> = difference(&wanted.ingress, &there.ingress);
    if !missing.is_empty() {
        match authorize(aws, id, &missing).await {
            Ok(()) => {}
            Err(failure) if failure.is(&["InvalidPermission.Duplicate"]) => {}
            Err(failure) => return Err(failure.into_error("ec2.AuthorizeSecurityGroupIngress")),
        }
    }
    let too_much = difference(&there.ingress, &wanted.ingress);
    if !too_much.is_empty() {
        match ec2::revoke(aws, id, &too_much).await {
            Ok(()) => {}
            Err(failure) if failure.is(&["InvalidPermission.NotFound"]) => {}
            Err(failure) => return Err(failure.into_error("ec2.RevokeSecurityGroupIngress")),
        }
    }
    retag(aws, id, &there.tags, &wanted.tags).await?;
    let adopted = change.resource.id.is_none() && !ownership::is_made_by(&there.tags, operation);
    Ok(Applied { id: there.group_id.clone(), outputs: outputs(&there), adopted })
}

/// Also where the group was made a moment ago and is not yet to be seen everywhere.
async fn authorize(aws: &Clients, id: &str, rules: &[Ingress]) -> Result<(), Failure> {
    let what = format!("security group {id} to be there");
    let mut patience = Patience::new(what, std::time::Duration::from_secs(60));
    loop {
        match ec2::authorize(aws, id, rules).await {
            Err(failure) if failure.is_not_found() && patience.pause().await.is_ok() => {}
            done => return done,
        }
    }
}

fn difference(some: &[Ingress], others: &[Ingress]) -> Vec<Ingress> {
    some.iter().filter(|rule| !others.contains(rule)).cloned().collect()
}

async fn retag(aws: &Clients, id: &str, there: &Tags, wanted: &Tags) -> Result<()> {
    let error = |operation: &'static str| move |failure: Failure| -> Error { failure.into_error(operation) };
    let (set, gone) = ownership::difference(there, wanted);
    if !set.is_empty() {
        ec2::tag(aws, id, &set).await.map_err(error("ec2.CreateTags"))?;
    }
    if !gone.is_empty() {
        ec2::untag(aws, id, &gone).await.map_err(error("ec2.DeleteTags"))?;
    }
    Ok(())
}
