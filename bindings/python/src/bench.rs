//! For `cargo xtask bench python`: how much a delivery costs.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use pyo3::prelude::*;
use semantest_iac::Error;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::EventHandler;

use crate::bridge::LoopBridge;
use crate::calls::future;
use crate::handler::{PythonHandler, Timers};

/// Has `deliver` handle the event `times` times, so many at once: a future of `None`. Measured by whoever calls it.
#[pyfunction]
#[pyo3(signature = (on: "LoopBridge", deliver: "object", event: "str", times: "int", at_once: "int")
       -> "asyncio.Future[None]")]
pub(crate) fn deliver_repeatedly<'py>(
    py: Python<'py>,
    on: &LoopBridge,
    deliver: Py<PyAny>,
    event: String,
    times: usize,
    at_once: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let handler = PythonHandler {
        name: "bench".into(),
        bridge: on.bridge.clone(),
        deliver: Arc::new(deliver),
        limit: Some(Duration::from_secs(60)),
        timers: Timers::default(),
    };
    let work = async move {
        let event = Envelope::from_json(event.as_bytes())?;
        let deliveries = (0..times).map(|_| handler.handle(&event));
        let mut outcomes = futures::stream::iter(deliveries).buffer_unordered(at_once.max(1));
        while let Some(outcome) = outcomes.next().await {
            outcome?;
        }
        Ok::<(), Error>(())
    };
    future(py, on, work, |py, ()| Ok(py.None()))
}
