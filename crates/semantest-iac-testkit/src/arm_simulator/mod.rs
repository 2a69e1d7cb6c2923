//! Azure Resource Manager on this machine: what is put is kept and given back as the services would, operations take as long
//! as a test says, and what clouds do wrong goes wrong here where a test says: throttling, conflicts, failed, canceled and
//! slow operations, lost answers.
//!
//! It knows the types of resources that components are made of and is strict with them: names, API versions, parents and
//! dependencies have to be there, a token has to be sent, and what is being worked on cannot be changed. Its own answers are
//! judged by Microsoft's validator (`tests/tools/judge/judge.mjs`).
//!
//! ```no_run
//! use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay, Fault, Rule};
//!
//! let azure = ArmSimulator::start();
//! azure.operations_take(Delay::Polls(3));
//! azure.inject(Rule::new("PUT", "Microsoft.Web/sites", Fault::throttled(2)).times(2));
//! // … run a program with SEMANTEST_AZURE_ENDPOINT set to `azure.url()` …
//! assert!(azure.calls().iter().any(|call| call.method == "PUT"));
//! ```

mod actions;
mod blobs;
mod collections;
mod fault;
mod operations;
mod outputs;
mod recorder;
mod reply;
mod resource_types;
mod resources;
mod server;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

pub use crate::fault_proxy::{Hold, Moment};
pub use fault::{Fault, Rule};
pub use recorder::Call;

use crate::fault_proxy::hold::Held;

use operations::Pending;

/// The subscription that everything is in.
pub const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";
/// The token that calls have to carry.
pub const TOKEN: &str = "token-for-the-simulator";
/// The location that programs are told to use.
pub const LOCATION: &str = "westeurope";
/// The key of every storage account: Azurite takes it, too.
pub const STORAGE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// How long operations take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// None is long-running: every answer is final.
    None,
    /// Done at this look.
    Polls(u32),
    /// Done so long after they were accepted.
    Time(Duration),
}

/// A running simulator on free ports of the loopback interface; it ends when this is dropped.
#[derive(Debug)]
pub struct ArmSimulator {
    url: String,
    blob_url: String,
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What requests share.
#[derive(Debug)]
struct World {
    url: String,
    state: Mutex<State>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All there is, by ids in small letters.
#[derive(Debug)]
struct State {
    resources: BTreeMap<String, Value>,
    /// Documents that belong to a resource and are no resource themselves: app settings.
    documents: BTreeMap<String, Value>,
    pending: BTreeMap<String, Pending>,
    registered: BTreeSet<String>,
    registering: BTreeMap<String, u32>,
    taken: BTreeSet<String>,
    blobs: BTreeMap<String, Vec<u8>>,
    rules: Vec<Rule>,
    calls: Vec<Call>,
    delay: Delay,
    page: usize,
    next_operation: u64,
    blob_url: String,
    blob_endpoint: Option<String>,
    function_host: Option<String>,
    latency: Duration,
    held: Option<Held>,
}

impl ArmSimulator {
    /// Starts one with an empty subscription, every provider registered, and nothing long-running.
    ///
    /// # Panics
    ///
    /// Where no port is free.
    pub fn start() -> Self {
        let listen = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).expect("a listener that does not block");
            let url = format!("http://{}", listener.local_addr().expect("its address"));
            (listener, url)
        };
        let ((manager, url), (blobs, blob_url)) = (listen(), listen());
        let state = State {
            resources: BTreeMap::new(),
            documents: BTreeMap::new(),
            pending: BTreeMap::new(),
            registered: resource_types::namespaces().map(str::to_ascii_lowercase).collect(),
            registering: BTreeMap::new(),
            taken: BTreeSet::new(),
            blobs: BTreeMap::new(),
            rules: Vec::new(),
            calls: Vec::new(),
            delay: Delay::None,
            page: 100,
            next_operation: 1,
            blob_url: blob_url.clone(),
            blob_endpoint: None,
            function_host: None,
            latency: Duration::ZERO,
            held: None,
        };
        let world = Arc::new(World { url: url.clone(), state: Mutex::new(state) });
        let (stop, stopped) = oneshot::channel();
        let serving = world.clone();
        let thread = std::thread::spawn(move || server::run(manager, blobs, &serving, stopped));
        Self { url, blob_url, world, stop: Some(stop), thread: Some(thread) }
    }

