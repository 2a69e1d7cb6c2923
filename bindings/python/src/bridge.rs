//! Work that has to be done in Python, queued for the thread of one asyncio event loop.
//!
//! Any thread pushes; the loop is woken through a pipe that it watches, and does everything that is queued.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
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
    /// Whether the loop was woken and has not come yet. The pipe holds a byte then, or is about to.
    armed: AtomicBool,
    wake: PipeWriter,
    /// Here rather than with the loop's own things: a write to a pipe that nobody reads may end the process.
    woken: PipeReader,
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
            // Fails at most where the process has been told to close what it does not know.
            let _ = (&self.wake).write_all(&[1]);
        }
    }

    /// The loop has come: takes back the byte that woke it.
    fn disarm(&self) {
        if self.armed.load(Ordering::Acquire) {
            let _ = (&self.woken).read_exact(&mut [0]);
            self.armed.store(false, Ordering::Release);
        }
    }
}

/// What only the loop's thread uses.
pub(crate) struct LoopSide {
    create_task: Py<PyAny>,
    create_future: Py<PyAny>,
}

impl LoopSide {
    /// A new `asyncio.Task` that runs `coroutine`.
    pub fn create_task<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.create_task.bind(coroutine.py()).call1((coroutine,))
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
}

#[pymethods]
impl LoopBridge {
    #[new]
    #[pyo3(signature = (event_loop: "asyncio.AbstractEventLoop"))]
    fn new(event_loop: Bound<'_, PyAny>) -> PyResult<Self> {
        let (woken, wake) = std::io::pipe()?;
        let side = LoopSide {
            create_task: event_loop.getattr("create_task")?.unbind(),
            create_future: event_loop.getattr("create_future")?.unbind(),
        };
        let bridge =
            Bridge { jobs: Mutex::new(Some(Vec::new())), armed: AtomicBool::new(false), wake, woken };
        let bridge = Arc::new(bridge);
        logging::deliver_through(&bridge);
        Ok(Self { bridge, side })
    }

    /// The file descriptor that becomes readable when there is something to do.
    fn fileno(&self) -> i32 {
        self.bridge.woken.as_raw_fd()
    }

    /// Does what is queued.
    fn drain(&self, py: Python<'_>) {
        self.bridge.disarm();
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
