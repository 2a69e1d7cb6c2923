//! Event handlers written in Python.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::{Either, select};
use pyo3::prelude::*;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::EventHandler;
use semantest_iac::{Error, ErrorKind, Result};
use tokio::time::Sleep;

use crate::bridge::Bridge;
use crate::calls::call;
use crate::errors::from_exception;
use crate::native_event::NativeEvent;

/// A Python callable `deliver(event, patience)` that handles events.
pub(crate) struct PythonHandler {
    pub name: String,
    pub bridge: Arc<Bridge>,
    pub deliver: Arc<Py<PyAny>>,
    /// How long it may take over one event, not counting what it waits for this library.
    pub limit: Option<Duration>,
    pub timers: Timers,
}

#[async_trait]
impl EventHandler for PythonHandler {
    fn name(&self) -> &str {
        &self.name
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let clock = Arc::new(Clock::started());
        let (deliver, given) = (self.deliver.clone(), clock.clone());
        let event = NativeEvent::new(Arc::new(event.clone()), None);
        let name = self.name.clone();
        let work = call(
            &self.bridge,
            move |py| deliver.bind(py).call1((event, Patience(given))),
            move |outcome| Ok(outcome.map(drop).map_err(|raised| failed(&name, raised))),
        );
        match self.limit {
            Some(limit) => match self.timers.within(limit, &clock, work).await {
                Some(done) => done,
                None => return Err(hangs(&self.name, limit)),
            },
            None => work.await,
        }
        .unwrap_or_else(|_| Err(unreachable(&self.name)))
    }
}

fn unreachable(name: &str) -> Error {
    let text = format!("handler `{name}` cannot be called: the event loop that it was included on has ended");
    Error::new(ErrorKind::HandlerFailed, "handler.call", text)
}

fn failed(name: &str, raised: PyErr) -> Error {
    Python::attach(|py| {
        from_exception(py, raised, ErrorKind::HandlerFailed, "handler.handle", &format!("handler `{name}`"))
    })
}

fn hangs(name: &str, limit: Duration) -> Error {
    let text = format!(
        "handler `{name}` did not end within {} s and was cancelled: give it more time with `timeout=` of @listen, or have it \
         start what takes long and return",
        limit.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, "handler.handle", text)
}

/// Time that a handler has taken, stopped while it waits for this library.
#[derive(Debug)]
struct Clock(Mutex<Taken>);

#[derive(Debug)]
struct Taken {
    before: Duration,
    /// Since when it runs; not while it is paused.
    since: Option<Instant>,
    pauses: u32,
}

impl Clock {
    fn started() -> Self {
        Self(Mutex::new(Taken { before: Duration::ZERO, since: Some(Instant::now()), pauses: 0 }))
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self) -> Duration {
        let taken = self.taken();
        taken.before + taken.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

/// The clock of a handler's time, for Python: paused while the handler waits for this library.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct Patience(Arc<Clock>);

#[pymethods]
impl Patience {
    /// Time no longer counts, until `resume` was called as often.
    fn pause(&self) {
        let mut taken = self.0.taken();
        taken.pauses += 1;
        if let Some(since) = taken.since.take() {
            taken.before += since.elapsed();
        }
    }

    /// Time counts again.
    fn resume(&self) {
        let mut taken = self.0.taken();
        taken.pauses = taken.pauses.saturating_sub(1);
        if taken.pauses == 0 && taken.since.is_none() {
            taken.since = Some(Instant::now());
        }
    }
}

/// Timers of one handler's deliveries, all for the same limit. One that a delivery did not need stays as it is set and
/// serves the next, though it will ring early: it is dear to set one, since the thread that waits for timers is woken.
#[derive(Default)]
pub(crate) struct Timers(Mutex<Vec<Pin<Box<Sleep>>>>);

impl Timers {
    fn kept(&self) -> MutexGuard<'_, Vec<Pin<Box<Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outcome of `work`, or nothing where it takes longer than `limit` by `clock`.
    async fn within<T>(&self, limit: Duration, clock: &Clock, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let kept = self.kept().pop();
        let mut timer = kept.unwrap_or_else(|| Box::pin(tokio::time::sleep(limit)));
        let outcome = loop {
            if let Either::Left((done, _)) = select(work.as_mut(), timer.as_mut()).await {
                break Some(done);
            }
            let left = limit.saturating_sub(clock.time());
            if left.is_zero() {
                break None;
            }
            // While the clock is stopped, it is looked at again after what is left.
            timer.as_mut().reset(tokio::time::Instant::now() + left.max(Duration::from_millis(1)));
        };
        self.kept().push(timer);
        outcome
    }
}
