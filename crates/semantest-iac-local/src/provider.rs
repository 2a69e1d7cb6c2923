//! The provider: this machine as a cloud.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::networking::api_gateway::ApiProtocol;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Finding, FunctionAccess, Observed, Operation, OwnershipTags, Provider,
    ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::Value;

use crate::cgroup::memory_limits;
use crate::config::LocalConfig;
use crate::container_service::{self, ServiceInputs};
use crate::control::client::ControlClient;
use crate::control::messages::{HostState, PutService};
use crate::error::foreign;
use crate::function::{self, FunctionInputs};
use crate::host::definition::{EnvironmentValue, FunctionDefinition, SecretValues, Tags};
use crate::host::service_definition::ServiceDefinition;
use crate::host_link::HostLink;
use crate::packages::Packages;
use crate::runtime::interpreter;
use crate::{api, function_url, http_api, load_balancer, websocket_api};

/// What of a deployment runs the user's code, by name.
#[derive(Clone, Debug, Default)]
pub struct Workloads<'a> {
    /// Functions.
    pub functions: Vec<&'a str>,
    /// Container services.
    pub services: Vec<&'a str>,
}

/// Runs components on this machine, in a host process of the project.
pub struct LocalProvider {
    pub(crate) config: LocalConfig,
    pub(crate) host: HostLink,
    packages: Packages,
    /// Whether this machine has a container engine.
    has_engine: bool,
}

impl LocalProvider {
    /// Its word for a container service.
    pub const SERVICE_KIND: &'static str = container_service::KIND;

    /// A provider; nothing is started before it is needed.
    pub fn new(config: LocalConfig) -> Self {
        let (host, packages) = (HostLink::new(config.clone()), Packages::new(&config.state_dir));
        let has_engine = container_service::has_engine(&search_path());
        Self { config, host, packages, has_engine }
    }

    /// Whether the running host was confirmed to serve what the log tells of `deployment` (`<environment>/<component>`),
    /// and can still run all it has. Nobody is asked, nothing is started.
    pub fn is_confirmed(&self, deployment: &str) -> bool {
        self.host.serving().is_some_and(|serving| {
            serving.lacking.is_empty()
                && serving.is_confirmed(&self.config.state_dir, deployment)
                && serving.packages.values().flatten().all(|package| self.packages.is_whole(package))
                && serving.services.values().flatten().all(|package| self.packages.is_whole(package))
        })
    }

    /// Notes that the running host serves what the log tells of `deployment`.
    pub fn confirm(&self, deployment: &str) {
        let noted = self.host.serving().map(|serving| serving.confirm(&self.config.state_dir, deployment));
        if let Some(Err(error)) = noted {
            tracing::debug!(%error, deployment, "not noted as confirmed: it is looked at again the next time");
        }
    }

    /// Whether the host has all this and can run it: functions and services with their code and their secrets, something that
    /// answers at each of `endpoints`. Replicas that had to be started are waited for.
    /// A host that is as it should be is not even asked. One that does not run and has run something is started; one
    /// that lacks secrets is given those that are known.
    ///
    /// # Errors
    /// `Unavailable` where it does not start or answer.
    pub async fn holds(&self, workloads: &Workloads<'_>, endpoints: &[&str]) -> Result<bool> {
        if self.serves(workloads, endpoints) {
            return Ok(true);
        }
        let host = self.host_with_something().await?;
        let serves = self.serves(workloads, endpoints);
        if let Some((host, _)) = host.filter(|_| serves && !workloads.services.is_empty()) {
            host.settled().await?;
        }
        Ok(serves)
    }

    /// As [`Self::holds`], as far as its files tell: nobody is asked and nothing is started.
    pub fn serves(&self, workloads: &Workloads<'_>, endpoints: &[&str]) -> bool {
        self.host.serving().is_some_and(|serving| {
            let is_whole = |package: &String| self.packages.is_whole(package);
            let has_all = |name: &&str| !serving.lacking.contains(*name);
            let runs = |name: &&str| {
                serving.packages.get(*name).is_some_and(|all| all.iter().all(is_whole)) && has_all(name)
            };
            let keeps = |name: &&str| {
                let package = serving.services.get(*name);
                package.is_some_and(|package| package.as_ref().is_none_or(is_whole)) && has_all(name)
            };
            let workloads = workloads.functions.iter().all(runs) && workloads.services.iter().all(keeps);
            workloads && endpoints.iter().all(|wanted| serving.endpoints.contains(*wanted))
        })
    }

