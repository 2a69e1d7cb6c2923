//! Requests: what an application or a front door asks for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::environment::SettingValue;

/// Asks for a component to be deployed as it is defined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentRequested {
    /// Name of the component.
    pub component: String,
    /// `local`, `aws`, `azure`; absent: the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// Region; absent: the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Keys of a component, laid over its definition.
    #[serde(default)]
    pub configuration: Map<String, Value>,
}

/// Asks for a component to be taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RemovalRequested {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
}

/// Asks for what carries the tags of a component, and is not in its log, to be taken away. What the log tells of stays
/// as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrphanRemovalRequested {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// Where to look: `local`, `aws`, `azure`.
    pub provider: String,
    /// Region; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// Asks for an earlier version, code included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackRequested {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// Version of the deployment to go back to; absent: the one before the current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// How many of something should run. What is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingTarget {
    /// Functions: at most this many at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// Functions: this many kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency: Option<u32>,
    /// Container services: never fewer replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<u32>,
    /// Container services: never more replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<u32>,
}

/// Asks for more or fewer at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingRequested {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// One function of the component; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// How many.
    #[serde(flatten)]
    pub target: ScalingTarget,
}

/// Asks for settings of a component in an environment to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentConfigurationRequested {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// Environment variables to set: text, or `{"secret": "env:NAME"}`.
    #[serde(default)]
    pub variables: BTreeMap<String, SettingValue>,
    /// Names of variables set this way before that should be as defined again.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Tags to set.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn default_environment() -> String {
    "dev".into()
}
