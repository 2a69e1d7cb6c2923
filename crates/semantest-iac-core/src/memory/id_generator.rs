//! Identifiers: random ones, and counted ones for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::ports::id_generator::IdGenerator;

/// UUIDs version 7.
#[derive(Debug, Default)]
pub struct RandomIds;

impl IdGenerator for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// 1, 2, 3, … as UUIDs: the same in every run.
#[derive(Debug, Default)]
pub struct CountedIds(AtomicU64);

impl IdGenerator for CountedIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}
