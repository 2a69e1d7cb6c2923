//! `aws.target_group`: the replicas that a load balancer spreads requests over, and how it finds out whether they are well.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{
    ProtocolEnum, TargetGroup as Found, TargetGroupAttribute, TargetTypeEnum,
};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Reference, Resource};
use semantest_iac_core::domain::networking::load_balancer::LoadBalancer;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, OwnershipTags, ResourceHandle, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign};
use crate::load_balancing::{self, elb_tags};
use crate::ownership::{self, Tags};
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.target_group";

/// A replica that is taken away gets this long for requests it has begun to answer. AWS's own default, 300 s, would make
/// every deployment and every removal wait for it.
const DEREGISTRATION_DELAY_S: u32 = 30;

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// How long a listener or a service that is being taken away may hold its target group.
const LET_GO: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    target_group_name: String,
    vpc_id: String,
    port: u16,
    health_check_path: String,
    deregistration_delay_s: u32,
    #[serde(default)]
    tags: Tags,
}

/// The target group, in the network of the security group at `security_group`.
pub(crate) fn lower(
    blueprint: &Blueprint,
    wanted: &LoadBalancer,
    region: &str,
    address: impl Into<Address>,
    security_group: &Address,
) -> Resource {
    // Another port is another group, beside the old one until the service has moved.
    let port = wanted.target_port.to_string();
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component, &port];
    let inputs = Inputs {
        region: region.to_owned(),
        target_group_name: load_balancing::name(&parts),
        vpc_id: Reference::text(security_group, "vpc_id"),
        port: wanted.target_port,
        health_check_path: wanted.health_check_path.clone(),
        deregistration_delay_s: DEREGISTRATION_DELAY_S,
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.extend(["target_group_name".to_owned(), "port".to_owned()]);
    resource
}

pub(crate) struct TargetGroup;

#[async_trait]
impl ResourceKind for TargetGroup {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let by_name = resource.inputs.get("target_group_name").and_then(Value::as_str);
        let Some((found, tags)) = look_up(aws, resource.id.as_deref(), by_name).await? else {
            return Ok(None);
        };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(None);
        }
        let mut inputs = properties(&json!({
            "target_group_name": found.target_group_name(), "vpc_id": found.vpc_id(), "port": found.port(),
            "health_check_path": found.health_check_path(), "tags": ownership::of_user(&tags),
        }));
        if let Some(delay) = delay_of(aws, &arn(&found)).await? {
            inputs.insert("deregistration_delay_s".into(), delay.into());
        }
        Ok(Some(Observed { id: arn(&found), inputs, outputs: outputs(&found) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        // ELB's own look for a namesake passes over whose it is. By name only: another name is another group.
        let there = match look_up(aws, None, Some(&wanted.target_group_name)).await? {
            Some(there) => there,
            None => create(aws, change, operation, &wanted).await?,
        };
        let (found, tags) = there;
        if !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign("target group", &wanted.target_group_name));
        }
        if found.health_check_path() != Some(&wanted.health_check_path) {
            let call = aws.load_balancing.modify_target_group().target_group_arn(arn(&found));
            let sent = call.health_check_path(&wanted.health_check_path).send().await;
            sent.map_err(|error| failed("elasticloadbalancing.ModifyTargetGroup", error))?;
        }
        if delay_of(aws, &arn(&found)).await? != Some(wanted.deregistration_delay_s) {
            set_delay(aws, &arn(&found), wanted.deregistration_delay_s).await?;
        }
        load_balancing::retag(aws, &arn(&found), &tags, &wanted.tags).await?;
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
        Ok(Applied { id: arn(&found), outputs: outputs(&found), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let by_name = resource.inputs.get("target_group_name").and_then(Value::as_str);
        if let Some((found, tags)) = look_up(aws, resource.id.as_deref(), by_name).await?
            && ownership::is_owned(&tags, &resource.tags)
        {
            delete(aws, &arn(&found)).await?;
        }
        // That of an earlier port too, where the move away from it was interrupted. But an orphan, of which nothing is known
        // but its id, goes alone: what bears its address may be in use.
        match by_name {
            Some(_) => retire(aws, &resource.tags, None).await,
            None => Ok(()),
        }
    }

    /// The listener and the service still send to it: the service takes it away when it has moved on.
    fn is_left_to_its_users(&self) -> bool {
        true
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        load_balancing::owned(aws, WORD, &all(aws).await?, scope).await
    }
}

/// Deletes the groups of `owner` but the one that is in use: those of earlier ports.
pub(crate) async fn retire(aws: &Clients, owner: &OwnershipTags, in_use: Option<&str>) -> Result<()> {
    let scope = Scope {
        project: owner.project.clone(),
        environment: owner.environment.clone(),
        component: Some(owner.component.clone()),
        region: None,
    };
    let ours = load_balancing::owned(aws, WORD, &all(aws).await?, &scope).await?;
    for old in ours.into_iter().filter(|group| Some(group.id.as_str()) != in_use && group.tags == *owner) {
        delete(aws, &old.id).await?;
    }
    Ok(())
}

async fn all(aws: &Clients) -> Result<Vec<String>> {
    let pages = aws.load_balancing.describe_target_groups().into_paginator().items().send();
    let all = pages.try_collect().await;
    let all = all.map_err(|error| failed("elasticloadbalancing.DescribeTargetGroups", error))?;
    Ok(all.iter().map(arn).collect())
}

fn arn(found: &Found) -> String {
    found.target_group_arn().unwrap_or_default().to_owned()
}

fn outputs(found: &Found) -> Properties {
    properties(&json!({ "arn": found.target_group_arn(), "target_group_name": found.target_group_name() }))
}

async fn look_up(
    aws: &Clients,
    arn_known: Option<&str>,
    name: Option<&str>,
) -> Result<Option<(Found, Tags)>> {
    let call = aws.load_balancing.describe_target_groups();
    let call = match (arn_known, name) {
        (Some(arn), _) => call.target_group_arns(arn),
        (None, Some(name)) => call.names(name),
        (None, None) => return Ok(None),
    };
    let found = match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => answer.target_groups.unwrap_or_default().into_iter().next(),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure.into_error("elasticloadbalancing.DescribeTargetGroups")),
    };
    let Some(found) = found else { return Ok(None) };
    let tags = load_balancing::tags_of(aws, &arn(&found)).await?;
    Ok(tags.map(|tags| (found, tags)))
}

