//! What the log says of a deployment: its events, folded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::plan::{PropertyChange, StepAction};
use crate::domain::deployment::resource::{Address, Properties, Reference, ResourceRole, substitute};
use crate::domain::deployment::status::DeploymentStatus;
use crate::domain::environment::EnvironmentConfiguration;
use crate::domain::timestamp::Timestamp;
use crate::error::ErrorRecord;
use crate::events::Event;
use crate::events::request::ScalingTarget;

/// Scaling by function role; the empty role means all.
pub type Scaling = BTreeMap<String, ScalingTarget>;

/// A deployment, as its stream says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeploymentState {
    /// Where it stands.
    pub status: DeploymentStatus,
    /// Provider of the last plan.
    pub provider: Option<String>,
    /// Region of the last plan.
    pub region: Option<String>,
    /// Number of the last version that was reached; zero for none.
    pub version: u64,
    /// Versions that were reached, with what they were made of.
    pub versions: BTreeMap<u64, Arc<VersionRecord>>,
    /// What the last plan wanted: settings and scaling not yet laid over it.
    pub planned: Option<Arc<Blueprint>>,
    /// Resources by address, those with an unfinished change included.
    pub resources: BTreeMap<Address, ResourceState>,
    /// Settings in force.
    pub configuration: EnvironmentConfiguration,
    /// Scaling in force.
    pub scaling: Scaling,
    /// Resources that changed since the last run came to its end.
    pub changed: BTreeSet<Address>,
    /// The requests in the stream by source and id.
    pub requests: BTreeMap<(String, String), Event>,
    /// Whether the last request was about orphans only: what is deployed is as it was before it.
    pub only_orphans: bool,
    /// Why the last run failed.
    pub error: Option<ErrorRecord>,
    /// Number of events in the stream.
    pub stream_version: u64,
    /// When the last one was recorded.
    pub updated: Option<Timestamp>,
}

/// What a version was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRecord {
    /// The blueprint, before settings and scaling.
    pub blueprint: Arc<Blueprint>,
    /// Settings in force.
    pub configuration: EnvironmentConfiguration,
    /// Scaling in force.
    pub scaling: Scaling,
    /// When it was reached.
    pub time: Timestamp,
}

/// A resource, as the log says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceState {
    /// Provider's word for what it is.
    pub kind: String,
    /// The cloud's id; absent before the first outcome.
    pub id: Option<String>,
    /// What it was last made, references as written.
    pub inputs: Properties,
    /// What it last answered.
    pub outputs: Properties,
    /// Resources it needs.
    pub depends_on: BTreeSet<Address>,
    /// Outputs that an update in place may change.
    pub volatile_outputs: BTreeSet<String>,
    /// What the outside world calls it.
    pub role: Option<ResourceRole>,
    /// A change whose effect is not known: begun and not ended, or ended with an error.
    pub unfinished: Option<UnfinishedChange>,
    /// How it differs from the log, where a look found it so.
    pub drift: Option<Drift>,
    /// Whether something it refers to has changed since it was last made or changed: a run was broken off in between.
    pub outdated: bool,
}

/// A change whose effect is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfinishedChange {
    /// What was tried.
    pub action: StepAction,
    /// Its idempotency token.
    pub operation: String,
    /// What it should have become.
    pub inputs: Properties,
    /// Resources it needs then.
    pub depends_on: BTreeSet<Address>,
    /// Outputs that an update in place may change then.
    pub volatile_outputs: BTreeSet<String>,
    /// What the outside world calls it then.
    pub role: Option<ResourceRole>,
    /// Why it failed, where it is known that it did.
    pub error: Option<ErrorRecord>,
}

/// How a resource differs from the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// Whether it is gone.
    pub missing: bool,
    /// What differs.
    pub diff: Vec<PropertyChange>,
}

impl ResourceState {
    /// `ok`, `changing`, `failed`, `drifted` or `missing`.
    pub fn state_word(&self) -> &'static str {
        match (&self.unfinished, &self.drift) {
            (Some(change), _) if change.error.is_some() => "failed",
            (Some(_), _) => "changing",
            (None, Some(drift)) if drift.missing => "missing",
            (None, Some(_)) => "drifted",
            (None, None) if self.outdated => "changing",
            (None, None) => "ok",
        }
    }

    /// Whether the cloud is known to hold it.
    pub fn exists(&self) -> bool {
        self.id.is_some()
    }

    /// Text of an output.
    pub fn output_text(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).and_then(Value::as_str)
    }
}

impl DeploymentState {
    /// The output a reference leads to, as the log says.
    pub fn output(&self, reference: &Reference) -> Option<Value> {
        let resource = self.resources.get(&reference.address)?;
        match reference.output.as_str() {
            "id" => resource.id.clone().map(Value::String),
            output => resource.outputs.get(output).cloned(),
        }
    }

    /// `inputs` with every reference that the log can answer put in place; others stay as written.
    pub fn resolve_known(&self, inputs: &Properties) -> Properties {
        let keep = |reference: &Reference| {
            let text = || Value::String(Reference::text(&reference.address, &reference.output));
            Some(self.output(reference).unwrap_or_else(text))
        };
        substitute(inputs, &keep).unwrap_or_else(|_| inputs.clone())
    }

    /// Where the component is called: the endpoint of its API or load balancer, or else of its function's URL, where it has
    /// one only.
    pub fn endpoint(&self) -> Option<String> {
        let front = |resource: &&ResourceState| {
            matches!(
                resource.role,
                Some(ResourceRole::ApiGateway | ResourceRole::LoadBalancer | ResourceRole::Stack)
            )
        };
        let mut fronts = self.resources.values().filter(front);
        let front = fronts.find_map(|resource| resource.output_text("endpoint"));
        front.or_else(|| self.only_url()).map(str::to_owned)
    }

    fn only_url(&self) -> Option<&str> {
        let mut urls = self.function_urls();
        let (_, only) = urls.next()?;
        urls.next().is_none().then_some(only)
    }

    /// Functions that have URLs of their own, by name, with where those answer.
    pub fn function_urls(&self) -> impl Iterator<Item = (&str, &str)> {
        let urls = self.resources.values().filter(|one| one.role == Some(ResourceRole::FunctionUrl));
        urls.filter_map(|one| Some((one.output_text("function_name")?, one.output_text("endpoint")?)))
    }

    /// The blueprint of the current version, before settings and scaling.
    pub fn current_blueprint(&self) -> Option<Arc<Blueprint>> {
        match self.status {
            DeploymentStatus::Removed => None,
            _ => self.versions.get(&self.version).map(|record| Arc::clone(&record.blueprint)),
        }
    }
}
