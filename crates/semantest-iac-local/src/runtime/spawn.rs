//! Starting worker processes so that none outlives the host.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tokio::process::{Child, Command};

use crate::cgroup::memory_cgroup::MemoryCgroup;

/// Starts `command` in a process group of its own. On Linux the kernel kills it when the host dies; it must be called
/// from a thread that lives as long as the host (prctl(2), `PR_SET_PDEATHSIG`). Elsewhere the worker ends
/// when its connection to the host closes.
///
/// It begins in `group`, where there is one; that comes back if it did.
pub(crate) fn spawn(
    command: Command,
    group: Option<MemoryCgroup>,
) -> io::Result<(Child, Option<MemoryCgroup>)> {
    let entrance = group.as_ref().and_then(|group| group.entrance().ok());
    let child = spawn_through(command, entrance)?;
    let process = child.id().unwrap_or_default();
    Ok((child, group.filter(|group| group.holds(process))))
}

#[allow(unsafe_code, reason = "pre_exec is the only way to ask for the death signal between fork and exec")]
fn spawn_through(mut command: Command, entrance: Option<File>) -> io::Result<Child> {
    command.process_group(0).kill_on_drop(true);
    #[cfg(target_os = "linux")]
    {
        let host = rustix::process::getpid();
        // SAFETY: the closure runs between fork and exec and only makes async-signal-safe system calls.
        unsafe {
            command.pre_exec(move || {
                // Where it cannot come in, its memory is looked at.
                let _ = entrance.as_ref().map(|mut entrance| entrance.write_all(b"0"));
                rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
                // The host may have died before the request reached the kernel.
                match rustix::process::getppid() {
                    Some(parent) if parent == host => Ok(()),
                    _ => Err(io::ErrorKind::BrokenPipe.into()),
                }
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    drop(entrance);
    command.spawn().map_err(|error| unstartable(command.as_std(), &error))
}

/// The same error with the file it is about, and what to do.
fn unstartable(command: &std::process::Command, error: &io::Error) -> io::Error {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or_default().display();
    let text = match (error.kind(), command.get_current_dir()) {
        (_, Some(code)) if !code.is_dir() => {
            format!("the function's code is gone from `{}`; deploy again", code.display())
        }
        (io::ErrorKind::PermissionDenied, _) => {
            format!("`{}`: {error}; make it executable (chmod +x {name}) and deploy again", program.display())
        }
        (io::ErrorKind::NotFound, _) => {
            let advice = "it, or the program that its first line (#!) names, is missing";
            format!("`{}`: {error}; {advice}", program.display())
        }
        _ => format!("`{}`: {error}", program.display()),
    };
    io::Error::new(error.kind(), text)
}

/// Kills the process group that `leader` leads.
pub(crate) fn kill_group(leader: u32) {
    signal_group(leader, rustix::process::Signal::KILL);
}

/// Asks the process group that `leader` leads to end.
pub(crate) fn terminate_group(leader: u32) {
    signal_group(leader, rustix::process::Signal::TERM);
}

fn signal_group(leader: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}
