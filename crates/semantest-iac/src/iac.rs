//! The facade: everything a front door needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use semantest_iac_core::application::answer::{
    DeployAnswer, DeploymentAnswer, PlanAnswer, RefreshAnswer, StatusAnswer,
};
use semantest_iac_core::application::inspect::At;
use semantest_iac_core::application::orphans::DiscoverAnswer;
use semantest_iac_core::application::publish::PublishAnswer;
use semantest_iac_core::application::service::DeploymentService;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::request::{
    DeploymentRequested, EnvironmentConfigurationRequested, OrphanRemovalRequested, RemovalRequested,
    RollbackRequested, ScalingRequested,
};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::event_bus::{EventFilter, EventHandler, SubscriptionId};
use semantest_iac_core::ports::event_store::{Position, RecordedEvent};
use semantest_iac_core::ports::provider::{
    FunctionAccess, InvokeAnswer, InvokeRequest, LogPage, LogQuery, PartSink, Provider, ResourceHandle,
    StreamAnswer,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_local::{LocalProvider, Workloads};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::composition::IacBuilder;
use crate::deliveries::Deliveries;
use crate::project_file::ProjectFile;

/// A project with its log, its providers and its bus.
pub struct Iac {
    pub(crate) service: Arc<DeploymentService>,
    project: Arc<ProjectFile>,
    pub(crate) local: Arc<LocalProvider>,
    deliveries: Arc<Deliveries>,
}

/// Which log lines.
#[derive(Clone, Debug)]
pub struct LogRequest {
    /// One function by its role or name; needed where the component has several.
    pub function: Option<String>,
    /// Where to go on, as a former answer said.
    pub cursor: Option<String>,
    /// Only lines since then, on the first call.
    pub since: Option<Timestamp>,
    /// At most this many (the newest).
    pub limit: usize,
    /// Wait up to this long for a new line.
    pub wait: Duration,
}

impl Iac {
    pub(crate) fn new(
        service: Arc<DeploymentService>,
        project: Arc<ProjectFile>,
        local: Arc<LocalProvider>,
        deliveries: Arc<Deliveries>,
    ) -> Self {
        Self { service, project, local, deliveries }
    }

    pub(crate) fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Settings first, then [`IacBuilder::open`].
    pub fn builder(directory: impl Into<PathBuf>) -> IacBuilder {
        IacBuilder::new(directory.into())
    }

    /// Opens the project in `directory` with its defaults.
    ///
    /// # Errors
    /// As [`IacBuilder::open`].
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(directory).open().await
    }

    /// What the user has defined.
    pub fn project(&self) -> &ProjectFile {
        &self.project
    }

    /// The application service beneath.
    pub fn service(&self) -> &DeploymentService {
        &self.service
    }

    /// Deploys a component.
    ///
    /// # Errors
    /// Whatever keeps the run from beginning; a run that began and failed is an answer with `error`.
    pub async fn deploy(
        &self,
        request: DeploymentRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        self.check_place(&request)?;
        self.look_after(&request.environment, &request.component).await?;
        let envelope = self.service.envelope(request.clone());
        let answer = self.service.deploy(envelope, &request, cancel).await;
        answer.map_err(|error| self.project.locate(error, &request))
    }

    /// Whether `provider` is our own local one: another one may have been put in its place.
    fn is_on_this_machine(&self, provider: &str) -> bool {
        let own: Arc<dyn Provider> = self.local.clone();
        self.service.ports().providers.get(provider).is_some_and(|provider| Arc::ptr_eq(provider, &own))
    }

    /// A run with nothing to do makes no provider call. A local host that has died, lost something or had to move to
    /// another port is found here, before a run: the log is told, and the run brings it back.
    async fn look_after(&self, environment: &str, component: &str) -> Result<()> {
        // A name becomes a path here. One that is none is for the run to refuse.
        if check_name("environment", environment).and(check_name("component", component)).is_err() {
            return Ok(());
        }
        let name = format!("{environment}/{component}");
        if self.local.is_confirmed(&name) {
            return Ok(());
        }
        let status = self.service.status(Some(environment), Some(component)).await?;
        for deployed in status.deployments.iter().filter(|one| one.status == "deployed") {
            if !deployed.provider.as_deref().is_some_and(|provider| self.is_on_this_machine(provider)) {
                continue;
            }
            match self.local.holds(&workloads_of(deployed), &endpoints_of(deployed)).await? {
                true => self.local.confirm(&name),
                false => drop(self.service.refresh(environment, component).await?),
            }
        }
        Ok(())
    }

    /// Whether what is deployed on this machine runs, as far as files tell: nobody is asked and nothing is started. What is
    /// elsewhere, or not deployed, is not judged. Where it does not run, [`Self::deploy`] brings it back.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn is_served(&self, environment: &str, component: &str) -> Result<bool> {
        let status = self.service.status(Some(environment), Some(component)).await?;
        Ok(status.deployments.iter().all(|deployed| {
            let here = deployed.provider.as_deref().is_some_and(|provider| self.is_on_this_machine(provider));
            deployed.status != "deployed"
                || !here
                || self.local.serves(&workloads_of(deployed), &endpoints_of(deployed))
        }))
    }

    /// What [`Self::deploy`] would do; changes nothing.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn plan(&self, request: DeploymentRequested) -> Result<PlanAnswer> {
        self.check_place(&request)?;
        self.service.plan(&request).await.map_err(|error| self.project.locate(error, &request))
    }

    /// What [`Self::deploy`] would do where nothing is there: every resource with all its inputs; changes nothing.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn plan_anew(&self, request: DeploymentRequested) -> Result<PlanAnswer> {
        self.check_place(&request)?;
        self.service.plan_anew(&request).await.map_err(|error| self.project.locate(error, &request))
    }

    /// What [`Self::destroy`] would do; changes nothing.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn plan_removal(&self, request: RemovalRequested) -> Result<PlanAnswer> {
        self.service.plan_removal(&request).await
    }

    /// Takes a component away.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn destroy(
        &self,
        request: RemovalRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let envelope = self.service.envelope(request.clone());
        self.service.remove(envelope, &request, cancel).await
    }

    /// What carries our tags in the clouds of an environment and is not in the log. Changes nothing.
    ///
    /// # Errors
    /// `InvalidProject` where it is not clear where to look, `InvalidInput` for a provider that this build has not, and
    /// the providers'.
    pub async fn discover(
        &self,
        environment: &str,
        component: Option<&str>,
        provider: Option<&str>,
        region: Option<&str>,
    ) -> Result<DiscoverAnswer> {
        provider.map_or(Ok(()), |provider| self.check_provider(provider))?;
        self.service.discover(environment, component, provider, region).await
    }

    /// Takes away what carries a component's tags and is not in the log, and nothing else.
    ///
    /// # Errors
    /// As [`Self::deploy`]; `InvalidInput` where another run is unfinished.
    pub async fn remove_orphans(
        &self,
        request: OrphanRemovalRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        self.check_provider(&request.provider)?;
        self.service.remove_orphans(self.service.envelope(request.clone()), &request, cancel).await
    }

    /// Goes back to an earlier version, code included.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn rollback(
        &self,
        request: RollbackRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        self.look_after(&request.environment, &request.component).await?;
        self.service.rollback(self.service.envelope(request.clone()), &request, cancel).await
    }

    /// Changes how many run at once.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn scale(&self, request: ScalingRequested, cancel: &CancellationToken) -> Result<DeployAnswer> {
        self.look_after(&request.environment, &request.component).await?;
        self.service.scale(self.service.envelope(request.clone()), &request, cancel).await
    }

    /// Changes settings of a component.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn configure(
        &self,
        request: EnvironmentConfigurationRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        self.look_after(&request.environment, &request.component).await?;
        self.service.configure(self.service.envelope(request.clone()), &request, cancel).await
    }

    /// Takes an event in: requests are carried out, application events go through the bridge.
    ///
    /// # Errors
    /// Those of the request; `InvalidInput` for facts of ours.
    pub async fn publish(&self, event: Envelope, cancel: &CancellationToken) -> Result<PublishAnswer> {
        let deployment = match &event.data {
            Event::DeploymentRequested(request) => Some(request.clone()),
            _ => None,
        };
        deployment.as_ref().map_or(Ok(()), |request| self.check_place(request))?;
        if let Event::OrphanRemovalRequested(request) = &event.data {
            self.check_provider(&request.provider)?;
        }
        if let Some((environment, component)) = place_of(&event.data) {
            self.look_after(&environment, &component).await?;
        }
        let answer = self.service.publish(event, cancel).await;
        answer.map_err(|error| match &deployment {
            Some(request) => self.project.locate(error, request),
            None => error,
        })
    }

    /// An envelope for an event that comes from this project.
    pub fn envelope(&self, event: impl Into<Event>) -> Envelope {
        self.service.envelope(event)
    }

    /// Deployments, as the log says.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn status(&self, environment: Option<&str>, component: Option<&str>) -> Result<StatusAnswer> {
        self.service.status(environment, component).await
    }

    /// A deployment as it was, and the events that had made it so.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn state_at(
        &self,
        environment: &str,
        component: &str,
        at: At,
    ) -> Result<(DeploymentAnswer, Vec<Envelope>)> {
        self.service.state_at(environment, component, at).await
    }

    /// Every event of a deployment, oldest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn history(&self, environment: &str, component: &str) -> Result<Vec<Envelope>> {
        self.service.history(environment, component).await
    }

    /// Looks for what is not as the log says, and records it.
    ///
    /// # Errors
    /// `NotFound`, `Held`, and the provider's.
    pub async fn refresh(&self, environment: &str, component: &str) -> Result<RefreshAnswer> {
        self.service.refresh(environment, component).await
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
        self.service.refresh_unless(environment, component, cancel).await
    }

    /// Events of all streams after `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn events(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>> {
        self.service.ports().store.read_all(after, limit).await
    }

    /// The last position of the log.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn head(&self) -> Result<Position> {
        self.service.ports().store.head().await
    }

    /// The position after which everything was recorded at `time` or later.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn recorded_before(&self, time: Timestamp) -> Result<Position> {
        self.service.recorded_before(time).await
    }

    /// Returns when there are events after `after`, or after `at_most`.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn wait_for_events(&self, after: Position, at_most: Duration) -> Result<()> {
        self.service.ports().store.wait(after, at_most).await
    }

    /// Calls `handler` for events recorded by this process from now on.
    ///
    /// # Errors
    /// Where the bus takes no subscriber.
    pub async fn subscribe(
        &self,
        filter: EventFilter,
        handler: Arc<dyn EventHandler>,
    ) -> Result<SubscriptionId> {
        self.service.ports().bus.subscribe(filter, handler).await
    }

    /// Ends a subscription; nothing happens if it has ended.
    ///
    /// # Errors
    /// The bus's.
    pub async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<()> {
        self.service.ports().bus.unsubscribe(subscription).await
    }

    /// Roles of a component's deployed functions.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn functions(&self, environment: &str, component: &str) -> Result<Vec<String>> {
        let (_, functions) = self.service.functions(environment, component).await?;
        Ok(functions.into_iter().map(|(role, _)| role).collect())
    }

    /// Calls a function directly; event and answer pass byte for byte. A handler's failure is an answer with
    /// `error_type`.
    ///
    /// # Errors
    /// `NotFound`, `InvalidInput` where it is not clear which function, `Unsupported`, and the provider's.
    pub async fn invoke(
        &self,
        environment: &str,
        component: &str,
        function: Option<&str>,
        payload: Box<RawValue>,
    ) -> Result<InvokeAnswer> {
        let (provider, function) = self.function(environment, component, function).await?;
        access(provider.as_ref())?.invoke(&InvokeRequest { function, payload }).await
    }

    /// Hands a function an event and does not wait for what comes of it: the id of the invocation.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn send(
        &self,
        environment: &str,
        component: &str,
        function: Option<&str>,
        payload: Box<RawValue>,
    ) -> Result<String> {
        let (provider, function) = self.function(environment, component, function).await?;
        access(provider.as_ref())?.send(&InvokeRequest { function, payload }).await
    }

    /// Calls a function directly and passes its response on to `parts` as it comes.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn stream(
        &self,
        environment: &str,
        component: &str,
        function: Option<&str>,
        payload: Box<RawValue>,
        parts: PartSink<'_>,
    ) -> Result<StreamAnswer> {
        let (provider, function) = self.function(environment, component, function).await?;
        access(provider.as_ref())?.stream(&InvokeRequest { function, payload }, parts).await
    }

    /// Roles of what of a component has a log: its functions, or its container service.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn workloads(&self, environment: &str, component: &str) -> Result<Vec<String>> {
        let (_, workloads) = self.service.workloads(environment, component).await?;
        Ok(workloads.into_iter().map(|(role, _)| role).collect())
    }

    /// Log lines of a function or of a container service.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn logs(&self, environment: &str, component: &str, request: LogRequest) -> Result<LogPage> {
        let found = self.service.workloads(environment, component).await?;
        let (provider, function) = self.one_of(&found, request.function.as_deref())?;
        let LogRequest { cursor, since, limit, wait, .. } = request;
        access(provider.as_ref())?.logs(&LogQuery { function, cursor, since, limit, wait }).await
    }

    pub(crate) async fn function(
        &self,
        environment: &str,
        component: &str,
        wanted: Option<&str>,
    ) -> Result<(Arc<dyn Provider>, ResourceHandle)> {
        let found = self.service.functions(environment, component).await?;
        self.one_of(&found, wanted)
    }

    fn one_of(
        &self,
        (provider, found): &(String, Vec<(String, ResourceHandle)>),
        wanted: Option<&str>,
    ) -> Result<(Arc<dyn Provider>, ResourceHandle)> {
        let (_, handle) = find(found, wanted)?;
        Ok((self.service.ports().provider(provider)?, handle.clone()))
    }

    /// The role of a function that is named by it or by its name.
    pub(crate) async fn role(&self, environment: &str, component: &str, wanted: &str) -> Result<String> {
        let (_, functions) = self.service.functions(environment, component).await?;
        find(&functions, Some(wanted)).map(|(role, _)| role.clone())
    }

    /// Has the functions of a component on this machine, or the replicas of its container service, go on with new
    /// processes, what is under way with the old ones; says how many functions or services there are.
    ///
    /// # Errors
    /// `NotFound` where it is not deployed; those of the local host.
    pub async fn restart_workers(&self, environment: &str, component: &str) -> Result<usize> {
        let (_, workloads) = self.service.workloads(environment, component).await?;
        for (_, handle) in &workloads {
            self.local.restart_workers(handle).await?;
        }
        Ok(workloads.len())
    }

    /// Whether the local host runs. Starts nothing.
    ///
    /// # Errors
    /// Where its folder cannot be read.
    pub async fn local_host_runs(&self) -> Result<bool> {
        self.local.host_runs().await
    }
}

