//! An event bus of another language.

use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::event_bus::{
    EventBus, EventFilter, EventHandler, FailedDelivery, SubscriptionId,
};
use semantest_iac_core::{Error, ErrorKind, ErrorRecord, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::caller::Caller;
use crate::foreign_object::{Argument, ForeignObject};
use crate::object::{Object, bare};

/// What an event bus cannot do without.
const REQUIRED: [&str; 3] = ["publish", "subscribe", "unsubscribe"];

/// [`FailedDelivery`] as it is answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    handler: String,
    event_id: String,
    error: Failure,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Failure {
    Words(String),
    Record(Object<ErrorRecord>),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Words(text) => Self::new(ErrorKind::HandlerFailed, "event_bus.publish", text),
            Failure::Record(Object(record)) => record.into(),
        }
    }
}

/// An object of another language as an event bus.
pub struct ForeignEventBus {
    caller: Caller,
}

impl ForeignEventBus {
    /// The event bus that `object` is.
    ///
    /// # Errors
    /// `InvalidInput` for an object that lacks methods.
    pub fn new(object: Arc<dyn ForeignObject>) -> Result<Self> {
        Ok(Self { caller: Caller::new(object, "event_bus", ErrorKind::HandlerFailed, &REQUIRED)? })
    }
}

/// Hands `event` (a CloudEvents 1.0 object) to `handler`: what a binding does when its [`Argument::Handler`] is called.
///
/// # Errors
/// `InvalidInput` where it is no event, and the handler's.
pub async fn deliver(handler: &dyn EventHandler, event: Value) -> Result<()> {
    handler.handle(&Envelope::from_value(event)?).await
}

#[async_trait]
impl EventBus for ForeignEventBus {
    async fn publish(&self, events: &[Arc<Envelope>]) -> Result<Vec<FailedDelivery>> {
        let expected =
            "a list of {handler: text, event_id: text, error: text or object}, empty where nothing failed";
        let events = events.iter().map(|event| event.to_value()).collect();
        let failed: Vec<Failed> =
            bare(self.caller.ask("publish", vec![Argument::Json(events)], expected).await?);
        let failed = failed.into_iter().map(|failed| FailedDelivery {
            handler: failed.handler,
            event_id: failed.event_id,
            error: failed.error.into(),
        });
        Ok(failed.collect())
    }

    async fn subscribe(&self, filter: EventFilter, handler: Arc<dyn EventHandler>) -> Result<SubscriptionId> {
        let arguments = vec![Argument::of(filter), Argument::Handler(handler)];
        let expected = "the number of the subscription";
        self.caller.ask("subscribe", arguments, expected).await.map(SubscriptionId)
    }

    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<()> {
        self.caller.answer("unsubscribe", vec![Argument::of(subscription.0)]).await.map(drop)
    }
}