    /// Stops the host; it says whether one ran. What it ran is kept for the next one.
    ///
    /// # Errors
    /// `Timeout` where it does not end.
    pub async fn stop_host(&self) -> Result<bool> {
        self.host.stop().await
    }

    /// Has a function or a container service go on with new processes; what is under way ends with the old ones.
    ///
    /// # Errors
    /// `NotFound` where the host has no such thing.
    pub async fn restart_workers(&self, workload: &ResourceHandle) -> Result<()> {
        let name = physical_name(workload)?;
        let (host, _) = self.host.ensure().await?;
        match workload.kind.as_str() {
            container_service::KIND => host.restart_replicas(&name).await,
            _ => host.restart_workers(&name).await,
        }
    }

    /// Whether the host runs. Starts nothing.
    ///
    /// # Errors
    /// Where its folder cannot be read.
    pub async fn host_runs(&self) -> Result<bool> {
        self.host.running().await.map(|running| running.is_some())
    }

    /// The host and what it runs, where there is anything to ask it about.
    pub(crate) async fn host_with_something(&self) -> Result<Option<(ControlClient, HostState)>> {
        match self.host.running().await? {
            Some(running) => Ok(Some(running)),
            None if self.host.keeps_nothing()? => Ok(None),
            None => self.host.ensure().await.map(Some),
        }
    }

    async fn apply_function(&self, change: &Change) -> Result<Applied> {
        let wanted = FunctionInputs::read(&change.resource)?;
        let _lock = self.packages.using().await?;
        self.packages.unpacked(&wanted.package, self.config.artifacts.as_ref()).await?;
        self.packages.unpack_layers(&wanted.layers, self.config.artifacts.as_ref()).await?;
        if !wanted.layers.is_empty() {
            self.packages.check_size(wanted.layers.iter().chain([&wanted.package]))?;
        }
        let search_path = search_path();
        let unsupported = |missing| Error::new(ErrorKind::Unsupported, "local.apply", missing);
        interpreter::look_for(&wanted.runtime, &search_path).map_err(unsupported)?;
        if let Some(module) = &wanted.typescript {
            interpreter::check_typescript(&wanted.runtime, module, &search_path).map_err(unsupported)?;
        }
        let definition = wanted.definition(&change.resource, search_path);
        let (host, state) = self.host.ensure().await?;
        let there = state.functions.iter().find(|function| function.name == definition.name);
        if there.is_some_and(|there| there.tags != definition.tags) {
            return Err(foreign("function", &definition.name));
        }
        let adopted = there.is_some() && change.resource.id.is_none();
        let outputs = function::outputs(&definition);
        host.put_function(definition.clone(), secret_values(change)).await?;
        Ok(Applied { id: definition.name, outputs, adopted })
    }

    async fn apply_service(&self, change: &Change) -> Result<Applied> {
        let wanted = ServiceInputs::read(&change.resource)?;
        let lock = self.packages.using().await?;
        let code = match &wanted.package {
            Some(package) => Some(self.packages.unpacked(package, self.config.artifacts.as_ref()).await?),
            None => None,
        };
        let search_path = search_path();
        let definition = wanted.definition(&change.resource, code.as_deref(), search_path)?;
        let (host, state) = self.host.ensure().await?;
        let there = state.services.iter().find(|service| service.name == definition.name);
        if there.is_some_and(|there| there.tags != definition.tags) {
            return Err(foreign("container service", &definition.name));
        }
        let adopted = there.is_some() && change.resource.id.is_none();
        let (outputs, id) = (container_service::outputs(&definition), definition.name.clone());
        let put = PutService { definition, secrets: secret_values(change) };
        if let Err(error) = host.put_service(&put).await {
            drop(lock);
            // Where this was to be the first thing, nothing of it is left.
            if let Err(left) = self.sweep(&host).await {
                tracing::debug!(error = %left, "what a failed service has left stays until the next sweep");
            }
            // What a program prints last may be a secret of its own.
            return Err(container_service::shortened(change.secrets.redacted(error)));
        }
        Ok(Applied { id, outputs, adopted })
    }

