//! Processes that functions and replicas leave behind. A child that made itself a session is in no group of its worker's, but it
//! keeps its worker's environment, secrets included: that is how it is found, where the system shows environments
//! (Linux). Elsewhere nothing is done.

use std::path::Path;

/// Names one worker: no two have the same value.
const WORKER: &str = "AWS_LAMBDA_LOG_STREAM_NAME=";
/// Names the folder a function's code lies in.
const CODE: &str = "LAMBDA_TASK_ROOT=";
/// Names the folder of the host that a replica belongs to.
pub(crate) const STATE_FOLDER: &str = "SEMANTEST_STATE_DIR";
/// A process that is dying can start another one; so often is looked again.
const ROUNDS: usize = 10;

/// Ends what one worker leaves behind, when dropped.
pub(crate) struct Leftovers {
    worker: Option<String>,
}

impl Leftovers {
    /// Of the worker with that process id, which must be running.
    pub fn of(process: u32) -> Self {
        let worker = environment(process).into_iter().find(|variable| variable.starts_with(WORKER));
        Self { worker }
    }
}

impl Leftovers {
    /// Of what has this variable (`NAME=value`) in its environment.
    pub fn with_variable(variable: String) -> Self {
        Self { worker: Some(variable) }
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            kill_all(|variables| variables.iter().any(|variable| variable == worker));
        }
    }
}

/// Ends what runs code of `packages`, and replicas of the host that they are of: left behind by a host that was killed.
/// Only while no host runs.
pub(crate) fn kill_in(packages: &Path) {
    let replicas = packages.parent().map(|state_dir| format!("{STATE_FOLDER}={}", state_dir.display()));
    let runs_in_it = |variable: &String| {
        variable.strip_prefix(CODE).is_some_and(|folder| Path::new(folder).starts_with(packages))
    };
    let is_replica = |variable: &String| Some(variable) == replicas.as_ref();
    kill_all(|variables| variables.iter().any(|variable| runs_in_it(variable) || is_replica(variable)));
}

#[cfg(not(target_os = "linux"))]
fn environment(_process: u32) -> Vec<String> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn kill_all(_is_left: impl Fn(&[String]) -> bool) {}

/// Variables of a process, where it is one of this user's.
#[cfg(target_os = "linux")]
fn environment(process: u32) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let folder = format!("/proc/{process}");
    let own = rustix::process::geteuid().as_raw();
    if !std::fs::metadata(&folder).is_ok_and(|metadata| metadata.uid() == own) {
        return Vec::new();
    }
    let bytes = std::fs::read(format!("{folder}/environ")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|variable| String::from_utf8_lossy(variable).into_owned()).collect()
}

#[cfg(target_os = "linux")]
fn kill_all(is_left: impl Fn(&[String]) -> bool) {
    use rustix::process::{Pid, Signal, kill_process};
    for _ in 0..ROUNDS {
        let Ok(entries) = std::fs::read_dir("/proc") else { return };
        let processes = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let own = std::process::id();
        let left = processes.filter(|process| *process != own && is_left(&environment(*process)));
        let killed = left.filter(|process| {
            let pid = i32::try_from(*process).ok().and_then(Pid::from_raw);
            pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
        });
        if killed.count() == 0 {
            return;
        }
    }
}