    /// What programs are given as `SEMANTEST_AZURE_ENDPOINT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the simulator keeps blobs itself: `<url>/<account>/<container>/<blob>`.
    pub fn blob_url(&self) -> &str {
        &self.blob_url
    }

    /// From now on, operations take so long.
    pub fn operations_take(&self, delay: Delay) {
        self.world.state().delay = delay;
    }

    /// From now on, every answer takes so much longer.
    pub fn set_latency(&self, latency: Duration) {
        self.world.state().latency = latency;
    }

    /// From now on, lists come in pages of so many.
    pub fn set_page_size(&self, items: usize) {
        self.world.state().page = items.max(1);
    }

    /// Storage accounts have their blobs at `<endpoint>/<account>`: Azurite's, say.
    pub fn keep_blobs_at(&self, endpoint: &str) {
        self.world.state().blob_endpoint = Some(endpoint.trim_end_matches('/').to_owned());
    }

    /// Function apps are at this host (`127.0.0.1:8080`).
    pub fn run_functions_at(&self, host: &str) {
        self.world.state().function_host = Some(host.to_owned());
    }

    /// The subscription is not registered with a provider (`Microsoft.App`).
    pub fn unregister(&self, namespace: &str) {
        self.world.state().registered.remove(&namespace.to_ascii_lowercase());
    }

    /// A name that is unique in all of Azure is somebody else's.
    pub fn take_name(&self, name: &str) {
        self.world.state().taken.insert(name.to_ascii_lowercase());
    }

    /// From now on, this happens too. Where several rules strike, the oldest one does.
    pub fn inject(&self, rule: Rule) {
        self.world.state().rules.push(rule);
    }

    /// From now on, no rule or hold disturbs any call.
    pub fn calm(&self) {
        let mut state = self.world.state();
        (state.rules, state.held) = (Vec::new(), None);
    }

    /// Stops the program at this moment; only the last hold counts.
    pub fn hold(&self, moment: Moment) -> Hold {
        let (held, hold) = Held::new(moment);
        self.world.state().held = Some(held);
        hold
    }

    /// Every call since the start.
    pub fn calls(&self) -> Vec<Call> {
        self.world.state().calls.clone()
    }

    /// Every call since the start, or since they were last taken.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.world.state().calls)
    }

    /// The ids of all resources there are, sorted.
    pub fn ids(&self) -> Vec<String> {
        self.world.state().resources.keys().cloned().collect()
    }

    /// A resource as it is kept, by its id.
    pub fn resource(&self, id: &str) -> Option<Value> {
        self.world.state().resources.get(&id.to_ascii_lowercase()).cloned()
    }

    /// Changes a resource behind everybody's back.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.world.state();
        change(state.resources.get_mut(&id.to_ascii_lowercase()).expect("it is there"));
    }

    /// Takes a resource and all in it away behind everybody's back.
    pub fn remove(&self, id: &str) {
        self.world.state().remove_tree(&id.to_ascii_lowercase());
    }

    /// The app settings and the like of a resource: `<id>/config/appsettings`.
    pub fn document(&self, id: &str) -> Option<Value> {
        self.world.state().documents.get(&id.to_ascii_lowercase()).cloned()
    }

    /// Names (`<account>/<container>/<blob>`) of the blobs that the simulator keeps itself.
    pub fn blobs(&self) -> Vec<String> {
        self.world.state().blobs.keys().cloned().collect()
    }

    /// Writes the calls to `file`, a line of JSON for each, as Microsoft's validator takes them.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_calls(&self, file: &std::path::Path) -> std::io::Result<usize> {
        let calls = self.calls();
        let lines: String = calls.iter().map(|call| format!("{}\n", call.as_live_pair())).collect();
        std::fs::write(file, lines)?;
        Ok(calls.len())
    }
}

impl Drop for ArmSimulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
