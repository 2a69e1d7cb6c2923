//! Calls in both directions: a Python callable as a Rust future, and a Rust future as an asyncio future.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use pyo3::prelude::*;
use semantest_iac::{Error, ErrorKind};
use tokio::sync::oneshot;

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
            self.bridge.push(Box::new(move |py, _| {
                // A task that has ended meanwhile takes no notice.
                let _ = task.bind(py).call_method0("cancel");
            }));
        }
    }
}

/// What is done with the outcome of a task.
type Answer = Box<dyn FnOnce(Python<'_>, PyResult<Bound<'_, PyAny>>) + Send>;

/// Takes the outcome of a task.
#[pyclass(frozen, module = "semantest_iac._core")]
struct Completion(Mutex<Option<Answer>>);

#[pymethods]
impl Completion {
    fn __call__(&self, task: Bound<'_, PyAny>) {
        if let Some(complete) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            complete(task.py(), task.call_method0("result"));
        }
    }
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
        let answer = |outcome: PyResult<Bound<'_, PyAny>>| drop(sender.send(read(outcome)));
        match make(py) {
            Ok(value) if can_be_awaited(&value) => await_it(side, &value, &running, answer),
            outcome => answer(outcome),
        }
    };
    if !bridge.push(Box::new(job)) {
        return Err(loop_has_ended());
    }
    let outcome = receiver.await.unwrap_or_else(|_| Err(loop_has_ended()));
    *guard.running.lock().unwrap_or_else(PoisonError::into_inner) = Running::Over;
    outcome
}

fn can_be_awaited(value: &Bound<'_, PyAny>) -> bool {
    !value.is_none() && value.hasattr("__await__").unwrap_or(false)
}

fn await_it(
    side: &LoopSide,
    awaitable: &Bound<'_, PyAny>,
    running: &Mutex<Running>,
    answer: impl FnOnce(PyResult<Bound<'_, PyAny>>) + Send + 'static,
) {
    let py = awaitable.py();
    let task = match is_coroutine(awaitable) {
        true => side.create_task(awaitable),
        false => side.ensure_future(awaitable),
    };
    let task = match task {
        Ok(task) => task,
        Err(error) => return answer(Err(error)),
    };
    let completion = Completion(Mutex::new(Some(Box::new(|_, outcome| answer(outcome)))));
    *running.lock().unwrap_or_else(PoisonError::into_inner) = Running::Task(task.clone().unbind());
    // Dropping what could not be registered drops `answer`: the caller hears that the loop has ended.
    let registered = Bound::new(py, completion)
        .and_then(|completion| task.call_method1("add_done_callback", (completion,)));
    if let Err(error) = registered {
        error.write_unraisable(py, Some(&task));
    }
}

fn is_coroutine(value: &Bound<'_, PyAny>) -> bool {
    value.get_type().name().is_ok_and(|name| name == "coroutine")
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
    let kept = promise.call_method0("done").and_then(|done| {
        // Cancelled meanwhile: nobody waits.
        if done.is_truthy()? {
            return Ok(());
        }
        match outcome.map_err(|error| to_exception(py, &error)).and_then(|value| give(py, value)) {
            Ok(value) => promise.call_method1("set_result", (value,)),
            Err(error) => promise.call_method1("set_exception", (error,)),
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
