//! The workers of one function and what waits for them.
//!
//! Waiting invocations and idle workers are kept under one lock: with two, an invocation could be queued just
//! while a worker falls idle, and neither would hear of the other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use semantest_iac_core::domain::compute::when_busy::WhenBusy;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cgroup::memory_limits::MemoryLimits;
use crate::host::definition::{FunctionDefinition, SecretValues};
use crate::runtime::debugging::Debugging;
use crate::runtime::function_log::FunctionLog;
use crate::runtime::invocation::{Invocation, InvocationOutcome, ResponseStream, Streamed};
use crate::runtime::pool_size::{Load, PATIENCE, PoolSize};
use crate::runtime::worker;

/// A limit that is reached is told of in the function's log no more often than this.
const REMINDER: Duration = Duration::from_secs(60);

/// So many parts of a response are held for a caller who is slower than its function.
const PARTS_UNDER_WAY: usize = 8;

/// An invocation on its way to a worker.
pub(crate) struct Job {
    pub request_id: String,
    pub invocation: Invocation,
    reply: Reply,
    /// With a worker, from when it is handed over.
    busy: Option<Busy>,
}

/// Who waits for what comes of an invocation.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Who takes the response once it is whole; of a response that has begun, its end.
    Whole(oneshot::Sender<InvocationOutcome>),
    /// Who takes it as it is written.
    Streamed(oneshot::Sender<Streamed>),
}

impl Reply {
    fn is_closed(&self) -> bool {
        match self {
            Self::Whole(sender) => sender.is_closed(),
            Self::Streamed(sender) => sender.is_closed(),
        }
    }

    /// The asker may have given up.
    fn send(self, outcome: InvocationOutcome) {
        match self {
            Self::Whole(sender) => drop(sender.send(outcome)),
            Self::Streamed(sender) => drop(sender.send(Streamed::Whole(outcome))),
        }
    }
}

/// Counts among the workers that have something to do until it goes.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Job {
    /// An invocation that no worker has yet.
    pub fn new(request_id: String, invocation: Invocation, reply: Reply) -> Self {
        Self { request_id, invocation, reply, busy: None }
    }

    /// Tells who takes it as it is written that the response has begun, and gives where its parts go; nothing where it is
    /// wanted whole.
    pub fn begin_response(&mut self, content_type: String) -> Option<mpsc::Sender<Bytes>> {
        if matches!(self.reply, Reply::Whole(_)) {
            return None;
        }
        let (parts_in, parts) = mpsc::channel(PARTS_UNDER_WAY);
        let (end_in, end) = oneshot::channel();
        if let Reply::Streamed(asker) = std::mem::replace(&mut self.reply, Reply::Whole(end_in)) {
            let request_id = self.request_id.clone();
            let begun = ResponseStream { request_id, content_type, parts, end };
            // The asker may have given up.
            let _ = asker.send(Streamed::Begun(begun));
        }
        Some(parts_in)
    }

    /// Whether nobody waits for its answer any more.
    fn is_given_up(&self) -> bool {
        self.invocation.given_up.is_cancelled() || self.reply.is_closed()
    }

    /// Answers. Whoever asks again at once is not to be told that there is still too much to do.
    pub fn answer(mut self, outcome: InvocationOutcome) {
        self.busy = None;
        self.reply.send(outcome);
    }

    /// Answers that the function may not run.
    fn throttle(self) {
        let outcome = InvocationOutcome::throttled(self.request_id.clone());
        self.answer(outcome);
    }

    /// Answers with an error of the runtime.
    pub fn fail(self, error_type: &str, message: &str) {
        let payload = error_payload(error_type, message);
        self.fail_with(error_type, payload);
    }

    /// Answers with an error as it is.
    pub fn fail_with(self, error_type: &str, payload: Bytes) {
        let (request_id, error_type) = (self.request_id.clone(), error_type.to_owned());
        self.answer(InvocationOutcome::FunctionError { request_id, error_type, payload });
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
    /// How memory is kept to its limit.
    pub limits: Arc<MemoryLimits>,
    /// How it is inspected: with one worker, which is there before it is needed, and no time limits.
    pub debugging: Option<Debugging>,
    /// What is under way is not waited for: the debugger that may hold it has gone.
    pub cut_off: CancellationToken,
    state: Mutex<State>,
    workers: TaskTracker,
    busy: Arc<AtomicUsize>,
    size: PoolSize,
}

