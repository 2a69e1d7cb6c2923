//! A world for stories: the application service over adapters in memory, one project, one component.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::faults::{Fault, FaultyEventStore, FaultyProvider};
use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::application::answer::DeployAnswer;
use semantest_iac_core::application::executor::ExecutorOptions;
use semantest_iac_core::application::service::{DeploymentService, Ports, ServiceOptions};
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::request::{DeploymentRequested, RemovalRequested};
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::clock::ManualClock;
use semantest_iac_core::memory::event_bus::InProcessBus;
use semantest_iac_core::memory::event_store::InMemoryEventStore;
use semantest_iac_core::memory::id_generator::RandomIds;
use semantest_iac_core::memory::lease_store::InMemoryLeaseStore;
use semantest_iac_core::memory::project::InMemoryProject;
use semantest_iac_core::memory::provider::InMemoryProvider;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::event_bus::{EventBus, EventFilter, EventHandler};
use semantest_iac_core::ports::event_store::EventStore;
use semantest_iac_core::ports::lease::LeaseStore;
use semantest_iac_core::ports::provider::Provider;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Project `shop` with environment `dev` on provider `memory` and the component `orders`.
pub struct World {
    /// What the user has defined.
    pub project: Arc<InMemoryProject>,
    /// The cloud.
    pub provider: Arc<InMemoryProvider>,
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Secrets, scheme `memory`.
    pub secrets: Arc<InMemorySecrets>,
    /// Stands still unless it is moved or slept on.
    pub clock: Arc<ManualClock>,
    /// Who hears of what.
    pub bus: Arc<InProcessBus>,
    /// Who works on what.
    pub leases: Arc<dyn LeaseStore>,
    /// Packages.
    pub artifacts: Arc<dyn ArtifactStore>,
    ids: Arc<RandomIds>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// A component with two functions.
pub fn orders() -> Value {
    json!({
        "kind": "rest-api", "code": "orders", "runtime": "python3.12",
        "functions": {
            "list": { "handler": "orders.list_all", "routes": ["GET /orders"] },
            "create": { "handler": "orders.create", "routes": ["POST /orders"] }
        }
    })
}

impl World {
    /// A world in memory.
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(InMemoryEventStore::new(clock.clone()));
        Self::over(
            clock,
            store,
            Arc::<InMemoryLeaseStore>::default(),
            Arc::<InMemoryArtifactStore>::default(),
        )
    }

    /// A world over another log.
    pub fn over(
        clock: Arc<ManualClock>,
        store: Arc<dyn EventStore>,
        leases: Arc<dyn LeaseStore>,
        artifacts: Arc<dyn ArtifactStore>,
    ) -> Self {
        let project = Arc::new(InMemoryProject::new("shop"));
        project.define_environment("dev", "memory");
        project.define_component("orders", orders());
        project.write_code("orders", b"version one");
        Self {
            project,
            provider: Arc::default(),
            store,
            secrets: Arc::default(),
            clock,
            bus: Arc::default(),
            leases,
            artifacts,
            ids: Arc::default(),
        }
    }

    /// The service, with nothing going wrong.
    pub fn service(&self) -> DeploymentService {
        self.service_with(self.provider.clone(), self.store.clone(), ServiceOptions::default())
    }

    /// The service, with faults in the cloud and in the log.
    pub fn faulty(&self, fault: Arc<dyn Fault>) -> DeploymentService {
        let provider = FaultyProvider { inner: self.provider.clone(), fault: fault.clone() };
        let store = FaultyEventStore { inner: self.store.clone(), fault };
        self.service_with(Arc::new(provider), Arc::new(store), ServiceOptions::default())
    }

    /// The service over another cloud, log or options.
    pub fn service_with(
        &self,
        provider: Arc<dyn Provider>,
        store: Arc<dyn EventStore>,
        options: ServiceOptions,
    ) -> DeploymentService {
        let ports = Ports {
            store,
            bus: self.bus.clone(),
            leases: self.leases.clone(),
            artifacts: self.artifacts.clone(),
            secrets: self.secrets.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            project: self.project.clone(),
            providers: BTreeMap::from([("memory".to_owned(), provider)]),
        };
        DeploymentService::new(ports, options)
    }

    /// Deploys `orders`.
    ///
    /// # Panics
    /// Where the run does not begin.
    pub async fn deploy(&self) -> DeployAnswer {
        deploy_with(&self.service()).await.expect("a run")
    }

    /// Takes `orders` away.
    ///
    /// # Panics
    /// Where the run does not begin.
    pub async fn destroy(&self) -> DeployAnswer {
        let service = self.service();
        let request = RemovalRequested { component: "orders".into(), environment: "dev".into() };
        let envelope = service.envelope(request.clone());
        service.remove(envelope, &request, &CancellationToken::new()).await.expect("a run")
    }

    /// Labels of the events of the deployment, oldest first.
    ///
    /// # Panics
    /// Where there are none.
    pub async fn history(&self) -> Vec<String> {
        let events = self.service().history("dev", "orders").await.expect("a history");
        events.iter().map(label).collect()
    }

    /// Makes a lease that a crash left behind expire.
    pub fn let_leases_expire(&self) {
        self.clock.advance(Duration::from_secs(3600));
    }
}

/// The request to deploy `orders`.
pub fn request() -> DeploymentRequested {
    DeploymentRequested { component: "orders".into(), environment: "dev".into(), ..Default::default() }
}

/// Deploys `orders` with `service`.
///
/// # Errors
/// What keeps the run from beginning.
pub async fn deploy_with(service: &DeploymentService) -> Result<DeployAnswer> {
    let envelope = service.envelope(request());
    service.deploy(envelope, &request(), &CancellationToken::new()).await
}

/// An event's name, with the address where there is one.
pub fn label(event: &Envelope) -> String {
    let address = event.data.to_data().get("address").and_then(|a| a.as_str().map(str::to_owned));
    [Some(event.name().to_owned()), address].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Options that make waits short.
pub fn options(parallelism: usize) -> ServiceOptions {
    let executor = ExecutorOptions { parallelism, backoff: Duration::from_millis(1), ..Default::default() };
    ServiceOptions { executor, ..ServiceOptions::default() }
}

/// Keeps every event it hears of.
#[derive(Default)]
pub struct Ear(pub Mutex<Vec<String>>);

#[async_trait]
impl EventHandler for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        self.0.lock().expect("no panic").push(event.name().to_owned());
        Ok(())
    }
}

/// Hears everything that is published in `world` from now on.
///
/// # Panics
/// Where the bus takes no subscriber.
pub async fn listen(world: &World) -> Arc<Ear> {
    let ear = Arc::new(Ear::default());
    world.bus.subscribe(EventFilter::all(), ear.clone()).await.expect("subscribe");
    ear
}
