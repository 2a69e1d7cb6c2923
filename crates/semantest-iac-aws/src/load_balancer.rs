//! `aws.load_balancer`: an application load balancer that the whole internet reaches.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Found, LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{
    Address, Properties, Reference, Resource, ResourceRole,
};
use semantest_iac_core::domain::networking::load_balancer::LoadBalancer as Wanted;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign, gone};
use crate::load_balancing::{self, elb_tags};
use crate::network::network;
use crate::ownership::{self, Tags};
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.load_balancer";

/// HTTP's own port needs no mention in an address.
const HTTP_PORT: u16 = 80;

/// A new load balancer takes two to three minutes.
const PROVISIONING: Duration = Duration::from_secs(900);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    load_balancer_name: String,
    /// None: those of the default network.
    subnets: Vec<String>,
    security_groups: Vec<String>,
    listen_port: u16,
    #[serde(default)]
    tags: Tags,
}

/// The load balancer, which the group at `security_group` guards.
pub(crate) fn lower(
    blueprint: &Blueprint,
    wanted: &Wanted,
    region: &str,
    address: impl Into<Address>,
    subnets: &[String],
    security_group: &Address,
) -> Resource {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    let inputs = Inputs {
        region: region.to_owned(),
        load_balancer_name: load_balancing::name(&parts),
        subnets: subnets.to_vec(),
        security_groups: vec![Reference::text(security_group, "group_id")],
        listen_port: wanted.listen_port,
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.role = Some(ResourceRole::LoadBalancer);
    resource.replace_on.insert("load_balancer_name".into());
    resource
}

pub(crate) struct LoadBalancer;

#[async_trait]
impl ResourceKind for LoadBalancer {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some((found, tags)) = look_up(aws, resource).await? else { return Ok(None) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(None);
        }
        let port = resource.inputs.get("listen_port").and_then(Value::as_u64);
        let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(HTTP_PORT);
        let mut inputs = properties(&json!({
            "load_balancer_name": found.load_balancer_name(), "security_groups": found.security_groups(),
            "tags": ownership::of_user(&tags),
        }));
        let asked = resource.inputs.get("subnets").and_then(Value::as_array);
        if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
            inputs.insert("subnets".into(), as_asked(asked, subnets(&found)));
        }
        Ok(Some(Observed { id: arn(&found), inputs, outputs: outputs(&found, port) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        // ELB's own look for a namesake passes over whose it is.
        let there = match look_up(aws, &change.resource).await? {
            Some(there) => Some(there),
            None => create(aws, change, operation, &wanted).await?,
        };
        let Some((found, tags)) = there else {
            let name = &wanted.load_balancer_name;
            let gone =
                Failure::Unknown { timed_out: false, detail: format!("load balancer `{name}` is gone") };
            return Err(gone.into_error("elasticloadbalancing.DescribeLoadBalancers"));
        };
        if !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign("load balancer", &wanted.load_balancer_name));
        }
        bring(aws, &wanted, &found, &tags).await?;
        let ready = ready(aws, &arn(&found), &wanted.load_balancer_name).await?;
        let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
        Ok(Applied { id: arn(&ready), outputs: outputs(&ready, wanted.listen_port), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some((found, tags)) = look_up(aws, resource).await? else { return Ok(()) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(());
        }
        let sent = aws.load_balancing.delete_load_balancer().load_balancer_arn(arn(&found)).send().await;
        gone("elasticloadbalancing.DeleteLoadBalancer", sent)
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let pages = aws.load_balancing.describe_load_balancers().into_paginator().items().send();
        let all = pages.try_collect().await;
        let all = all.map_err(|error| failed("elasticloadbalancing.DescribeLoadBalancers", error))?;
        load_balancing::owned(aws, WORD, &all.iter().map(arn).collect::<Vec<_>>(), scope).await
    }
}

fn arn(found: &Found) -> String {
    found.load_balancer_arn().unwrap_or_default().to_owned()
}

fn subnets(found: &Found) -> Vec<String> {
    found.availability_zones().iter().filter_map(|zone| zone.subnet_id().map(str::to_owned)).collect()
}

/// What is the same in another order is given in the order asked for.
fn as_asked(asked: &[Value], mut found: Vec<String>) -> Value {
    let mut wanted: Vec<&str> = asked.iter().filter_map(Value::as_str).collect();
    wanted.sort_unstable();
    found.sort();
    if wanted == found { json!(asked) } else { json!(found) }
}

fn outputs(found: &Found, port: u16) -> Properties {
    let name = found.dns_name().unwrap_or_default();
    let endpoint = match port {
        HTTP_PORT => format!("http://{name}"),
        port => format!("http://{name}:{port}"),
    };
    let mut subnets = subnets(found);
    subnets.sort();
    properties(&json!({
        "arn": found.load_balancer_arn(), "dns_name": name, "endpoint": endpoint, "subnets": subnets,
    }))
}

/// What is there: by its ARN, or else by its name.
async fn look_up(aws: &Clients, resource: &ResourceHandle) -> Result<Option<(Found, Tags)>> {
    let call = aws.load_balancing.describe_load_balancers();
    let name = resource.inputs.get("load_balancer_name").and_then(Value::as_str);
    let call = match (&resource.id, name) {
        (Some(arn), _) => call.load_balancer_arns(arn),
        (None, Some(name)) => call.names(name),
        (None, None) => return Ok(None),
    };
    let found = match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => answer.load_balancers.unwrap_or_default().into_iter().next(),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure.into_error("elasticloadbalancing.DescribeLoadBalancers")),
    };
    let Some(found) = found else { return Ok(None) };
    let tags = load_balancing::tags_of(aws, &arn(&found)).await?;
    Ok(tags.map(|tags| (found, tags)))
}

