//! A cloud, or this machine: turns blueprints into resources and resources into reality.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::plan::PropertyChange;
use crate::domain::deployment::resource::{Address, Properties};
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::error::{Error, ErrorKind, Result};
use crate::events::resource_change::NestedChange;
use crate::ports::clock::Timestamp;
use crate::ports::secret_resolver::ResolvedSecrets;

/// `tracing` target of messages for people, shown also where nothing else is logged: what a provider waits for, what it
/// cannot look at.
pub const NOTICE: &str = "semantest_iac::notice";

/// Whose a resource is. Every resource carries these four; what does not is never touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OwnershipTags {
    /// Project name.
    pub project: String,
    /// Environment name.
    pub environment: String,
    /// Component name.
    pub component: String,
    /// Address in the graph.
    pub address: Address,
}

/// Where to lower a blueprint to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// Region; the provider's default where absent.
    pub region: Option<String>,
}

/// A resource to look at or delete. `inputs` have their references substituted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceHandle {
    /// Whose it is.
    pub tags: OwnershipTags,
    /// Provider's word for what it is.
    pub kind: String,
    /// What it was last asked to be.
    pub inputs: Properties,
    /// The cloud's id, where known: absent for a change whose outcome was never recorded.
    pub id: Option<String>,
    /// What it last answered.
    pub outputs: Properties,
}

/// What the executor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Bring it into being.
    Create,
    /// Change it in place.
    Update,
    /// Make it anew, because it cannot be changed in place.
    Replace,
}

/// One change to apply. `Debug` never shows a secret's value.
#[derive(Clone, Debug)]
pub struct Change {
    /// Create, update or replace.
    pub action: ChangeAction,
    /// The wanted resource; `inputs` have their references to outputs substituted, secrets stay references.
    /// `id` and `outputs` are those of the existing resource, where there is one.
    pub resource: ResourceHandle,
    /// Inputs it had before, for update and replace.
    pub previous_inputs: Option<Properties>,
    /// Top-level inputs that differ; empty for create.
    pub changed: BTreeSet<String>,
    /// Values for the secret references in `inputs`.
    pub secrets: ResolvedSecrets,
}

/// Identifies one change across retries and crashes: the same id means the same change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Idempotency token (a UUID).
    pub id: String,
    /// 1 for the first try.
    pub attempt: u32,
}

/// What an applied change gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// The cloud's id.
    pub id: String,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: Properties,
    /// Whether it was there already, with our tags, and taken over.
    #[serde(default)]
    pub adopted: bool,
}

/// What the cloud holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The cloud's id.
    pub id: String,
    /// Properties as found, under the names of the inputs; those that cannot be read are left out. Secrets
    /// are left out or given as references, never as values.
    #[serde(default)]
    pub inputs: Properties,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: Properties,
}

/// Where to look for resources of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Project name.
    pub project: String,
    /// Environment name.
    pub environment: String,
    /// One component, or all.
    pub component: Option<String>,
    /// Region; the provider's default where absent.
    pub region: Option<String>,
}

/// A resource of ours found in the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovered {
    /// Whose it is.
    pub tags: OwnershipTags,
    /// Provider's word for what it is.
    pub kind: String,
    /// The cloud's id.
    pub id: String,
}

/// One thing that a provider looked at to find out whether it can work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and what to do.
    pub detail: String,
}

/// What a call under way and the run it is of tell one another.
pub struct Watch {
    stopping: CancellationToken,
    tell: Box<dyn Fn(NestedChange) + Send + Sync>,
}

impl Watch {
    /// A watch that is over once `stopping` is cancelled, and passes on to `tell` what it is told.
    pub fn new(stopping: CancellationToken, tell: impl Fn(NestedChange) + Send + Sync + 'static) -> Self {
        Self { stopping, tell: Box::new(tell) }
    }

    /// Nobody watches.
    pub fn none() -> Self {
        Self::new(CancellationToken::new(), |_| {})
    }

    /// Cancelled once the call is to end, in order.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Tells of a change inside the resource, as it happens.
    pub fn tell(&self, change: NestedChange) {
        (self.tell)(change);
    }
}

/// A cloud, or this machine. Every operation is safe to repeat.
#[async_trait]
pub trait Provider: Send + Sync {
    /// `local`, `aws`, `azure`, `pulumi`.
    fn name(&self) -> &str;

    /// Blueprint to resource graph. Pure; every name in it is deterministic.
    ///
    /// # Errors
    /// `Unsupported` or `InvalidInput`, saying which part cannot be and what to do.
    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph>;

    /// What the cloud holds now, or nothing. Something there without our tags is nothing of ours.
    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>>;

    /// Creates or updates to the wanted inputs. Creating what exists with our tags adopts it.
    ///
    /// # Errors
    /// `AlreadyExists` where it exists without our tags. `Retry::Later` where another try can help.
    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied>;

    /// Gone afterwards, also if it was gone before.
    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()>;

    /// All resources tagged as ours in the scope.
    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>>;

