//! All container services of a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use futures::future::join_all;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::balancer::upstream::Upstream;
use crate::cgroup::memory_limits::MemoryLimits;
use crate::control::messages::LackingSecret;
use crate::host::definition::SecretValues;
use crate::host::service_definition::{ServiceDefinition, Workload};
use crate::packages;
use crate::replicas::crew::Surroundings;
use crate::replicas::guard::Guard;
use crate::replicas::revision::Revision;
use crate::replicas::service::Service;
use crate::replicas::usage::ProcessTable;
use crate::runtime::function_log::FunctionLog;

/// Held by whoever changes a service: nobody else does meanwhile.
pub(crate) struct Alone(#[allow(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

/// Runs services by name.
pub(crate) struct Services {
    state_dir: PathBuf,
    guard: Arc<Guard>,
    limits: Arc<MemoryLimits>,
    by_name: Mutex<BTreeMap<String, Arc<Service>>>,
    /// What keeps changes of one service apart, from its making to its being on disk, for as long as there is a service of that
    /// name or somebody who changes it.
    changing: Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// A look at all processes is under way.
    looking: AtomicBool,
}

impl Services {
    /// None yet. Logs are kept under `state_dir`.
    pub fn new(state_dir: &Path, limits: Arc<MemoryLimits>) -> Self {
        let guard = Arc::new(Guard::new());
        let (by_name, changing) = (Mutex::default(), Mutex::default());
        let looking = AtomicBool::new(false);
        Self { state_dir: state_dir.to_owned(), guard, limits, by_name, changing, looking }
    }

    fn by_name(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Service>>> {
        self.by_name.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for the change of a service that is under way: whoever asked for it may have been killed, and asks again.
    pub async fn change(&self, name: &str) -> Alone {
        Alone(self.lock_of(name).lock_owned().await)
    }

    fn lock_of(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        changing.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = changing.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        changing.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }

    fn all(&self) -> Vec<Arc<Service>> {
        self.by_name().values().cloned().collect()
    }

    fn get(&self, name: &str) -> Option<Arc<Service>> {
        self.by_name().get(name).cloned()
    }

    /// A command runs in its package, or in the project's folder.
    fn revision(&self, mut definition: ServiceDefinition, secrets: SecretValues) -> Revision {
        if let Workload::Process { package_sha256, folder, .. } = &mut definition.workload {
            *folder = match package_sha256 {
                Some(package) => packages::folder(&self.state_dir).join(package),
                None => project_folder(&self.state_dir),
            };
        }
        Revision { definition, secrets }
    }

    fn service(&self, definition: ServiceDefinition, secrets: SecretValues) -> Arc<Service> {
        let path = FunctionLog::path(&self.state_dir, &definition.name);
        let changing = self.lock_of(&definition.name);
        let around = Surroundings {
            log: Arc::new(FunctionLog::new(path)),
            guard: self.guard.clone(),
            limits: self.limits.clone(),
            state_dir: self.state_dir.clone(),
            tracker: TaskTracker::new(),
            hurry: CancellationToken::new(),
        };
        Service::new(self.revision(definition, secrets), around, changing)
    }

    /// Runs a service, or another revision of it; returns when its replicas are well.
    ///
    /// # Errors
    /// Why they are not. What ran before goes on.
    pub async fn put(
        &self,
        alone: &Alone,
        definition: ServiceDefinition,
        secrets: SecretValues,
    ) -> Result<(), String> {
        let name = definition.name.clone();
        let (service, is_new) = match self.get(&name) {
            Some(service) => (service, false),
            None => (self.service(definition.clone(), secrets.clone()), true),
        };
        let deployed = service.deploy(alone, self.revision(definition, secrets)).await;
        match (&deployed, is_new) {
            (Ok(()), true) => drop(self.by_name().insert(name, service)),
            (Err(_), true) => service.end(alone).await,
            _ => {}
        }
        deployed
    }

    /// What ran before the host ended: it is started as soon as it lacks no secret, and not waited for.
    pub fn restore(&self, definition: ServiceDefinition) {
        let name = definition.name.clone();
        let service = self.service(definition, SecretValues::default());
        service.start();
        self.by_name().insert(name, service);
    }

    /// Takes values for what a service lacks.
    pub fn supply(&self, name: &str, values: &SecretValues) {
        if let Some(service) = self.get(name) {
            service.supply(values);
        }
    }

    /// New replicas for a service; whether there is such a one.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn restart(&self, name: &str) -> Result<bool, String> {
        let alone = self.change(name).await;
        match self.get(name) {
            Some(service) => service.restart(&alone).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Takes a service away; returns when its replicas have ended.
    pub async fn remove(&self, alone: &Alone, name: &str) {
        let service = self.by_name().remove(name);
        if let Some(service) = service {
            service.end(alone).await;
        }
    }

    /// Returns when the replicas of all services either are well or have ended.
    pub async fn settled(&self) {
        join_all(self.all().iter().map(|service| service.settled())).await;
    }

    /// All replicas end.
    pub async fn drain(&self) {
        let all: Vec<_> = std::mem::take(&mut *self.by_name()).into_iter().collect();
        let ending = all.iter().map(|(name, service)| async {
            service.hurry();
            service.end(&self.change(name).await).await;
        });
        join_all(ending).await;
    }

    /// As they are in force.
    pub fn definitions(&self) -> Vec<ServiceDefinition> {
        self.all().iter().map(|service| service.revision().definition.clone()).collect()
    }

    /// Secrets without which replicas cannot start.
    pub fn lacking(&self) -> Vec<LackingSecret> {
        self.all().iter().flat_map(|service| service.revision().lacking()).collect()
    }

    /// Where requests for a service may go; nothing where there is none of that name.
    pub fn upstreams(&self, name: &str) -> Option<Vec<Arc<Upstream>>> {
        self.get(name).map(|service| service.upstreams())
    }

    /// Looks at what all replicas use; once a second.
    pub fn look_after(self: &Arc<Self>) {
        if self.by_name().is_empty() || self.looking.swap(true, Ordering::SeqCst) {
            return;
        }
        let services = self.clone();
        tokio::spawn(async move {
            // Thousands of files are read.
            if let Ok(table) = tokio::task::spawn_blocking(ProcessTable::read).await {
                let table = Arc::new(table);
                services.all().into_iter().for_each(|service| {
                    // Adding replicas takes a while: the others are not kept waiting.
                    tokio::spawn(service.look_after(table.clone()));
                });
            }
            services.looking.store(false, Ordering::SeqCst);
        });
    }
}

/// `<project>/.semantest/local` is the host's folder.
fn project_folder(state_dir: &Path) -> PathBuf {
    let up = state_dir.parent().and_then(Path::parent);
    up.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(state_dir).to_owned()
}
