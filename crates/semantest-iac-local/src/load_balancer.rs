//! `local.load_balancer`: a port of this machine, in front of a container service's replicas.

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::ResourceHandle;
use serde::{Deserialize, Serialize};

use crate::container_service;
use crate::error::malformed;
use crate::host::service_definition::LoadBalancerDefinition;
use crate::provider::{properties, tags_of};

/// Provider's word for a load balancer.
pub(crate) const KIND: &str = "local.load_balancer";

/// Address of a component's load balancer.
pub(crate) const ADDRESS: &str = "load_balancer";

const NAME_LIMIT: usize = 64;

/// What a load balancer is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LoadBalancerInputs {
    name: String,
    service: String,
}

pub(crate) fn lower(blueprint: &Blueprint) -> Resource {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    let service = container_service::ADDRESS.into();
    let inputs = LoadBalancerInputs {
        name: physical_name(&parts, NAME_LIMIT),
        service: Reference::text(&service, "service_name"),
    };
    let mut resource = Resource::new(ADDRESS, KIND, properties(&inputs));
    resource.role = Some(ResourceRole::LoadBalancer);
    resource.replace_on.insert("name".into());
    resource
}

pub(crate) fn definition(handle: &ResourceHandle) -> Result<LoadBalancerDefinition> {
    let read = |error| malformed(KIND, error);
    let inputs: LoadBalancerInputs = serde_json::from_value(handle.inputs.clone().into()).map_err(read)?;
    Ok(LoadBalancerDefinition {
        id: inputs.name,
        tags: tags_of(&handle.tags),
        port: None,
        service: inputs.service,
    })
}

pub(crate) fn inputs(definition: &LoadBalancerDefinition) -> Properties {
    properties(&LoadBalancerInputs { name: definition.id.clone(), service: definition.service.clone() })
}
