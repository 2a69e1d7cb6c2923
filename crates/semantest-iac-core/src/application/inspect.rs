//! What the log says of deployments: now, and as it was.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::application::answer::{DeploymentAnswer, ResourceAnswer, StatusAnswer};
use crate::application::outcome::functions_of;
use crate::application::refresh::handle_of;
use crate::application::run_log::{read_stream, replay};
use crate::application::scale::not_deployed;
use crate::application::service::DeploymentService;
use crate::application::target::Target;
use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::property_diff::is_secret;
use crate::domain::deployment::resource::ResourceRole;
use crate::domain::deployment::state::{DeploymentState, ResourceState};
use crate::domain::environment::SettingValue;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::ports::event_store::Position;
use crate::ports::provider::ResourceHandle;

/// How many events are read from the store at once.
const PAGE: usize = 4096;

/// A moment in the life of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// When this version had just been reached.
    Version(u64),
    /// Then.
    Time(Timestamp),
}

impl DeploymentService {
    /// Deployments, as the log says: all, those of an environment, or one component's.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn status(&self, environment: Option<&str>, component: Option<&str>) -> Result<StatusAnswer> {
        let project = self.ports.project.name();
        let prefix = match environment {
            Some(environment) => format!("{project}/{environment}/"),
            None => format!("{project}/"),
        };
        let mut deployments = Vec::new();
        for stream in self.ports.store.streams(&prefix).await? {
            let mut parts = stream.name.splitn(3, '/');
            let (_, Some(environment), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            if component.is_some_and(|component| component != name) {
                continue;
            }
            let target = Target::new(project, environment, name)?;
            let deployment = replay(&self.ports, &stream.name).await?;
            let mut answer = describe(&target, deployment.state());
            let holder = self.ports.leases.holder(&stream.name, self.ports.clock.now()).await?;
            answer.held_by = holder.map(|lease| format!("{} since {}", lease.owner, lease.since));
            deployments.push(answer);
        }
        Ok(StatusAnswer { deployments })
    }

    /// A deployment as it was, and the events that had made it so.
    ///
    /// # Errors
    /// `NotFound` where it did not exist then, or never reached the version.
    pub async fn state_at(
        &self,
        environment: &str,
        component: &str,
        at: At,
    ) -> Result<(DeploymentAnswer, Vec<Envelope>)> {
        let target = Target::new(self.ports.project.name(), environment, component)?;
        let mut events = self.history(environment, component).await?;
        events.truncate(length_at(&events, at, &self.ports.source()));
        if !events.is_empty() {
            let deployment = Deployment::replay(&events);
            return Ok((describe_whole(&target, deployment.state()), events));
        }
        let text = match at {
            At::Version(version) => format!("`{}` never reached version {version}", target.stream()),
            At::Time(time) => format!("`{}` did not exist at {time}", target.stream()),
        };
        Err(Error::new(ErrorKind::NotFound, "deployment.state_at", text))
    }