#[derive(Default)]
struct State {
    /// What came first stands first, with when it came.
    waiting: VecDeque<(Instant, Job)>,
    idle: Vec<(Instant, oneshot::Sender<Job>)>,
    alive: usize,
    /// Whether somebody looks after what waits.
    watched: bool,
    told: Option<Instant>,
}

impl Pool {
    /// A pool without workers.
    pub fn new(
        function: FunctionDefinition,
        secrets: SecretValues,
        log: Arc<FunctionLog>,
        certificate: Option<std::path::PathBuf>,
        bootstraps: std::path::PathBuf,
        debugging: Option<Debugging>,
        limits: Arc<MemoryLimits>,
    ) -> Arc<Self> {
        let size = match &debugging {
            Some(_) => PoolSize::debugged(function.max_concurrency),
            None => PoolSize::new(function.max_concurrency),
        };
        Arc::new(Self {
            function,
            secrets,
            log,
            certificate,
            bootstraps,
            retired: CancellationToken::new(),
            limits,
            debugging,
            cut_off: CancellationToken::new(),
            state: Mutex::default(),
            workers: TaskTracker::new(),
            busy: Arc::default(),
            size,
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
        if self.size.base == 0 {
            self.tell(
                &mut state,
                "[WARN] the function's concurrency is 0 (reserved_concurrency): nothing runs",
            );
            drop(state);
            job.throttle();
            return;
        }
        if self.rejects(&mut state) {
            drop(state);
            job.throttle();
            return;
        }
        while let Some((_, worker)) = state.idle.pop() {
            job.busy = Some(Busy::new(&self.busy));
            match worker.send(job) {
                Ok(()) => return,
                Err(returned) => job = returned,
            }
        }
        job.busy = None;
        state.waiting.push_back((Instant::now(), job));
        self.fill(&mut state);
        if !std::mem::replace(&mut state.watched, true) {
            let pool = self.clone();
            tokio::spawn(async move { pool.watch().await });
        }
    }

    /// Starts a worker before there is anything for it, so that a debugger finds it.
    pub fn warm(self: &Arc<Self>) {
        self.fill(&mut self.state());
    }

    /// Whether nothing will be asked of it any more.
    pub fn is_over(&self) -> bool {
        self.retired.is_cancelled() && self.state().waiting.is_empty()
    }

    /// Whether one more invocation is to be refused, as AWS does it.
    fn rejects(&self, state: &mut State) -> bool {
        let under_way = self.busy.load(Ordering::SeqCst) + state.waiting.len();
        let rejects = self.function.when_busy == Some(WhenBusy::Reject) && self.size.is_reached_by(under_way);
        if rejects {
            let text = "[WARN] invocations are rejected (when_busy): reserved_concurrency lets no more than";
            self.tell(state, &format!("{text} {under_way} run at once"));
        }
        rejects
    }

    /// Starts one worker where that takes no waiting.
    fn fill(self: &Arc<Self>, state: &mut State) {
        if state.alive < self.size.base {
            self.start_one(state);
        }
    }

    fn start_one(self: &Arc<Self>, state: &mut State) {
        state.alive += 1;
        let pool = self.clone();
        self.workers.spawn(async move { worker::supervise(pool).await });
    }

    /// Looks after what waits, as long as something does.
    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            let mut state = self.state();
            self.forget_given_up(&mut state);
            let Some(longest) = state.waiting.front().map(|(since, _)| since.elapsed()) else {
                state.watched = false;
                return;
            };
            let load = Load {
                impatient: state.waiting.iter().take_while(|(since, _)| since.elapsed() >= PATIENCE).count(),
                longest,
                alive: state.alive,
                busy: self.busy.load(Ordering::SeqCst),
            };
            (0..self.size.more(&load)).for_each(|_| self.start_one(&mut state));
            if let Some(complaint) = self.size.complaint(&load) {
                self.tell(&mut state, &complaint);
            }
        }
    }

