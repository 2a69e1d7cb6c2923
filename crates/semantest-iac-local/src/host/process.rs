//! Finding, starting and stopping the host of a project.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::control::client::ControlClient;
use crate::control::messages::HostState;
use crate::error::disk;

/// Locked for as long as a host runs.
pub(crate) const LOCK: &str = "host.lock";

/// How long a host may take to be ready.
const START_TIME: Duration = Duration::from_secs(15);
/// How long a host may take to finish what is under way.
const STOP_TIME: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// `host.json`: how to talk to the running host. Readable by its owner only.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct HostFile {
    pub pid: u32,
    pub port: u16,
    pub token: String,
}

impl HostFile {
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("host.json")
    }

    fn read(state_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path(state_dir)).ok()?).ok()
    }
}

/// Whether a host of `state_dir` runs: it holds its lock for as long as it lives.
pub fn is_running(state_dir: &Path) -> bool {
    match File::open(state_dir.join(LOCK)) {
        Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
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
/// `Unavailable` where it neither answers nor ends.
pub async fn answering(state_dir: &Path) -> Result<Option<(ControlClient, HostState)>> {
    let start = Instant::now();
    loop {
        if !is_running(state_dir) {
            return Ok(None);
        }
        if let Some(client) = find(state_dir)
            && let Ok(state) = client.state().await
        {
            return Ok(Some((client, state)));
        }
        if start.elapsed() > STOP_TIME {
            let text = "the local host neither answers nor ends; stop it with `semantest-iac local stop`";
            return Err(Error::new(ErrorKind::Unavailable, "local.control", text).retry_later());
        }
        tokio::time::sleep(LOOK).await;
    }
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
    let log = fs::read_to_string(state_dir.join("host.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join(" | ");
    let text = format!("the local host {what}; the end of its log: {tail}");
    Error::new(ErrorKind::Provider, "local.start", text).with("log", state_dir.join("host.log").display())
}

fn start_host(state_dir: &Path, command: &[OsString]) -> Result<Child> {
    let failed = |error| disk("local.start", state_dir, error);
    fs::create_dir_all(state_dir).map_err(failed)?;
    // What a dead host left must not be taken for the new one's.
    let _ = fs::remove_file(HostFile::path(state_dir));
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).open(state_dir.join("host.log")).map_err(failed)?;
    let errors = log.try_clone().map_err(failed)?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::new(ErrorKind::Internal, "local.start", "no command runs the local host"));
    };
    let mut host = Command::new(program);
    host.args(arguments).stdin(Stdio::null()).stdout(log).stderr(errors);
    // A group of its own: Ctrl-C at the terminal is not meant for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut host, 0);
    host.spawn().map_err(|error| {
        let text = format!("{} cannot be started: {error}", program.display());
        Error::new(ErrorKind::Provider, "local.start", text)
    })
}

/// Stops the host, where one runs, and says whether one did. It finishes what is under way; one that does not end in
/// time is killed.
///
/// # Errors
/// `Timeout` where it cannot even be killed.
pub async fn stop(state_dir: &Path) -> Result<bool> {
    if !is_running(state_dir) {
        return Ok(false);
    }
    if let Some(client) = find(state_dir) {
        // One that does not answer is killed below.
        let _ = client.stop().await;
    }
    if gone_within(state_dir, STOP_TIME).await {
        return Ok(true);
    }
    let pid = HostFile::read(state_dir).map(|file| file.pid);
    if let Some(pid) = pid.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    if gone_within(state_dir, STOP_TIME).await {
        return Ok(true);
    }
    let text = "the local host does not end; end its process by hand";
    Err(Error::new(ErrorKind::Timeout, "local.stop", text).with("pid", pid.unwrap_or_default()))
}

async fn gone_within(state_dir: &Path, time: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < time {
        if !is_running(state_dir) {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}