    /// The position after which everything was recorded at `time` or later.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn recorded_before(&self, time: Timestamp) -> Result<Position> {
        let (source, mut position, mut before) = (self.ports.source(), 0, 0);
        loop {
            let page = self.ports.store.read_all(position, PAGE).await?;
            let Some(last) = page.last() else { return Ok(before) };
            position = last.position;
            for recorded in page {
                let event = recorded.envelope()?;
                // Events of other sources have the time of other clocks; they stand with ours around them.
                if event.source == source && event.time >= time {
                    return Ok(before);
                }
                if event.source == source || event.time < time {
                    before = recorded.position;
                }
            }
        }
    }

    /// Every event of a deployment, oldest first.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn history(&self, environment: &str, component: &str) -> Result<Vec<Envelope>> {
        let target = Target::new(self.ports.project.name(), environment, component)?;
        let mut events = Vec::new();
        read_stream(&self.ports, &target.stream(), |event| {
            events.push(event);
            true
        })
        .await?;
        if events.is_empty() {
            return Err(not_deployed(&target));
        }
        Ok(events)
    }

    /// What a component was deployed as, before settings and scaling.
    ///
    /// # Errors
    /// `NotFound` where nothing is deployed.
    pub async fn deployed_blueprint(&self, environment: &str, component: &str) -> Result<Arc<Blueprint>> {
        let target = Target::new(self.ports.project.name(), environment, component)?;
        let deployment = replay(&self.ports, &target.stream()).await?;
        deployment.state().current_blueprint().ok_or_else(|| not_deployed(&target))
    }

    /// The deployed functions of a component: role, and the resource to call. With the provider's name.
    ///
    /// # Errors
    /// `NotFound` where nothing is deployed, `InvalidInput` where that is no function.
    pub async fn functions(
        &self,
        environment: &str,
        component: &str,
    ) -> Result<(String, Vec<(String, ResourceHandle)>)> {
        self.with_roles(environment, component, &[ResourceRole::Function]).await
    }

    /// What of a component runs the user's code, and so has a log: as [`Self::functions`], with container services.
    ///
    /// # Errors
    /// As [`Self::functions`].
    pub async fn workloads(
        &self,
        environment: &str,
        component: &str,
    ) -> Result<(String, Vec<(String, ResourceHandle)>)> {
        let roles = [ResourceRole::Function, ResourceRole::ContainerService];
        self.with_roles(environment, component, &roles).await
    }

    async fn with_roles(
        &self,
        environment: &str,
        component: &str,
        roles: &[ResourceRole],
    ) -> Result<(String, Vec<(String, ResourceHandle)>)> {
        let target = Target::new(self.ports.project.name(), environment, component)?;
        let deployment = replay(&self.ports, &target.stream()).await?;
        let state = deployment.state();
        let existing = state.resources.iter().filter(|(_, resource)| {
            resource.exists() && resource.role.is_some_and(|role| roles.contains(&role))
        });
        let found: Vec<_> = existing
            .map(|(address, resource)| {
                let role = address.as_str().split_once('.').map_or(address.as_str(), |(_, role)| role);
                (role.to_owned(), handle_of(&target, address, resource, state))
            })
            .collect();
        match (&state.provider, found.is_empty()) {
            (Some(provider), false) => Ok((provider.clone(), found)),
            (Some(_), true) if state.resources.values().any(is_service) => {
                let text = format!("`{}` has no function: send requests to its endpoint", target.stream());
                Err(Error::new(ErrorKind::InvalidInput, "function.find", text))
            }
            _ => Err(not_deployed(&target)),
        }
    }
}

fn is_service(resource: &ResourceState) -> bool {
    resource.exists() && resource.role == Some(ResourceRole::ContainerService)
}

/// As [`describe`], with what it was made of: inputs, settings and scaling.
/// How many events had happened. Other clocks than ours tell nothing of when a request came in: what followed from it
/// does.
fn length_at(events: &[Envelope], at: At, source: &str) -> usize {
    let last = match at {
        At::Time(time) => {
            let later = |event: &Envelope| event.source == source && event.time > time;
            let before = &events[..events.iter().position(later).unwrap_or(events.len())];
            before.iter().rposition(|event| event.source == source)
        }
        At::Version(version) => events.iter().position(
            |event| matches!(&event.data, Event::InfrastructureUpdated(done) if done.version == version),
        ),
    };
    last.map_or(0, |last| last + 1)
}

fn describe_whole(target: &Target, state: &DeploymentState) -> DeploymentAnswer {
    let mut answer = describe(target, state);
    for resource in &mut answer.resources {
        let recorded = state.resources.get(&resource.address);
        resource.inputs = recorded.map(|recorded| {
            let inputs = recorded.inputs.iter();
            inputs.map(|(name, value)| (name.clone(), without_digests(value.clone()))).collect()
        });
    }
    let mut configuration = state.configuration.clone();
    for value in configuration.variables.values_mut() {
        if let SettingValue::Secret(secret) = value {
            secret.digest = None;
        }
    }
    answer.configuration = Some(configuration);
    answer.scaling = Some(state.scaling.clone());
    answer
}

/// A value whose secrets are references and nothing more.
fn without_digests(value: Value) -> Value {
    match value {
        secret if is_secret(&secret) => json!({ "secret": secret["secret"] }),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, without_digests(value))).collect(),
        Value::Array(list) => list.into_iter().map(without_digests).collect(),
        plain => plain,
    }
}

fn describe(target: &Target, state: &DeploymentState) -> DeploymentAnswer {
    let resources = state.resources.iter().map(|(address, resource)| ResourceAnswer {
        address: address.clone(),
        kind: resource.kind.clone(),
        id: resource.id.clone(),
        outputs: resource.outputs.clone(),
        inputs: None,
        state: resource.state_word().to_owned(),
    });
    DeploymentAnswer {
        deployment: target.stream(),
        status: state.status.as_str().to_owned(),
        version: state.version,
        environment: target.environment.clone(),
        component: target.component.clone(),
        provider: state.provider.clone(),
        endpoint: state.endpoint(),
        functions: functions_of(state),
        resources: resources.collect(),
        configuration: None,
        scaling: None,
        updated: state.updated,
        held_by: None,
        error: state.error.clone(),
    }
}
