//! Catch-up subscriptions: a durable consumer sees every event of the log once it has been recorded, in order, at
//! least once, across restarts.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use tokio_util::sync::CancellationToken;

use crate::error::{Result, Retry};
use crate::ports::checkpoints::Checkpoints;
use crate::ports::clock::Clock;
use crate::ports::event_bus::{EventFilter, EventHandler};
use crate::ports::event_store::{EventStore, RecordedEvent};

/// How many events are read at once.
const PAGE: usize = 256;
/// How long a wait for new events lasts before the log is looked at again.
const WAIT: Duration = Duration::from_secs(30);
/// The first pause after a failure that may pass; doubled each time.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A durable consumer. Its place in the log is kept under its handler's name.
pub struct CatchUp {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Where places are kept.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Times the pauses.
    pub clock: Arc<dyn Clock>,
    /// Which events.
    pub filter: EventFilter,
    /// Who gets them.
    pub handler: Arc<dyn EventHandler>,
}

impl CatchUp {
    /// Delivers what has been recorded, then what is recorded from now on, until `cancel`. The place is kept after each
    /// page, and after each event that was handled where the page is left early.
    ///
    /// # Errors
    /// The handler's, where repeating cannot help: the event it failed on is the first to be delivered the next time.
    /// Storage errors.
    pub async fn run(&self, cancel: &CancellationToken) -> Result<()> {
        let consumer = self.handler.name();
        let mut place = self.checkpoints.load(consumer).await?;
        while !cancel.is_cancelled() {
            let page = self.store.read_all(place, PAGE).await?;
            let before = place;
            let mut delivered = Ok(());
            for event in &page {
                delivered = self.deliver(event, cancel).await;
                if delivered.is_err() || cancel.is_cancelled() {
                    break;
                }
                place = event.position;
            }
            if place != before {
                self.checkpoints.save(consumer, place).await?;
            }
            delivered?;
            if page.is_empty() {
                let stopped = pin!(cancel.cancelled());
                if let Either::Left((waited, _)) = select(self.store.wait(place, WAIT), stopped).await {
                    waited?;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&self, recorded: &RecordedEvent, cancel: &CancellationToken) -> Result<()> {
        let event = recorded.envelope()?;
        if !self.filter.admits(&event) {
            return Ok(());
        }
        let mut pause = PAUSE;
        loop {
            match self.handler.handle(&event).await {
                Err(error) if error.retry() == Retry::Later && !cancel.is_cancelled() => {
                    tracing::warn!(error = %error, handler = self.handler.name(), event = event.id, "trying again");
                    let stopped = pin!(cancel.cancelled());
                    if let Either::Right(_) = select(self.clock.sleep(pause), stopped).await {
                        return Err(error);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }
}
