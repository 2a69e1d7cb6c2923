//! The gate: who writes next, among processes. SQLite's own busy waiting starves writers; a lock that the kernel
//! hands out does not (docs/decisions/0003).

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use semantest_iac_core::Result;

use crate::error::file;

/// The lock file beside the database.
pub(crate) struct Gate {
    lock: File,
    path: PathBuf,
}

impl Gate {
    /// Opens the lock file.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).read(true).write(true).open(path);
        Ok(Self { lock: lock.map_err(file("store.lock", path))?, path: path.to_owned() })
    }

    /// Waits for its turn and writes down who it is.
    pub fn enter(&mut self) -> Result<()> {
        self.lock.lock().map_err(file("store.lock", &self.path))?;
        self.sign();
        Ok(())
    }

    /// Only a hint for whoever has to wait: it need not be durable, and must not fail a write. Written only where another
    /// process has written meanwhile, since a changed file makes the next sync dearer.
    fn sign(&mut self) {
        let own = format!("{:<12}", std::process::id());
        let mut there = String::new();
        let _ = self.lock.seek(SeekFrom::Start(0));
        let _ = self.lock.read_to_string(&mut there);
        if there != own {
            let _ = self.lock.seek(SeekFrom::Start(0));
            let _ = self.lock.write_all(own.as_bytes());
        }
    }

    /// Lets the next one in.
    pub fn leave(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// The process that wrote last, for messages; one that has ended since is not it.
pub(crate) fn last_writer(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let process = read.ok().and_then(|_| rustix::process::Pid::from_raw(text.trim().parse().ok()?));
    match process {
        Some(process) if rustix::process::test_kill_process(process).is_ok() => {
            format!("process {}", process.as_raw_nonzero())
        }
        _ => "another process".into(),
    }
}
