//! An event store in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use tokio::sync::Notify;

use crate::domain::timestamp::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::event_store::{
    Append, Appended, EventStore, ExpectedVersion, Position, RecordedEvent, StreamInfo, StreamVersion,
};

/// Keeps events for as long as it lives.
pub struct InMemoryEventStore {
    log: Mutex<Log>,
    grown: Notify,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Log {
    events: Vec<RecordedEvent>,
    streams: BTreeMap<String, (Vec<usize>, Timestamp)>,
    ids: HashSet<(String, String)>,
    fences: BTreeMap<String, u64>,
}

impl InMemoryEventStore {
    /// An empty log; `clock` times out [`EventStore::wait`].
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { log: Mutex::default(), grown: Notify::new(), clock }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Log {
    fn check(&self, append: &Append) -> Result<StreamVersion> {
        if append.events.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "events.append", "there is nothing to append"));
        }
        if let Some((name, token)) = &append.fence
            && self.fences.get(name).is_some_and(|newest| newest > token)
        {
            let text = format!("`{name}` was taken over by another run");
            return Err(Error::new(ErrorKind::Held, "events.append", text));
        }
        let actual = self.streams.get(&append.stream).map_or(0, |(events, _)| events.len() as u64);
        if let ExpectedVersion::Exact(expected) = append.expected
            && expected != actual
        {
            let text = format!("`{}` is at version {actual}, not {expected}", append.stream);
            return Err(Error::new(ErrorKind::VersionConflict, "events.append", text)
                .retry_later()
                .with("expected", expected)
                .with("actual", actual));
        }
        let mut new = HashSet::new();
        for event in &append.events {
            if self.ids.contains(&event.identity()) || !new.insert(event.identity()) {
                let text = format!("event `{}` is in the log already", event.id);
                return Err(
                    Error::new(ErrorKind::DuplicateEvent, "events.append", text).with("id", &event.id)
                );
            }
        }
        Ok(actual)
    }
}

#[async_trait]
impl EventStore for InMemoryEventStore {
    async fn append(&self, append: Append) -> Result<Appended> {
        let mut guard = self.log();
        let log = &mut *guard;
        let mut version = log.check(&append)?;
        if let Some((name, token)) = append.fence {
            log.fences.insert(name, token);
        }
        let stream =
            log.streams.entry(append.stream.clone()).or_insert_with(|| (Vec::new(), self.clock.now()));
        for mut event in append.events {
            version += 1;
            event.sequence = None;
            stream.0.push(log.events.len());
            let position = log.events.len() as u64 + 1;
            log.ids.insert(event.identity());
            let json = event.to_json();
            log.events.push(RecordedEvent { position, stream: append.stream.as_str().into(), version, json });
        }
        stream.1 = self.clock.now();
        let position = log.events.len() as u64;
        drop(guard);
        self.grown.notify_waiters();
        Ok(Appended { position, version })
    }

    async fn read_stream(
        &self,
        stream: &str,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>> {
        let log = self.log();
        let places = log.streams.get(stream).map(|(places, _)| places.as_slice()).unwrap_or_default();
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(places.iter().skip(after).take(limit).map(|at| log.events[*at].clone()).collect())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.log().events.iter().skip(after).take(limit).cloned().collect())
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<StreamInfo>> {
        let log = self.log();
        let matching = log.streams.iter().filter(|(name, _)| name.starts_with(prefix));
        let info = |(name, (events, updated)): (&String, &(Vec<usize>, Timestamp))| StreamInfo {
            name: name.clone(),
            version: events.len() as u64,
            updated: *updated,
        };
        Ok(matching.map(info).collect())
    }

    async fn head(&self) -> Result<Position> {
        Ok(self.log().events.len() as u64)
    }

    async fn wait(&self, after: Position, at_most: Duration) -> Result<()> {
        let mut time_up = self.clock.sleep(at_most);
        loop {
            let grown = std::pin::pin!(self.grown.notified());
            if self.log().events.len() as u64 > after {
                return Ok(());
            }
            if let Either::Right(_) = select(grown, time_up.as_mut()).await {
                return Ok(());
            }
        }
    }
}
