//! The event store: streams and one dense global order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::event_store::{
    Append, Appended, EventStore, ExpectedVersion, Position, RecordedEvent, StreamInfo, StreamVersion,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::sqlite;
use crate::store::SqliteStore;

/// How often another process's appends are looked for.
const POLL: Duration = Duration::from_millis(20);

/// `source` of events of this program, up to the project's name.
const OWN_SOURCES: &str = "/semantest-iac/";

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, append: Append) -> Result<Appended> {
        if append.events.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "events.append", "there is nothing to append"));
        }
        let prepared = Prepared::new(append, self.database());
        self.writer()?.write(move |connection| prepared.run(connection)).await
    }

    async fn read_stream(
        &self,
        stream: &str,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>> {
        self.read(Vec::new(), |connection| {
            let stream: Arc<str> = stream.into();
            let recorded = |row: &Row<'_>| recorded(row, stream.clone());
            let mut query = connection.prepare_cached(
                "SELECT position, version, data FROM events
                 WHERE stream_id = (SELECT id FROM streams WHERE name = ?1) AND version > ?2
                 ORDER BY version LIMIT ?3",
            )?;
            query.query_map(params![&*stream, signed(after), signed(limit as u64)], recorded)?.collect()
        })
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>> {
        self.read(Vec::new(), |connection| {
            // A stream's name never changes: it is looked up once a page, not joined to each event.
            let mut names: HashMap<i64, Arc<str>> = HashMap::new();
            let mut name = connection.prepare_cached("SELECT name FROM streams WHERE id = ?1")?;
            let mut query = connection.prepare_cached(
                "SELECT position, version, data, stream_id FROM events
                 WHERE position > ?1 ORDER BY position LIMIT ?2",
            )?;
            let mut rows = query.query(params![signed(after), signed(limit as u64)])?;
            let mut events = Vec::with_capacity(limit.min(4096));
            while let Some(row) = rows.next()? {
                let id = row.get(3)?;
                let stream = match names.get(&id) {
                    Some(known) => known.clone(),
                    None => {
                        let found: Arc<str> = name.query_row([id], |row| row.get::<_, String>(0))?.into();
                        names.insert(id, found.clone());
                        found
                    }
                };
                events.push(recorded(row, stream)?);
            }
            Ok(events)
        })
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<StreamInfo>> {
        self.read(Vec::new(), |connection| {
            let mut query = connection.prepare_cached(
                "SELECT s.name, e.version, e.recorded_at FROM streams s JOIN events e ON e.stream_id = s.id
                 AND e.version = (SELECT max(version) FROM events WHERE stream_id = s.id)
                 WHERE substr(s.name, 1, length(?1)) = ?1 ORDER BY s.name",
            )?;
            let info = |row: &Row<'_>| {
                Ok(StreamInfo {
                    name: row.get(0)?,
                    version: unsigned(row.get(1)?),
                    updated: moment(row.get(2)?),
                })
            };
            query.query_map([prefix], info)?.collect()
        })
    }

    async fn head(&self) -> Result<Position> {
        self.read(0, |connection| Ok(unsigned(head(connection)?)))
    }

    async fn wait(&self, after: Position, at_most: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let grown = self.grown.notified();
            let left = at_most.saturating_sub(start.elapsed());
            if left.is_zero() || self.head().await? > after {
                return Ok(());
            }
            // Appends of this process wake it at once; those of others are found by looking.
            let _ = tokio::time::timeout(left.min(POLL), grown).await;
        }
    }
}

/// Everything that can be done before the transaction.
struct Prepared {
    append: Append,
    events: Vec<(Vec<u8>, i64, Vec<u8>)>,
    database: PathBuf,
}

impl Prepared {
    fn new(mut append: Append, database: &Path) -> Self {
        let events = append.events.iter_mut().map(|event| {
            event.sequence = None;
            (event_key(event), Timestamp::now().as_microsecond(), event.to_json())
        });
        Self { events: events.collect(), database: database.to_owned(), append }
    }

