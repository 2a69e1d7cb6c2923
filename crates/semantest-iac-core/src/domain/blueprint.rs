//! The blueprint: what a component needs, without saying which cloud.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::component::ComponentKind;
use crate::domain::compute::container_service::ContainerService;
use crate::domain::compute::hosting_plan::HostingPlan;
use crate::domain::compute::serverless_function::ServerlessFunction;
use crate::domain::networking::api_gateway::ApiGateway;
use crate::domain::networking::load_balancer::LoadBalancer;
use crate::domain::pulumi_stack::PulumiStack;

/// Provider-neutral description of one component in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blueprint {
    /// Project name.
    pub project: String,
    /// Environment name.
    pub environment: String,
    /// Component name.
    pub component: String,
    /// What it is.
    pub kind: ComponentKind,
    /// Its functions, sorted by role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<ServerlessFunction>,
    /// The plan they run on, where the cloud has several; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<HostingPlan>,
    /// The API in front of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiGateway>,
    /// The container service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ContainerService>,
    /// The load balancer in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// The stack of a Pulumi program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<PulumiStack>,
    /// The user's own tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Blueprint {
    /// Packages it needs, by SHA-256, with the name of what needs each: a function, or the layer itself.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &str)> {
        let functions = self.functions.iter().map(|one| (one.role.as_str(), one.package.as_str()));
        let layers = self.functions.iter().flat_map(|one| &one.layers);
        let layers = layers.filter_map(|layer| Some((layer.source.as_str(), layer.package.as_deref()?)));
        let of_service = self.service.as_ref().and_then(|service| service.package.as_deref());
        functions.chain(layers).chain(of_service.map(|package| (self.component.as_str(), package)))
    }
}
