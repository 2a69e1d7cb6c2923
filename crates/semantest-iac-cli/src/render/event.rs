//! Events as people read them: one line each.

use semantest_iac::domain::environment::SettingValue;
use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::events::outcome::EnvironmentConfigured;
use semantest_iac::events::request::{EnvironmentConfigurationRequested, ScalingTarget};
use semantest_iac::events::resource_change::{ChangeStage, NestedResourceChanged};

use crate::printable::one_line;

/// One event, on one line.
pub(crate) fn event(event: &Envelope) -> String {
    let time = event.time.strftime("%Y-%m-%d %H:%M:%S");
    let sequence = event.sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
    let line = format!("{sequence:>4}  {time}  {:<26} {}", event.name(), detail(&event.data));
    one_line(line.trim_end()).into_owned()
}

fn detail(event: &Event) -> String {
    match event {
        Event::DeploymentRequested(e) => e.component.clone(),
        Event::RemovalRequested(e) => e.component.clone(),
        Event::OrphanRemovalRequested(e) => format!("{} on {}", e.component, e.provider),
        Event::RollbackRequested(e) => e
            .version
            .map_or_else(|| "to the version before".into(), |version| format!("to version {version}")),
        Event::ScalingRequested(e) => scaling(e.function.as_deref(), &e.target),
        Event::ScalingTriggered(e) => scaling(e.function.as_deref(), &e.target),
        Event::EnvironmentConfigurationRequested(e) => wanted(e),
        Event::EnvironmentConfigured(e) => configured(e),
        Event::DeploymentPlanned(e) if e.steps.is_empty() => format!("nothing to do on {}", e.provider),
        Event::DeploymentPlanned(e) => {
            let many = if e.steps.len() == 1 { "step" } else { "steps" };
            format!("{} {many} on {}", e.steps.len(), e.provider)
        }
        Event::DeploymentStarted(e) => format!("version {} by {}", e.version, e.owner),
        Event::ResourceChangeStarted(e) => format!("{} {}", e.action.as_str(), e.address),
        Event::ResourceCreated(e) => format!("{} {}", e.address, e.id),
        Event::ResourceUpdated(e) => format!("{} {}", e.address, e.id),
        Event::ResourceReplaced(e) => format!("{} {}", e.address, e.id),
        Event::ResourceDeleted(e) => e.address.to_string(),
        Event::ResourceChangeFailed(e) => format!("{} {}: {}", e.action.as_str(), e.address, e.error.message),
        Event::NestedResourceChanged(e) => match e.change.stage {
            ChangeStage::Started => format!("{}: begun", nested(e)),
            ChangeStage::Done => nested(e),
            ChangeStage::Failed => format!("{}: failed", nested(e)),
        },
        Event::StackDeployed(e) => {
            format!("{} {}", e.stack_name, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::FunctionDeployed(e) => {
            format!("{} {}", e.function_name, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::ApiGatewayDeployed(e) => e.endpoint.clone(),
        Event::ContainerServiceDeployed(e) => {
            format!("{} {}", e.service_name, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::LoadBalancerDeployed(e) => e.endpoint.clone(),
        Event::DriftDetected(e) => drift(&e.address.to_string(), e.missing, e.diff.is_empty()),
        Event::InfrastructureUpdated(e) => {
            format!("version {} {}", e.version, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::InfrastructureUpdateFailed(e) => e.error.message.clone(),
        Event::InfrastructureRemovalFailed(e) => e.error.message.clone(),
        _ => String::new(),
    }
}

/// `create aws:s3/bucket:Bucket assets`.
pub(crate) fn nested(event: &NestedResourceChanged) -> String {
    let change = &event.change;
    format!("{} {} {}", change.action.as_str(), change.nested_kind, change.nested_name)
}

fn drift(address: &str, missing: bool, same: bool) -> String {
    match (missing, same) {
        (true, _) => format!("{address} is gone"),
        (false, true) => format!("{address} is as the log says again"),
        (false, false) => format!("{address} differs"),
    }
}

/// `list: reserved_concurrency=1`.
pub(super) fn scaling(function: Option<&str>, target: &ScalingTarget) -> String {
    let numbers = [
        ("reserved_concurrency", target.reserved_concurrency),
        ("provisioned_concurrency", target.provisioned_concurrency),
        ("min_replicas", target.min_replicas),
        ("max_replicas", target.max_replicas),
    ];
    let given = numbers.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}")));
    let given = given.collect::<Vec<_>>().join(" ");
    let given = if given.is_empty() { "as defined".to_owned() } else { given };
    function.filter(|role| !role.is_empty()).map(|role| format!("{role}: {given}")).unwrap_or(given)
}

fn wanted(request: &EnvironmentConfigurationRequested) -> String {
    let set = request.variables.iter().map(|(name, value)| variable(name, value));
    let unset = request.unset.iter().map(|name| format!("without {name}"));
    set.chain(unset).chain(tags(&request.tags)).collect::<Vec<_>>().join(", ")
}

fn configured(fact: &EnvironmentConfigured) -> String {
    let set = fact.variables.iter().map(|(name, value)| variable(name, value));
    let all: Vec<String> = set.chain(tags(&fact.tags)).collect();
    if all.is_empty() { "as defined".into() } else { all.join(", ") }
}

fn tags(tags: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = String> + '_ {
    tags.iter().map(|(name, value)| format!("tag {name}={value}"))
}

/// `NAME=value`, or `NAME=secret(env:NAME)`.
pub(super) fn variable(name: &str, value: &SettingValue) -> String {
    match value {
        SettingValue::Plain(text) => format!("{name}={text}"),
        SettingValue::Secret(secret) => format!("{name}=secret({})", secret.secret),
    }
}
