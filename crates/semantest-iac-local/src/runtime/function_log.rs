//! The log of a function or of a container service: one JSON object a line, `{"time", "request_id"?, "replica"?, "message"}`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use semantest_iac_core::ports::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A file is put aside beyond this size, in bytes; one is kept.
const LIMIT: u64 = 10 * 1024 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was written.
    pub time: Timestamp,
    /// The invocation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The replica that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<u32>,
    /// The text, without line end.
    pub message: String,
}

/// Appends to a function's log.
pub struct FunctionLog {
    path: PathBuf,
    file: Mutex<Option<(File, u64)>>,
}

impl FunctionLog {
    /// The log at `path`; created with the first line.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: Mutex::new(None) }
    }

    /// Where the log of `function` is kept under the host's state folder.
    pub fn path(state_dir: &Path, function: &str) -> PathBuf {
        state_dir.join("logs").join(format!("{function}.log"))
    }

    /// Where the older part of a log is put aside.
    pub fn rotated(path: &Path) -> PathBuf {
        path.with_extension("log.1")
    }

    /// Writes one line. A log that cannot be written never fails an invocation.
    pub fn write(&self, request_id: Option<&str>, message: &str) {
        self.write_all(request_id, &[message]);
    }

    /// Writes lines of one moment together.
    pub fn write_all(&self, request_id: Option<&str>, messages: &[&str]) {
        self.write_lines(request_id, None, messages);
    }

    /// Writes lines of one moment that belong to an invocation, or to a replica.
    pub(crate) fn write_lines(&self, request_id: Option<&str>, replica: Option<u32>, messages: &[&str]) {
        let time = Timestamp::now();
        let mut lines = Vec::new();
        for message in messages {
            let request_id = request_id.map(str::to_owned);
            let entry = LogEntry { time, request_id, replica, message: (*message).to_owned() };
            // Writing plain data into memory cannot fail.
            let _ = serde_json::to_writer(&mut lines, &entry);
            lines.push(b'\n');
        }
        if let Err(error) = self.append(&lines) {
            tracing::warn!(error = %error, path = %self.path.display(), "a function's log cannot be written");
        }
    }

    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let mut guard = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if guard.as_ref().is_some_and(|(_, size)| *size > LIMIT) {
            *guard = None;
            fs::rename(&self.path, Self::rotated(&self.path))?;
        }
        if guard.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            let size = file.metadata()?.len();
            *guard = Some((file, size));
        }
        if let Some((file, size)) = guard.as_mut() {
            file.write_all(line)?;
            *size += line.len() as u64;
        }
        Ok(())
    }
}