    /// As [`Self::apply`]; tells `watch` what happens inside the resource meanwhile, and ends in order when it says so.
    async fn apply_watched(&self, change: &Change, operation: &Operation, watch: &Watch) -> Result<Applied> {
        let _ = watch;
        self.apply(change, operation).await
    }

    /// As [`Self::delete`]; watched like [`Self::apply_watched`].
    async fn delete_watched(
        &self,
        resource: &ResourceHandle,
        operation: &Operation,
        watch: &Watch,
    ) -> Result<()> {
        let _ = watch;
        self.delete(resource, operation).await
    }

    /// Whether it drives stacks of Pulumi programs; what does not is never asked to.
    fn drives_stacks(&self) -> bool {
        false
    }

    /// What bringing `resource` to its inputs would change inside it, where the provider can tell. Changes nothing.
    ///
    /// # Errors
    /// What would keep it from being done.
    async fn preview(&self, resource: &ResourceHandle) -> Result<Vec<PropertyChange>> {
        let _ = resource;
        Ok(Vec::new())
    }

    /// The region this machine is set up for, where the environment names none.
    async fn default_region(&self) -> Option<String> {
        None
    }

    /// Which identity, region and permissions it sees. Changes nothing.
    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        let _ = settings;
        Ok(Vec::new())
    }

    /// Calls functions and reads their logs, where the provider can.
    fn functions(&self) -> Option<&dyn FunctionAccess> {
        None
    }
}

/// A direct call of a function.
#[derive(Clone, Debug)]
pub struct InvokeRequest {
    /// The deployed function.
    pub function: ResourceHandle,
    /// The event, byte for byte: numbers of any size, objects of any depth.
    pub payload: Box<RawValue>,
}

/// What a direct call gave.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InvokeAnswer {
    /// The function's request id.
    pub request_id: String,
    /// What the handler returned, byte for byte, or the error object.
    #[schemars(with = "Value")]
    pub payload: Box<RawValue>,
    /// `Unhandled`, `Sandbox.Timedout`, …; absent on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// How long it took, in milliseconds, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Its log lines, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

/// What a direct call gave whose response was passed on as it came.
#[derive(Clone, Debug, Default)]
pub struct StreamAnswer {
    /// The function's request id.
    pub request_id: String,
    /// What the function calls its response, where known: `text/event-stream`, ….
    pub content_type: Option<String>,
    /// `Unhandled`, `Sandbox.Timedout`, …; absent on success.
    pub error_type: Option<String>,
    /// What is told of that error, as text.
    pub error: Option<String>,
    /// How long it took, in milliseconds, where known.
    pub duration_ms: Option<f64>,
    /// Its log lines, where known.
    pub logs: Vec<LogLine>,
}

/// Takes parts of a response as they come.
pub type PartSink<'a> = &'a (dyn Fn(&[u8]) + Send + Sync);

/// One line of a function's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// When it was written.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The name of the function, or of the container service.
    pub function_name: String,
    /// The invocation it belongs to, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The replica of a container service that wrote it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<u32>,
    /// The text, without line end.
    pub message: String,
}

/// Which log lines.
#[derive(Clone, Debug)]
pub struct LogQuery {
    /// The deployed function.
    pub function: ResourceHandle,
    /// Opaque place to go on from, as a former answer gave it.
    pub cursor: Option<String>,
    /// Only lines since then, on the first call.
    pub since: Option<Timestamp>,
    /// At most this many (the newest).
    pub limit: usize,
    /// Wait up to this long for a new line where there is none.
    pub wait: Duration,
}

/// Log lines, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Pass it on to go on from here.
    pub cursor: String,
}

/// Calls deployed functions and reads their logs.
#[async_trait]
pub trait FunctionAccess: Send + Sync {
    /// Calls a function and waits for its answer. A handler's failure is an answer, not an error.
    async fn invoke(&self, request: &InvokeRequest) -> Result<InvokeAnswer>;

    /// Hands a function an event and does not wait for what comes of it; the id of the invocation. Whether a failure is
    /// tried again is the provider's way.
    ///
    /// # Errors
    /// `Unsupported` where the provider waits for every call.
    async fn send(&self, request: &InvokeRequest) -> Result<String> {
        let _ = request;
        let text = "this provider calls functions only to wait for them: leave --async out";
        Err(Error::new(ErrorKind::Unsupported, "function.send", text))
    }

    /// Calls a function and passes its response on to `parts` as it comes. A handler's failure is an answer, not an error; what
    /// it had written before was passed on.
    ///
    /// # Errors
    /// `Unsupported` where the provider knows responses only whole.
    async fn stream(&self, request: &InvokeRequest, parts: PartSink<'_>) -> Result<StreamAnswer> {
        let _ = (request, parts);
        let text = "this provider knows responses only whole: leave --stream out";
        Err(Error::new(ErrorKind::Unsupported, "function.stream", text))
    }

    /// Log lines of a function.
    async fn logs(&self, query: &LogQuery) -> Result<LogPage>;
}
