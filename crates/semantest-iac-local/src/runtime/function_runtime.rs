//! All functions of a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::domain::compute::bootstrap;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cgroup::memory_limits::MemoryLimits;
use crate::host::definition::{FunctionDefinition, SecretValues};
use crate::runtime::debugging::Inspected;
use crate::runtime::function_log::FunctionLog;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker, Streamed};
use crate::runtime::pool::{Job, Pool, Reply};
use crate::runtime::worker::MAX_PAYLOAD;

/// Runs functions by name.
pub struct FunctionRuntime {
    pub(super) state_dir: PathBuf,
    bootstraps: PathBuf,
    certificate: Option<PathBuf>,
    limits: Arc<MemoryLimits>,
    pools: Mutex<Pools>,
    /// Asynchronous invocations that have not come to their end.
    pub(super) sent: TaskTracker,
    /// Nothing is tried again.
    pub(super) ending: CancellationToken,
}

#[derive(Default)]
struct Pools {
    by_name: BTreeMap<String, Arc<Pool>>,
    /// How often each has been given new workers.
    generations: BTreeMap<String, u64>,
    /// Retired, still finishing what they have.
    leaving: Vec<Arc<Pool>>,
    inspected: Inspected,
    stopping: bool,
}

impl FunctionRuntime {
    /// A runtime that keeps logs and bootstraps under `state_dir`. `certificate` is what functions trust beside
    /// the system's: a file in PEM form.
    ///
    /// # Errors
    /// Where the bootstraps cannot be written.
    pub(crate) fn new(
        state_dir: &Path,
        certificate: Option<PathBuf>,
        limits: Arc<MemoryLimits>,
    ) -> std::io::Result<Self> {
        let bootstraps = state_dir.join("bootstrap");
        std::fs::create_dir_all(&bootstraps)?;
        for (name, text) in [bootstrap::PYTHON, bootstrap::NODE].into_iter().flatten() {
            std::fs::write(bootstraps.join(name), text)?;
        }
        Ok(Self {
            state_dir: state_dir.to_owned(),
            bootstraps,
            certificate,
            limits,
            pools: Mutex::default(),
            sent: TaskTracker::new(),
            ending: CancellationToken::new(),
        })
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Defines a function. The same definition with the same secrets keeps its warm workers; another one takes over
    /// for what comes next, while what is under way ends on the old workers.
    pub fn put(&self, function: FunctionDefinition, secrets: SecretValues) {
        let mut pools = self.pools();
        if let Some(pool) = pools.by_name.get(&function.name)
            && pool.function == function
            && pool.secrets.0 == secrets.0
        {
            return;
        }
        self.renew(&mut pools, function, secrets);
    }

    /// New workers for what comes next, what is under way ends on the old ones; whether there is such a function.
    pub fn restart(&self, name: &str) -> bool {
        let mut pools = self.pools();
        let Some(pool) = pools.by_name.get(name).cloned() else { return false };
        self.renew(&mut pools, pool.function.clone(), pool.secrets.clone());
        true
    }

    fn renew(&self, pools: &mut Pools, function: FunctionDefinition, secrets: SecretValues) {
        let log = Arc::new(FunctionLog::new(FunctionLog::path(&self.state_dir, &function.name)));
        let name = function.name.clone();
        *pools.generations.entry(name.clone()).or_default() += 1;
        let (certificate, bootstraps) = (self.certificate.clone(), self.bootstraps.clone());
        let debugging = pools.inspected.get(&name).filter(|one| one.fits(&function.runtime)).cloned();
        let limits = self.limits.clone();
        let pool = Pool::new(function, secrets, log, certificate, bootstraps, debugging, limits);
        if pool.debugging.is_some() {
            pool.warm();
        }
        if let Some(old) = pools.by_name.insert(name, pool) {
            old.retire();
            pools.leaving.push(old);
        }
        pools.leaving.retain(|pool| pool.alive() > 0);
    }

    /// Has debuggers let into these functions from now on, and into no others. Functions for which nothing changes keep
    /// their workers; what is under way in the others ends on the old ones, for so long as `grace` where a debugger
    /// may hold it that is wanted no more.
    pub(crate) fn inspect(&self, inspected: Inspected, grace: Duration) {
        let mut pools = self.pools();
        pools.inspected = inspected;
        let all: Vec<Arc<Pool>> = pools.by_name.values().cloned().collect();
        for pool in all {
            let now = pools.inspected.get(&pool.function.name);
            if pool.debugging.as_ref() == now {
                continue;
            }
            if pool.debugging.is_some() && now.is_none() {
                let held = pool.clone();
                tokio::spawn(async move {
                    if tokio::time::timeout(grace, held.drained()).await.is_err() {
                        held.cut_off.cancel();
                    }
                });
            }
            self.renew(&mut pools, pool.function.clone(), pool.secrets.clone());
        }
    }

    /// Takes a function away; what is under way ends.
    pub fn remove(&self, name: &str) {
        let mut pools = self.pools();
        if let Some(old) = pools.by_name.remove(name) {
            old.retire();
            pools.leaving.push(old);
        }
    }

    /// How many workers of `name` live.
    pub fn workers(&self, name: &str) -> usize {
        self.pools().by_name.get(name).map(|pool| pool.alive()).unwrap_or_default()
    }

    /// Ends workers that have been idle for long.
    pub fn reap(&self) {
        self.pools().by_name.values().for_each(|pool| pool.reap());
    }

    /// Takes no more, and waits for what is under way.
    pub async fn drain(&self) {
        self.ending.cancel();
        self.sent.close();
        let leaving: Vec<Arc<Pool>> = {
            let mut pools = self.pools();
            pools.stopping = true;
            let all: Vec<_> = std::mem::take(&mut pools.by_name).into_values().collect();
            all.iter().for_each(|pool| pool.retire());
            all.into_iter().chain(std::mem::take(&mut pools.leaving)).collect()
        };
        for pool in leaving {
            pool.drained().await;
        }
        self.sent.wait().await;
    }

    /// Queues an invocation whose response is wanted whole.
    pub(super) fn submit(
        &self,
        request_id: &str,
        function: &str,
        invocation: Invocation,
    ) -> Result<oneshot::Receiver<InvocationOutcome>, InvocationRefused> {
        let (reply, answered) = oneshot::channel();
        self.queue(request_id, function, invocation, Reply::Whole(reply))?;
        Ok(answered)
    }

    fn queue(
        &self,
        request_id: &str,
        function: &str,
        invocation: Invocation,
        reply: Reply,
    ) -> Result<(), InvocationRefused> {
        let bytes = invocation.event.len();
        if bytes > MAX_PAYLOAD {
            return Err(InvocationRefused::TooLarge { bytes, limit: MAX_PAYLOAD });
        }
        let pools = self.pools();
        if pools.stopping {
            return Err(InvocationRefused::Stopping);
        }
        let Some(pool) = pools.by_name.get(function) else {
            return Err(InvocationRefused::NoSuchFunction(function.to_owned()));
        };
        pool.submit(Job::new(request_id.to_owned(), invocation, reply));
        Ok(())
    }

    /// Runs an invocation of that id and waits for its end.
    pub(super) async fn invoke_as(
        &self,
        request_id: &str,
        function: &str,
        invocation: Invocation,
    ) -> Result<InvocationOutcome, InvocationRefused> {
        let answered = self.submit(request_id, function, invocation)?;
        answered.await.map_err(|_| InvocationRefused::Stopping)
    }
}

fn id_of(invocation: &Invocation) -> String {
    invocation.request_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

#[async_trait]
impl Invoker for FunctionRuntime {
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
    ) -> Result<InvocationOutcome, InvocationRefused> {
        self.invoke_as(&id_of(&invocation), function, invocation).await
    }

    async fn stream(&self, function: &str, invocation: Invocation) -> Result<Streamed, InvocationRefused> {
        let (reply, answered) = oneshot::channel();
        self.queue(&id_of(&invocation), function, invocation, Reply::Streamed(reply))?;
        answered.await.map_err(|_| InvocationRefused::Stopping)
    }

    fn is_inspected(&self, function: &str) -> bool {
        self.pools().by_name.get(function).is_some_and(|pool| pool.debugging.is_some())
    }

    fn generation(&self, function: &str) -> u64 {
        self.pools().generations.get(function).copied().unwrap_or_default()
    }

    fn log(&self, function: &str, request_id: &str, message: &str) {
        let pool = self.pools().by_name.get(function).cloned();
        if let Some(pool) = pool {
            pool.log.write(Some(request_id), message);
        }
    }
}
