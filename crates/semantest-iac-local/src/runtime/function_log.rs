//! The log of a function or of a container service: one JSON object a line, `{"time", "request_id"?, "replica"?, "message"}`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

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
    file: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    /// The file, and its size in bytes.
    file: Option<(File, u64)>,
    /// Lines that go into it with the next ones.
    held: Vec<u8>,
}

/// A [`LogEntry`] on its way into the file.
#[derive(Serialize)]
struct Written<'a> {
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<u32>,
    message: &'a str,
}

impl FunctionLog {
    /// The log at `path`; created with the first line.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: Mutex::default() }
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

    /// Writes one line together with those that come next, or at the next [`Self::flush`]: one call of the system less.
    pub(crate) fn write_with_next(&self, request_id: Option<&str>, message: &str) {
        add(&mut self.opened().held, request_id, None, &[message]);
    }

    /// Writes what waits for more.
    pub(crate) fn flush(&self) {
        let mut opened = self.opened();
        if !opened.held.is_empty() {
            self.append(&mut opened);
        }
    }

    /// Writes lines of one moment that belong to an invocation, or to a replica.
    pub(crate) fn write_lines(&self, request_id: Option<&str>, replica: Option<u32>, messages: &[&str]) {
        let mut opened = self.opened();
        add(&mut opened.held, request_id, replica, messages);
        self.append(&mut opened);
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn append(&self, opened: &mut Opened) {
        if let Err(error) = self.try_append(opened) {
            tracing::warn!(error = %error, path = %self.path.display(), "a function's log cannot be written");
        }
        opened.held.clear();
    }

    fn try_append(&self, opened: &mut Opened) -> std::io::Result<()> {
        if opened.file.as_ref().is_some_and(|(_, size)| *size > LIMIT) {
            opened.file = None;
            fs::rename(&self.path, Self::rotated(&self.path))?;
        }
        if opened.file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            let size = file.metadata()?.len();
            opened.file = Some((file, size));
        }
        if let Some((file, size)) = opened.file.as_mut() {
            file.write_all(&opened.held)?;
            *size += opened.held.len() as u64;
        }
        Ok(())
    }
}

fn add(lines: &mut Vec<u8>, request_id: Option<&str>, replica: Option<u32>, messages: &[&str]) {
    let time = Timestamp::now();
    for message in messages {
        // Writing plain data into memory cannot fail.
        let _ = serde_json::to_writer(&mut *lines, &Written { time, request_id, replica, message });
        lines.push(b'\n');
    }
}

impl Drop for FunctionLog {
    fn drop(&mut self) {
        self.flush();
    }
}
