//! The calls that make and change a container service.

use std::time::Duration;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration, LaunchType,
    LoadBalancer, NetworkConfiguration, PropagateTags, Service,
};
use semantest_iac_core::ports::provider::{Change, Operation};
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::clients::Clients;
use crate::container_rollout::{self, ServiceName};
use crate::container_service::Inputs;
use crate::containers::{self, ecs_tags, tags_in};
use crate::error::Failure;
use crate::network::network;
use crate::ownership;
use crate::patience::Patience;
use crate::task_definition::CONTAINER;

/// How long roles and listeners may take to be known to ECS.
const EARLY: Duration = Duration::from_secs(300);

/// A replica that has just started gets this long before the load balancer's judgement of it counts.
const GRACE_S: i32 = 60;

/// Creates the service. Where one of its name has come up meanwhile, that one; says whether it is new.
pub(crate) async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    name: &ServiceName,
) -> Result<(Service, bool)> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let network = network_configuration(aws, wanted).await?;
    let grace = wanted.target_group.as_ref().map(|_| GRACE_S);
    let what = format!("ECS to know what service `{}` needs", wanted.service_name);
    let mut patience = Patience::new(what, EARLY).pauses(Duration::from_secs(1), Duration::from_secs(5));
    loop {
        let call = aws.ecs.create_service().cluster(&wanted.cluster).service_name(&wanted.service_name);
        let call = call.task_definition(&wanted.task_definition).launch_type(LaunchType::Fargate);
        let call = call.desired_count(number(wanted.min_replicas)).network_configuration(network.clone());
        let call = call.set_load_balancers(balancers(wanted)).set_health_check_grace_period_seconds(grace);
        let call = call.deployment_configuration(careful()).propagate_tags(PropagateTags::Service);
        let call = call.client_token(token(operation)).set_tags(Some(ecs_tags(&tags)));
        let failure = match call.send().await.map_err(|error| Failure::of(&error)) {
            Ok(answer) => match answer.service {
                Some(mut made) => {
                    made.tags.get_or_insert_with(|| ecs_tags(&tags));
                    return Ok((made, true));
                }
                None => Failure::Unknown { timed_out: false, detail: "an answer without a service".into() },
            },
            Err(failure) => failure,
        };
        if containers::is_early(&failure) {
            patience.pause().await?;
            continue;
        }
        // The answer to an earlier try was lost.
        if is_taken(&failure)
            && let Some(there) = container_rollout::look_up(aws, name).await?
        {
            return Ok((there, false));
        }
        return Err(failure.into_error("ecs.CreateService"));
    }
}

fn is_taken(failure: &Failure) -> bool {
    let codes = ["InvalidParameterException", "ClientException"];
    codes.iter().any(|code| failure.says(code, "not idempotent"))
}

/// ECS takes 36 letters at most.
fn token(operation: &Operation) -> String {
    hex::encode(&Sha256::digest(&operation.id)[..16])
}

/// A rollout whose replicas do not start is given up, and the earlier revision is brought back.
fn careful() -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    DeploymentConfiguration::builder()
        .deployment_circuit_breaker(breaker)
        .minimum_healthy_percent(100)
        .maximum_percent(200)
        .build()
}

async fn network_configuration(aws: &Clients, wanted: &Inputs) -> Result<NetworkConfiguration> {
    let network = network(aws, &wanted.subnets).await?;
    let public = if network.public { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
    let groups = Some(wanted.security_groups.clone()).filter(|groups| !groups.is_empty());
    let vpc = AwsVpcConfiguration::builder().set_subnets(Some(network.subnets)).assign_public_ip(public);
    let vpc = vpc.set_security_groups(groups).build().map_err(|error| {
        Error::new(ErrorKind::Internal, "aws.container_service", format!("network configuration: {error}"))
    })?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
}

fn balancers(wanted: &Inputs) -> Option<Vec<LoadBalancer>> {
    let group = wanted.target_group.as_ref()?;
    let balancer = LoadBalancer::builder().target_group_arn(group).container_name(CONTAINER);
    Some(vec![balancer.container_port(wanted.port.into()).build()])
}

/// Brings a service that is there to what is wanted; what is as wanted is left alone, for every change starts replicas anew.
pub(crate) async fn bring(aws: &Clients, wanted: &Inputs, name: &ServiceName, found: &Service) -> Result<()> {
    let call = aws.ecs.update_service().cluster(&name.cluster).service(&name.service);
    let (mut call, mut differs) = (call, false);
    if found.task_definition() != Some(&wanted.task_definition) {
        (call, differs) = (call.task_definition(&wanted.task_definition), true);
    }
    if !same_network(wanted, found) {
        (call, differs) = (call.network_configuration(network_configuration(aws, wanted).await?), true);
    }
    if !same_balancers(wanted, found) {
        (call, differs) = (call.set_load_balancers(Some(balancers(wanted).unwrap_or_default())), true);
    }
    // In between, their number is for autoscaling, or whoever sets it by hand.
    let within = found.desired_count().clamp(number(wanted.min_replicas), number(wanted.max_replicas));
    if within != found.desired_count() {
        (call, differs) = (call.desired_count(within), true);
    }
    if differs {
        let what = format!("ECS to know what service `{}` needs", wanted.service_name);
        let mut patience = Patience::new(what, EARLY).pauses(Duration::from_secs(1), Duration::from_secs(5));
        while let Err(failure) = call.clone().send().await.map(drop).map_err(|error| Failure::of(&error)) {
            match containers::is_early(&failure) {
                true => patience.pause().await?,
                false => return Err(failure.into_error("ecs.UpdateService")),
            }
        }
    }
    let arn = found.service_arn().unwrap_or_default();
    containers::retag(aws, arn, &tags_in(found.tags()), &wanted.tags).await
}

fn same_network(wanted: &Inputs, found: &Service) -> bool {
    let vpc = found.network_configuration().and_then(|network| network.awsvpc_configuration());
    let Some(vpc) = vpc else { return false };
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let same_subnets = wanted.subnets.is_empty() || sorted(&wanted.subnets) == sorted(vpc.subnets());
    let same_groups = sorted(&wanted.security_groups) == sorted(vpc.security_groups());
    same_subnets && (wanted.security_groups.is_empty() || same_groups)
}

fn same_balancers(wanted: &Inputs, found: &Service) -> bool {
    let found = found.load_balancers();
    match (&wanted.target_group, found) {
        (None, []) => true,
        (Some(group), [one]) => {
            one.target_group_arn() == Some(group) && one.container_port() == Some(wanted.port.into())
        }
        _ => false,
    }
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
