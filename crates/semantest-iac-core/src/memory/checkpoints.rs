//! Checkpoints in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::error::Result;
use crate::ports::checkpoints::Checkpoints;
use crate::ports::event_store::Position;

/// Checkpoints for as long as it lives.
#[derive(Debug, Default)]
pub struct InMemoryCheckpoints {
    positions: Mutex<BTreeMap<String, Position>>,
}

impl InMemoryCheckpoints {
    fn positions(&self) -> MutexGuard<'_, BTreeMap<String, Position>> {
        self.positions.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl Checkpoints for InMemoryCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Position> {
        Ok(self.positions().get(consumer).copied().unwrap_or_default())
    }

    async fn save(&self, consumer: &str, position: Position) -> Result<()> {
        let mut positions = self.positions();
        let saved = positions.entry(consumer.to_owned()).or_default();
        *saved = position.max(*saved);
        Ok(())
    }

    async fn reset(&self, consumer: &str) -> Result<()> {
        self.positions().remove(consumer);
        Ok(())
    }
}
