//! How events reach handlers: in order per stream, at least once.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::events::envelope::Envelope;

/// Which events a subscriber wants. Empty sets mean all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Event names, e.g. `FunctionDeployed`.
    pub names: BTreeSet<String>,
    /// Streams.
    pub streams: BTreeSet<String>,
}

impl EventFilter {
    /// Every event.
    pub fn all() -> Self {
        Self::default()
    }

    /// Events of these names.
    pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Whether `event` passes.
    pub fn admits(&self, event: &Envelope) -> bool {
        (self.names.is_empty() || self.names.contains(event.name()))
            && (self.streams.is_empty() || self.streams.contains(&event.subject))
    }
}

/// Handles events. May see the same event twice: dedupe by its id.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// A name for messages and checkpoints.
    fn name(&self) -> &str;

    /// Handles one event. An error marked `Retry::Later` is tried again.
    async fn handle(&self, event: &Envelope) -> Result<()>;
}

/// Names a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// A delivery that failed for good.
#[derive(Clone, Debug)]
pub struct FailedDelivery {
    /// The handler's name.
    pub handler: String,
    /// The event's id.
    pub event_id: String,
    /// Why.
    pub error: crate::error::Error,
}

/// Delivers events to handlers.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Delivers `events`, in order, to every subscriber that wants them, and returns the deliveries that
    /// failed for good. A failing handler never keeps an event from the others.
    async fn publish(&self, events: &[Arc<Envelope>]) -> Result<Vec<FailedDelivery>>;

    /// Adds a handler; it sees what is published from now on.
    async fn subscribe(&self, filter: EventFilter, handler: Arc<dyn EventHandler>) -> Result<SubscriptionId>;

    /// Removes a handler; nothing happens if it is not there.
    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<()>;
}
