//! Rollback: back to an earlier version, code and settings included.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::scale::not_deployed;
use crate::application::service::{DeploymentService, Goal, Intention};
use crate::application::target::Target;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::state::{DeploymentState, Scaling, VersionRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::events::outcome::{EnvironmentConfigured, ScalingTriggered};
use crate::events::request::{RollbackRequested, ScalingTarget};

struct Rollback<'a> {
    request: &'a RollbackRequested,
}

#[async_trait]
impl Intention for Rollback<'_> {
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        let state = deployment.state();
        if state.version == 0 {
            return Err(not_deployed(target));
        }
        deployment.decide(&Event::RollbackRequested(self.request.clone()))?;
        let version = self.request.version.or_else(|| deployment.previous_version());
        let record = version.and_then(|version| state.versions.get(&version)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "deployment.rollback", "there is no earlier version")
        })?;
        check_packages(service, state, record).await?;
        let (configuration, scaling) = (&record.configuration, &record.scaling);
        let mut goal = service.lower_version(state, &record.blueprint, configuration, scaling).await?;
        goal.facts = settings_facts(target, state, record);
        Ok(goal)
    }
}

impl DeploymentService {
    /// Goes back to an earlier version, as a new version.
    ///
    /// # Errors
    /// `InvalidInput` where there is no such version; otherwise as for [`Self::deploy`].
    pub async fn rollback(
        &self,
        envelope: Envelope,
        request: &RollbackRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        self.run(&target, envelope, cancel, &Rollback { request }).await
    }
}

/// Whether the code of the version is still there, whole: found out before anything is begun.
async fn check_packages(
    service: &DeploymentService,
    state: &DeploymentState,
    record: &VersionRecord,
) -> Result<()> {
    let current = state.current_blueprint();
    let in_use: BTreeSet<&str> =
        current.iter().flat_map(|blueprint| blueprint.packages()).map(|(_, package)| package).collect();
    for (of, package) in record.blueprint.packages().filter(|(_, package)| !in_use.contains(package)) {
        service.ports.artifacts.get(package).await.map_err(|error| {
            let text = format!(
                "the code of `{of}` in that version cannot be had any more: {}; deploy it anew from its source instead",
                error.message()
            );
            Error::new(error.kind(), "deployment.rollback", text).with("artifact", package)
        })?;
    }
    Ok(())
}

/// What puts the version's settings and scaling in force again.
fn settings_facts(target: &Target, state: &DeploymentState, record: &VersionRecord) -> Vec<Event> {
    let (component, environment) = (target.component.clone(), target.environment.clone());
    let mut facts = Vec::new();
    if state.configuration != record.configuration {
        let (variables, tags) = (record.configuration.variables.clone(), record.configuration.tags.clone());
        let (component, environment) = (component.clone(), environment.clone());
        facts.push(EnvironmentConfigured { component, environment, variables, tags }.into());
    }
    let roles = state.scaling.keys().chain(record.scaling.keys());
    let mut roles: Vec<&String> =
        roles.filter(|role| differs(role, &state.scaling, &record.scaling)).collect();
    roles.dedup();
    for role in roles {
        let target = record.scaling.get(role).copied().unwrap_or_default();
        let function = Some(role.clone()).filter(|role| !role.is_empty());
        let (component, environment) = (component.clone(), environment.clone());
        facts.push(ScalingTriggered { component, environment, function, target }.into());
    }
    facts
}

fn differs(role: &str, now: &Scaling, then: &Scaling) -> bool {
    let of = |scaling: &Scaling| scaling.get(role).copied().unwrap_or(ScalingTarget::default());
    of(now) != of(then)
}