/// The function or the service that is meant: the only one, or the one of that role or name.
fn find<'a>(
    functions: &'a [(String, ResourceHandle)],
    wanted: Option<&str>,
) -> Result<&'a (String, ResourceHandle)> {
    let roles: Vec<&str> = functions.iter().map(|(role, _)| role.as_str()).collect();
    let matches = |role: &str, handle: &ResourceHandle, wanted: &str| {
        let name = |key: &str| handle.outputs.get(key).and_then(Value::as_str);
        [Some(role), name("function_name"), name("service_name")].contains(&Some(wanted))
    };
    let found = match wanted {
        Some(wanted) => functions.iter().find(|(role, handle)| matches(role, handle, wanted)),
        None if functions.len() == 1 => functions.first(),
        None => None,
    };
    found.ok_or_else(|| {
        let text = match wanted {
            Some(wanted) => {
                format!("there is no function `{wanted}`; the component has: {}", roles.join(", "))
            }
            None => {
                format!("the component has several functions: name one of {} (--function)", roles.join(", "))
            }
        };
        Error::new(ErrorKind::InvalidInput, "function.find", text)
    })
}

/// What of a deployment on this machine runs the user's code, by name.
fn workloads_of(deployed: &DeploymentAnswer) -> Workloads<'_> {
    let services = deployed.resources.iter().filter(|one| one.kind == LocalProvider::SERVICE_KIND);
    Workloads {
        functions: deployed.functions.iter().map(|one| one.function_name.as_str()).collect(),
        services: services.filter_map(|one| one.id.as_deref()).collect(),
    }
}

/// Where a deployment on this machine is called, its functions' own URLs included.
fn endpoints_of(deployed: &DeploymentAnswer) -> Vec<&str> {
    let functions = deployed.functions.iter().map(|one| one.endpoint.as_deref());
    functions.chain([deployed.endpoint.as_deref()]).flatten().collect()
}

/// What a request that leaves something in place is about.
fn place_of(event: &Event) -> Option<(String, String)> {
    let (environment, component) = match event {
        Event::DeploymentRequested(request) => (&request.environment, &request.component),
        Event::RollbackRequested(request) => (&request.environment, &request.component),
        Event::ScalingRequested(request) => (&request.environment, &request.component),
        Event::EnvironmentConfigurationRequested(request) => (&request.environment, &request.component),
        _ => return None,
    };
    Some((environment.clone(), component.clone()))
}

fn access(provider: &dyn Provider) -> Result<&dyn FunctionAccess> {
    provider.functions().ok_or_else(|| {
        let text = format!("provider `{}` cannot call functions or read logs", provider.name());
        Error::new(ErrorKind::Unsupported, "function.access", text)
    })
}
