//! The deployment aggregate: one (project, environment, component), event-sourced.
//!
//! [`Deployment::decide`] judges whether an event may happen now, [`Deployment::evolve`] folds it in. Both are pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::deployment::plan::StepAction;
use crate::domain::deployment::resource::{Address, Properties, Reference, references_of};
use crate::domain::deployment::state::{
    DeploymentState, Drift, ResourceState, UnfinishedChange, VersionRecord,
};
use crate::domain::deployment::status::{DeploymentStatus, Trigger};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::events::resource_change::ResourceChangeStarted;

/// One deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deployment {
    state: DeploymentState,
}

impl Deployment {
    /// Name of the stream of a deployment.
    pub fn stream(project: &str, environment: &str, component: &str) -> String {
        format!("{project}/{environment}/{component}")
    }

    /// The deployment that `events` tell of, oldest first.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Envelope>) -> Self {
        let mut deployment = Self::default();
        events.into_iter().for_each(|event| deployment.evolve(event));
        deployment
    }

    /// What the log says.
    pub fn state(&self) -> &DeploymentState {
        &self.state
    }

    /// Judges whether `event` may be recorded now.
    ///
    /// # Errors
    /// `Internal` for a move that the transition table does not know, an outcome without its intent, or a
    /// removal that leaves something behind. `InvalidInput` for a rollback to a version that never was, and for orphans
    /// to be removed while another run is unfinished.
    pub fn decide(&self, event: &Event) -> Result<()> {
        match event {
            Event::RollbackRequested(request) => self.check_rollback(request.version)?,
            Event::OrphanRemovalRequested(_) => self.check_finished()?,
            Event::ResourceChangeStarted(_) => self.check_running(event)?,
            Event::ResourceCreated(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::ResourceUpdated(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::ResourceReplaced(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::ResourceDeleted(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::ResourceChangeFailed(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::NestedResourceChanged(e) => self.check_intent(&e.address, &e.operation, event)?,
            Event::InfrastructureRemoved(_) if !self.state.resources.is_empty() => {
                return Err(self.illegal(event, "resources are left"));
            }
            _ => {}
        }
        match self.trigger(event) {
            Some(trigger) if self.state.status.after(trigger).is_none() => {
                Err(self.illegal(event, "the transition table has no such move"))
            }
            _ => Ok(()),
        }
    }

    /// The version a rollback without a version goes to: the one before the current, or the current itself where a later
    /// run failed or was interrupted.
    pub fn previous_version(&self) -> Option<u64> {
        if !self.state.status.is_settled() && self.state.versions.contains_key(&self.state.version) {
            return Some(self.state.version);
        }
        self.state.versions.range(..self.state.version).next_back().map(|(version, _)| *version)
    }

    fn check_rollback(&self, version: Option<u64>) -> Result<()> {
        let known = || {
            let all: Vec<String> = self.state.versions.keys().map(u64::to_string).collect();
            if all.is_empty() { "none yet".to_owned() } else { all.join(", ") }
        };
        let message = match version {
            None if self.previous_version().is_none() => {
                format!("there is no version before {}", self.state.version)
            }
            Some(version) if !self.state.versions.contains_key(&version) => {
                format!("there is no version {version} to go back to; known: {}", known())
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::InvalidInput, "deployment.rollback", message))
    }

    /// A run that only takes orphans away ends with everything else as it was: that has to be known.
    fn check_finished(&self) -> Result<()> {
        let status = self.state.status;
        if status.is_settled() || status == DeploymentStatus::Absent || self.state.only_orphans {
            return Ok(());
        }
        let text = "its last run is not finished: deploy or destroy it first, then the orphans can go";
        let error = Error::new(ErrorKind::InvalidInput, "deployment.remove_orphans", text);
        Err(error.with("status", status.as_str()))
    }

    fn check_running(&self, event: &Event) -> Result<()> {
        match self.state.status {
            DeploymentStatus::Deploying | DeploymentStatus::Removing => Ok(()),
            _ => Err(self.illegal(event, "no run is under way")),
        }
    }

    fn check_intent(&self, address: &Address, operation: &str, event: &Event) -> Result<()> {
        let unfinished = self.state.resources.get(address).and_then(|resource| resource.unfinished.as_ref());
        match unfinished {
            Some(change) if change.operation == operation => Ok(()),
            _ => Err(self.illegal(event, "no such change was begun").with("address", address)),
        }
    }

    fn illegal(&self, event: &Event, why: &str) -> Error {
        let text = format!("{} cannot follow: {why}", event.name());
        Error::new(ErrorKind::Internal, "deployment.decide", text).with("status", self.state.status.as_str())
    }

    /// Folds `event` in. Never fails: what the log holds has happened.
    pub fn evolve(&mut self, event: &Envelope) {
        self.state.stream_version = event.sequence.unwrap_or(self.state.stream_version + 1);
        self.state.updated = Some(event.time);
        if event.data.is_request() {
            self.state.requests.insert(event.identity(), event.data.clone());
            self.state.only_orphans = matches!(event.data, Event::OrphanRemovalRequested(_));
        }
        if let Some(status) = self.trigger(&event.data).and_then(|trigger| self.state.status.after(trigger)) {
            self.state.status = status;
        }
        self.fold(&event.data, event.time);
    }

    fn fold(&mut self, event: &Event, time: Timestamp) {
        match event {
            Event::DeploymentPlanned(planned) => {
                self.state.provider = Some(planned.provider.clone());
                self.state.region.clone_from(&planned.region);
                self.state.planned = planned.blueprint.as_deref().cloned().map(Arc::new);
                self.state.error = None;
            }
            Event::ResourceChangeStarted(intent) => self.begin(intent),
            Event::ResourceCreated(e) => self.finish(&e.address, &e.kind, &e.id, &e.outputs),
            Event::ResourceUpdated(e) => self.finish(&e.address, &e.kind, &e.id, &e.outputs),
            Event::ResourceReplaced(e) => self.finish(&e.address, &e.kind, &e.id, &e.outputs),
            Event::ResourceDeleted(e) => {
                self.state.resources.remove(&e.address);
                self.state.changed.remove(&e.address);
            }
            Event::ResourceChangeFailed(e) => {
                if let Some(change) = self.resource(&e.address).unfinished.as_mut() {
                    change.error = Some(e.error.clone());
                }
            }
            Event::DriftDetected(e) => {
                let clean = !e.missing && e.diff.is_empty();
                let drift = Drift { missing: e.missing, diff: e.diff.clone() };
                if let Some(resource) = self.state.resources.get_mut(&e.address) {
                    resource.drift = if clean { None } else { Some(drift) };
                }
            }
            Event::EnvironmentConfigured(e) => {
                self.state.configuration.variables.clone_from(&e.variables);
                self.state.configuration.tags.clone_from(&e.tags);
            }
            Event::ScalingTriggered(e) => {
                self.state.scaling.insert(e.function.clone().unwrap_or_default(), e.target);
            }
            Event::InfrastructureUpdated(e) => self.reach(e.version, time),
            Event::InfrastructureUpdateFailed(e) => {
                self.state.error = Some(e.error.clone());
                self.state.changed.clear();
            }
            Event::InfrastructureRemovalFailed(e) => self.state.error = Some(e.error.clone()),
            Event::InfrastructureRemoved(_) => {
                self.state.planned = None;
                self.state.changed.clear();
                self.state.configuration = Default::default();
                self.state.scaling.clear();
            }
            _ => {}
        }
    }

    fn resource(&mut self, address: &Address) -> &mut ResourceState {
        self.state.resources.entry(address.clone()).or_default()
    }

    fn begin(&mut self, intent: &ResourceChangeStarted) {
        let resource = self.resource(&intent.address);
        if resource.kind.is_empty() {
            resource.kind.clone_from(&intent.kind);
        }
        resource.unfinished = Some(UnfinishedChange {
            action: intent.action,
            operation: intent.operation.clone(),
            inputs: intent.inputs.clone(),
            depends_on: intent.depends_on.clone(),
            volatile_outputs: intent.volatile_outputs.clone(),
            role: intent.role,
            error: None,
        });
    }

    fn finish(&mut self, address: &Address, kind: &str, id: &str, outputs: &Properties) {
        self.state.changed.insert(address.clone());
        let resource = self.resource(address);
        let moved = moved_outputs(resource, id, outputs);
        kind.clone_into(&mut resource.kind);
        resource.id = Some(id.to_owned());
        resource.outputs.clone_from(outputs);
        resource.drift = None;
        resource.outdated = false;
        if let Some(change) = resource.unfinished.take()
            && change.action != StepAction::Delete
        {
            resource.inputs = change.inputs;
            resource.depends_on = change.depends_on;
            resource.volatile_outputs = change.volatile_outputs;
            resource.role = change.role;
        }
        if !moved.is_empty() {
            self.outdate(address, &moved);
        }
    }

    /// What refers to one of these outputs was made with what they were before.
    fn outdate(&mut self, address: &Address, outputs: &BTreeSet<String>) {
        for resource in self.state.resources.values_mut().filter(|one| one.depends_on.contains(address)) {
            let refers = |found: &Reference| found.address == *address && outputs.contains(&found.output);
            resource.outdated |= references_of(&resource.inputs).iter().any(refers);
        }
    }

    fn reach(&mut self, version: u64, time: Timestamp) {
        self.state.version = version;
        self.state.changed.clear();
        self.state.error = None;
        if let Some(blueprint) = self.state.planned.clone() {
            let record = VersionRecord {
                blueprint,
                configuration: self.state.configuration.clone(),
                scaling: self.state.scaling.clone(),
                time,
            };
            self.state.versions.insert(version, Arc::new(record));
        }
    }
}

/// Outputs of `before` that are something else now, the id among them; none where it was not there.
fn moved_outputs(before: &ResourceState, id: &str, now: &Properties) -> BTreeSet<String> {
    let Some(old) = &before.id else { return BTreeSet::new() };
    let differing = before.outputs.iter().filter(|(name, value)| now.get(*name) != Some(*value));
    let mut moved: BTreeSet<String> = differing.map(|(name, _)| name.clone()).collect();
    moved.extend((old != id).then(|| "id".to_owned()));
    moved
}

impl Deployment {
    fn trigger(&self, event: &Event) -> Option<Trigger> {
        match event {
            // A plan that keeps the version has nothing to do; one that raises it may have no step left
            // after a crash, and still has to say so.
            Event::DeploymentPlanned(planned)
                if planned.blueprint.is_some() && planned.version == self.state.version =>
            {
                Some(Trigger::PlannedNothing)
            }
            // Where nothing is in place, nothing is afterwards.
            Event::OrphanRemovalRequested(_) if self.state.status.is_in_place() => {
                Some(Trigger::UpdateRequested)
            }
            Event::OrphanRemovalRequested(_) => Some(Trigger::RemovalRequested),
            event => trigger_of(event),
        }
    }
}

fn trigger_of(event: &Event) -> Option<Trigger> {
    Some(match event {
        Event::DeploymentRequested(_)
        | Event::RollbackRequested(_)
        | Event::ScalingRequested(_)
        | Event::EnvironmentConfigurationRequested(_) => Trigger::UpdateRequested,
        Event::RemovalRequested(_) => Trigger::RemovalRequested,
        Event::DeploymentPlanned(_) => Trigger::Planned,
        Event::DeploymentStarted(_) => Trigger::Started,
        Event::InfrastructureUpdated(_) => Trigger::Updated,
        Event::InfrastructureUpdateFailed(_) => Trigger::UpdateFailed,
        Event::InfrastructureRemoved(_) => Trigger::Removed,
        Event::InfrastructureRemovalFailed(_) => Trigger::RemovalFailed,
        _ => return None,
    })
}
