//! What one invocation wrote.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::runtime::function_log::{FunctionLog, LogEntry};

/// So much of a log's end is searched first, in bytes: most invocations write less.
const TAIL_BYTES: u64 = 256 * 1024;

/// At most so many lines are answered.
const LINES_LIMIT: usize = 10_000;

/// The first line of every invocation.
const START: &str = "START RequestId";

/// Lines of one invocation, oldest first. Where it wrote more than is answered, the first line says how much is left
/// out.
pub(crate) fn lines_of(log: &Path, request_id: &str) -> Vec<LogEntry> {
    let size = std::fs::metadata(log).map_or(0, |metadata| metadata.len());
    let mut lines = read(log, size.saturating_sub(TAIL_BYTES), request_id);
    if !is_whole(&lines) && size > TAIL_BYTES {
        lines = read(log, 0, request_id);
    }
    if !is_whole(&lines) {
        let mut older = read(&FunctionLog::rotated(log), 0, request_id);
        older.append(&mut lines);
        lines = older;
    }
    shortened(lines)
}

fn is_whole(lines: &[LogEntry]) -> bool {
    lines.first().is_some_and(|line| line.message.starts_with(START))
}

fn shortened(mut lines: Vec<LogEntry>) -> Vec<LogEntry> {
    let more = lines.len().saturating_sub(LINES_LIMIT);
    if more > 0 {
        lines.drain(..more);
        // In the place of one more line.
        lines[0].message = format!("{} earlier lines are left out: see `semantest-iac logs`", more + 1);
    }
    lines
}

fn read(log: &Path, offset: u64, request_id: &str) -> Vec<LogEntry> {
    let text = tail(log, offset).unwrap_or_default();
    let entries = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    entries.filter(|entry: &LogEntry| entry.request_id.as_deref() == Some(request_id)).collect()
}

fn tail(log: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: usize) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f.log");
        let written = FunctionLog::new(path.clone());
        written.write(Some("before"), "another one");
        written.write(Some("id"), "START RequestId: id Version: $LATEST");
        let texts: Vec<String> = (0..lines).map(|line| format!("{line:0>100}")).collect();
        written.write_all(Some("id"), &texts.iter().map(String::as_str).collect::<Vec<_>>());
        (folder, path)
    }

    #[test]
    fn a_long_log_is_answered_whole() {
        let (_folder, path) = log(9_000);
        assert!(std::fs::metadata(&path).expect("a log").len() > TAIL_BYTES);
        let lines = lines_of(&path, "id");
        assert_eq!((lines.len(), lines[0].message.starts_with(START)), (9_001, true));
        std::fs::rename(&path, FunctionLog::rotated(&path)).expect("put aside");
        FunctionLog::new(path.clone()).write(Some("id"), "END RequestId: id");
        assert_eq!(lines_of(&path, "id").len(), 9_002, "also the part that was put aside");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let (_folder, path) = log(LINES_LIMIT + 5);
        let lines = lines_of(&path, "id");
        assert_eq!(lines.len(), LINES_LIMIT);
        assert!(lines[0].message.starts_with("7 earlier lines are left out"), "{}", lines[0].message);
    }
}
