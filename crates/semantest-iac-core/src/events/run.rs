//! A run of a deployment: planned, started, ended.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::plan::{ChangeCounts, PlanStep, PropertyChange};
use crate::domain::deployment::resource::Address;
use crate::error::ErrorRecord;

/// A plan was made. Unchanged resources are counted, not listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentPlanned {
    /// Provider that will apply it.
    pub provider: String,
    /// Region, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Version the deployment will have afterwards.
    pub version: u64,
    /// What is wanted; absent for a removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<Box<Blueprint>>,
    /// How many resources each action touches.
    pub changes: ChangeCounts,
    /// The steps that change something, in order.
    #[serde(default)]
    pub steps: Vec<PlanStep>,
}

/// Work on the plan begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentStarted {
    /// Version the deployment will have afterwards.
    pub version: u64,
    /// Who does it.
    pub owner: String,
    /// Fencing token of the lease it is done under.
    pub lease_token: u64,
}

/// A resource is not as the log says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftDetected {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// Whether it is gone.
    #[serde(default)]
    pub missing: bool,
    /// What differs: `before` as the log says, `after` as found. Empty, and not missing: it is as the log says
    /// again.
    #[serde(default)]
    pub diff: Vec<PropertyChange>,
}

/// The deployment is as planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfrastructureUpdated {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
    /// Version of the deployment from now on.
    pub version: u64,
    /// Where to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What was done.
    pub changes: ChangeCounts,
}

/// The deployment is not as planned; a next run goes on from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfrastructureUpdateFailed {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Why.
    pub error: ErrorRecord,
    /// Steps that failed, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<Address, ErrorRecord>,
    /// Steps that were not begun.
    #[serde(default)]
    pub not_started: usize,
    /// Whether the user asked to stop.
    #[serde(default)]
    pub cancelled: bool,
}

/// Nothing of the deployment is left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfrastructureRemoved {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Provider.
    pub provider: String,
    /// What was done.
    pub changes: ChangeCounts,
}

/// Something of the deployment is left; a next run goes on from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfrastructureRemovalFailed {
    /// Name of the component.
    pub component: String,
    /// Environment name.
    pub environment: String,
    /// Why.
    pub error: ErrorRecord,
    /// Steps that failed, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<Address, ErrorRecord>,
    /// Steps that were not begun.
    #[serde(default)]
    pub not_started: usize,
    /// Whether the user asked to stop.
    #[serde(default)]
    pub cancelled: bool,
}
