//! `aws.listener`: the port that a load balancer listens on, and where it sends what comes.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, Listener as Found, ProtocolEnum};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign, gone};
use crate::load_balancing::{self, elb_tags};
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.listener";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    load_balancer: String,
    port: u16,
    target_group: String,
    #[serde(default)]
    tags: Tags,
}

/// The listener of the load balancer at `load_balancer`, which sends on to the group at `target_group`.
pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    address: impl Into<Address>,
    port: u16,
    load_balancer: &Address,
    target_group: &Address,
) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        load_balancer: Reference::text(load_balancer, "arn"),
        port,
        target_group: Reference::text(target_group, "arn"),
        tags: blueprint.tags.clone(),
    };
    Resource::new(address, WORD, properties(&inputs))
}

pub(crate) struct Listener;

#[async_trait]
impl ResourceKind for Listener {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some((found, tags)) = look_up(aws, resource).await? else { return Ok(None) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(None);
        }
        let inputs = properties(&json!({
            "load_balancer": found.load_balancer_arn(), "port": found.port(),
            "target_group": target_group(&found), "tags": ownership::of_user(&tags),
        }));
        Ok(Some(Observed { id: arn(&found), inputs, outputs: outputs(&found) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let there = match look_up(aws, &change.resource).await? {
            Some(there) if there.0.load_balancer_arn() == Some(&wanted.load_balancer) => there,
            _ => create(aws, change, operation, &wanted).await?,
        };
        let (found, tags) = there;
        if !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign("listener", &format!("{} port {}", wanted.load_balancer, wanted.port)));
        }
        let same_port = found.port() == Some(wanted.port.into());
        if !same_port || target_group(&found) != Some(&wanted.target_group) {
            let call = aws.load_balancing.modify_listener().listener_arn(arn(&found));
            let call = call.port(wanted.port.into()).protocol(ProtocolEnum::Http);
            let sent = call.default_actions(forward(&wanted.target_group)).send().await;
            sent.map_err(|error| failed("elasticloadbalancing.ModifyListener", error))?;
        }
        load_balancing::retag(aws, &arn(&found), &tags, &wanted.tags).await?;
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
        Ok(Applied { id: arn(&found), outputs: outputs(&found), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some((found, tags)) = look_up(aws, resource).await? else { return Ok(()) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(());
        }
        let sent = aws.load_balancing.delete_listener().listener_arn(arn(&found)).send().await;
        gone("elasticloadbalancing.DeleteListener", sent)
    }

    /// Listeners are listed by their load balancer: those of ours.
    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let mut found = Vec::new();
        for balancer in crate::load_balancer::LoadBalancer.discover(aws, scope).await? {
            let listeners = listeners_of(aws, &balancer.id).await?;
            let arns: Vec<String> = listeners.iter().map(arn).collect();
            found.extend(load_balancing::owned(aws, WORD, &arns, scope).await?);
        }
        Ok(found)
    }
}

fn arn(found: &Found) -> String {
    found.listener_arn().unwrap_or_default().to_owned()
}

fn outputs(found: &Found) -> Properties {
    properties(&json!({ "arn": found.listener_arn() }))
}

/// Where it sends what comes, where that is one group.
fn target_group(found: &Found) -> Option<&str> {
    let [action] = found.default_actions() else { return None };
    action.target_group_arn().or_else(|| match action.forward_config()?.target_groups() {
        [one] => one.target_group_arn(),
        _ => None,
    })
}

fn forward(target_group: &str) -> Action {
    Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(target_group).build()
}

async fn listeners_of(aws: &Clients, load_balancer: &str) -> Result<Vec<Found>> {
    let call = aws.load_balancing.describe_listeners().load_balancer_arn(load_balancer);
    match call.into_paginator().items().send().try_collect().await.map_err(|error| Failure::of(&error)) {
        Ok(found) => Ok(found),
        Err(failure) if failure.is_not_found() => Ok(Vec::new()),
        Err(failure) => Err(failure.into_error("elasticloadbalancing.DescribeListeners")),
    }
}

/// What is there: by its ARN, or else by load balancer and port.
async fn look_up(aws: &Clients, resource: &ResourceHandle) -> Result<Option<(Found, Tags)>> {
    let found = match &resource.id {
        Some(id) => {
            let sent = aws.load_balancing.describe_listeners().listener_arns(id).send().await;
            match sent.map_err(|error| Failure::of(&error)) {
                Ok(answer) => answer.listeners.unwrap_or_default().into_iter().next(),
                Err(failure) if failure.is_not_found() => None,
                Err(failure) => return Err(failure.into_error("elasticloadbalancing.DescribeListeners")),
            }
        }
        None => on_port(aws, &read(resource)?).await?,
    };
    let Some(found) = found else { return Ok(None) };
    let tags = load_balancing::tags_of(aws, &arn(&found)).await?;
    Ok(tags.map(|tags| (found, tags)))
}

async fn on_port(aws: &Clients, wanted: &Inputs) -> Result<Option<Found>> {
    // The load balancer it is part of was never made: neither was it.
    if wanted.load_balancer.starts_with("${") {
        return Ok(None);
    }
    let all = listeners_of(aws, &wanted.load_balancer).await?;
    Ok(all.into_iter().find(|one| one.port() == Some(wanted.port.into())))
}

async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<(Found, Tags)> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let call = aws.load_balancing.create_listener().load_balancer_arn(&wanted.load_balancer);
    let call = call.protocol(ProtocolEnum::Http).port(wanted.port.into());
    let call = call.default_actions(forward(&wanted.target_group)).set_tags(Some(elb_tags(&tags)));
    let call = call.customize().config_override(load_balancing::once());
    let failure = match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => match answer.listeners.unwrap_or_default().into_iter().next() {
            Some(made) => return Ok((made, tags)),
            None => Failure::Unknown { timed_out: false, detail: "an answer without a listener".into() },
        },
        Err(failure) => failure,
    };
    if failure.is(&["DuplicateListener"])
        && let Some(there) = on_port(aws, wanted).await?
        && let Some(tags) = load_balancing::tags_of(aws, &arn(&there)).await?
    {
        return Ok((there, tags));
    }
    // The load balancer or the group was made a moment ago and may not be seen everywhere yet.
    let early = failure.is_not_found();
    let error = failure.into_error("elasticloadbalancing.CreateListener");
    Err(if early { error.retry_later() } else { error })
}
