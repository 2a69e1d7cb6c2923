//! This machine's clock.

use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::ports::clock::{Clock, Timestamp};

/// Tells the time of day and waits on tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
