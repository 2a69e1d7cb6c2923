//! Finding, starting and stopping the host of a project.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::cgroup::memory_limits::clear_former;
use crate::control::client::{ControlClient, Look};
use crate::control::messages::HostState;
use crate::error::disk;
use crate::host::lock::{self, is_running};
use crate::host::registry::write_atomically;
use crate::packages;
use crate::replicas::environment::OF_ENGINES;
use crate::runtime::leftovers;

/// How long a host may take to be ready.
const START_TIME: Duration = Duration::from_secs(15);
/// How long a host may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long a host may take to finish what is under way.
const STOP_TIME: Duration = Duration::from_secs(60);
/// How long a host that is to stop may take to hear of it, and then to heed a signal.
const HEED_TIME: Duration = Duration::from_secs(3);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// The variables a host is started with, where they are set: what finds and runs interpreters, beside what finds a container
/// engine. Nothing else of the
/// shell that happened to start it, such as secrets.
const ENVIRONMENT: [&str; 11] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "USER",
    "LOGNAME",
    "SystemRoot",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SEMANTEST_LOG",
];

/// `host.json`: how to talk to the running host. Readable by its owner only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostFile {
    pub pid: u32,
    pub port: u16,
    pub token: String,
    /// The folder it serves: another one than where this file lies where that was moved meanwhile.
    pub folder: PathBuf,
}

impl HostFile {
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("host.json")
    }

    /// Nothing of a host that serves the folder as it was before it was moved: it is about to end.
    fn read(state_dir: &Path) -> Option<Self> {
        let file: Self = serde_json::from_slice(&fs::read(Self::path(state_dir)).ok()?).ok()?;
        (file.folder == real(state_dir)).then_some(file)
    }

    /// Writes it, readable by its owner only.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        write_atomically(&Self::path(state_dir), &serde_json::to_vec(self)?)
    }

    /// Writes it again where it was lost or damaged: nobody could reach the host any more.
    pub fn keep(&self, state_dir: &Path) {
        if Self::read(state_dir).as_ref() != Some(self)
            && let Err(error) = self.write(state_dir)
        {
            eprintln!("{error}");
        }
    }
}

