//! Calls in both directions: a Python callable as a Rust future, and a Rust future as an asyncio future.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use semantest_iac::{Error, ErrorKind};
use tokio::sync::oneshot;

use crate::awaited::{Answer, Awaited, steps};
use crate::bridge::{Bridge, LoopBridge, LoopSide, loop_has_ended};
use crate::errors::to_exception;
use crate::runtime;

/// The task of a call that is being waited for.
#[derive(Default)]
enum Running {
    #[default]
    NotYet,
    Task(Py<PyAny>),
    /// It has ended, or nobody waits for it any more.
    Over,
}

/// Cancels the Python task where the Rust future is dropped before its end.
struct Guard {
    bridge: Arc<Bridge>,
    running: Arc<Mutex<Running>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Running::Task(task) = std::mem::replace(&mut *running, Running::Over) {
            self.bridge.push(Box::new(move |py, _| cancel(task.bind(py))));
        }
    }
}

fn cancel(task: &Bound<'_, PyAny>) {
    // A task that has ended meanwhile takes no notice.
    let _ = task.call_method0("cancel");
}

/// Calls something in Python on the loop's thread, awaits it there if it can be awaited, and gives what `read` makes of
/// the outcome.
pub(crate) async fn call<T: Send + 'static>(
    bridge: &Arc<Bridge>,
    make: impl FnOnce(Python<'_>) -> PyResult<Bound<'_, PyAny>> + Send + 'static,
    read: impl FnOnce(PyResult<Bound<'_, PyAny>>) -> PyResult<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = oneshot::channel();
    let running = Arc::new(Mutex::new(Running::NotYet));
    let guard = Guard { bridge: bridge.clone(), running: running.clone() };
    let job = move |py: Python<'_>, side: &LoopSide| {
        if matches!(*running.lock().unwrap_or_else(PoisonError::into_inner), Running::Over) {
            return;
        }
        // Weak: a task that holds itself would never end where its loop does.
        let waits = Arc::downgrade(&running);
        let answer = move |outcome: PyResult<Bound<'_, PyAny>>| {
            let outcome = read(outcome);
            if let Some(running) = waits.upgrade() {
                // Here rather than there: the task is Python's to drop.
                *running.lock().unwrap_or_else(PoisonError::into_inner) = Running::Over;
            }
            drop(sender.send(outcome));
        };
        match make(py).and_then(|value| Ok((steps(&value)?, value))) {
            Ok((Some(steps), value)) => await_it(side, value, steps, &running, Box::new(answer)),
            Ok((None, value)) => answer(Ok(value)),
            Err(error) => answer(Err(error)),
        }
    };
    if !bridge.push(Box::new(job)) {
        return Err(loop_has_ended());
    }
    let outcome = receiver.await.unwrap_or_else(|_| Err(loop_has_ended()));
    drop(guard);
    outcome
}

fn await_it<'py>(
    side: &LoopSide,
    awaitable: Bound<'py, PyAny>,
    steps: Bound<'py, PyIterator>,
    running: &Mutex<Running>,
    answer: Answer,
) {
    let py = awaitable.py();
    let awaited = Awaited::new(awaitable, steps, answer);
    // Dropping what could not be started drops `answer`: the caller hears that the loop has ended.
    match Bound::new(py, awaited).and_then(|awaited| side.create_task(awaited.as_any())) {
        Ok(task) => {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            match *running {
                Running::Over => cancel(&task),
                _ => *running = Running::Task(task.unbind()),
            }
        }
        Err(error) => error.write_unraisable(py, None),
    }
}

/// An asyncio future of `work`, which runs to its end on a thread of ours whether or not somebody waits.
pub(crate) fn future<'py, T: Send + 'static>(
    py: Python<'py>,
    on: &LoopBridge,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
    give: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    // Nothing could be told any more: whoever waits would wait for ever.
    if on.bridge.is_closed() {
        return Err(loop_has_ended());
    }
    let future = on.side.create_future(py)?;
    let (bridge, promise) = (on.bridge.clone(), future.clone().unbind());
    runtime::spawn(async move {
        let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(defect(&panic)));
        bridge.push(Box::new(move |py, _| keep(py, promise.bind(py), outcome, give)));
    })?;
    Ok(future)
}

fn keep<T>(
    py: Python<'_>,
    promise: &Bound<'_, PyAny>,
    outcome: Result<T, Error>,
    give: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>>,
) {
    let kept = promise.call_method0(intern!(py, "done")).and_then(|done| {
        // Cancelled meanwhile: nobody waits.
        if done.is_truthy()? {
            return Ok(());
        }
        match outcome.map_err(|error| to_exception(py, &error)).and_then(|value| give(py, value)) {
            Ok(value) => promise.call_method1(intern!(py, "set_result"), (value,)),
            Err(error) => promise.call_method1(intern!(py, "set_exception"), (error,)),
        }
        .map(drop)
    });
    if let Err(error) = kept {
        error.write_unraisable(py, Some(promise));
    }
}

fn defect(panic: &Box<dyn Any + Send>) -> Error {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::new(ErrorKind::Internal, "python.call", format!("a defect of semantest-iac: {said}"))
}
