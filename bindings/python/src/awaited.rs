//! What can be awaited, as the coroutine of a task that tells its outcome.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyException, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyIterator, PyNone, PyString};

/// What is done with an outcome.
pub(crate) type Answer = Box<dyn FnOnce(PyResult<Bound<'_, PyAny>>) + Send>;

/// The steps of `value`, where it can be awaited.
pub(crate) fn steps<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.getattr_opt(intern!(value.py(), "__await__"))? {
        Some(begin) => Ok(Some(begin.call0()?.cast_into()?)),
        None => Ok(None),
    }
}

/// What the task of a call runs. It gives the outcome away in the last step: a callback of the task would be called a
/// turn of the loop later.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct Awaited {
    awaitable: Py<PyAny>,
    steps: Py<PyIterator>,
    answer: Mutex<Option<Answer>>,
}

impl Awaited {
    pub fn new<'py>(awaitable: Bound<'py, PyAny>, steps: Bound<'py, PyIterator>, answer: Answer) -> Self {
        Self { awaitable: awaitable.unbind(), steps: steps.unbind(), answer: Mutex::new(Some(answer)) }
    }

    /// What the task is told after a step: what it waits for, or nothing in the end.
    fn after<'py>(
        &self,
        py: Python<'py>,
        step: PyResult<PySendResult<'py>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (outcome, told) = match step {
            Ok(PySendResult::Next(waits_for)) => return Ok(Some(waits_for)),
            Ok(PySendResult::Return(value)) => (Ok(value), Ok(None)),
            // Ours to tell. What is no `Exception` is the task's business too: that it was cancelled, that the
            // interpreter is to exit.
            Err(raised) if raised.is_instance_of::<PyException>(py) => (Err(raised), Ok(None)),
            Err(raised) => {
                if !raised.is_instance_of::<CancelledError>(py)
                    && let Err(error) = hear(py)
                {
                    error.write_unraisable(py, None);
                }
                (Err(raised.clone_ref(py)), Err(raised))
            }
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

/// Has the exception of the running task asked for: it would say on standard error that nobody did.
fn hear(py: Python<'_>) -> PyResult<()> {
    let asyncio = py.import("asyncio")?;
    let heard = asyncio.getattr("Task")?.getattr("exception")?;
    asyncio.call_method0("current_task")?.call_method1("add_done_callback", (heard,)).map(drop)
}