    async fn apply_api(&self, change: &Change) -> Result<Applied> {
        let definition = api::definition(&change.resource)?;
        let _lock = self.packages.using().await?;
        let (host, state) = self.host.ensure().await?;
        let there = state.apis.iter().find(|api| api.id() == definition.id());
        if there.is_some_and(|there| api::tags(there) != api::tags(&definition)) {
            return Err(foreign("API", definition.id()));
        }
        let adopted = there.is_some() && change.resource.id.is_none();
        let applied = host.put_api(&definition).await?;
        Ok(Applied { id: applied.id().into(), outputs: api::outputs(&applied), adopted })
    }

    /// Takes away what nothing uses any more; with the last thing the host goes as well.
    async fn sweep(&self, host: &ControlClient) -> Result<()> {
        let lock = self.packages.sweeping().await?;
        let state = host.state().await?;
        if !state.is_empty() {
            let of_services =
                state.services.iter().filter_map(|service| service.package().map(str::to_owned));
            let used = state.functions.iter().flat_map(FunctionDefinition::packages);
            return self.packages.keep_only(used.chain(of_services).collect(), &lock).await;
        }
        self.host.stop().await?;
        self.packages.keep_only(BTreeSet::new(), &lock).await
    }
}

#[async_trait]
impl Provider for LocalProvider {
    fn name(&self) -> &str {
        "local"
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        let region = settings.region.as_deref();
        let functions = blueprint.functions.iter().map(|one| function::lower(blueprint, one, region));
        let mut resources: Vec<_> = functions.collect::<Result<_>>()?;
        let urls = blueprint.functions.iter().filter_map(|one| function_url::lower(blueprint, one));
        resources.extend(urls);
        if let Some(api) = &blueprint.api {
            resources.push(match api.protocol {
                ApiProtocol::Http => http_api::lower(blueprint, api, region)?,
                ApiProtocol::Websocket => websocket_api::lower(blueprint, api, region)?,
            });
        }
        let services = blueprint.service.iter();
        let services = services.map(|service| container_service::lower(blueprint, service, self.has_engine));
        resources.extend(services.collect::<Result<Vec<_>>>()?);
        resources.extend(blueprint.load_balancer.iter().map(|_| load_balancer::lower(blueprint)));
        ResourceGraph::new(resources)
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some((_, state)) = self.host_with_something().await? else { return Ok(None) };
        let (name, tags) = (physical_name(resource)?, tags_of(&resource.tags));
        if resource.kind == function::KIND {
            let found = state.functions.iter().find(|one| one.name == name && one.tags == tags);
            // A function without its code or its layers is as good as gone.
            let found = found.filter(|found| found.packages().all(|one| self.packages.is_whole(&one)));
            return Ok(found.map(|found| Observed {
                inputs: function::inputs(&runnable(found, &state)),
                outputs: function::outputs(found),
                id: found.name.clone(),
            }));
        }
        if resource.kind == container_service::KIND {
            let found = state.services.iter().find(|one| one.name == name && one.tags == tags);
            let found = found.filter(|found| found.package().is_none_or(|one| self.packages.is_whole(one)));
            return Ok(found.map(|found| Observed {
                inputs: container_service::inputs(&equipped(found, &state)),
                outputs: container_service::outputs(found),
                id: found.name.clone(),
            }));
        }
        let found = state.apis.into_iter().find(|api| api.id() == name && *api::tags(api) == tags);
        Ok(found.filter(|api| api::kind(api) == resource.kind).map(|found| Observed {
            id: found.id().into(),
            inputs: api::inputs(&found),
            outputs: api::outputs(&found),
        }))
    }

    async fn apply(&self, change: &Change, _operation: &Operation) -> Result<Applied> {
        match change.resource.kind.as_str() {
            function::KIND => self.apply_function(change).await,
            container_service::KIND => self.apply_service(change).await,
            _ => self.apply_api(change).await,
        }
    }

