//! Calls in both directions: a Python callable as a Rust future, and a Rust future as an asyncio future.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use pyo3::exceptions::{PyException, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyIterator, PyNone, PyString};
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

type Answer = Box<dyn FnOnce(PyResult<Bound<'_, PyAny>>) + Send>;

/// What the task of a call runs. It gives the outcome away in the last step: a callback of the task would be called a
/// turn of the loop later.
#[pyclass(frozen, module = "semantest_iac._core")]
struct Awaited {
    awaitable: Py<PyAny>,
    steps: Py<PyIterator>,
    answer: Mutex<Option<Answer>>,
}

impl Awaited {
    /// What the task is told after a step: what it waits for, or nothing in the end.
    fn after<'py>(&self, py: Python<'py>, step: PyResult<PySendResult<'py>>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (outcome, told) = match step {
            Ok(PySendResult::Next(waits_for)) => return Ok(Some(waits_for)),
            Ok(PySendResult::Return(value)) => (Ok(value), Ok(None)),
            // Ours to tell. What is no `Exception` is the task's business too: that it was cancelled, that the
            // interpreter is to exit.
            Err(raised) if raised.is_instance_of::<PyException>(py) => (Err(raised), Ok(None)),
            Err(raised) => (Err(raised.clone_ref(py)), Err(raised)),
        };
        if let Some(answer) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            answer(outcome);
        }
        told
    }
}

/// A coroutine, as `asyncio.Task` takes it.
#[pymethods]
impl Awaited {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.after(py, self.steps.bind(py).send(&PyNone::get(py)))
    }

    fn send<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        self.after(py, self.steps.bind(py).send(value))?.ok_or_else(|| PyStopIteration::new_err(()))
    }

    fn throw<'py>(&self, raised: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = raised.py();
        let thrown = match self.steps.bind(py).getattr_opt(intern!(py, "throw"))? {
            Some(throw) => throw.call1((raised,)),
            None => Err(PyErr::from_value(raised)),
        };
        let step = match thrown {
            Ok(waits_for) => Ok(PySendResult::Next(waits_for)),
            Err(ended) if ended.is_instance_of::<PyStopIteration>(py) => {
                ended.value(py).getattr(intern!(py, "value")).map(PySendResult::Return)
            }
            Err(raised) => Err(raised),
        };
        self.after(py, step)?.ok_or_else(|| PyStopIteration::new_err(()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.steps.bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }

    /// Names and frames, which the task shows of its coroutine.
    fn __getattr__<'py>(&self, py: Python<'py>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.awaitable.bind(py).getattr(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.awaitable)?;
        visit.call(&self.steps)
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

/// How `value` is awaited, where it can be.
fn steps<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.getattr_opt(intern!(value.py(), "__await__"))? {
        Some(begin) => Ok(Some(begin.call0()?.cast_into()?)),
        None => Ok(None),
    }
}

fn await_it<'py>(
    side: &LoopSide,
    awaitable: Bound<'py, PyAny>,
    steps: Bound<'py, PyIterator>,
    running: &Mutex<Running>,
    answer: Answer,
) {
    let py = awaitable.py();
    let answer = Mutex::new(Some(answer));
    let awaited = Awaited { awaitable: awaitable.unbind(), steps: steps.unbind(), answer };
    // Dropping what could not be started drops `answer`: the caller hears that the loop has ended.
    match Bound::new(py, awaited).and_then(|awaited| side.create_task(awaited.as_any())) {
        Ok(task) => {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            // A loop whose tasks start at once may be through with it.
            if matches!(*running, Running::NotYet) {
                *running = Running::Task(task.unbind());
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
