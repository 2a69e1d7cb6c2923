//! Changes of single resources: the intent before each call, the outcome after it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::deployment::plan::StepAction;
use crate::domain::deployment::resource::{Address, Properties, ResourceRole};
use crate::error::ErrorRecord;

/// A provider call is about to be made: what a crashed run is resumed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceChangeStarted {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// What is done.
    pub action: StepAction,
    /// Idempotency token of the change.
    pub operation: String,
    /// What it should be, references as written; what it was, for a delete.
    pub inputs: Properties,
    /// Resources it needs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// Outputs that an update in place may change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub volatile_outputs: BTreeSet<String>,
    /// What the outside world calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ResourceRole>,
}

/// The resource exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceCreated {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The change it ends.
    pub operation: String,
    /// The cloud's id.
    pub id: String,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: Properties,
    /// Whether it was there already, with our tags.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

/// The resource was changed in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceUpdated {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The change it ends.
    pub operation: String,
    /// The cloud's id.
    pub id: String,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: Properties,
}

/// The resource was made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceReplaced {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The change it ends.
    pub operation: String,
    /// The cloud's id now.
    pub id: String,
    /// The cloud's id before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: Properties,
}

/// The resource is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceDeleted {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The change it ends.
    pub operation: String,
    /// The cloud's id, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The call failed. Whether it took effect is looked up by the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceChangeFailed {
    /// Which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// What was tried.
    pub action: StepAction,
    /// The change it ends.
    pub operation: String,
    /// Why.
    pub error: ErrorRecord,
}
