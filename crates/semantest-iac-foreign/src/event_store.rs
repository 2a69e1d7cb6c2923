//! An event store of another language.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::ports::event_store::{
    Append, Appended, EventStore, ExpectedVersion, Position, RecordedEvent, StreamInfo, StreamVersion,
};
use semantest_iac_core::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::caller::{Caller, bounded};
use crate::foreign_object::{Argument, ForeignObject};
use crate::function_access::{limit_or_null, milliseconds};
use crate::object::{Object, bare};

/// What an event store cannot do without.
const REQUIRED: [&str; 6] = ["append", "read_stream", "read_all", "streams", "head", "wait"];

/// Events, in words.
const EVENTS: &str = "a list of {position: number, stream: text, version: number, event: object}";

/// [`RecordedEvent`] with the event as an object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    position: Position,
    stream: String,
    version: StreamVersion,
    event: Map<String, Value>,
}

/// An object of another language as an event store.
pub struct ForeignEventStore {
    caller: Caller,
}

impl ForeignEventStore {
    /// The event store that `object` is.
    ///
    /// # Errors
    /// `InvalidInput` for an object that lacks methods.
    pub fn new(object: Arc<dyn ForeignObject>) -> Result<Self> {
        Ok(Self { caller: Caller::new(object, "event_store", ErrorKind::Storage, &REQUIRED)? })
    }

    /// Reads events; `place` tells where one stands in the order that is read in.
    async fn events(
        &self,
        method: &str,
        arguments: Vec<Argument>,
        limit: usize,
        mut after: u64,
        place: impl Fn(&Recorded) -> u64 + Send,
    ) -> Result<Vec<RecordedEvent>> {
        let found: Vec<Recorded> = bare(self.caller.ask(method, arguments, EVENTS).await?);
        if found.len() > limit {
            let what = format!("{} events", found.len());
            return Err(self.caller.refuse(method, what, format_args!("at most {limit}")));
        }
        let mut events: Vec<RecordedEvent> = Vec::with_capacity(found.len());
        for recorded in found {
            // A reader goes on after the last one: it would turn in circles.
            if place(&recorded) <= after {
                let what = format!("event {} after {after}", place(&recorded));
                return Err(self.caller.refuse(method, what, "events in order"));
            }
            after = place(&recorded);
            let shared = events.last().map(|last| &last.stream).filter(|last| ***last == *recorded.stream);
            let stream = shared.cloned().unwrap_or_else(|| recorded.stream.into());
            // Serialising JSON into memory cannot fail.
            let json = serde_json::to_vec(&recorded.event).unwrap_or_default();
            events.push(RecordedEvent {
                position: recorded.position,
                stream,
                version: recorded.version,
                json,
            });
        }
        Ok(events)
    }
}

#[async_trait]
impl EventStore for ForeignEventStore {
    async fn append(&self, append: Append) -> Result<Appended> {
        let count = append.events.len() as u64;
        let (expected, exact) = match append.expected {
            ExpectedVersion::Any => (Value::Null, None),
            ExpectedVersion::Exact(version) => (version.into(), Some(version.saturating_add(count))),
        };
        let events = append.events.into_iter().map(|mut event| {
            event.sequence = None;
            event.to_value()
        });
        let fence = append.fence.map(|(name, token)| json!({ "name": name, "token": token }));
        let arguments = vec![
            Argument::Json(append.stream.into()),
            Argument::Json(expected),
            Argument::Json(events.collect()),
            Argument::Json(fence.unwrap_or_default()),
        ];
        let wanted = "{position: number, version: number}";
        let Object(appended): Object<Appended> = self.caller.ask("append", arguments, wanted).await?;
        if exact.is_some_and(|exact| exact != appended.version) || appended.version < count {
            let what = format!("version {}", appended.version);
            let expected = "the number of events that the stream has now";
            return Err(self.caller.refuse("append", what, expected));
        }
        Ok(appended)
    }

    async fn read_stream(
        &self,
        stream: &str,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>> {
        let arguments = vec![Argument::of(stream), Argument::of(after), Argument::of(limit_or_null(limit))];
        let events = self.events("read_stream", arguments, limit, after, |recorded| recorded.version).await?;
        // A state that is replayed with a hole in it would be wrong without anybody noticing.
        let whole =
            events.iter().zip(1..).all(|(event, at)| event.version - after == at && *event.stream == *stream);
        match whole {
            true => Ok(events),
            false => {
                let what = "events with others missing between them, or of another stream";
                Err(self.caller.refuse("read_stream", what, "every event of the stream, in order"))
            }
        }
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>> {
        let arguments = vec![Argument::of(after), Argument::of(limit_or_null(limit))];
        self.events("read_all", arguments, limit, after, |recorded| recorded.position).await
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<StreamInfo>> {
        let expected = "a list of {name: text, version: number, updated: time in RFC 3339}";
        let mut found: Vec<StreamInfo> =
            bare(self.caller.ask("streams", vec![Argument::of(prefix)], expected).await?);
        if let Some(other) = found.iter().find(|stream| !stream.name.starts_with(prefix)) {
            let what = format!("the stream `{}`", bounded(&other.name));
            let expected = format!("names that start with `{}`", bounded(prefix));
            return Err(self.caller.refuse("streams", what, expected));
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    async fn head(&self) -> Result<Position> {
        self.caller.ask("head", Vec::new(), "a whole number, 0 for an empty log").await
    }

    async fn wait(&self, after: Position, at_most: Duration) -> Result<()> {
        let arguments = vec![Argument::of(after), Argument::of(milliseconds(at_most))];
        self.caller.answer("wait", arguments).await.map(drop)
    }
}
