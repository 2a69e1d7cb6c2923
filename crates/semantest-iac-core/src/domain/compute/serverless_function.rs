//! A function: code, a runtime and limits.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::environment::SettingValue;

/// Memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MemoryMib(pub u32);

/// A time limit in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TimeoutSeconds(pub u32);

/// A function of a component, as any cloud could run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerlessFunction {
    /// Name inside the component (`list`, or the component's name for its only function).
    pub role: String,
    /// SHA-256 (hex) of the package in the artifact store.
    pub package: String,
    /// `nodejs20.x`, `python3.12`, `provided.al2023`, …
    pub runtime: String,
    /// `file.function`.
    pub handler: String,
    /// Memory limit.
    pub memory_mb: MemoryMib,
    /// Time limit of one invocation.
    pub timeout_s: TimeoutSeconds,
    /// Environment variables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
    /// How many may run at once.
    #[serde(default)]
    pub scaling: FunctionScaling,
}

/// Concurrency of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionScaling {
    /// At most this many at once; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// Kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency: Option<u32>,
}
