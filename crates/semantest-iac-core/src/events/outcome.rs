//! Outcome facts: what applications listen for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::deployment::resource::Properties;
use crate::domain::environment::SettingValue;
use crate::domain::networking::api_gateway::ApiProtocol;
use crate::events::request::ScalingTarget;

/// A function runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionDeployed {
    /// Name of the function in the cloud.
    pub function_name: String,
    /// The cloud's identifier.
    pub arn: String,
    /// Where it is called: its own URL, or else where its component is; absent where nothing is in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Component it belongs to.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
}

/// A container service runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerServiceDeployed {
    /// Name of the service in the cloud.
    pub service_name: String,
    /// The cloud's identifier.
    pub arn: String,
    /// Where it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Component it belongs to.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
}

/// An API answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiGatewayDeployed {
    /// The cloud's identifier.
    pub api_id: String,
    /// Where it is called.
    pub endpoint: String,
    /// HTTP or WebSocket.
    pub protocol: ApiProtocol,
    /// Component it belongs to.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
}

/// A load balancer answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancerDeployed {
    /// The cloud's identifier.
    pub arn: String,
    /// Where it is called.
    pub endpoint: String,
    /// Component it belongs to.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
}

/// A stack is as its program wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StackDeployed {
    /// Name of the stack.
    pub stack_name: String,
    /// Where it is called: its output `endpoint`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What the program exports, by name; `[secret]` stands for what is secret.
    #[serde(default)]
    pub outputs: Properties,
    /// Component it belongs to.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
}

/// Settings of a component are in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentConfigured {
    /// Component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// All variables set this way: text or references, never a secret's value.
    #[serde(default)]
    pub variables: BTreeMap<String, SettingValue>,
    /// All tags set this way.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A scaling change is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingTriggered {
    /// Component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// One function of the component; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// How many.
    #[serde(flatten)]
    pub target: ScalingTarget,
}
