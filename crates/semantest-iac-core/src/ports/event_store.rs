//! Where events are kept: streams, each in order, and one global order over all of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::events::envelope::Envelope;
use crate::ports::clock::Timestamp;

/// Place in the global order: 1, 2, 3, … without gaps. Zero stands before the first event.
pub type Position = u64;

/// Number of events in a stream; the version of an event is its place there: 1, 2, 3, ….
pub type StreamVersion = u64;

/// What the writer believes about the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Whatever is there.
    Any,
    /// Exactly this many events; zero: the stream does not exist.
    Exact(StreamVersion),
}

/// Events to append, all or none.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream's name.
    pub stream: String,
    /// What must be there.
    pub expected: ExpectedVersion,
    /// In order. Their `subject` is the stream; `sequence` is given by the store.
    pub events: Vec<Envelope>,
    /// Fencing: refuse where this lease (name, token) has been taken over by a higher token.
    pub fence: Option<(String, u64)>,
}

/// Where appended events went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// Position of the last of them.
    pub position: Position,
    /// Version of the stream now.
    pub version: StreamVersion,
}

/// An event as stored. `json` is read only when needed: replay of what nobody looks at costs nothing.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Place in the global order.
    pub position: Position,
    /// The stream's name; shared by the events of one page.
    pub stream: Arc<str>,
    /// Place in the stream.
    pub version: StreamVersion,
    /// Structured CloudEvents JSON as it was appended (without `sequence`).
    pub json: Vec<u8>,
}

impl RecordedEvent {
    /// The event, upcast to the current version, with `sequence` filled in.
    ///
    /// # Errors
    /// `Storage` where the bytes are not an event.
    pub fn envelope(&self) -> Result<Envelope> {
        let mut envelope = Envelope::from_json(&self.json)
            .map_err(|error| error.with("stream", &self.stream).with("version", self.version))?;
        envelope.sequence = Some(self.version);
        Ok(envelope)
    }
}

/// A stream and how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// How many events it holds.
    pub version: StreamVersion,
    /// When the last one was recorded.
    pub updated: Timestamp,
}

/// An append-only log of streams. A returned append is durable.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends all events or none.
    ///
    /// # Errors
    /// `VersionConflict` (context: `expected`, `actual`), `DuplicateEvent` (same source and id; context: `id`;
    /// also twice in one append), `Held` where the fence has moved on, `InvalidInput` for no events, `Storage`. None leaves a trace.
    async fn append(&self, append: Append) -> Result<Appended>;

    /// Events of one stream after version `after`, at most `limit`, in order. An unknown stream is empty.
    async fn read_stream(
        &self,
        stream: &str,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>>;

    /// Events of all streams after position `after`, at most `limit`, in order.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>>;

    /// Streams whose name starts with `prefix`, sorted by name.
    async fn streams(&self, prefix: &str) -> Result<Vec<StreamInfo>>;

    /// The last position; zero for an empty log.
    async fn head(&self) -> Result<Position>;

    /// Returns as soon as the head is past `after` (also by another process), or after `at_most`.
    async fn wait(&self, after: Position, at_most: Duration) -> Result<()>;
}
