//! The one runtime of this process, for all its environments: started when first needed.

use std::sync::OnceLock;
use std::time::Duration;

use futures::future::{Either, select};
use semantest_iac::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

use crate::queue::Queue;

/// Threads that carry out calls. They wait for clouds and disks most of the time, and what takes long without waiting has
/// threads of its own. With a second one, each answer from JavaScript wakes both: the first asks the other to look for more.
const WORKERS: usize = 1;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> Result<&'static Runtime> {
    if RUNTIME.get().is_none() {
        let started = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("semantest-iac")
            .enable_all()
            .build()
            .map_err(|error| no_threads(&error.to_string()))?;
        if let Err(second) = RUNTIME.set(started) {
            // Another environment was first.
            second.shutdown_background();
        }
    }
    RUNTIME.get().ok_or_else(|| no_threads("none was started"))
}

fn no_threads(why: &str) -> Error {
    Error::new(ErrorKind::Internal, "node.threads", format!("semantest-iac cannot start its threads: {why}"))
}

/// Runs `call` to its end on a thread of ours. The end of the queue's environment waits for it.
pub(crate) fn spawn(queue: &Queue, call: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    queue.calls.spawn_on(call, runtime()?.handle());
    Ok(())
}

/// Waits until all of `calls` have ended, but not longer than `most`.
pub(crate) fn wait_for(calls: &TaskTracker, most: Duration) {
    if let Some(runtime) = RUNTIME.get().filter(|_| !calls.is_empty()) {
        let _ = runtime.block_on(async { tokio::time::timeout(most, calls.wait()).await });
    }
}

/// `question`, given up when the environment ends: it changes nothing.
pub(crate) async fn until_the_end<T>(queue: &Queue, question: impl Future<Output = Result<T>>) -> Result<T> {
    let end = std::pin::pin!(queue.stop.cancelled());
    match select(std::pin::pin!(question), end).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Error::new(ErrorKind::Cancelled, "node.exit", "the JavaScript thread that asked has ended"))
        }
    }
}
