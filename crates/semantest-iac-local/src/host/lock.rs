//! The lock that a host holds for as long as it lives, with its process id in it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::registry::at;

/// Held by a host; dropped with it.
pub(crate) struct HostLock {
    path: PathBuf,
    file: File,
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("host.lock")
}

/// Whether a host of `state_dir` runs: it holds its lock for as long as it lives.
pub fn is_running(state_dir: &Path) -> bool {
    match File::open(path(state_dir)) {
        Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// Process id of the host that runs, where one runs and has said so.
pub(crate) fn process(state_dir: &Path) -> Option<u32> {
    let said = fs::read_to_string(path(state_dir)).ok()?;
    is_running(state_dir).then(|| said.trim().parse().ok()).flatten()
}

impl HostLock {
    /// Takes the lock; nothing where another host has it.
    ///
    /// # Errors
    /// Where its file cannot be used.
    pub async fn take(state_dir: &Path) -> io::Result<Option<Self>> {
        let path = path(state_dir);
        let failed = |error| at(&path, error);
        // Not emptied before it is ours: what stands in it may be of a host that runs.
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let mut file = open.map_err(failed)?;
        if !own(&file).await.map_err(failed)? {
            return Ok(None);
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Some(Self { path, file }))
    }

    /// Whether the lock still stands for the folder: not where the folder was taken away or replaced meanwhile.
    pub fn is_in_place(&self) -> bool {
        let same =
            |one: fs::Metadata, other: fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(own), Ok(there)) => same(own, there),
            (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
            (Err(_), _) => true,
        }
    }
}

/// Takes the lock; `false` where another host has it. Whoever only looks shares the lock for a moment: that is
/// waited out. Another host is not: it may end much later, and its place is not ours to take then.
async fn own(lock: &File) -> io::Result<bool> {
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => match lock.try_lock_shared() {
                Ok(()) => lock.unlock()?,
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