/// Creates it; where one of that name has come up meanwhile, that one.
async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<Option<(Found, Tags)>> {
    let subnets = network(aws, &wanted.subnets).await?.subnets;
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let call = aws.load_balancing.create_load_balancer().name(&wanted.load_balancer_name);
    let call = call.r#type(LoadBalancerTypeEnum::Application).scheme(LoadBalancerSchemeEnum::InternetFacing);
    let call = call.set_subnets(Some(subnets)).set_security_groups(Some(wanted.security_groups.clone()));
    let call = call.set_tags(Some(elb_tags(&tags))).customize().config_override(load_balancing::once());
    match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => {
            Ok(answer.load_balancers.unwrap_or_default().into_iter().next().map(|made| (made, tags)))
        }
        Err(failure) if failure.is(&["DuplicateLoadBalancerName"]) => {
            let mut named = change.resource.clone();
            named.id = None;
            look_up(aws, &named).await
        }
        Err(failure) => Err(failure.into_error("elasticloadbalancing.CreateLoadBalancer")),
    }
}

/// Brings one that is there to what is wanted.
async fn bring(aws: &Clients, wanted: &Inputs, found: &Found, tags: &Tags) -> Result<()> {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    if sorted(found.security_groups()) != sorted(&wanted.security_groups) {
        let groups = Some(wanted.security_groups.clone());
        let call = aws.load_balancing.set_security_groups().load_balancer_arn(arn(found));
        let sent = call.set_security_groups(groups).send().await;
        sent.map_err(|error| failed("elasticloadbalancing.SetSecurityGroups", error))?;
    }
    if !wanted.subnets.is_empty() && sorted(&subnets(found)) != sorted(&wanted.subnets) {
        let network = network(aws, &wanted.subnets).await?;
        if found.vpc_id().is_some_and(|vpc| vpc != network.vpc_id) {
            return Err(cannot_move(wanted, found.vpc_id().unwrap_or_default(), &network.vpc_id));
        }
        let call = aws.load_balancing.set_subnets().load_balancer_arn(arn(found));
        let sent = call.set_subnets(Some(wanted.subnets.clone())).send().await;
        sent.map_err(|error| failed("elasticloadbalancing.SetSubnets", error))?;
    }
    load_balancing::retag(aws, &arn(found), tags, &wanted.tags).await
}

fn cannot_move(wanted: &Inputs, from: &str, to: &str) -> Error {
    let text = format!(
        "load balancer `{}` is in network {from} and its subnets are to be in {to}: a load balancer cannot move; \
         destroy the component and deploy it again",
        wanted.load_balancer_name
    );
    Error::new(ErrorKind::InvalidInput, "aws.load_balancer", text).with("field", "subnets")
}

/// Waits until it takes requests.
async fn ready(aws: &Clients, arn: &str, name: &str) -> Result<Found> {
    let patience = Patience::new(format!("load balancer `{name}` to be active"), PROVISIONING);
    let mut patience = patience.pauses(Duration::from_millis(500), Duration::from_secs(5));
    loop {
        let sent = aws.load_balancing.describe_load_balancers().load_balancer_arns(arn).send().await;
        let found = match sent.map_err(|error| Failure::of(&error)) {
            Ok(answer) => answer.load_balancers.unwrap_or_default().into_iter().next(),
            // Just made, and not yet to be seen everywhere.
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => return Err(failure.into_error("elasticloadbalancing.DescribeLoadBalancers")),
        };
        let state = found.as_ref().and_then(|found| found.state()).cloned();
        match (found, state.as_ref().and_then(|state| state.code())) {
            (Some(found), Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired)) => {
                return Ok(found);
            }
            (_, Some(LoadBalancerStateEnum::Failed)) => {
                let why = state.and_then(|state| state.reason).unwrap_or_default();
                let text =
                    format!("load balancer `{name}` could not be set up: {why}; destroy and deploy again");
                return Err(Error::new(ErrorKind::Provider, "aws.load_balancer", text));
            }
            _ => patience.pause().await?,
        }
    }
}
