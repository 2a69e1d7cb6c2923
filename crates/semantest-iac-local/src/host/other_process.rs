//! Whether another process still lives.

use rustix::process::{Pid, test_kill_process};

/// A process that somebody else started. Its id may be another one's later: where the system tells (Linux: proc(5)), it
/// is known by when it was started, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherProcess {
    id: u32,
    started: Option<String>,
}

impl OtherProcess {
    /// The process that has `id` now.
    pub fn new(id: u32) -> Self {
        Self { id, started: about(id).map(|(_, started)| started) }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it lives: one that has ended, and was not yet asked by its parent how, does not.
    pub fn lives(&self) -> bool {
        let process = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        if process.is_none_or(|process| test_kill_process(process).is_err()) {
            return false;
        }
        match (&self.started, about(self.id)) {
            (Some(started), Some((state, now))) => state != "Z" && state != "X" && now == *started,
            _ => true,
        }
    }
}

/// State of a process, and when it was started.
fn about(id: u32) -> Option<(String, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before it may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some(((*fields.first()?).to_owned(), (*fields.get(19)?).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_until_it_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a process");
        let process = OtherProcess::new(child.id());
        assert!(process.lives());
        child.kill().expect("killed");
        if cfg!(target_os = "linux") {
            // Also where nobody has asked how it ended.
            let begun = std::time::Instant::now();
            while process.lives() {
                assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it was killed");
            }
        }
        child.wait().expect("its end");
        assert!(!process.lives());
    }
}
