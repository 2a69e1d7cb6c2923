//! A load balancer in front of a container service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spreads connections over the replicas of a container service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancer {
    /// Port clients connect to.
    pub listen_port: u16,
    /// Port of the replicas.
    pub target_port: u16,
    /// Path asked to find out whether a replica is well.
    pub health_check_path: String,
}
