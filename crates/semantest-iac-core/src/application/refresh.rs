//! Refresh: what is not as the log says.

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::application::answer::{DriftAnswer, RefreshAnswer};
use crate::application::leased::{acquire, leased};
use crate::application::run_log::{RunLog, replay};
use crate::application::scale::not_deployed;
use crate::application::service::{DeploymentService, unless_cancelled};
use crate::application::target::Target;
use crate::domain::deployment::orphan::as_tagged;
use crate::domain::deployment::plan::PropertyChange;
use crate::domain::deployment::property_diff::diff_properties;
use crate::domain::deployment::resource::{Address, Properties};
use crate::domain::deployment::state::{DeploymentState, Drift, ResourceState};
use crate::error::Result;
use crate::events::Event;
use crate::events::run::DriftDetected;
use crate::ports::provider::{Observed, OwnershipTags, ResourceHandle};

/// Outputs that differ are listed as properties under this name.
const OUTPUTS: &str = "outputs.";

impl DeploymentService {
    /// Looks every resource up and records what differs (`DriftDetected`); the next plan brings it back.
    ///
    /// # Errors
    /// `NotFound` where nothing is deployed, `Held` while a run is under way, and the provider's errors.
    pub async fn refresh(&self, environment: &str, component: &str) -> Result<RefreshAnswer> {
        self.refresh_unless(environment, component, &CancellationToken::new()).await
    }

    /// As [`Self::refresh`], unless `cancel` comes first: then nothing is recorded.
    ///
    /// # Errors
    /// As [`Self::refresh`]; `Cancelled`.
    pub async fn refresh_unless(
        &self,
        environment: &str,
        component: &str,
        cancel: &CancellationToken,
    ) -> Result<RefreshAnswer> {
        let target = Target::new(self.ports.project.name(), environment, component)?;
        // Looking for what was never there must not leave a trace.
        if replay(&self.ports, &target.stream()).await?.state().resources.is_empty() {
            return Err(not_deployed(&target));
        }
        let lease = acquire(self, &target.stream(), cancel).await?;
        leased(self, &lease, async {
            let lease = &lease;
            let mut log = RunLog::open(&self.ports, &target.stream(), Some(lease)).await?;
            let state = log.deployment().state();
            let (Some(provider), false) = (state.provider.clone(), state.resources.is_empty()) else {
                return Err(not_deployed(&target));
            };
            let provider = self.ports.provider(&provider)?;
            let settled = state.resources.iter().filter(|(_, resource)| resource.exists());
            let looks = settled.map(|(address, resource)| {
                let handle = handle_of(&target, address, resource, state);
                let provider = provider.clone();
                async move { (address.clone(), provider.observe(&handle).await.map(|seen| (handle, seen))) }
            });
            // Collected: what is held while one waits must be fit for any thread.
            let looks: Vec<_> = looks.collect();
            let limit = self.options.executor.parallelism.max(1);
            let looking = async { Ok(stream::iter(looks).buffered(limit).collect().await) };
            let seen: Vec<_> = unless_cancelled(cancel, looking).await?;
            let (mut facts, mut drift) = (Vec::new(), Vec::new());
            let checked = seen.len();
            for (address, look) in seen {
                let (handle, observed) = look?;
                let found = compare(&handle, observed.as_ref());
                let before = state.resources.get(&address).and_then(|resource| resource.drift.as_ref());
                facts.extend(fact(&address, &handle.kind, before, found.as_ref()));
                drift.extend(found.map(|found| DriftAnswer {
                    address,
                    kind: handle.kind,
                    missing: found.missing,
                    diff: found.diff,
                }));
            }
            log.append(facts).await?;
            Ok(RefreshAnswer { deployment: target.stream(), checked, drift })
        })
        .await
    }
}

/// A resource of the log as a provider is told of it.
pub(crate) fn handle_of(
    target: &Target,
    address: &Address,
    resource: &ResourceState,
    state: &DeploymentState,
) -> ResourceHandle {
    let (address, inputs) = as_tagged(address, state.resolve_known(&resource.inputs));
    ResourceHandle {
        tags: OwnershipTags {
            project: target.project.clone(),
            environment: target.environment.clone(),
            component: target.component.clone(),
            address,
        },
        kind: resource.kind.clone(),
        inputs,
        id: resource.id.clone(),
        outputs: resource.outputs.clone(),
    }
}

fn compare(handle: &ResourceHandle, observed: Option<&Observed>) -> Option<Drift> {
    let Some(observed) = observed else { return Some(Drift { missing: true, diff: Vec::new() }) };
    let mut diff = diff_common(&handle.inputs, &observed.inputs);
    let mut outputs = diff_common(&handle.outputs, &observed.outputs);
    outputs.iter_mut().for_each(|change| change.property.insert_str(0, OUTPUTS));
    diff.extend(outputs);
    (!diff.is_empty()).then_some(Drift { missing: false, diff })
}

/// What differs of that which both have: what the provider cannot read is not compared, and what we never asked for is
/// not ours to judge.
fn diff_common(logged: &Properties, found: &Properties) -> Vec<PropertyChange> {
    let common = |from: &Properties, other: &Properties| -> Properties {
        from.iter().filter(|(key, _)| other.contains_key(*key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    diff_properties(&common(logged, found), &common(found, logged))
}

/// Recorded only when something new was found.
fn fact(address: &Address, kind: &str, before: Option<&Drift>, found: Option<&Drift>) -> Option<Event> {
    if before == found {
        return None;
    }
    let found = found.cloned().unwrap_or(Drift { missing: false, diff: Vec::new() });
    let (address, kind) = (address.clone(), kind.to_owned());
    Some(DriftDetected { address, kind, missing: found.missing, diff: found.diff }.into())
}