    async fn delete(&self, resource: &ResourceHandle, _operation: &Operation) -> Result<()> {
        let (name, tags) = (physical_name(resource)?, tags_of(&resource.tags));
        let Some((host, state)) = self.host_with_something().await? else { return Ok(()) };
        // Also where the host knows of none: its definition may have been damaged and moved aside.
        if resource.kind == function::KIND {
            if state.functions.iter().all(|one| one.name != name || one.tags == tags) {
                host.remove_function(&name).await?;
            }
        } else if resource.kind == container_service::KIND {
            if state.services.iter().all(|one| one.name != name || one.tags == tags) {
                host.remove_service(&name).await?;
            }
        } else if state.apis.iter().all(|api| api.id() != name || *api::tags(api) == tags) {
            host.remove_api(&name).await?;
        }
        self.sweep(&host).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        let state = match self.host.running().await? {
            Some((_, state)) => state,
            None => self.host.kept()?,
        };
        let functions = state.functions.iter().map(|one| (&one.tags, function::KIND, one.name.as_str()));
        let apis = state.apis.iter().map(|api| (api::tags(api), api::kind(api), api.id()));
        let services =
            state.services.iter().map(|one| (&one.tags, container_service::KIND, one.name.as_str()));
        let ours = functions.chain(apis).chain(services).filter(|(tags, ..)| is_within(tags, scope));
        let mut found: Vec<_> = ours
            .map(|(tags, kind, id)| Discovered { tags: ownership(tags), kind: kind.into(), id: id.into() })
            .collect();
        found.sort_by(|a, b| a.tags.cmp(&b.tags));
        Ok(found)
    }

    async fn diagnose(&self, _settings: &ProviderSettings) -> Result<Vec<Finding>> {
        let words = match self.host.running().await? {
            Some((_, state)) => state.memory_limits,
            None => format!("of a host that is started from here: {}", memory_limits::words_here()),
        };
        Ok(vec![Finding { name: "memory limits".into(), ok: true, detail: words }])
    }

    fn functions(&self) -> Option<&dyn FunctionAccess> {
        Some(self)
    }
}

/// The function without the variables whose secrets it lacks: it is not as it was deployed before it has them.
fn runnable(function: &FunctionDefinition, state: &HostState) -> FunctionDefinition {
    let mut function = function.clone();
    known_only(&mut function.environment_variables, &function.name, state);
    function
}

/// As [`runnable`], of a container service.
fn equipped(service: &ServiceDefinition, state: &HostState) -> ServiceDefinition {
    let mut service = service.clone();
    known_only(&mut service.environment_variables, &service.name, state);
    service
}

fn known_only(variables: &mut BTreeMap<String, EnvironmentValue>, of: &str, state: &HostState) {
    variables.retain(|_, value| match value {
        EnvironmentValue::Secret { secret, .. } => !state.lacks(of, secret),
        EnvironmentValue::Plain(_) => true,
    });
}

/// Where programs are looked for, as whoever deploys has it.
fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

fn secret_values(change: &Change) -> SecretValues {
    let values = change.secrets.iter().map(|(reference, value)| (reference.into(), value.reveal().into()));
    SecretValues(values.collect())
}

/// What a resource is called on this machine.
pub(crate) fn physical_name(resource: &ResourceHandle) -> Result<String> {
    let key = match resource.kind.as_str() {
        function::KIND => "function_name",
        http_api::KIND | websocket_api::KIND => "api_id",
        container_service::KIND => "service_name",
        function_url::KIND => "url_id",
        load_balancer::KIND => "name",
        other => return Err(api::unknown(other)),
    };
    // What is found without its inputs being known has its name as its id.
    let named = resource.inputs.get(key).and_then(Value::as_str).or(resource.id.as_deref());
    named.map(str::to_owned).ok_or_else(|| {
        let text = format!("a {} needs `{key}`", resource.kind);
        Error::new(ErrorKind::InvalidInput, "local.read", text)
    })
}

fn is_within(tags: &Tags, scope: &Scope) -> bool {
    tags.project == scope.project
        && tags.environment == scope.environment
        && scope.component.as_ref().is_none_or(|component| *component == tags.component)
}

pub(crate) fn tags_of(tags: &OwnershipTags) -> Tags {
    Tags {
        project: tags.project.clone(),
        environment: tags.environment.clone(),
        component: tags.component.clone(),
        address: tags.address.as_str().to_owned(),
    }
}

fn ownership(tags: &Tags) -> OwnershipTags {
    OwnershipTags {
        project: tags.project.clone(),
        environment: tags.environment.clone(),
        component: tags.component.clone(),
        address: Address::from(tags.address.as_str()),
    }
}

/// Whatever is an object in JSON, as properties.
pub(crate) fn properties(value: &impl Serialize) -> Properties {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Properties::new(),
    }
}
