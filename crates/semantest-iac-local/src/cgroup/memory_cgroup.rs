//! The cgroup of one worker or replica.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::write;

/// Groups that could not be taken away yet: something in them was still about to end.
pub(super) type Leaving = Arc<Mutex<Vec<PathBuf>>>;

/// A group whose processes are ended together where they take more memory than they may; they are ended, and the group is taken
/// away, when this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryCgroup {
    path: PathBuf,
    leaving: Leaving,
}

impl MemoryCgroup {
    /// Makes the group. Nothing is moved out to swap: memory beyond the limit is to be an error, and not slow.
    ///
    /// # Errors
    /// Where it cannot be made, or the kernel does not take the limit; nothing is left then.
    pub(super) fn make(path: PathBuf, memory_mb: u32, leaving: Leaving) -> io::Result<Self> {
        fs::create_dir(&path)?;
        let group = Self { path, leaving };
        group.limit(memory_mb)?;
        write(&group.path.join("memory.oom.group"), "1")?;
        let swap = group.path.join("memory.swap.max");
        // Kernels without swap have none.
        if swap.exists() {
            write(&swap, "0")?;
        }
        Ok(group)
    }

    /// Sets the limit anew, in MiB.
    ///
    /// # Errors
    /// Where the kernel does not take it, or the group is gone.
    pub fn limit(&self, memory_mb: u32) -> io::Result<()> {
        write(&self.path.join("memory.max"), &(u64::from(memory_mb) * 1024 * 1024).to_string())
    }

    /// The file by which a process comes into the group: it writes `0` for itself.
    ///
    /// # Errors
    /// Where the group is gone.
    pub fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))
    }

    /// Whether a process is in it; also one that has ended and whose parent has not asked how.
    pub fn holds(&self, process: u32) -> bool {
        let told = fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        let groups = told.lines().filter_map(|line| line.strip_prefix("0::"));
        let mut groups = groups.map(|group| Path::new(group.trim_end_matches(" (deleted)")).file_name());
        groups.any(|name| name.is_some() && name == self.path.file_name())
    }

    /// The most memory it has used so far, in KiB; on kernels that do not tell (before 5.19), what it uses now. Nothing where the
    /// group is gone: nothing is held to its limit then.
    pub fn peak_kib(&self) -> Option<u64> {
        let bytes = |name: &str| fs::read_to_string(self.path.join(name)).ok()?.trim().parse::<u64>().ok();
        bytes("memory.peak").or_else(|| bytes("memory.current")).map(|bytes| bytes / 1024)
    }

    /// Whether its processes were ended for want of memory.
    pub fn was_killed(&self) -> bool {
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.is_some_and(|kills| kills.trim() != "0")
    }
}

impl Drop for MemoryCgroup {
    fn drop(&mut self) {
        if !clear(&self.path) {
            self.leaving.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(self.path.clone());
        }
    }
}

/// The groups in a group.
pub(super) fn children(group: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// Ends all that is in a group and takes it away; whether it is gone. What has been killed takes a moment to end.
pub(super) fn clear(group: &Path) -> bool {
    // Kernels before 5.14 cannot; whoever ran the processes kills them as well.
    let _ = write(&group.join("cgroup.kill"), "1");
    // What ran there may have made groups of its own.
    for child in children(group) {
        clear(&child);
    }
    match fs::remove_dir(group) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
