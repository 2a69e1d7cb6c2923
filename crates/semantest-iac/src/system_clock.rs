//! This machine's clock, to the millisecond: what is recorded is the time that every language can hold (JavaScript's `Date`
//! has no finer one), so that a deployment can be asked for as it was at an event's time.

use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::ports::clock::{Clock, Timestamp};

/// Tells the time of day and waits on tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
