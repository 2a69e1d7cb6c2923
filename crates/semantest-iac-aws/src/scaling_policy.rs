//! `aws.scaling_policy`: adds replicas above a mean CPU use, and takes them away below it. It is part of its service.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use semantest_iac_core::domain::deployment::resource::{Address, Resource};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.scaling_policy";

const POLICY_NAME: &str = "semantest-iac-cpu";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// `service/<cluster>/<service>`.
    resource_id: String,
    policy_name: String,
    target_cpu_percent: u8,
}

/// The policy of what the resource at `target` bounds.
pub(crate) fn lower(
    region: &str,
    address: impl Into<Address>,
    target: &Resource,
    target_cpu_percent: u8,
) -> Resource {
    let resource_id = target.inputs.get("resource_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (region, policy_name) = (region.to_owned(), POLICY_NAME.to_owned());
    let inputs = properties(&Inputs { region, resource_id, policy_name, target_cpu_percent });
    let mut resource = Resource::new(address, WORD, inputs);
    resource.depends_on.insert(target.address.clone());
    resource.replace_on.insert("resource_id".into());
    resource
}

pub(crate) struct ScalingPolicy;

#[async_trait]
impl ResourceKind for ScalingPolicy {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let call = aws.autoscaling.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
        let call = call.resource_id(&asked.resource_id).policy_names(&asked.policy_name);
        let sent = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount).send().await;
        let answer =
            sent.map_err(|error| failed("application-autoscaling.DescribeScalingPolicies", error))?;
        let found = answer
            .scaling_policies()
            .iter()
            .find(|one| one.policy_name() == asked.policy_name && one.resource_id() == asked.resource_id);
        Ok(found.map(|found| {
            let tracked = found.target_tracking_scaling_policy_configuration();
            let inputs = properties(&json!({
                "resource_id": found.resource_id(), "policy_name": found.policy_name(),
                "target_cpu_percent": tracked.map(|tracked| percent(tracked.target_value())),
            }));
            Observed { id: id(&asked), inputs, outputs: Default::default() }
        }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let call = aws.autoscaling.put_scaling_policy().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let call = call.resource_id(&wanted.resource_id).policy_name(&wanted.policy_name);
        let call = call.policy_type(PolicyType::TargetTrackingScaling);
        let call = call.target_tracking_scaling_policy_configuration(tracking(wanted.target_cpu_percent)?);
        match call.send().await.map_err(|error| Failure::of(&error)) {
            Ok(_) => Ok(Applied { id: id(&wanted), outputs: Default::default(), adopted: false }),
            // The target was registered a moment ago, or another change of it is under way.
            Err(failure) if failure.is_not_found() || failure.is(&["ConcurrentUpdateException"]) => {
                Err(failure.into_error("application-autoscaling.PutScalingPolicy").retry_later())
            }
            Err(failure) => Err(failure.into_error("application-autoscaling.PutScalingPolicy")),
        }
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        let call = aws.autoscaling.delete_scaling_policy().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let sent = call.resource_id(&there.resource_id).policy_name(&there.policy_name).send().await;
        match sent.map_err(|error| Failure::of(&error)) {
            Ok(_) => Ok(()),
            Err(failure) if is_gone(&failure) => Ok(()),
            Err(failure) => Err(failure.into_error("application-autoscaling.DeleteScalingPolicy")),
        }
    }
}

/// The two codes by which Application Auto Scaling and its like say that there is none.
fn is_gone(failure: &Failure) -> bool {
    failure.is_not_found() || failure.says("ValidationException", "No scaling policy found")
}

fn id(inputs: &Inputs) -> String {
    format!("{}/{}", inputs.resource_id, inputs.policy_name)
}

/// Whole where it is whole, as it was asked for.
fn percent(value: f64) -> Value {
    if value.fract() == 0.0 && (0.0..=255.0).contains(&value) { json!(value as u8) } else { json!(value) }
}

fn tracking(percent: u8) -> Result<TargetTrackingScalingPolicyConfiguration> {
    let unbuilt = |error: aws_smithy_types::error::operation::BuildError| {
        Error::new(ErrorKind::Internal, "aws.scaling_policy", format!("target tracking: {error}"))
    };
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
        .build()
        .map_err(unbuilt)?;
    TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(percent.into())
        .predefined_metric_specification(metric)
        .build()
        .map_err(unbuilt)
}
