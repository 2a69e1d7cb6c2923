//! Conformance of event buses.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::event_bus::{EventBus, EventFilter, EventHandler};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::event_store::event;

#[derive(Default)]
struct Recorder {
    seen: Mutex<Vec<String>>,
    failures: Mutex<Vec<Error>>,
}

impl Recorder {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

#[async_trait]
impl EventHandler for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let failure = self.failures.lock().expect("no panic").pop();
        match failure {
            Some(error) => Err(error),
            None => {
                self.seen.lock().expect("no panic").push(event.id.clone());
                Ok(())
            }
        }
    }
}

fn events(ids: &[&str]) -> Vec<Arc<Envelope>> {
    ids.iter().map(|id| Arc::new(event(id))).collect()
}

fn failing(count: usize, error: Error) -> Arc<Recorder> {
    Arc::new(Recorder { failures: Mutex::new(vec![error; count]), ..Recorder::default() })
}

/// The suite. `bus` has no subscribers.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(bus: &dyn EventBus) {
    let all = Arc::new(Recorder::default());
    let none = Arc::new(Recorder::default());
    let subscription = bus.subscribe(EventFilter::all(), all.clone()).await.expect("subscribe");
    bus.subscribe(EventFilter::names(["SomethingElse"]), none.clone()).await.expect("subscribe");
    assert!(bus.publish(&events(&["1", "2", "3"])).await.expect("publish").is_empty());
    assert_eq!(all.seen(), ["1", "2", "3"], "in order");
    assert!(none.seen().is_empty(), "filtered");

    let passing = Error::new(ErrorKind::Unavailable, "handler", "not now").retry_later();
    let patient = failing(1, passing);
    bus.subscribe(EventFilter::names(["Something"]), patient.clone()).await.expect("subscribe");
    assert!(bus.publish(&events(&["4"])).await.expect("publish").is_empty());
    assert_eq!(patient.seen(), ["4"], "a passing failure is tried again");

    let broken = failing(1, Error::new(ErrorKind::HandlerFailed, "handler", "broken"));
    bus.subscribe(EventFilter::all(), broken.clone()).await.expect("subscribe");
    let failed = bus.publish(&events(&["5", "6"])).await.expect("publish");
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].handler.as_str(), failed[0].event_id.as_str()), ("recorder", "5"));
    assert_eq!(broken.seen(), ["6"], "it goes on with the next event");
    assert_eq!(all.seen(), ["1", "2", "3", "4", "5", "6"], "no failure keeps an event from the others");

    bus.unsubscribe(subscription).await.expect("unsubscribe");
    bus.unsubscribe(subscription).await.expect("twice is harmless");
    bus.publish(&events(&["7"])).await.expect("publish");
    assert_eq!(all.seen().len(), 6);
}
