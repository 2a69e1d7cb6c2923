//! One step of a plan: its intent, its call, its outcome.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use futures::future::{BoxFuture, Either, select};
use serde_json::Value;

use crate::application::executor::Work;
use crate::application::target::Target;
use crate::domain::deployment::orphan::as_tagged;
use crate::domain::deployment::plan::{PlanStep, StepAction};
use crate::domain::deployment::resource::{Address, Properties, Reference, substitute};
use crate::domain::deployment::state::{DeploymentState, ResourceState};
use crate::error::{Error, ErrorKind, ErrorRecord, Result, Retry};
use crate::events::Event;
use crate::events::resource_change::{
    NestedResourceChanged, ResourceChangeFailed, ResourceChangeStarted, ResourceCreated, ResourceDeleted,
    ResourceReplaced, ResourceUpdated,
};
use crate::ports::provider::{
    Applied, Change, ChangeAction, Operation, OwnershipTags, ResourceHandle, Watch,
};
use crate::ports::secret_resolver::ResolvedSecrets;

/// The longest wait between two tries.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// A step about to be run.
pub(crate) struct Step {
    intent: ResourceChangeStarted,
    call: Result<Call>,
    look_first: bool,
    previous_id: Option<String>,
}

enum Call {
    Apply(Box<Change>),
    Delete(Box<ResourceHandle>),
}

/// How a step ended.
pub(crate) struct StepOutcome {
    pub event: Event,
    pub error: Option<ErrorRecord>,
}

/// The intent of `step`. A change that was begun before and not finished keeps its idempotency token.
pub(crate) fn intent(work: &Work<'_>, step: &PlanStep, state: &DeploymentState) -> ResourceChangeStarted {
    let existing = state.resources.get(&step.address);
    let wanted = work.graph.get(&step.address);
    let unfinished = existing.and_then(|resource| resource.unfinished.as_ref());
    // A creation that was never finished left no inputs in force: what it wanted names what to delete.
    let before = match existing {
        Some(resource) if resource.exists() => Some(&resource.inputs),
        _ => unfinished.map(|change| &change.inputs),
    };
    let inputs = wanted.map(|resource| &resource.inputs).or(before).cloned().unwrap_or_default();
    let same = unfinished.filter(|change| change.action == step.action && change.inputs == inputs);
    let operation = same.map(|change| change.operation.clone());
    ResourceChangeStarted {
        address: step.address.clone(),
        kind: step.kind.clone(),
        action: step.action,
        operation: operation.unwrap_or_else(|| work.ports.ids.next().to_string()),
        inputs,
        depends_on: match (wanted, existing) {
            (Some(resource), _) => resource.depends_on.clone(),
            (None, Some(resource)) => resource.depends_on.clone(),
            (None, None) => BTreeSet::new(),
        },
        volatile_outputs: wanted.map(|resource| resource.volatile_outputs.clone()).unwrap_or_default(),
        role: wanted.and_then(|resource| resource.role),
    }
}

impl Step {
    /// Puts outputs of earlier steps into the inputs.
    pub fn prepare(
        work: &Work<'_>,
        step: &PlanStep,
        intent: ResourceChangeStarted,
        state: &DeploymentState,
    ) -> Self {
        let existing = state.resources.get(&step.address);
        let call = match step.action {
            StepAction::Delete => Ok(Call::Delete(Box::new(deleted(work, step, &intent, state)))),
            action => change(work, step, action, &intent, state).map(|change| Call::Apply(Box::new(change))),
        };
        Self {
            look_first: step.action == StepAction::Create && step.reason.as_deref() == Some("interrupted"),
            previous_id: existing.and_then(|resource| resource.id.clone()),
            intent,
            call,
        }
    }

    /// Makes the call, as often as it is worth it. What happens inside the resource meanwhile goes to `told`.
    pub async fn run(mut self, work: &Work<'_>, told: &UnboundedSender<Event>) -> StepOutcome {
        let call =
            std::mem::replace(&mut self.call, Err(Error::new(ErrorKind::Internal, "step.run", "taken")));
        let watch = self.watch(work, told);
        let done = match call {
            Ok(Call::Apply(change)) => self.apply(work, *change, &watch).await,
            Ok(Call::Delete(handle)) => self.delete(work, &handle, &watch).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(event) => StepOutcome { event, error: None },
            Err(error) => {
                let record = error.with("address", &self.intent.address).to_record();
                let event = ResourceChangeFailed {
                    address: self.intent.address,
                    kind: self.intent.kind,
                    action: self.intent.action,
                    operation: self.intent.operation,
                    error: record.clone(),
                };
                StepOutcome { event: event.into(), error: Some(record) }
            }
        }
    }

    fn watch(&self, work: &Work<'_>, told: &UnboundedSender<Event>) -> Watch {
        let (address, operation) = (self.intent.address.clone(), self.intent.operation.clone());
        let told = told.clone();
        Watch::new(work.cancel.clone(), move |change| {
            let (address, operation) = (address.clone(), operation.clone());
            // Nobody listens any more once the walk is over.
            let _ = told.unbounded_send(NestedResourceChanged { address, operation, change }.into());
        })
    }

    async fn apply(&self, work: &Work<'_>, mut change: Change, watch: &Watch) -> Result<Event> {
        let mut found = false;
        if self.look_first {
            let handle = change.resource.clone();
            let observed = retry(work, |_| work.provider.observe(&handle)).await?;
            if let Some(observed) = observed {
                found = true;
                change.action = ChangeAction::Update;
                change.changed = change.resource.inputs.keys().cloned().collect();
                change.previous_inputs = Some(observed.inputs);
                change.resource.id = Some(observed.id);
                change.resource.outputs = observed.outputs;
            }
        }
        let applied = retry(work, |attempt| {
            let operation = Operation { id: self.intent.operation.clone(), attempt };
            let change = &change;
            Box::pin(async move { work.provider.apply_watched(change, &operation, watch).await })
        })
        .await?;
        Ok(self.applied(Applied { adopted: applied.adopted || found, ..applied }))
    }

