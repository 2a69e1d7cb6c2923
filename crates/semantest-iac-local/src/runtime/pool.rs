//! The workers of one function and what waits for them.
//!
//! Waiting invocations and idle workers are kept under one lock: with two, an invocation could be queued just
//! while a worker falls idle, and neither would hear of the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::host::definition::{FunctionDefinition, SecretValues};
use crate::runtime::function_log::FunctionLog;
use crate::runtime::invocation::{Invocation, InvocationOutcome};
use crate::runtime::worker;

/// Idle workers end after this long.
const IDLE: Duration = Duration::from_secs(600);

/// An invocation on its way to a worker.
pub(crate) struct Job {
    pub request_id: String,
    pub invocation: Invocation,
    pub reply: oneshot::Sender<InvocationOutcome>,
}

impl Job {
    /// Answers with an error of the runtime.
    pub fn fail(self, error_type: &str, message: &str) {
        let payload = error_payload(error_type, message);
        self.fail_with(error_type, payload);
    }

    /// Answers with an error as it is.
    pub fn fail_with(self, error_type: &str, payload: Bytes) {
        let (request_id, error_type) = (self.request_id, error_type.to_owned());
        // The asker may have given up.
        let _ = self.reply.send(InvocationOutcome::FunctionError { request_id, error_type, payload });
    }
}

/// `{"errorType", "errorMessage"}`.
pub(crate) fn error_payload(error_type: &str, message: &str) -> Bytes {
    Bytes::from(serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string())
}

/// The workers of one definition of a function. A new definition gets a new pool; the old one finishes what it has.
pub(crate) struct Pool {
    pub function: FunctionDefinition,
    pub secrets: SecretValues,
    pub log: Arc<FunctionLog>,
    pub certificate: Option<std::path::PathBuf>,
    pub bootstraps: std::path::PathBuf,
    pub retired: CancellationToken,
    state: Mutex<State>,
    workers: TaskTracker,
    limit: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    idle: Vec<(Instant, oneshot::Sender<Job>)>,
    alive: usize,
}

impl Pool {
    /// A pool without workers.
    pub fn new(
        function: FunctionDefinition,
        secrets: SecretValues,
        log: Arc<FunctionLog>,
        certificate: Option<std::path::PathBuf>,
        bootstraps: std::path::PathBuf,
    ) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let limit = match function.max_concurrency {
            Some(limit) => limit as usize,
            None => (cores * 2).max(2),
        };
        Arc::new(Self {
            function,
            secrets,
            log,
            certificate,
            bootstraps,
            retired: CancellationToken::new(),
            state: Mutex::default(),
            workers: TaskTracker::new(),
            limit,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many workers live.
    pub fn alive(&self) -> usize {
        self.state().alive
    }

    /// Hands a job to the worker that fell idle last, or queues it and starts another worker where there may be one.
    pub fn submit(self: &Arc<Self>, mut job: Job) {
        let mut state = self.state();
        if self.limit == 0 {
            drop(state);
            job.fail("TooManyRequestsException", "Rate Exceeded: the function's concurrency is 0");
            return;
        }
        while let Some((_, worker)) = state.idle.pop() {
            match worker.send(job) {
                Ok(()) => return,
                Err(returned) => job = returned,
            }
        }
        state.waiting.push_back(job);
        self.start_one(&mut state);
    }

    fn start_one(self: &Arc<Self>, state: &mut State) {
        if state.alive < self.limit {
            state.alive += 1;
            let pool = self.clone();
            self.workers.spawn(async move { worker::supervise(pool).await });
        }
    }

    /// The next job for a worker; nothing once the pool is retired and has no more.
    pub async fn take(&self) -> Option<Job> {
        let given = {
            let mut state = self.state();
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if self.retired.is_cancelled() {
                return None;
            }
            let (sender, receiver) = oneshot::channel();
            state.idle.push((Instant::now(), sender));
            receiver
        };
        given.await.ok()
    }

    /// A worker has ended. One that never became ready (`init_failure`) fails what waits, where no other worker is
    /// left to take it; else another worker takes its place where something waits.
    pub fn ended(self: &Arc<Self>, init_failure: Option<(String, Bytes)>) {
        let mut state = self.state();
        state.alive = state.alive.saturating_sub(1);
        match init_failure {
            Some((error_type, payload)) if state.alive == 0 => {
                let failed: Vec<Job> = state.waiting.drain(..).collect();
                drop(state);
                failed.into_iter().for_each(|job| job.fail_with(&error_type, payload.clone()));
            }
            _ => {
                if !state.waiting.is_empty() {
                    self.start_one(&mut state);
                }
            }
        }
    }

    /// Ends workers that have been idle for long.
    pub fn reap(&self) {
        // A dropped sender tells its worker that there is nothing more to come.
        self.state().idle.retain(|(since, _)| since.elapsed() < IDLE);
    }

    /// Takes no new work; idle workers end now, busy ones when they are done.
    pub fn retire(&self) {
        self.retired.cancel();
        self.state().idle.clear();
        self.workers.close();
    }

    /// Waits until every worker has ended.
    pub async fn drained(&self) {
        self.workers.wait().await;
    }
}
