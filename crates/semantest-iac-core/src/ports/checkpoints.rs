//! How far each durable consumer has read.

use async_trait::async_trait;

use crate::error::Result;
use crate::ports::event_store::Position;

/// Positions by consumer.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// The last position `consumer` has handled; zero for a new one.
    async fn load(&self, consumer: &str) -> Result<Position>;

    /// Records that `consumer` has handled everything up to `position`. Never moves backwards.
    async fn save(&self, consumer: &str, position: Position) -> Result<()>;

    /// Forgets `consumer`: it starts over.
    async fn reset(&self, consumer: &str) -> Result<()>;
}
