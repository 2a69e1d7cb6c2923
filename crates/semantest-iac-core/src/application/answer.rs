//! What the application service answers; `--output json` prints these as they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::deployment::plan::{ChangeCounts, Plan, PlanStep, PropertyChange};
use crate::domain::deployment::resource::{Address, Properties};
use crate::domain::deployment::state::Scaling;
use crate::domain::environment::EnvironmentConfiguration;
use crate::error::ErrorRecord;
use crate::ports::clock::Timestamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Everything is as planned.
    Deployed,
    /// There was nothing to do.
    Unchanged,
    /// Something failed, or the run was cancelled; `error` says what.
    Failed,
    /// Nothing is left (after a removal).
    Removed,
}

/// A deployed function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionAnswer {
    /// Name of the function in the cloud.
    pub function_name: String,
    /// The cloud's identifier.
    pub arn: String,
    /// Where it is called: its own URL, or else where its component is.
    pub endpoint: Option<String>,
}

/// The answer of `deploy`, `rollback`, `scale`, `configure` and `destroy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeployAnswer {
    /// How it ended.
    pub status: RunStatus,
    /// The deployment's stream: `<project>/<environment>/<component>`.
    pub deployment: String,
    /// Provider.
    pub provider: String,
    /// Environment name.
    pub environment: String,
    /// Component name.
    pub component: String,
    /// Version of the deployment now.
    pub version: u64,
    /// Where to call it.
    pub endpoint: Option<String>,
    /// Its functions, sorted by name.
    pub functions: Vec<FunctionAnswer>,
    /// What was done.
    pub changes: ChangeCounts,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

/// The answer of `plan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanAnswer {
    /// The deployment's stream.
    pub deployment: String,
    /// Provider.
    pub provider: String,
    /// How many resources each action touches.
    pub changes: ChangeCounts,
    /// Every step, unchanged resources included.
    pub steps: Vec<PlanStep>,
}

impl PlanAnswer {
    /// From a plan.
    pub fn new(deployment: String, provider: String, plan: Plan) -> Self {
        Self { deployment, provider, changes: plan.counts(), steps: plan.steps }
    }
}

/// One resource, as the log says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceAnswer {
    /// Address in the graph.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The cloud's id; absent while a change has no recorded outcome.
    pub id: Option<String>,
    /// Outputs by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub outputs: Properties,
    /// What it was made of, secrets as references; only of a deployment as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Properties>,
    /// `ok`, `changing` (a change without recorded outcome), `failed`, `drifted`, `missing`.
    pub state: String,
}

/// One deployment, as the log says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentAnswer {
    /// The deployment's stream.
    pub deployment: String,
    /// `deployed`, `failed`, `deploying`, `removed`, ….
    pub status: String,
    /// Version of the deployment.
    pub version: u64,
    /// Environment name.
    pub environment: String,
    /// Component name.
    pub component: String,
    /// Provider.
    pub provider: Option<String>,
    /// Where to call it.
    pub endpoint: Option<String>,
    /// Its functions, sorted by name.
    pub functions: Vec<FunctionAnswer>,
    /// Its resources by address.
    pub resources: Vec<ResourceAnswer>,
    /// Settings in force; only of a deployment as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<EnvironmentConfiguration>,
    /// Scaling in force, by function (the empty name means all); only of a deployment as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// When the last event was recorded.
    #[schemars(with = "Option<String>")]
    pub updated: Option<Timestamp>,
    /// Who is at work on it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Why the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

/// The answer of `status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    /// By stream name.
    pub deployments: Vec<DeploymentAnswer>,
}

/// What `refresh` found of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftAnswer {
    /// Address in the graph.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// Whether it is gone.
    pub missing: bool,
    /// What differs: `before` as the log says, `after` as found.
    pub diff: Vec<PropertyChange>,
}

/// The answer of `refresh`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshAnswer {
    /// The deployment's stream.
    pub deployment: String,
    /// How many resources were looked at.
    pub checked: usize,
    /// Those that are not as the log says.
    pub drift: Vec<DriftAnswer>,
}