async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<(Found, Tags)> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let call = aws.load_balancing.create_target_group().name(&wanted.target_group_name);
    let call = call.target_type(TargetTypeEnum::Ip).protocol(ProtocolEnum::Http).port(wanted.port.into());
    let call = call.vpc_id(&wanted.vpc_id).health_check_path(&wanted.health_check_path);
    let call = call.health_check_protocol(ProtocolEnum::Http).set_tags(Some(elb_tags(&tags)));
    let call = call.customize().config_override(load_balancing::once());
    let failure = match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => match answer.target_groups.unwrap_or_default().into_iter().next() {
            Some(made) => return Ok((made, tags)),
            None => Failure::Unknown { timed_out: false, detail: "an answer without a target group".into() },
        },
        Err(failure) => failure,
    };
    if failure.is(&["DuplicateTargetGroupName"])
        && let Some(there) = look_up(aws, None, Some(&wanted.target_group_name)).await?
    {
        return Ok(there);
    }
    Err(failure.into_error("elasticloadbalancing.CreateTargetGroup"))
}

async fn delete(aws: &Clients, arn: &str) -> Result<()> {
    let mut patience = Patience::new("the listener to let go of its target group".to_owned(), LET_GO)
        .pauses(Duration::from_millis(500), Duration::from_secs(5));
    loop {
        let sent = aws.load_balancing.delete_target_group().target_group_arn(arn).send().await;
        match sent.map_err(|error| Failure::of(&error)) {
            Ok(_) => return Ok(()),
            Err(failure) if failure.is_not_found() => return Ok(()),
            Err(failure) if failure.is(&["ResourceInUse"]) => patience.pause().await?,
            Err(failure) => return Err(failure.into_error("elasticloadbalancing.DeleteTargetGroup")),
        }
    }
}

async fn delay_of(aws: &Clients, arn: &str) -> Result<Option<u32>> {
    let sent = aws.load_balancing.describe_target_group_attributes().target_group_arn(arn).send().await;
    let answer = sent.map_err(|error| failed("elasticloadbalancing.DescribeTargetGroupAttributes", error))?;
    let delay = answer.attributes().iter().find(|one| one.key() == Some(DEREGISTRATION_DELAY));
    Ok(delay.and_then(|one| one.value()).and_then(|text| text.parse().ok()))
}

async fn set_delay(aws: &Clients, arn: &str, seconds: u32) -> Result<()> {
    let delay = TargetGroupAttribute::builder().key(DEREGISTRATION_DELAY).value(seconds.to_string()).build();
    let call = aws.load_balancing.modify_target_group_attributes().target_group_arn(arn).attributes(delay);
    let sent = call.send().await;
    sent.map(drop).map_err(|error| failed("elasticloadbalancing.ModifyTargetGroupAttributes", error))
}
