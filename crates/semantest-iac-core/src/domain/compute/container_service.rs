//! A container service: an image or command, replicas and their bounds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::compute::serverless_function::MemoryMib;
use crate::domain::environment::SettingValue;

/// Bounds between which a container service scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Never fewer.
    #[serde(default = "one")]
    pub min: u32,
    /// Never more.
    #[serde(default = "one")]
    pub max: u32,
    /// Add replicas above this mean CPU use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cpu_percent: Option<u8>,
}

impl Default for Replicas {
    fn default() -> Self {
        Self { min: 1, max: 1, target_cpu_percent: None }
    }
}

fn one() -> u32 {
    1
}

/// A long-running container, as any cloud could run it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerService {
    /// Image reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Command; required where there is no image. In a cloud it takes the place of the image's own; `local` runs it as it
    /// is, with no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// SHA-256 (hex) of the package with the files that the command needs on this machine; an image holds its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Port it listens on.
    pub port: u16,
    /// CPUs of one replica.
    pub cpu: f64,
    /// Memory of one replica.
    pub memory_mb: MemoryMib,
    /// Bounds.
    pub replicas: Replicas,
    /// Environment variables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
    /// Subnets it runs in; none: the network's default ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Its security groups; none: the network's default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// How many days logs are kept; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
}