/// The folder's path without links, where it can be told.
pub(crate) fn real(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// A client of the running host, where one runs and has said how to reach it. It may be dying: [`answering`] asks.
fn find(state_dir: &Path) -> Option<ControlClient> {
    let file = is_running(state_dir).then(|| HostFile::read(state_dir)).flatten()?;
    Some(ControlClient::new(file.port, file.token))
}

/// The host that runs and what it runs, as soon as it answers; nothing where none runs. One that starts or ends (also
/// by `kill -9`: its sockets close before its lock is free) is waited for.
///
/// # Errors
/// `Unavailable` where it neither answers nor ends, `Internal` where its answer is not understood.
pub async fn answering(state_dir: &Path) -> Result<Option<(ControlClient, HostState)>> {
    let start = Instant::now();
    // From then on it has been silent.
    let mut heard = start;
    while is_running(state_dir) {
        if let Some(client) = find(state_dir) {
            match client.look(ANSWER_TIME.saturating_sub(heard.elapsed())).await? {
                Look::Runs(state) => return Ok(Some((client, state))),
                Look::Stops => heard = Instant::now(),
                Look::Silent => {}
            }
        }
        if heard.elapsed() >= ANSWER_TIME || start.elapsed() >= STOP_TIME {
            return Err(silent(state_dir));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

fn silent(state_dir: &Path) -> Error {
    let process = lock::process(state_dir).map(|id| format!(" (process {id})")).unwrap_or_default();
    let text = format!("the local host{process} does not answer; `semantest-iac local stop` ends it");
    Error::new(ErrorKind::Unavailable, "local.control", text)
}

/// The running host and what it runs, started by `command` where none runs. Two processes that do this at once get
/// the same host.
///
/// # Errors
/// `Provider` with the end of the host's log, where it does not become ready.
pub async fn ensure_running(state_dir: &Path, command: &[OsString]) -> Result<(ControlClient, HostState)> {
    let start = Instant::now();
    let mut child: Option<Child> = None;
    loop {
        if let Some(found) = answering(state_dir).await? {
            return Ok(found);
        }
        let ended = child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
        match child {
            None => child = Some(start_host(state_dir, command)?),
            // It may have left the place to another one that was faster.
            Some(_) if ended && !is_running(state_dir) => return Err(not_ready(state_dir, "ended at once")),
            Some(_) => {}
        }
        if start.elapsed() > START_TIME {
            return Err(not_ready(state_dir, "is not ready in time"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn not_ready(state_dir: &Path, what: &str) -> Error {
    let path = state_dir.join("host.log");
    let log = fs::read_to_string(&path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = match &lines[lines.len().saturating_sub(5)..] {
        [] => "its log is empty".to_owned(),
        last => format!("the end of its log: {}", last.join(" | ")),
    };
    let text = format!("the local host {what}; {tail}");
    Error::new(ErrorKind::Provider, "local.start", text).with("log", path.display())
}

fn start_host(state_dir: &Path, command: &[OsString]) -> Result<Child> {
    let log_path = state_dir.join("host.log");
    let failed = |error| disk("local.start", &log_path, error);
    fs::create_dir_all(state_dir).map_err(|error| disk("local.start", state_dir, error))?;
    // What a dead host left must not be taken for the new one's.
    let _ = fs::remove_file(HostFile::path(state_dir));
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).open(&log_path).map_err(failed)?;
    let errors = log.try_clone().map_err(failed)?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::new(ErrorKind::Internal, "local.start", "no command runs the local host"));
    };
    let mut host = Command::new(program);
    host.args(arguments).stdin(Stdio::null()).stdout(log).stderr(errors).env_clear();
    host.envs(ENVIRONMENT.iter().chain(&OF_ENGINES).filter_map(|name| Some((name, std::env::var_os(name)?))));
    // A group of its own: Ctrl-C at the terminal is not meant for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut host, 0);
    host.spawn().map_err(|error| {
        let text = format!("{} cannot be started: {error}", program.display());
        Error::new(ErrorKind::Provider, "local.start", text)
    })
}

/// Stops the host, where one runs, and says whether one did. It finishes what is under way; one that does not in
/// time, or does not even answer, is killed. Nothing that it ran is left behind.
///
/// # Errors
/// `Timeout` where it cannot even be killed.
pub async fn stop(state_dir: &Path) -> Result<bool> {
    let ran = is_running(state_dir);
    if ran && !end(state_dir).await {
        let text = "the local host does not end; end its process by hand";
        let pid = lock::process(state_dir).unwrap_or_default();
        return Err(Error::new(ErrorKind::Timeout, "local.stop", text).with("pid", pid));
    }
    if !is_running(state_dir) {
        leftovers::kill_in(&packages::folder(state_dir));
        clear_former(state_dir).await;
    }
    Ok(ran)
}

async fn end(state_dir: &Path) -> bool {
    // Somebody else may start another host meanwhile: that one was not asked to end.
    let process = lock::process(state_dir);
    if asked(state_dir, process).await {
        return gone_within(state_dir, process, STOP_TIME).await
            || killed(state_dir, process, Signal::KILL).await;
    }
    killed(state_dir, process, Signal::TERM).await || killed(state_dir, process, Signal::KILL).await
}

/// Whether the host with that process id has ended.
fn is_gone(state_dir: &Path, process: Option<u32>) -> bool {
    !is_running(state_dir) || (process.is_some() && lock::process(state_dir) != process)
}

/// Whether the host has heard that it is to stop, or is gone.
async fn asked(state_dir: &Path, process: Option<u32>) -> bool {
    let start = Instant::now();
    while !is_gone(state_dir, process) {
        let left = HEED_TIME.saturating_sub(start.elapsed());
        if left.is_zero() {
            return false;
        }
        // How to reach it may not be written yet, or anew.
        if let Some(client) = find(state_dir)
            && client.stop(left).await.is_ok()
        {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}

/// Sends the host a signal; whether it is gone then.
async fn killed(state_dir: &Path, process: Option<u32>, signal: Signal) -> bool {
    let id = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(id) = id.filter(|_| !is_gone(state_dir, process)) {
        // It may have gone by itself.
        let _ = kill_process(id, signal);
    }
    gone_within(state_dir, process, HEED_TIME).await
}

async fn gone_within(state_dir: &Path, process: Option<u32>, time: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < time {
        if is_gone(state_dir, process) {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}
