//! Work that has to be done in Python, queued for the thread of one asyncio event loop.
//!
//! Any thread pushes; the loop is woken through a socket that it watches, and does everything that is queued.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::logging;

/// One thing to do on the loop's thread.
pub(crate) type Job = Box<dyn FnOnce(Python<'_>, &LoopSide) + Send>;

/// The queue of one loop. Threads of ours hold it; it refers to nothing in Python.
pub(crate) struct Bridge {
    /// `None` once the loop has ended.
    jobs: Mutex<Option<Vec<Job>>>,
    /// Whether the loop was woken and has not come yet.
    armed: AtomicBool,
    wake: UnixStream,
}

impl Bridge {
    fn jobs(&self) -> MutexGuard<'_, Option<Vec<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; `false` where the loop has ended.
    pub fn push(&self, job: Job) -> bool {
        match &mut *self.jobs() {
            Some(jobs) => jobs.push(job),
            None => return false,
        }
        self.wake();
        true
    }

    /// Whether the loop has ended.
    pub fn is_closed(&self) -> bool {
        self.jobs().is_none()
    }

    /// Has the loop come and look.
    pub fn wake(&self) {
        if !self.armed.swap(true, Ordering::AcqRel) {
            // A full pipe wakes as well.
            let _ = (&self.wake).write(&[1]);
        }
    }
}

/// What only the loop's thread uses.
pub(crate) struct LoopSide {
    event_loop: Py<PyAny>,
    create_task: Py<PyAny>,
    create_future: Py<PyAny>,
}

impl LoopSide {
    /// A new `asyncio.Task` that runs `coroutine`.
    pub fn create_task<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.create_task.bind(coroutine.py()).call1((coroutine,))
    }

    /// A task for anything that can be awaited.
    pub fn ensure_future<'py>(&self, awaitable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = awaitable.py();
        let options = pyo3::types::PyDict::new(py);
        options.set_item("loop", &self.event_loop)?;
        py.import("asyncio")?.getattr("ensure_future")?.call((awaitable,), Some(&options))
    }

    /// A new `asyncio.Future`.
    pub fn create_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.create_future.bind(py).call0()
    }
}

/// The bridge to one loop, for Python: `loop.add_reader(bridge.fileno(), bridge.drain)`, and `close()` in the end.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct LoopBridge {
    pub bridge: Arc<Bridge>,
    pub side: LoopSide,
    woken: UnixStream,
}

#[pymethods]
impl LoopBridge {
    #[new]
    #[pyo3(signature = (event_loop: "asyncio.AbstractEventLoop"))]
    fn new(event_loop: Bound<'_, PyAny>) -> PyResult<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let side = LoopSide {
            create_task: event_loop.getattr("create_task")?.unbind(),
            create_future: event_loop.getattr("create_future")?.unbind(),
            event_loop: event_loop.unbind(),
        };
        let bridge = Bridge { jobs: Mutex::new(Some(Vec::new())), armed: AtomicBool::new(false), wake };
        let bridge = Arc::new(bridge);
        logging::deliver_through(&bridge);
        Ok(Self { bridge, side, woken })
    }

    /// The file descriptor that becomes readable when there is something to do.
    fn fileno(&self) -> i32 {
        self.woken.as_raw_fd()
    }

    /// Does what is queued.
    fn drain(&self, py: Python<'_>) {
        let mut bytes = [0; 64];
        let _ = (&self.woken).read(&mut bytes);
        self.bridge.armed.store(false, Ordering::Release);
        let jobs = self.bridge.jobs().as_mut().map(std::mem::take).unwrap_or_default();
        for job in jobs {
            job(py, &self.side);
        }
        logging::drain(py);
    }

    /// The loop ends: what is queued is done, what comes later is refused. Twice is harmless.
    fn close(&self, py: Python<'_>) {
        let jobs = self.bridge.jobs().take().unwrap_or_default();
        for job in jobs {
            job(py, &self.side);
        }
        logging::drain(py);
    }
}

/// What a call gets whose loop has ended.
pub(crate) fn loop_has_ended() -> PyErr {
    PyRuntimeError::new_err("the event loop that this Iac was opened on has ended: open it where you use it")
}
