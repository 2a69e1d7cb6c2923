//! How many requests an API takes: a token bucket, as API Gateway's throttling is one.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use semantest_iac_core::domain::networking::api_gateway::Throttling;

/// Starts full; a request takes a token, and tokens come back at the rate that holds when it is asked.
#[derive(Default)]
pub(crate) struct TokenBucket(Mutex<Option<(f64, Instant)>>);

impl TokenBucket {
    /// Whether a request that comes `now` may pass. Another rate or burst holds from the next request on.
    pub(crate) fn admits(&self, limit: &Throttling, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let burst = f64::from(limit.burst);
        let (left, since) = state.unwrap_or((burst, now));
        let gained = now.saturating_duration_since(since).as_secs_f64() * limit.rate;
        let tokens = (left + gained).min(burst);
        let admitted = tokens >= 1.0;
        *state = Some((if admitted { tokens - 1.0 } else { tokens }, now));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_then_as_many_as_the_rate_allows_and_never_more_than_a_burst() {
        let (bucket, start) = (TokenBucket::default(), Instant::now());
        let limit = Throttling { rate: 2.0, burst: 3 };
        let admitted = |millis: u64| {
            let now = start + Duration::from_millis(millis);
            (0..10).filter(|_| bucket.admits(&limit, now)).count()
        };
        assert_eq!([0, 400, 500, 60_000].map(admitted), [3, 0, 1, 3]);
    }
}
