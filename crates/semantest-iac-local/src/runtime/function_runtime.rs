//! All functions of a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::host::definition::{FunctionDefinition, SecretValues};
use crate::runtime::function_log::FunctionLog;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker};
use crate::runtime::pool::{Job, Pool};
use crate::runtime::worker::MAX_PAYLOAD;

/// What runs handlers, by file name.
const BOOTSTRAPS: [(&str, &str); 5] = [
    ("python.py", include_str!("bootstrap/python.py")),
    ("semantest_lambda.py", include_str!("bootstrap/semantest_lambda.py")),
    ("node.mjs", include_str!("bootstrap/node.mjs")),
    ("node_errors.mjs", include_str!("bootstrap/node_errors.mjs")),
    ("node_module.mjs", include_str!("bootstrap/node_module.mjs")),
];

/// Runs functions by name.
pub struct FunctionRuntime {
    state_dir: PathBuf,
    bootstraps: PathBuf,
    certificate: Option<PathBuf>,
    pools: Mutex<Pools>,
}

#[derive(Default)]
struct Pools {
    by_name: BTreeMap<String, Arc<Pool>>,
    /// How often each has been given new workers.
    generations: BTreeMap<String, u64>,
    /// Retired, still finishing what they have.
    leaving: Vec<Arc<Pool>>,
    stopping: bool,
}

impl FunctionRuntime {
    /// A runtime that keeps logs and bootstraps under `state_dir`. `certificate` is what functions trust beside
    /// the system's: a file in PEM form.
    ///
    /// # Errors
    /// Where the bootstraps cannot be written.
    pub fn new(state_dir: &Path, certificate: Option<PathBuf>) -> std::io::Result<Self> {
        let bootstraps = state_dir.join("bootstrap");
        std::fs::create_dir_all(&bootstraps)?;
        for (name, text) in BOOTSTRAPS {
            std::fs::write(bootstraps.join(name), text)?;
        }
        Ok(Self { state_dir: state_dir.to_owned(), bootstraps, certificate, pools: Mutex::default() })
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
        let pool = Pool::new(function, secrets, log, self.certificate.clone(), self.bootstraps.clone());
        if let Some(old) = pools.by_name.insert(name, pool) {
            old.retire();
            pools.leaving.push(old);
        }
        pools.leaving.retain(|pool| pool.alive() > 0);
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
    }
}

#[async_trait]
impl Invoker for FunctionRuntime {
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
    ) -> Result<InvocationOutcome, InvocationRefused> {
        let bytes = invocation.event.len();
        if bytes > MAX_PAYLOAD {
            return Err(InvocationRefused::TooLarge { bytes });
        }
        let request_id = uuid::Uuid::new_v4().to_string();
        let (reply, answered) = oneshot::channel();
        {
            let pools = self.pools();
            if pools.stopping {
                return Err(InvocationRefused::Stopping);
            }
            let Some(pool) = pools.by_name.get(function) else {
                return Err(InvocationRefused::NoSuchFunction(function.to_owned()));
            };
            pool.submit(Job::new(request_id, invocation, reply));
        }
        answered.await.map_err(|_| InvocationRefused::Stopping)
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
