//! `aws.scaling_target`: the bounds between which Application Auto Scaling keeps a service's replicas. It is part of its
//! service.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use semantest_iac_core::Result;
use semantest_iac_core::domain::compute::container_service::Replicas;
use semantest_iac_core::domain::deployment::resource::{Address, Resource};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::patience::Patience;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.scaling_target";

/// How long a new service, or AWS's own role for scaling it, may take to be known to Application Auto Scaling.
const EARLY: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// `service/<cluster>/<service>`.
    resource_id: String,
    min_capacity: u32,
    max_capacity: u32,
}

/// The bounds of the service at `service`, which is called `resource_id`.
pub(crate) fn lower(
    region: &str,
    address: impl Into<Address>,
    resource_id: String,
    replicas: &Replicas,
    service: &Address,
) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        resource_id,
        min_capacity: replicas.min,
        max_capacity: replicas.max,
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.depends_on.insert(service.clone());
    resource.replace_on.insert("resource_id".into());
    resource
}

pub(crate) struct ScalingTarget;

#[async_trait]
impl ResourceKind for ScalingTarget {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let call = aws.autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let sent = call.resource_ids(&asked.resource_id).send().await;
        let answer =
            sent.map_err(|error| failed("application-autoscaling.DescribeScalableTargets", error))?;
        let found = answer.scalable_targets().iter().find(|one| one.resource_id() == asked.resource_id);
        Ok(found.map(|found| {
            let inputs = properties(&json!({
                "resource_id": found.resource_id(), "min_capacity": found.min_capacity(),
                "max_capacity": found.max_capacity(),
            }));
            Observed { id: asked.resource_id.clone(), inputs, outputs: Default::default() }
        }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let mut patience = Patience::new(format!("{} to be known to autoscaling", wanted.resource_id), EARLY)
            .pauses(Duration::from_secs(1), Duration::from_secs(5));
        loop {
            let call = aws.autoscaling.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
            let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
            let call =
                call.min_capacity(number(wanted.min_capacity)).max_capacity(number(wanted.max_capacity));
            match call.resource_id(&wanted.resource_id).send().await.map_err(|error| Failure::of(&error)) {
                Ok(_) => break,
                Err(failure) if is_early(&failure) => patience.pause().await?,
                Err(failure) => {
                    return Err(failure.into_error("application-autoscaling.RegisterScalableTarget"));
                }
            }
        }
        Ok(Applied { id: wanted.resource_id, outputs: Default::default(), adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        let call = aws.autoscaling.deregister_scalable_target().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        match call.resource_id(&there.resource_id).send().await.map_err(|error| Failure::of(&error)) {
            Ok(_) => Ok(()),
            Err(failure) if is_gone(&failure) => Ok(()),
            Err(failure) => Err(failure.into_error("application-autoscaling.DeregisterScalableTarget")),
        }
    }
}

/// What is answered while the service or AWS's role for scaling it is too new.
fn is_early(failure: &Failure) -> bool {
    failure.is(&["ConcurrentUpdateException"])
        || failure.says("ValidationException", "service doesn't exist")
        || failure.says("ValidationException", "service-linked role")
        || failure.says("ValidationException", "Unable to assume IAM role")
}

/// The two codes by which Application Auto Scaling and its like say that there is none.
fn is_gone(failure: &Failure) -> bool {
    failure.is_not_found() || failure.says("ValidationException", "No scalable target")
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
