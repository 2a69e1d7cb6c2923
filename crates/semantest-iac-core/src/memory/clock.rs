//! A clock that is moved by hand.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::ports::clock::{Clock, Timestamp};

/// Stands still until it is moved, or slept on by less than the patience it was made with; a longer sleep never
/// ends (a heartbeat that never comes due).
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
    patience: Duration,
}

impl ManualClock {
    /// A clock at `now`. Sleeps shorter than `patience` pass at once and move it.
    pub fn new(now: Timestamp, patience: Duration) -> Self {
        Self { now: Mutex::new(now), patience }
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.lock() += by;
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new(Timestamp::UNIX_EPOCH, Duration::from_secs(5))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }

    async fn sleep(&self, duration: Duration) {
        if duration >= self.patience {
            std::future::pending::<()>().await;
        }
        self.advance(duration);
    }
}