    /// Takes out of what waits what nobody waits for: on AWS nothing is begun after its caller was told that it failed.
    fn forget_given_up(&self, state: &mut State) {
        state.waiting.retain(|(_, job)| {
            let keeps = !job.is_given_up();
            if !keeps {
                self.log.write(Some(&job.request_id), "[WARN] not run: nobody waits for its answer any more");
            }
            keeps
        });
    }

    /// Says in the function's log what limits it; once in a while, not for every invocation.
    fn tell(&self, state: &mut State, message: &str) {
        if state.told.is_none_or(|told| told.elapsed() >= REMINDER) {
            state.told = Some(Instant::now());
            self.log.write(None, message);
        }
    }

    /// The next job for a worker; nothing once the pool is retired and has no more.
    pub async fn take(&self) -> Option<Job> {
        let given = {
            let mut state = self.state();
            self.forget_given_up(&mut state);
            if let Some((_, mut job)) = state.waiting.pop_front() {
                job.busy = Some(Busy::new(&self.busy));
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
                let failed: Vec<Job> = state.waiting.drain(..).map(|(_, job)| job).collect();
                drop(state);
                failed.into_iter().for_each(|job| job.fail_with(&error_type, payload.clone()));
            }
            _ => {
                if !state.waiting.is_empty() {
                    self.fill(&mut state);
                }
            }
        }
    }

    /// Ends workers that have been idle for long, but for a debugger's.
    pub fn reap(&self) {
        if self.debugging.is_some() {
            return;
        }
        let mut state = self.state();
        let mut alive = state.alive;
        // A dropped sender tells its worker that there is nothing more to come. Who is idle longest stands first.
        state.idle.retain(|(since, _)| {
            let keeps = self.size.keeps(since.elapsed(), alive);
            alive -= usize::from(!keeps);
            keeps
        });
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pool(folder: &std::path::Path) -> Arc<Pool> {
        let function = serde_json::from_value(json!({
            "name": "f", "arn": "a", "region": "r", "runtime": "provided.al2023", "handler": "h", "memory_mb": 128,
            "timeout_s": 1, "environment_variables": {}, "package_sha256": "", "max_concurrency": 1,
            "tags": { "project": "p", "environment": "e", "component": "c", "address": "a" },
        }))
        .expect("a definition");
        let log = Arc::new(FunctionLog::new(folder.join("f.log")));
        let limits = Arc::new(MemoryLimits::without("nothing is run"));
        Pool::new(function, SecretValues::default(), log, None, folder.to_owned(), None, limits)
    }

    fn waits(pool: &Pool, id: &str) -> (oneshot::Receiver<InvocationOutcome>, CancellationToken) {
        let (reply, answered) = oneshot::channel();
        let invocation = Invocation::default();
        let given_up = invocation.given_up.clone();
        pool.state()
            .waiting
            .push_back((Instant::now(), Job::new(id.into(), invocation, Reply::Whole(reply))));
        (answered, given_up)
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_never_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = pool(folder.path());
        let (timed_out, given_up) = waits(&pool, "timed-out");
        drop(waits(&pool, "gone"));
        let (_first, _) = waits(&pool, "first");
        let (_second, _) = waits(&pool, "second");
        given_up.cancel();
        let taken = pool.take().await.expect("a job");
        assert_eq!(taken.request_id, "first");
        assert!(timed_out.await.is_err(), "it is let go");
        assert_eq!(pool.take().await.expect("a job").request_id, "second");
        let log = std::fs::read_to_string(folder.path().join("f.log")).expect("a log");
        assert!(log.contains("timed-out") && log.contains("gone") && !log.contains("first"), "{log}");
    }

    #[tokio::test]
    async fn what_has_begun_goes_on_also_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = pool(folder.path());
        let (answered, given_up) = waits(&pool, "begun");
        let taken = pool.take().await.expect("a job");
        given_up.cancel();
        drop(answered);
        taken.fail("T", "its worker ends it, and nothing breaks");
        assert!(!folder.path().join("f.log").exists(), "nothing was left out");
    }
}