    fn run(self, connection: &Connection) -> Result<Appended> {
        let failed = sqlite("events.append", &self.database);
        self.check_fence(connection)?;
        let stream = &self.append.stream;
        let id: Option<i64> = connection
            .prepare_cached("SELECT id FROM streams WHERE name = ?1")
            .and_then(|mut query| query.query_row([stream], |row| row.get(0)).optional())
            .map_err(&failed)?;
        let actual = match id {
            Some(id) => version_of(connection, id).map_err(&failed)?,
            None => 0,
        };
        if let ExpectedVersion::Exact(expected) = self.append.expected
            && signed(expected) != actual
        {
            let text = format!("`{stream}` is at version {actual}, not {expected}");
            return Err(Error::new(ErrorKind::VersionConflict, "events.append", text)
                .retry_later()
                .with("expected", expected)
                .with("actual", actual));
        }
        let id = match id {
            Some(id) => id,
            None => {
                connection.execute("INSERT INTO streams(name) VALUES (?1)", [stream]).map_err(&failed)?;
                connection.last_insert_rowid()
            }
        };
        let (mut position, mut version) = (head(connection).map_err(&failed)?, actual);
        let mut insert = connection
            .prepare_cached(
                "INSERT INTO events(position, stream_id, version, event_id, recorded_at, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(&failed)?;
        for ((key, recorded, data), event) in self.events.iter().zip(&self.append.events) {
            position += 1;
            version += 1;
            let inserted = insert.execute(params![position, id, version, key, recorded, data]);
            inserted.map_err(|error| duplicate(&event.id, &error).unwrap_or_else(|| failed(error)))?;
        }
        Ok(Appended { position: unsigned(position), version: unsigned(version) })
    }

    fn check_fence(&self, connection: &Connection) -> Result<()> {
        let Some((name, token)) = &self.append.fence else { return Ok(()) };
        let newest: Option<i64> = connection
            .prepare_cached("SELECT token FROM leases WHERE name = ?1")
            .and_then(|mut query| query.query_row([name], |row| row.get(0)).optional())
            .map_err(sqlite("events.append", &self.database))?;
        if newest.is_some_and(|newest| unsigned(newest) > *token) {
            let text = format!("`{name}` was taken over by another run");
            return Err(Error::new(ErrorKind::Held, "events.append", text).with("lease", name));
        }
        Ok(())
    }
}

/// What is unique of an event, in 16 bytes: the UUID of an event of ours, a digest of source and id of any other.
fn event_key(event: &Envelope) -> Vec<u8> {
    match Uuid::try_parse(&event.id) {
        // Only the canonical form is the same text again.
        Ok(uuid) if event.source.starts_with(OWN_SOURCES) && uuid.to_string() == event.id => {
            uuid.as_bytes().to_vec()
        }
        _ => Sha256::digest(format!("{}\0{}", event.source, event.id))[..16].to_vec(),
    }
}

fn duplicate(id: &str, error: &rusqlite::Error) -> Option<Error> {
    let unique = error.to_string().contains("events.event_id");
    unique.then(|| {
        let text = format!("event `{id}` is in the log already");
        Error::new(ErrorKind::DuplicateEvent, "events.append", text).with("id", id)
    })
}

fn head(connection: &Connection) -> rusqlite::Result<i64> {
    let mut query = connection.prepare_cached("SELECT coalesce(max(position), 0) FROM events")?;
    query.query_row([], |row| row.get(0))
}

fn version_of(connection: &Connection, stream: i64) -> rusqlite::Result<i64> {
    let mut query =
        connection.prepare_cached("SELECT coalesce(max(version), 0) FROM events WHERE stream_id = ?1")?;
    query.query_row([stream], |row| row.get(0))
}

fn recorded(row: &Row<'_>, stream: Arc<str>) -> rusqlite::Result<RecordedEvent> {
    Ok(RecordedEvent {
        position: unsigned(row.get(0)?),
        version: unsigned(row.get(1)?),
        json: row.get_ref(2)?.as_blob()?.to_vec(),
        stream,
    })
}

/// SQLite's integers are signed; positions stay far below the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Never negative in our tables.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A moment kept as microseconds since 1970.
pub(crate) fn moment(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
