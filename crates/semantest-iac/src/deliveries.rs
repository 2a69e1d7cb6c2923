//! Deliveries that failed, kept for whoever published the request they go back to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::application::publish::PublishAnswer;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::event_bus::{
    EventBus, EventFilter, EventHandler, FailedDelivery, SubscriptionId,
};
use tokio_util::sync::CancellationToken;

use crate::iac::Iac;
use crate::query::BoxedAnswer;

/// A bus that remembers failed deliveries of the requests that somebody waits for. A failing handler stops no
/// deployment; who asked for it is told all the same.
pub(crate) struct Deliveries {
    inner: Arc<dyn EventBus>,
    awaited: Mutex<HashMap<String, Awaited>>,
}

/// What goes back to one correlation id.
#[derive(Default)]
struct Awaited {
    /// How many calls wait for it: a handler may publish on behalf of what it handles.
    calls: usize,
    failed: Vec<FailedDelivery>,
}

impl Deliveries {
    /// Over another bus, which does the work.
    pub fn new(inner: Arc<dyn EventBus>) -> Self {
        Self { inner, awaited: Mutex::default() }
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<String, Awaited>> {
        self.awaited.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Remembers what fails for `correlation` until the answer is dropped.
    fn watch(&self, correlation: &str) -> Watch<'_> {
        self.awaited().entry(correlation.to_owned()).or_default().calls += 1;
        Watch { deliveries: self, correlation: correlation.to_owned() }
    }
}

struct Watch<'a> {
    deliveries: &'a Deliveries,
    correlation: String,
}

impl Watch<'_> {
    fn take(&self) -> Vec<FailedDelivery> {
        let mut awaited = self.deliveries.awaited();
        awaited.get_mut(&self.correlation).map(|one| std::mem::take(&mut one.failed)).unwrap_or_default()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut awaited = self.deliveries.awaited();
        if let Some(one) = awaited.get_mut(&self.correlation) {
            one.calls -= 1;
            if one.calls == 0 {
                awaited.remove(&self.correlation);
            }
        }
    }
}

/// What an event goes back to.
fn correlation(event: &Envelope) -> &str {
    event.correlation_id.as_deref().unwrap_or(&event.id)
}

#[async_trait]
impl EventBus for Deliveries {
    async fn publish(&self, events: &[Arc<Envelope>]) -> Result<Vec<FailedDelivery>> {
        let failed = self.inner.publish(events).await?;
        if !failed.is_empty() {
            let mut awaited = self.awaited();
            for delivery in &failed {
                let event = events.iter().find(|event| event.id == delivery.event_id);
                if let Some(one) = event.and_then(|event| awaited.get_mut(correlation(event))) {
                    one.failed.push(delivery.clone());
                }
            }
        }
        Ok(failed)
    }

    async fn subscribe(&self, filter: EventFilter, handler: Arc<dyn EventHandler>) -> Result<SubscriptionId> {
        self.inner.subscribe(filter, handler).await
    }

    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<()> {
        self.inner.unsubscribe(subscription).await
    }
}

impl Iac {
    /// As [`Iac::publish`], with the deliveries that failed for good on the way: of the event itself and of all that it
    /// brought about. They stop nothing, also where the answer is an error.
    pub fn publish_and_report<'a>(
        &'a self,
        event: Envelope,
        cancel: &'a CancellationToken,
    ) -> BoxedAnswer<'a, (Result<PublishAnswer>, Vec<FailedDelivery>)> {
        Box::pin(async move {
            let watch = self.deliveries().watch(correlation(&event));
            let answer = self.publish(event, cancel).await;
            (answer, watch.take())
        })
    }
}
