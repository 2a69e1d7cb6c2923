//! Programs and all that they start: what processor time they take, and their end.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A program in a process group of its own, which ends with this value.
pub struct Tree {
    child: Child,
}

impl Tree {
    /// Starts `command` with its input closed and its output thrown away.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.process_group(0).spawn().expect("the program starts") }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, which has to be a good one.
    pub fn wait(mut self) {
        let status = self.child.wait().expect("its end");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let group = format!("-{}", self.pid());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// Processor time in microseconds of a process and all that descend from it, what has ended and was waited for included.
pub fn processor_us(root: u32) -> u64 {
    let all = processes();
    let descends = |mut pid: u32| loop {
        match all.get(&pid) {
            _ if pid == root => return true,
            Some((parent, _)) if *parent > 1 => pid = *parent,
            _ => return false,
        }
    };
    all.iter().filter(|(pid, _)| descends(**pid)).map(|(_, (_, spent))| spent).sum()
}

/// Parent and processor microseconds of each process. The kernel counts in ticks of 1/100 s.
fn processes() -> BTreeMap<u32, (u32, u64)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        // utime, stime, cutime, cstime (proc_pid_stat(5)).
        let ticks: u64 = fields.get(11..15)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some((pid, (fields.get(1)?.parse().ok()?, ticks * 10_000)))
    });
    stats.collect()
}

/// Processor time in microseconds of one process's living threads, to the nanosecond that the scheduler counts.
pub fn threads_us(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    spent.sum::<f64>() / 1000.0
}

/// Memory in MB that one process has for itself, and its share of what it has with others.
pub fn memory_mb(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
