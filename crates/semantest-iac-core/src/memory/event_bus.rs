//! The in-process bus: handlers are called directly, one event after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::error::{Result, Retry};
use crate::events::envelope::Envelope;
use crate::ports::event_bus::{EventBus, EventFilter, EventHandler, FailedDelivery, SubscriptionId};

/// How often a delivery whose error says `Retry::Later` is tried.
const ATTEMPTS: u32 = 3;

type Subscribers = BTreeMap<SubscriptionId, (EventFilter, Arc<dyn EventHandler>)>;

/// Delivers to handlers in this process. A handler may publish, subscribe and unsubscribe while it handles.
#[derive(Default)]
pub struct InProcessBus {
    subscribers: Mutex<(u64, Subscribers)>,
}

impl InProcessBus {
    fn subscribers(&self) -> MutexGuard<'_, (u64, Subscribers)> {
        self.subscribers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

async fn deliver(handler: &dyn EventHandler, event: &Envelope) -> Result<()> {
    let mut attempt = 1;
    loop {
        match handler.handle(event).await {
            Err(error) if error.retry() == Retry::Later && attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

#[async_trait]
impl EventBus for InProcessBus {
    async fn publish(&self, events: &[Arc<Envelope>]) -> Result<Vec<FailedDelivery>> {
        let mut failed = Vec::new();
        for event in events {
            // Taken anew for each event, and outside the lock: handlers may come and go meanwhile.
            let interested: Vec<Arc<dyn EventHandler>> = {
                let guard = self.subscribers();
                let admitting = guard.1.values().filter(|(filter, _)| filter.admits(event));
                admitting.map(|(_, handler)| Arc::clone(handler)).collect()
            };
            for handler in interested {
                if let Err(error) = deliver(handler.as_ref(), event).await {
                    let (handler, event_id) = (handler.name().to_owned(), event.id.clone());
                    failed.push(FailedDelivery { handler, event_id, error });
                }
            }
        }
        Ok(failed)
    }

    async fn subscribe(&self, filter: EventFilter, handler: Arc<dyn EventHandler>) -> Result<SubscriptionId> {
        let mut guard = self.subscribers();
        guard.0 += 1;
        let id = SubscriptionId(guard.0);
        guard.1.insert(id, (filter, handler));
        Ok(id)
    }

    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<()> {
        self.subscribers().1.remove(&subscription);
        Ok(())
    }
}
