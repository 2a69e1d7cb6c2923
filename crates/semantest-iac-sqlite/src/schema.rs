//! Tables, pragmas and migrations.

use std::path::Path;

use rusqlite::Connection;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::error::sqlite;

/// The newest schema this program knows (`PRAGMA user_version`).
pub const SCHEMA_VERSION: i64 = 2;

/// `PRAGMA application_id`: "siac".
const APPLICATION_ID: i64 = 0x7369_6163;

/// From version n to n+1. Forward only; what is here is never changed again.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = [
    "CREATE TABLE streams(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
     ) STRICT;
     CREATE TABLE events(
        position INTEGER PRIMARY KEY,
        stream_id INTEGER NOT NULL REFERENCES streams,
        version INTEGER NOT NULL,
        event_id BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        data BLOB NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX events_by_stream ON events(stream_id, version);
     CREATE UNIQUE INDEX events_by_id ON events(event_id);
     CREATE TABLE checkpoints(consumer TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
     CREATE TABLE leases(
        name TEXT PRIMARY KEY,
        token INTEGER NOT NULL,
        owner TEXT NOT NULL,
        since INTEGER NOT NULL,
        expires INTEGER NOT NULL
     ) STRICT;",
    "CREATE TABLE artifacts(sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;",
];

/// Settings of every connection.
pub(crate) fn configure(connection: &Connection, path: &Path) -> Result<()> {
    connection
        .execute_batch(
            "PRAGMA busy_timeout=10000;
             PRAGMA foreign_keys=ON;
             PRAGMA trusted_schema=OFF;
             PRAGMA synchronous=FULL;
             PRAGMA fullfsync=ON;
             PRAGMA checkpoint_fullfsync=ON;
             PRAGMA cache_size=-16000;
             PRAGMA wal_autocheckpoint=0;
             PRAGMA journal_size_limit=8388608;",
        )
        .map_err(sqlite("store.open", path))
}

/// Refuses what is not ours or newer than we know; says which version the file has (zero: a new file).
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<i64> {
    let read = |pragma: &str| -> Result<i64> {
        connection.query_row(pragma, [], |row| row.get(0)).map_err(sqlite("store.open", path))
    };
    let mut version = read("PRAGMA user_version")?;
    let mut tables = 0;
    if version == 0 {
        tables = read("SELECT count(*) FROM sqlite_schema")?;
        // Between two questions another process may have made it whole: the marks are what counts, asked for last.
        version = read("PRAGMA user_version")?;
    }
    if version > SCHEMA_VERSION {
        let text = format!(
            "{} was written by a newer semantest-iac (schema {version}, this one knows {SCHEMA_VERSION}): \
             upgrade this program",
            path.display()
        );
        return Err(Error::new(ErrorKind::StorageTooNew, "store.open", text).with("file", path.display()));
    }
    // Ours is created whole, in one transaction: tables without our marks are somebody else's.
    let is_ours = match version {
        0 => tables == 0,
        _ => version > 0 && read("PRAGMA application_id")? == APPLICATION_ID,
    };
    if is_ours { Ok(version) } else { Err(foreign(path)) }
}

/// The error for a file that is no log of this program.
pub(crate) fn foreign(path: &Path) -> Error {
    let text = format!("{} is no log of semantest-iac: move it out of the way", path.display());
    Error::new(ErrorKind::Storage, "store.open", text).with("file", path.display())
}

/// Brings the file to the newest version. An older file is copied to `<file>.v<version>.backup` first.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let failed = sqlite("store.migrate", path);
    let from = check(connection, path)?;
    if from == SCHEMA_VERSION {
        return Ok(());
    }
    if from == 0 {
        connection.execute_batch("PRAGMA page_size=4096; PRAGMA journal_mode=WAL;").map_err(&failed)?;
    } else {
        let backup = format!("{}.v{from}.backup", path.display());
        if !Path::new(&backup).exists() {
            connection.execute("VACUUM INTO ?1", [&backup]).map_err(&failed)?;
        }
    }
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(&failed)?;
    // Another process may have migrated meanwhile.
    let from = check(&transaction, path)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or_default()) {
        transaction.execute_batch(step).map_err(&failed)?;
    }
    let marks = format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};");
    transaction.execute_batch(&marks).map_err(&failed)?;
    transaction.commit().map_err(&failed)
}
