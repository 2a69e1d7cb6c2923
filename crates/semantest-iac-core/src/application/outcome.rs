//! Outcome facts of a run, and functions as the outside world knows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::application::answer::FunctionAnswer;
use crate::application::target::Target;
use crate::domain::deployment::resource::{Address, ResourceRole};
use crate::domain::deployment::state::{DeploymentState, ResourceState};
use crate::domain::networking::api_gateway::ApiProtocol;
use crate::events::Event;
use crate::events::outcome::{
    ApiGatewayDeployed, ContainerServiceDeployed, FunctionDeployed, LoadBalancerDeployed, StackDeployed,
};

/// Functions by name.
pub(crate) fn functions_of(state: &DeploymentState) -> Vec<FunctionAnswer> {
    let front = state.endpoint();
    let urls: BTreeMap<&str, &str> = state.function_urls().collect();
    let is_function = |resource: &&ResourceState| resource.role == Some(ResourceRole::Function);
    let mut functions: Vec<FunctionAnswer> = state
        .resources
        .values()
        .filter(is_function)
        .filter(|resource| resource.exists())
        .map(|resource| FunctionAnswer {
            function_name: text(resource, "function_name"),
            arn: text(resource, "arn"),
            endpoint: endpoint_of(resource, &urls, front.as_deref()),
        })
        .collect();
    functions.sort_by(|one, other| one.function_name.cmp(&other.function_name));
    functions
}

/// A fact for each resource with a role that changed since facts were last recorded: functions first. Where what is in
/// front of them changed, functions are called elsewhere or otherwise, and are told again.
pub(crate) fn outcome_facts(target: &Target, provider: &str, state: &DeploymentState) -> Vec<Event> {
    let is_front = |role| !matches!(role, ResourceRole::Function | ResourceRole::FunctionUrl);
    let is_changed = |address: &Address| state.changed.contains(address);
    let front_changed =
        state.resources.iter().any(|(address, one)| one.role.is_some_and(is_front) && is_changed(address));
    let urls: BTreeMap<&str, &str> = state.function_urls().collect();
    let is_url = |resource: &ResourceState| resource.role == Some(ResourceRole::FunctionUrl);
    let urls_changed = state.resources.iter().filter(|(address, one)| is_url(one) && is_changed(address));
    let urls_changed: BTreeSet<&str> =
        urls_changed.filter_map(|(_, url)| url.output_text("function_name")).collect();
    // Once: looking for it in a deployment of many resources takes a while.
    let front = state.endpoint();
    let told = |(address, resource): &(&Address, &ResourceState)| {
        let has_url_changed =
            || resource.output_text("function_name").is_some_and(|name| urls_changed.contains(name));
        let of_front = resource.role == Some(ResourceRole::Function) && (front_changed || has_url_changed());
        resource.exists() && resource.unfinished.is_none() && (is_changed(address) || of_front)
    };
    let told: Vec<_> = state.resources.iter().filter(told).collect();
    let (functions, others): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|(_, resource)| resource.role == Some(ResourceRole::Function));
    let in_order = functions.into_iter().chain(others);
    let endpoint = |resource| endpoint_of(resource, &urls, front.as_deref());
    in_order.filter_map(|(_, resource)| fact(target, provider, resource, endpoint(resource))).collect()
}

fn fact(
    target: &Target,
    provider: &str,
    resource: &ResourceState,
    endpoint: Option<String>,
) -> Option<Event> {
    let (component, environment) = (target.component.clone(), target.environment.clone());
    let role = resource.role?;
    let (arn, provider) = (text(resource, "arn"), provider.to_owned());
    Some(match role {
        ResourceRole::Function => {
            let function_name = text(resource, "function_name");
            FunctionDeployed { function_name, arn, endpoint, component, environment, provider }.into()
        }
        // Told with its function.
        ResourceRole::FunctionUrl => return None,
        ResourceRole::ContainerService => {
            let service_name = text(resource, "service_name");
            ContainerServiceDeployed { service_name, arn, endpoint, component, environment, provider }.into()
        }
        ResourceRole::ApiGateway => {
            let endpoint = endpoint.unwrap_or_default();
            let protocol = match endpoint.starts_with("ws") {
                true => ApiProtocol::Websocket,
                false => ApiProtocol::Http,
            };
            let api_id = text(resource, "api_id");
            ApiGatewayDeployed { api_id, endpoint, protocol, component, environment, provider }.into()
        }
        ResourceRole::LoadBalancer => {
            let endpoint = endpoint.unwrap_or_default();
            LoadBalancerDeployed { arn, endpoint, component, environment, provider }.into()
        }
        ResourceRole::Stack => {
            let stack_name = text(resource, "stack_name");
            let outputs = resource.outputs.get("outputs").and_then(Value::as_object).cloned();
            let outputs = outputs.unwrap_or_default();
            StackDeployed { stack_name, endpoint, outputs, component, environment, provider }.into()
        }
    })
}

/// A resource's own endpoint, a function's URL, or else its component's endpoint.
fn endpoint_of(resource: &ResourceState, urls: &BTreeMap<&str, &str>, front: Option<&str>) -> Option<String> {
    let url = resource.output_text("function_name").and_then(|name| urls.get(name).copied());
    resource.output_text("endpoint").or(url).or(front).map(str::to_owned)
}

fn text(resource: &ResourceState, output: &str) -> String {
    let own = resource.output_text(output).or(resource.id.as_deref());
    own.unwrap_or_default().to_owned()
}
