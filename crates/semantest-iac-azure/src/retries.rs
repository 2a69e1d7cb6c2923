//! Which answers the pipeline tries again after, how often, and how long it waits: 408, 429 and 5xx, and lost connections.
//! Every call of ours may be repeated: ARM's PUT, PATCH and DELETE say what is to be, and its POSTs that we use only look or
//! ask for what is so already.

use std::time::Duration as StdDuration;

use async_trait::async_trait;
use azure_core::http::StatusCode;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{RetryHeaders, RetryPolicy};
use azure_core::time::Duration;

use crate::config::Pauses;

/// Tries in all.
const TRIES: u32 = 6;

/// Asked to stay away for longer, we come back after this all the same.
const LONGEST_PAUSE: StdDuration = StdDuration::from_secs(120);

/// Nothing is tried for longer.
const LONGEST_TRYING: Duration = Duration::minutes(5);

/// Pauses double from one try to the next, and are never shorter than Azure asks for, up to [`LONGEST_PAUSE`].
#[derive(Debug)]
pub(crate) struct Retries {
    pauses: Pauses,
    headers: RetryHeaders,
}

impl Retries {
    /// Retries with such pauses, where the other side asks for none.
    pub fn new(pauses: Pauses) -> Self {
        let headers = ["x-ms-retry-after-ms", "retry-after-ms"].map(HeaderName::from_static).into_iter();
        let headers = headers.chain([HeaderName::from_static_standard("retry-after")]).collect();
        Self { pauses, headers: RetryHeaders { retry_headers: headers } }
    }
}

#[async_trait]
impl RetryPolicy for Retries {
    fn is_expired(&self, since: Duration, count: u32) -> bool {
        count + 1 >= TRIES || since > LONGEST_TRYING
    }

    fn retry_headers(&self) -> Option<&RetryHeaders> {
        Some(&self.headers)
    }

    fn retry_status_codes(&self) -> &[StatusCode] {
        &[]
    }

    fn sleep_duration(&self, count: u32) -> Duration {
        let doubled = self.pauses.first.saturating_mul(1 << count.saturating_sub(1).min(8));
        let pause = doubled.min(self.pauses.longest.saturating_mul(4));
        Duration::try_from(pause).unwrap_or(Duration::seconds(1))
    }

    async fn wait(&self, count: u32, asked: Option<Duration>) {
        let own = StdDuration::try_from(self.sleep_duration(count)).unwrap_or_default();
        let asked = asked.and_then(|asked| StdDuration::try_from(asked).ok()).unwrap_or_default();
        tokio::time::sleep(own.max(asked).min(LONGEST_PAUSE)).await;
    }
}
