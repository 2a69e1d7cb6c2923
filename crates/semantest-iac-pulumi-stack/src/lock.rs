//! Locks that Pulumi's own backends leave behind when a run is killed.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, test_kill_process};

/// Who holds a lock, as Pulumi tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub machine: String,
    pub process: i32,
}

/// The holders that an error of `pulumi` names: `created by somebody@machine (pid 123) at …`, a line for each.
///
/// Source: Pulumi, pkg/backend/diy/lock.go.
pub(crate) fn holders(said: &str) -> Vec<Holder> {
    if !said.contains("currently locked") {
        return Vec::new();
    }
    let holder = |part: &str| {
        let (who, rest) = part.split_once(" (pid ")?;
        let process = rest.split_once(')')?.0.parse().ok()?;
        let machine = who.rsplit_once('@')?.1.to_owned();
        Some(Holder { machine, process })
    };
    said.split("created by ").skip(1).filter_map(holder).collect()
}

/// Whether all of them are gone: processes of this machine that have ended.
pub(crate) fn are_gone(holders: &[Holder]) -> bool {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_string_lossy();
    !holders.is_empty() && holders.iter().all(|holder| holder.machine == machine && !is_alive(holder.process))
}

/// Whether a process of this machine is alive.
pub(crate) fn is_alive(process: i32) -> bool {
    let Some(process) = Pid::from_raw(process) else { return false };
    match test_kill_process(process) {
        Ok(()) => !is_dead(process),
        // It is there, and somebody else's.
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

/// Ended, and not waited for: such a process does nothing any more.
fn is_dead(process: Pid) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process.as_raw_nonzero().to_string()).join("stat"));
    stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Pulumi 3.259 prints it.
    const SAID: &str = "error: the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end or \
                        delete the lock file with `pulumi cancel`.\n  file:///b/.pulumi/locks/a.json: created by \
                        root@one.example (pid 12) at 2026-12-01T05:00:00Z\n  file:///b/.pulumi/locks/b.json: created by \
                        me@work@two (pid 34) at 2026-12-01T05:00:00Z";

    #[test]
    fn who_holds_a_lock_is_read_from_what_pulumi_says() {
        let expected = [("one.example", 12), ("two", 34)]
            .map(|(machine, process)| Holder { machine: machine.into(), process });
        assert_eq!(holders(SAID), expected);
        assert!(holders("error: created by me@here (pid 1) at noon").is_empty(), "no lock");
    }

    #[test]
    fn a_lock_is_left_behind_only_where_its_process_was_here_and_has_ended() {
        let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let own = i32::try_from(std::process::id()).expect("a process id");
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("its end");
        let ended = i32::try_from(child.id()).expect("a process id");
        let held = |machine: &str, process| vec![Holder { machine: machine.into(), process }];
        assert!(are_gone(&held(&here, ended)));
        assert!(!are_gone(&held(&here, own)), "it runs");
        assert!(!are_gone(&held("elsewhere", ended)), "nobody here can tell");
        assert!(!are_gone(&[]));
    }
}
