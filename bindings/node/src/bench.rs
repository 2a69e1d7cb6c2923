//! For `cargo xtask bench node`: how much a delivery costs.

use futures::StreamExt;
use napi_derive::napi;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::EventHandler;

use crate::answer::{Answer, answer};
use crate::bridge::Bridge;
use crate::handler::NodeHandler;

/// Has `target` handle the event `times` times, so many at once. Measured by whoever calls it.
#[napi(catch_unwind)]
pub fn deliver_repeatedly(
    bridge: &Bridge,
    call: i64,
    target: i64,
    event: String,
    times: u32,
    at_once: u32,
) -> napi::Result<()> {
    let handler = NodeHandler::new(&bridge.queue, target, "bench".to_owned());
    answer(&bridge.queue, call, async move {
        let event = Envelope::from_json(event.as_bytes())?;
        let deliveries = (0..times).map(|_| handler.handle(&event));
        let mut outcomes = futures::stream::iter(deliveries).buffer_unordered(at_once.max(1) as usize);
        while let Some(outcome) = outcomes.next().await {
            outcome?;
        }
        Ok(Answer::nothing())
    })
}
