//! How far each durable consumer has read.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use semantest_iac_core::Result;
use semantest_iac_core::ports::checkpoints::Checkpoints;
use semantest_iac_core::ports::event_store::Position;

use crate::error::sqlite;
use crate::event_store::{signed, unsigned};
use crate::store::SqliteStore;

#[async_trait]
impl Checkpoints for SqliteStore {
    async fn load(&self, consumer: &str) -> Result<Position> {
        self.read(0, |connection| {
            let mut query =
                connection.prepare_cached("SELECT position FROM checkpoints WHERE consumer = ?1")?;
            let position: Option<i64> = query.query_row([consumer], |row| row.get(0)).optional()?;
            Ok(unsigned(position.unwrap_or_default()))
        })
    }

    async fn save(&self, consumer: &str, position: Position) -> Result<()> {
        let (database, consumer) = (self.database().to_owned(), consumer.to_owned());
        self.writer()?
            .write(move |connection| {
                connection
                    .execute(
                        "INSERT INTO checkpoints(consumer, position) VALUES (?1, ?2)
                         ON CONFLICT(consumer) DO UPDATE SET position = max(position, excluded.position)",
                        params![consumer, signed(position)],
                    )
                    .map(drop)
                    .map_err(sqlite("checkpoints.save", &database))
            })
            .await
    }

    async fn reset(&self, consumer: &str) -> Result<()> {
        let (database, consumer) = (self.database().to_owned(), consumer.to_owned());
        self.writer()?
            .write(move |connection| {
                connection
                    .execute("DELETE FROM checkpoints WHERE consumer = ?1", [consumer])
                    .map(drop)
                    .map_err(sqlite("checkpoints.reset", &database))
            })
            .await
    }
}
