//! Waiting for what Azure has accepted and not yet done: bounded, and always saying for what.

use std::time::Duration;

use semantest_iac_core::ports::provider::NOTICE;
use semantest_iac_core::{Error, ErrorKind, Result, Retry};
use tokio::time::Instant;

/// A wait with an end.
pub(crate) struct Patience {
    what: String,
    deadline: Instant,
    begun: Instant,
    next: Duration,
    longest: Duration,
    speak: Instant,
}

/// Waits that are shorter go unmentioned.
const SILENCE: Duration = Duration::from_secs(3);

/// A long wait is mentioned this often.
const BETWEEN_WORDS: Duration = Duration::from_secs(15);

impl Patience {
    /// Waits for `what` ("plan `x` to be made"), at most `budget` long.
    pub fn new(what: impl Into<String>, budget: Duration) -> Self {
        let begun = Instant::now();
        let (next, longest) = (Duration::from_millis(200), Duration::from_secs(2));
        Self { what: what.into(), deadline: begun + budget, begun, next, longest, speak: begun + SILENCE }
    }

    /// The first pause, and the longest; each is a quarter longer than the one before.
    pub fn pauses(self, first: Duration, longest: Duration) -> Self {
        Self { next: first, longest, ..self }
    }

    /// Sleeps for a while.
    ///
    /// # Errors
    /// `Timeout` when the time is up.
    pub async fn pause(&mut self) -> Result<()> {
        self.pause_at_least(None).await
    }

    /// As [`Self::pause`], and as long as the other side asks for, where it does: it knows how long it takes.
    pub async fn pause_at_least(&mut self, asked: Option<Duration>) -> Result<()> {
        let now = Instant::now();
        if now >= self.deadline {
            let seconds = (now - self.begun).as_secs();
            let text = format!("waited {seconds} s for {}; deploy again to go on waiting", self.what);
            return Err(Error::new(ErrorKind::Timeout, "azure.wait", text).with_retry(Retry::Exhausted));
        }
        if now >= self.speak {
            tracing::info!(target: NOTICE, "  waiting for {}", self.what);
            self.speak = now + BETWEEN_WORDS;
        }
        let pause = asked.unwrap_or(self.next);
        tokio::time::sleep(pause.min(self.deadline - now)).await;
        self.next = (self.next * 5 / 4).min(self.longest);
        Ok(())
    }
}
