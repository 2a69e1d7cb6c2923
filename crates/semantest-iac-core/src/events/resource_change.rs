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

/// How far a change inside a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeStage {
    /// It was begun.
    Started,
    /// It is done.
    Done,
    /// It failed; why is said by the failure of the resource around it.
    Failed,
}

/// A change of something inside a resource: a resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NestedChange {
    /// What it is, in the words of what drives it, e.g. `aws:s3/bucket:Bucket`.
    pub nested_kind: String,
    /// Its name there.
    pub nested_name: String,
    /// What is done.
    pub action: StepAction,
    /// How far it is.
    pub stage: ChangeStage,
}

/// Something inside a resource is being changed, while the change of the resource itself is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NestedResourceChanged {
    /// The resource around it.
    pub address: Address,
    /// The change that it is part of.
    pub operation: String,
    /// What is changed, and how far that is.
    #[serde(flatten)]
    pub change: NestedChange,
}
