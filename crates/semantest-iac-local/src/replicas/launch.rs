//! Starting a replica: its port, its command, its environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::cgroup::memory_cgroup::MemoryCgroup;
use crate::cgroup::memory_limits::MemoryLimits;
use crate::host::service_definition::Workload;
use crate::program_path::in_search_path;
use crate::replicas::container::{self, Place};
use crate::replicas::environment::{self, REPLICA, Variables};
use crate::replicas::guard::Guarded;
use crate::replicas::port;
use crate::replicas::revision::Revision;
use crate::runtime::leftovers::{Leftovers, STATE_FOLDER};
use crate::runtime::spawn::spawn;

/// A replica's process, and what it takes to find all of it again.
pub(crate) struct Launched {
    pub child: Child,
    pub port: u16,
    pub leftovers: Leftovers,
    /// The container, where it is one.
    pub container: Option<Container>,
    /// By which the kernel keeps its memory to the limit.
    pub cgroup: Option<MemoryCgroup>,
}

/// A container of an engine.
#[derive(Clone)]
pub(crate) struct Container {
    engine: PathBuf,
    name: String,
    variables: Variables,
}

impl Container {
    /// Takes the container away, by force where it still runs: the end of the program that started it may leave it.
    pub async fn remove(&self) {
        let mut command = Command::new(&self.engine);
        command.args(["rm", "--force", &self.name]).env_clear().envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Mostly it is gone already.
        let _ = command.status().await;
    }

    /// For whoever outlives the host.
    pub fn guarded(&self) -> Guarded {
        Guarded::Container { engine: self.engine.clone(), name: self.name.clone() }
    }
}

/// Starts the replica of that name; a program of this machine in a cgroup, where there can be one.
///
/// # Errors
/// Why it cannot be started, in words.
pub(crate) fn launch(
    revision: &Revision,
    identity: String,
    state_dir: &Path,
    limits: &MemoryLimits,
) -> Result<Launched, String> {
    let port = port::free().map_err(|error| error.to_string())?;
    let inside = match &revision.definition.workload {
        Workload::Container { port, .. } => *port,
        Workload::Process { .. } => port,
    };
    let own = environment::own(revision, &identity, inside)
        .map_err(|secret| format!("secret `{secret}` has no value here: set it and deploy again"))?;
    let search_path = &revision.definition.search_path;
    let (mut command, container) = match &revision.definition.workload {
        Workload::Process { command, folder, .. } => {
            let mut started = process(command, folder, search_path)?;
            started.envs(environment::of_process(search_path));
            (started, None)
        }
        Workload::Container { image, engine, .. } => {
            container::check(&revision.definition)?;
            let place = Place { name: &identity, published: port, inside, state_dir };
            let mut started = Command::new(engine);
            started.args(container::arguments(&revision.definition, image, &place, &own)).env_clear();
            let variables = environment::of_engine(search_path);
            started.envs(&variables);
            (started, Some(Container { engine: engine.clone(), name: identity.clone(), variables }))
        }
    };
    // The user's above those: nothing but what a replica is told of itself stands above the user's.
    let is_passed = |name: &String| container.is_none() || !environment::is_heeded_by_engines(name);
    command
        .envs(own.into_iter().filter(|(name, _)| is_passed(name)))
        .env(STATE_FOLDER, state_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let group = container.is_none().then(|| limits.group(revision.definition.memory_mb)).flatten();
    let spawned = spawn(command, group);
    let (child, cgroup) = spawned.map_err(|error| format!("it cannot be started: {error}"))?;
    let leftovers = Leftovers::with_variable(format!("{REPLICA}={identity}"));
    Ok(Launched { child, port, leftovers, container, cgroup })
}

fn process(command: &[String], folder: &Path, search_path: &str) -> Result<Command, String> {
    let (program, arguments) = command.split_first().ok_or("its command names no program")?;
    let path = match program.contains('/') {
        true => folder.join(program),
        false => in_search_path(program, search_path)
            .ok_or_else(|| format!("`{program}` is not on this machine's PATH any more: install it"))?,
    };
    let mut started = Command::new(path);
    started.args(arguments).current_dir(folder).env_clear();
    Ok(started)
}
