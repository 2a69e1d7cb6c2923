//! Outcome facts of a run, and functions as the outside world knows them.

use crate::application::answer::FunctionAnswer;
use crate::application::target::Target;
use crate::domain::deployment::resource::ResourceRole;
use crate::domain::deployment::state::{DeploymentState, ResourceState};
use crate::domain::networking::api_gateway::ApiProtocol;
use crate::events::Event;
use crate::events::outcome::{
    ApiGatewayDeployed, ContainerServiceDeployed, FunctionDeployed, LoadBalancerDeployed,
};

/// Functions by name.
pub(crate) fn functions_of(state: &DeploymentState) -> Vec<FunctionAnswer> {
    let front = state.endpoint();
    let is_function = |resource: &&ResourceState| resource.role == Some(ResourceRole::Function);
    let mut functions: Vec<FunctionAnswer> = state
        .resources
        .values()
        .filter(is_function)
        .filter(|resource| resource.exists())
        .map(|resource| FunctionAnswer {
            function_name: text(resource, "function_name"),
            arn: text(resource, "arn"),
            endpoint: endpoint_of(resource, front.as_deref()),
        })
        .collect();
    functions.sort_by(|one, other| one.function_name.cmp(&other.function_name));
    functions
}

/// A fact for each resource with a role that changed since the deployment was last as planned.
pub(crate) fn outcome_facts(target: &Target, provider: &str, state: &DeploymentState) -> Vec<Event> {
    let changed = state.resources.iter().filter(|(address, _)| state.changed.contains(*address));
    // Once: looking for it in a deployment of many resources takes a while.
    let front = state.endpoint();
    changed.filter_map(|(_, resource)| fact(target, provider, resource, front.as_deref())).collect()
}

fn fact(target: &Target, provider: &str, resource: &ResourceState, front: Option<&str>) -> Option<Event> {
    let (component, environment) = (target.component.clone(), target.environment.clone());
    let role = resource.role?;
    let (arn, provider) = (text(resource, "arn"), provider.to_owned());
    let endpoint = endpoint_of(resource, front);
    Some(match role {
        ResourceRole::Function => {
            let function_name = text(resource, "function_name");
            FunctionDeployed { function_name, arn, endpoint, component, environment, provider }.into()
        }
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
    })
}

/// A function's own endpoint, or else its component's.
fn endpoint_of(resource: &ResourceState, front: Option<&str>) -> Option<String> {
    resource.output_text("endpoint").or(front).map(str::to_owned)
}

fn text(resource: &ResourceState, output: &str) -> String {
    let own = resource.output_text(output).or(resource.id.as_deref());
    own.unwrap_or_default().to_owned()
}
