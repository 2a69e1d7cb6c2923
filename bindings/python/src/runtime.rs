//! The one runtime of this process: started when first needed, ended in order when the interpreter exits.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use semantest_iac::{CancellationToken, Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::TaskTracker;

/// Threads that carry out calls. They wait for clouds and disks most of the time, and what takes long without waiting has
/// threads of its own. With a second one, each answer from Python wakes both: the first asks the other to look for more.
const WORKERS: usize = 1;
/// The longest that the interpreter's exit waits for threads that do not end.
const LAST_WAIT: Duration = Duration::from_secs(1);

struct Process {
    /// Who started it: a forked child has none of its threads.
    pid: u32,
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
    calls: TaskTracker,
    stop: CancellationToken,
}

static PROCESS: OnceLock<Process> = OnceLock::new();

fn start() -> std::io::Result<Process> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("semantest-iac")
        .enable_all()
        .build()?;
    Ok(Process {
        pid: std::process::id(),
        handle: runtime.handle().clone(),
        runtime: Mutex::new(Some(runtime)),
        calls: TaskTracker::new(),
        stop: CancellationToken::new(),
    })
}

fn process() -> PyResult<&'static Process> {
    if PROCESS.get().is_none() {
        let started = start().map_err(|error| PyRuntimeError::new_err(format!("no threads: {error}")))?;
        // A second one, started at the same time, is dropped again.
        let _ = PROCESS.set(started);
    }
    let Some(process) = PROCESS.get() else { return Err(PyRuntimeError::new_err("no threads")) };
    if process.pid != std::process::id() {
        return Err(PyRuntimeError::new_err(
            "semantest_iac was in use before this process was forked, and its threads are not in the child: start the \
             child with multiprocessing's `spawn` or `forkserver`, or fork before the first use",
        ));
    }
    if process.stop.is_cancelled() {
        return Err(PyRuntimeError::new_err("the interpreter is exiting: semantest_iac takes no more calls"));
    }
    Ok(process)
}

/// Whether this is a forked child of the process whose threads ours are.
pub(crate) fn is_forked() -> bool {
    PROCESS.get().is_some_and(|process| process.pid != std::process::id())
}

/// Runs `call` to its end on a thread of ours. The interpreter's exit waits for it.
pub(crate) fn spawn(call: impl Future<Output = ()> + Send + 'static) -> PyResult<()> {
    let process = process()?;
    process.calls.spawn_on(call, &process.handle);
    Ok(())
}

/// `question`, given up when the interpreter exits: it changes nothing.
pub(crate) async fn until_exit<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(process) = PROCESS.get() else { return question.await };
    let exit = std::pin::pin!(process.stop.cancelled());
    match select(std::pin::pin!(question), exit).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Error::new(ErrorKind::Cancelled, "python.exit", "the interpreter is exiting"))
        }
    }
}

/// Asks a call to end in order.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct CancelToken(pub CancellationToken);

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(process()?.stop.child_token()))
    }

    /// From now on; what is under way is finished first.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Ends every call in order, waits for them at most `wait_s` seconds, and stops the threads. For the interpreter's exit.
#[pyfunction]
#[pyo3(signature = (wait_s: "float"))]
pub(crate) fn shut_down(py: Python<'_>, wait_s: f64) {
    let Some(process) = PROCESS.get().filter(|process| process.pid == std::process::id()) else { return };
    process.stop.cancel();
    process.calls.close();
    let runtime = process.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(runtime) = runtime else { return };
    py.detach(|| {
        let wait = Duration::try_from_secs_f64(wait_s).unwrap_or_default();
        let _ = runtime.block_on(async { tokio::time::timeout(wait, process.calls.wait()).await });
        runtime.shutdown_timeout(LAST_WAIT);
    });
}
