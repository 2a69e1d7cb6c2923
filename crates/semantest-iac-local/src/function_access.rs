//! Calls functions and reads their logs.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::provider::{
    FunctionAccess, InvokeAnswer, InvokeRequest, LogLine, LogPage, LogQuery, PartSink, StreamAnswer,
};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::control::messages::Invoked;
use crate::error::disk;
use crate::provider::{LocalProvider, physical_name};
use crate::runtime::function_log::LogEntry;

const OPERATION: &str = "local.logs";

/// How often a log is looked at while a new line is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[async_trait]
impl FunctionAccess for LocalProvider {
    async fn invoke(&self, request: &InvokeRequest) -> Result<InvokeAnswer> {
        let name = physical_name(&request.function)?;
        match self.host_with_something().await? {
            Some((host, state)) => {
                let Invoked { request_id, payload, error_type, duration_ms, logs } =
                    host.invoke(&name, &request.payload, state.inspected.contains(&name)).await?;
                let line = |entry: LogEntry| line(&name, entry);
                let logs = logs.into_iter().map(line).collect();
                Ok(InvokeAnswer { request_id, payload, error_type, duration_ms: Some(duration_ms), logs })
            }
            None => Err(not_here(&name)),
        }
    }

    async fn send(&self, request: &InvokeRequest) -> Result<String> {
        let name = physical_name(&request.function)?;
        match self.host_with_something().await? {
            Some((host, _)) => Ok(host.send(&name, &request.payload).await?.request_id),
            None => Err(not_here(&name)),
        }
    }

    async fn stream(&self, request: &InvokeRequest, parts: PartSink<'_>) -> Result<StreamAnswer> {
        let name = physical_name(&request.function)?;
        let Some((host, state)) = self.host_with_something().await? else { return Err(not_here(&name)) };
        let inspected = state.inspected.contains(&name);
        let end = host.stream(&name, &request.payload, inspected, parts).await?;
        Ok(StreamAnswer {
            request_id: end.request_id,
            content_type: Some(end.content_type),
            error_type: end.error_type,
            error: end.error,
            duration_ms: Some(end.duration_ms),
            logs: end.logs.into_iter().map(|entry| line(&name, entry)).collect(),
        })
    }

    async fn logs(&self, query: &LogQuery) -> Result<LogPage> {
        let name = physical_name(&query.function)?;
        let log = LogFiles { folder: self.config.state_dir.join("logs"), name };
        let mut place = query.cursor.as_deref().map(Place::parse).transpose()?;
        let start = Instant::now();
        loop {
            let since = query.since.filter(|_| place.is_none() && query.cursor.is_none());
            let (mut lines, next) = log.read_from(place, since)?;
            let surplus = lines.len().saturating_sub(query.limit);
            lines.drain(..surplus);
            let waited = start.elapsed();
            if !lines.is_empty() || waited >= query.wait {
                return Ok(LogPage { lines, cursor: next.to_string() });
            }
            place = Some(next);
            tokio::time::sleep(LOOK_AGAIN.min(query.wait - waited)).await;
        }
    }
}

fn not_here(name: &str) -> Error {
    let text = format!("function `{name}` is not on this machine: deploy its component");
    Error::new(ErrorKind::NotFound, "local.invoke", text)
}

/// Which file, and how far into it. A rotated file keeps its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    file: u64,
    offset: u64,
}

impl Place {
    fn parse(text: &str) -> Result<Self> {
        let parts =
            text.split_once(':').and_then(|(file, offset)| Some((file.parse(), offset.parse().ok()?)));
        match parts {
            Some((Ok(file), offset)) => Ok(Self { file, offset }),
            _ => {
                let text = format!("`{}` is not a cursor of this log", text.escape_debug());
                Err(Error::new(ErrorKind::InvalidInput, OPERATION, text))
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

/// `<state_dir>/logs/<function>.log`, and `.log.1` before it.
struct LogFiles {
    folder: PathBuf,
    name: String,
}

impl LogFiles {
    /// Lines after `place` (or from the start), and the place after them.
    fn read_from(&self, place: Option<Place>, since: Option<Timestamp>) -> Result<(Vec<LogLine>, Place)> {
        let files = self.files()?;
        let place = place.unwrap_or_default();
        // A file that is gone was rotated away: what is left is newer.
        let first = files.iter().position(|(_, id)| *id == place.file);
        let mut end = place;
        let mut lines = Vec::new();
        for (path, id) in files.iter().skip(first.unwrap_or(0)) {
            let offset = if *id == place.file { place.offset } else { 0 };
            let text = read(path, offset).map_err(|error| disk(OPERATION, path, error))?;
            // A line without its end is still being written.
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            end = Place { file: *id, offset: offset + whole as u64 };
            lines.extend(text[..whole].split(|byte| *byte == b'\n').filter_map(|line| self.line(line)));
        }
        lines.retain(|line| since.is_none_or(|since| line.time >= since));
        Ok((lines, end))
    }

    /// The files there are, oldest first.
    fn files(&self) -> Result<Vec<(PathBuf, u64)>> {
        let mut files = Vec::new();
        for suffix in ["log.1", "log"] {
            let path = self.folder.join(format!("{}.{suffix}", self.name));
            match fs::metadata(&path) {
                Ok(metadata) => files.push((path, metadata.ino())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(disk(OPERATION, &path, error)),
            }
        }
        Ok(files)
    }

    fn line(&self, text: &[u8]) -> Option<LogLine> {
        serde_json::from_slice(text).ok().map(|entry| line(&self.name, entry))
    }
}

fn line(function: &str, entry: LogEntry) -> LogLine {
    let LogEntry { time, request_id, replica, message } = entry;
    LogLine { time, function_name: function.to_owned(), request_id, replica, message }
}

fn read(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}
