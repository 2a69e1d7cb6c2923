//! Event handlers written in JavaScript.

use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::EventHandler;
use semantest_iac::{ErrorKind, Result};

use crate::outcome::Called;
use crate::queue::Queue;

/// A target in JavaScript that handles events. How long it may take is JavaScript's to see to.
pub(crate) struct NodeHandler {
    name: String,
    target: i64,
    called: Called,
    queue: Arc<Queue>,
}

impl NodeHandler {
    pub fn new(queue: &Arc<Queue>, target: i64, name: String) -> Self {
        let called = Called {
            operation: "handler.handle".to_owned(),
            what: format!("handler `{name}`"),
            kind: ErrorKind::HandlerFailed,
            unreachable: ErrorKind::HandlerFailed,
        };
        Self { name, target, called, queue: queue.clone() }
    }
}

#[async_trait]
impl EventHandler for NodeHandler {
    fn name(&self) -> &str {
        &self.name
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let event = text(event);
        self.called.check(&event)?;
        let answered = self.queue.call(self.target, event).await;
        self.called.read(answered).map(drop)
    }
}

/// Structured CloudEvents JSON.
pub(crate) fn text(event: &Envelope) -> String {
    let json = event.to_json();
    String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