    fn applied(&self, applied: Applied) -> Event {
        let (address, kind) = (self.intent.address.clone(), self.intent.kind.clone());
        let operation = self.intent.operation.clone();
        let Applied { id, outputs, adopted } = applied;
        match self.intent.action {
            StepAction::Update => ResourceUpdated { address, kind, operation, id, outputs }.into(),
            StepAction::Replace => {
                let previous_id = self.previous_id.clone();
                ResourceReplaced { address, kind, operation, id, previous_id, outputs }.into()
            }
            _ => ResourceCreated { address, kind, operation, id, outputs, adopted }.into(),
        }
    }

    async fn delete(&self, work: &Work<'_>, handle: &ResourceHandle, watch: &Watch) -> Result<Event> {
        retry(work, |attempt| {
            let operation = Operation { id: self.intent.operation.clone(), attempt };
            Box::pin(async move { work.provider.delete_watched(handle, &operation, watch).await })
        })
        .await?;
        let ResourceChangeStarted { address, kind, operation, .. } = self.intent.clone();
        Ok(ResourceDeleted { address, kind, operation, id: handle.id.clone() }.into())
    }
}

async fn retry<'a, T>(work: &Work<'_>, mut call: impl FnMut(u32) -> BoxFuture<'a, Result<T>>) -> Result<T> {
    let mut wait = work.options.backoff;
    let mut attempt = 1;
    loop {
        let error = match call(attempt).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if error.retry() != Retry::Later {
            return Err(error);
        }
        if attempt >= work.options.attempts {
            return Err(error.with_retry(Retry::Exhausted).with("attempts", attempt));
        }
        let asleep = work.ports.clock.sleep(wait);
        if let Either::Right(_) = select(asleep, pin!(work.cancel.cancelled())).await {
            return Err(error.with("attempts", attempt));
        }
        wait = (wait * 2).min(LONGEST_BACKOFF);
        attempt += 1;
    }
}

/// The tags of the resource at `address`.
pub(crate) fn tags(target: &Target, address: &Address) -> OwnershipTags {
    OwnershipTags {
        project: target.project.clone(),
        environment: target.environment.clone(),
        component: target.component.clone(),
        address: address.clone(),
    }
}

fn change(
    work: &Work<'_>,
    step: &PlanStep,
    action: StepAction,
    intent: &ResourceChangeStarted,
    state: &DeploymentState,
) -> Result<Change> {
    let inputs = substitute(&intent.inputs, &|reference| state.output(reference)).map_err(unanswered)?;
    // What a creation finds in its way has no id here: it was never recorded, or is gone.
    let existing = state.resources.get(&step.address).filter(|_| action != StepAction::Create);
    let previous_inputs = existing.map(|resource| state.resolve_known(&resource.inputs));
    let changed = match &previous_inputs {
        // How far the interrupted change came is not known, so nothing is known to be as it was.
        Some(_) if step.reason.as_deref() == Some("interrupted") => inputs.keys().cloned().collect(),
        Some(previous) => changed_keys(previous, &inputs, step),
        None => BTreeSet::new(),
    };
    Ok(Change {
        action: match action {
            StepAction::Update => ChangeAction::Update,
            StepAction::Replace => ChangeAction::Replace,
            _ => ChangeAction::Create,
        },
        secrets: secrets_in(&inputs, work.secrets),
        resource: handle(tags(work.target, &step.address), step, inputs, existing),
        previous_inputs,
        changed,
    })
}

fn deleted(
    work: &Work<'_>,
    step: &PlanStep,
    intent: &ResourceChangeStarted,
    state: &DeploymentState,
) -> ResourceHandle {
    let existing = state.resources.get(&step.address);
    let (address, inputs) = as_tagged(&step.address, state.resolve_known(&intent.inputs));
    handle(tags(work.target, &address), step, inputs, existing)
}

/// A resource of the log as a provider is told of it.
pub(crate) fn handle(
    tags: OwnershipTags,
    step: &PlanStep,
    inputs: Properties,
    existing: Option<&ResourceState>,
) -> ResourceHandle {
    ResourceHandle {
        tags,
        kind: step.kind.clone(),
        inputs,
        id: existing.and_then(|resource| resource.id.clone()),
        outputs: existing.map(|resource| resource.outputs.clone()).unwrap_or_default(),
    }
}

fn changed_keys(previous: &Properties, now: &Properties, step: &PlanStep) -> BTreeSet<String> {
    let differing = now.iter().filter(|(key, value)| previous.get(*key) != Some(*value)).map(|(key, _)| key);
    let gone = previous.keys().filter(|key| !now.contains_key(*key));
    let planned = step.diff.iter().filter_map(|change| change.property.split('.').next()).map(str::to_owned);
    let known: BTreeSet<String> = differing.chain(gone).cloned().chain(planned).collect();
    known.into_iter().filter(|key| now.contains_key(key) || previous.contains_key(key)).collect()
}

fn secrets_in(inputs: &Properties, all: &ResolvedSecrets) -> ResolvedSecrets {
    let mut used = ResolvedSecrets::default();
    let mut left: Vec<&Value> = inputs.values().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("secret").and_then(Value::as_str)
                    && let Some(secret) = all.get(reference)
                {
                    used.insert(reference, secret.clone());
                }
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    used
}

fn unanswered(reference: Reference) -> Error {
    let text = format!("`{}` has no output `{}`", reference.address, reference.output);
    Error::new(ErrorKind::InvalidGraph, "step.prepare", text)
}
