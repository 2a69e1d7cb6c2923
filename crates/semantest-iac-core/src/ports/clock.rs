//! Time, as an input.

use std::time::Duration;

use async_trait::async_trait;

pub use crate::domain::timestamp::Timestamp;

/// Tells the time and waits.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}
