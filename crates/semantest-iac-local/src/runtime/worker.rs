//! One worker: a process, its Runtime API, its log, its limits.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cgroup::memory_cgroup::MemoryCgroup;
use crate::runtime::exit;
use crate::runtime::interpreter::RuntimeFamily;
use crate::runtime::invocation::{InvocationOutcome, new_trace_id};
use crate::runtime::launch::launch;
use crate::runtime::leftovers::Leftovers;
use crate::runtime::memory::{Resident, group_kib};
use crate::runtime::output::Output;
use crate::runtime::pool::{Job, Pool, error_payload};
use crate::runtime::spawn::kill_group;

/// Largest event and response, in bytes (AWS Lambda quotas).
pub(crate) const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
/// A worker that asks for no invocation within this time, or its function's longer one, is killed.
///
/// On AWS what has not begun by then is killed too, and begun anew with the first invocation, within the function's time. Here
/// it is let go on instead: the same functions start, and none runs the code of its module twice.
const INIT_TIME: Duration = Duration::from_secs(10);
/// How often the memory of a busy worker is looked at.
const WATCH: Duration = Duration::from_millis(100);
/// How often the memory of its children is.
const WATCH_GROUP: Duration = Duration::from_secs(1);
/// The time that an inspected function is told it has left: a day. Nobody ends it then.
const INSPECTED_TIME: Duration = Duration::from_secs(24 * 3600);
/// How long the last lines of a worker that has ended are waited for.
const LAST_LINES: Duration = Duration::from_millis(500);

/// A worker process and what it is doing.
pub(crate) struct Worker {
    pub pool: Arc<Pool>,
    current: Mutex<Option<Running>>,
    output: Arc<Output>,
    ready: AtomicBool,
    started: Instant,
    /// How long its start took, until its first invocation's report tells.
    init: Mutex<Option<Duration>>,
    init_failure: Mutex<Option<(String, Bytes)>>,
    /// Why it is being killed: error type and message.
    verdict: Mutex<Option<(String, String)>>,
    kill: CancellationToken,
    /// The pool has nothing more for it.
    dismissed: CancellationToken,
    peak_kib: AtomicU64,
    process: AtomicU32,
    memory: OnceLock<Resident>,
    /// By which the kernel keeps its memory to the limit; where there is none, it is looked at.
    cgroup: Mutex<Option<MemoryCgroup>>,
}

struct Running {
    job: Job,
    since: Instant,
    /// When the memory of its children was last looked at.
    group_counted: Instant,
}

/// An invocation as the worker gets it.
pub(crate) struct Taken {
    pub event: Bytes,
    pub headers: Vec<(&'static str, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Worker {
    /// The next invocation; the function's time runs from here.
    pub async fn take(self: &Arc<Self>) -> Option<Taken> {
        if !self.ready.swap(true, Ordering::SeqCst) {
            *lock(&self.init) = Some(self.started.elapsed());
        }
        let Some(job) = self.pool.take().await else {
            self.dismissed.cancel();
            return None;
        };
        let function = &self.pool.function;
        let inspected = self.pool.debugging.is_some();
        let limit =
            if inspected { INSPECTED_TIME } else { Duration::from_secs(u64::from(function.timeout_s)) };
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + limit;
        let trace = job.invocation.trace_id.clone().unwrap_or_else(new_trace_id);
        let mut headers = vec![
            ("lambda-runtime-aws-request-id", job.request_id.clone()),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", function.arn.clone()),
            ("lambda-runtime-trace-id", trace),
        ];
        if let Some(client) = &job.invocation.client_context {
            headers.push(("lambda-runtime-client-context", client.clone()));
        }
        let event = job.invocation.event.clone();
        let id = job.request_id.clone();
        self.output.begin(&id);
        self.pool.log.write_with_next(Some(&id), &format!("START RequestId: {id} Version: $LATEST"));
        *lock(&self.current) = Some(Running { job, since: Instant::now(), group_counted: Instant::now() });
        Some(Taken { event, headers })
    }

    /// Ends the worker where its invocation has had its time; when to look again. One timer for the worker, not one for each
    /// invocation: what begins later ends later.
    fn time_out(&self, limit: Duration) -> Instant {
        let running =
            lock(&self.current).as_ref().map(|running| (running.job.request_id.clone(), running.since));
        let Some((id, since)) = running else { return Instant::now() + limit };
        if since.elapsed() >= limit {
            let text = format!("{id} Task timed out after {}.00 seconds", limit.as_secs());
            self.condemn("Sandbox.Timedout", &text);
        }
        since + limit
    }

    fn condemn(&self, error_type: &str, message: &str) {
        lock(&self.verdict).get_or_insert_with(|| (error_type.to_owned(), message.to_owned()));
        self.kill.cancel();
    }

    /// Takes the job with this id, if that is the one under way, and reports it.
    fn finish(&self, id: &str) -> Option<Job> {
        let running = {
            let mut current = lock(&self.current);
            match current.as_ref() {
                Some(running) if running.job.request_id == id => current.take(),
                _ => None,
            }
        }?;
        self.note_memory();
        self.output.end();
        let taken = running.since.elapsed().as_secs_f64() * 1000.0;
        let memory = self.pool.function.memory_mb;
        let peak = self.peak_kib.load(Ordering::Relaxed).div_ceil(1024);
        let init = lock(&self.init)
            .take()
            .map(|init| format!("\tInit Duration: {:.2} ms", init.as_secs_f64() * 1000.0));
        let init = init.unwrap_or_default();
        let end = format!("END RequestId: {id}");
        let report = format!(
            "REPORT RequestId: {id}\tDuration: {taken:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory} MB\t\
             Max Memory Used: {peak} MB{init}",
            taken.ceil()
        );
        self.pool.log.write_all(Some(id), &[&end, &report]);
        Some(running.job)
    }

    /// The handler has returned.
    pub fn respond(&self, id: &str, payload: Bytes) -> bool {
        let Some(job) = self.finish(id) else { return false };
        let request_id = job.request_id.clone();
        job.answer(InvocationOutcome::Success { request_id, payload });
        true
    }

    /// The handler begins to write a response: where its parts go, or nothing where it is wanted whole. An error where that is
    /// not the invocation under way.
    pub fn begin_response(&self, id: &str, content_type: String) -> Result<Option<mpsc::Sender<Bytes>>, ()> {
        match lock(&self.current).as_mut() {
            Some(running) if running.job.request_id == id => Ok(running.job.begin_response(content_type)),
            _ => Err(()),
        }
    }

    /// The handler has returned more than may be returned.
    pub fn respond_too_large(&self, id: &str, limit: usize) -> bool {
        let Some(job) = self.finish(id) else { return false };
        let text = format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
        self.pool.log.write(Some(id), &text);
        job.fail("Function.ResponseSizeTooLarge", &text);
        true
    }

    /// The handler has thrown.
    pub fn fail(&self, id: &str, error_type: &str, payload: Bytes) -> bool {
        if lock(&self.current).as_ref().is_some_and(|running| running.job.request_id == id) {
            self.log_error(Some(id), error_type, &payload);
        }
        let Some(job) = self.finish(id) else { return false };
        job.fail_with(error_type, payload);
        true
    }

    /// The handler's module could not be loaded.
    pub fn fail_init(&self, error_type: &str, payload: Bytes) {
        self.log_error(None, error_type, &payload);
        *lock(&self.init_failure) = Some((error_type.to_owned(), payload));
    }

    /// Notes an error as a bootstrap of the package's own told it, where it printed nothing: clients of AWS print
    /// theirs, and so do ours, traceback included.
    fn log_error(&self, id: Option<&str>, error_type: &str, payload: &[u8]) {
        let provided = RuntimeFamily::parse(&self.pool.function.runtime) == Some(RuntimeFamily::Provided);
        if !provided || self.output.printed() {
            return;
        }
        let told: Value = serde_json::from_slice(payload).unwrap_or_default();
        let text = |key: &str| told.get(key).and_then(Value::as_str);
        let raw = String::from_utf8_lossy(payload);
        let (kind, message) =
            (text("errorType").unwrap_or(error_type), text("errorMessage").unwrap_or(raw.trim()));
        let line = format!("[ERROR] {kind}: {message}");
        self.pool.log.write_all(id, &line.lines().collect::<Vec<_>>());
    }

    /// Memory now, in KiB, noted for the report.
    fn note_memory(&self) -> Option<u64> {
        let kib = match self.kept_kib() {
            Some(kib) => kib,
            None => self.memory.get()?.kib()?,
        };
        self.peak_kib.fetch_max(kib, Ordering::Relaxed);
        Some(kib)
    }

    /// The same with that of its children. Every process of this machine is asked for it: not on the host's own thread.
    async fn note_memory_of_group(&self) -> Option<u64> {
        let (process, limit) = (self.process.load(Ordering::Relaxed), self.memory_kib());
        let kib = tokio::task::spawn_blocking(move || group_kib(process, limit)).await.ok()?;
        self.peak_kib.fetch_max(kib, Ordering::Relaxed);
        Some(kib)
    }

    /// The most memory it has used, in KiB, where the kernel keeps it to its limit.
    fn kept_kib(&self) -> Option<u64> {
        lock(&self.cgroup).as_ref().and_then(MemoryCgroup::peak_kib)
    }

    fn memory_kib(&self) -> u64 {
        u64::from(self.pool.function.memory_mb) * 1024
    }

    /// Ends a worker that does not become ready in time, or that waits for a debugger and is not needed any more.
    fn watch_start(&self, started: Instant) {
        if self.ready.load(Ordering::SeqCst) {
            return;
        }
        let time = INIT_TIME.max(Duration::from_secs(u64::from(self.pool.function.timeout_s)));
        if self.pool.debugging.is_some() {
            if self.pool.is_over() {
                self.dismissed.cancel();
            }
        } else if started.elapsed() > time {
            let seconds = time.as_secs();
            self.condemn("Sandbox.Timedout", &format!("Init phase timed out after {seconds}.00 seconds"));
        }
    }

    async fn watch_memory(&self) {
        if let Some(kib) = self.kept_kib() {
            self.peak_kib.fetch_max(kib, Ordering::Relaxed);
            return;
        }
        let due = {
            let mut current = lock(&self.current);
            let Some(running) = current.as_mut() else { return };
            // Only for what runs longer, and not often.
            let due = running.group_counted.elapsed() >= WATCH_GROUP;
            if due {
                running.group_counted = Instant::now();
            }
            due
        };
        let kib = if due { self.note_memory_of_group().await } else { self.note_memory() };
        let Some(kib) = kib else { return };
        if kib > self.memory_kib() {
            let (error_type, text) = self.out_of_memory();
            self.condemn(&error_type, &text);
        }
    }

    /// What a worker ends with that took more memory than it may.
    fn out_of_memory(&self) -> (String, String) {
        let limit = self.pool.function.memory_mb;
        ("Runtime.ExitError".to_owned(), format!("Error: signal: killed (memory above {limit} MB)"))
    }

    /// Why it ended, where that was not by itself.
    fn take_verdict(&self) -> Option<(String, String)> {
        let was_killed = || lock(&self.cgroup).as_ref().is_some_and(MemoryCgroup::was_killed);
        lock(&self.verdict).take().or_else(|| was_killed().then(|| self.out_of_memory()))
    }
}

/// Runs a worker of `pool` from its start to its end.
pub(crate) async fn supervise(pool: Arc<Pool>) {
    let worker = Arc::new(Worker {
        pool: pool.clone(),
        current: Mutex::new(None),
        output: Output::new(pool.log.clone()),
        ready: AtomicBool::new(false),
        started: Instant::now(),
        init: Mutex::new(None),
        init_failure: Mutex::new(None),
        verdict: Mutex::new(None),
        kill: CancellationToken::new(),
        dismissed: CancellationToken::new(),
        peak_kib: AtomicU64::new(0),
        process: AtomicU32::new(0),
        memory: OnceLock::new(),
        cgroup: Mutex::default(),
    });
    if let Some(debugging) = &pool.debugging
        && !debugging.has_its_port(|| pool.is_over()).await
    {
        return pool.ended(None);
    }
    let started = launch(&worker).await;
    let failure = match started {
        Ok((child, api, group)) => {
            *lock(&worker.cgroup) = group;
            let failure = run(&worker, child).await;
            // Whoever still talks to its Runtime API has the worker, too.
            lock(&worker.cgroup).take();
            api.abort();
            failure
        }
        Err(text) => {
            pool.log.write(None, &text);
            Some(("Runtime.InvalidEntrypoint".to_owned(), error_payload("Runtime.InvalidEntrypoint", &text)))
        }
    };
    pool.ended(failure);
}

/// Watches a worker until it ends; the reason, where it never became ready.
async fn run(worker: &Arc<Worker>, mut child: Child) -> Option<(String, Bytes)> {
    let process = child.id().unwrap_or_default();
    worker.process.store(process, Ordering::Relaxed);
    if let Some(memory) = Resident::of(process) {
        let _ = worker.memory.set(memory);
    }
    let _killed_at_the_end = Leftovers::of(process);
    let mut lines = match worker.output.follow(&mut child) {
        Ok(lines) => lines,
        Err(error) => {
            let _ = end(&mut child, process).await;
            let text = format!("the function's output cannot be read: {error}");
            worker.pool.log.write(None, &text);
            return Some(("Runtime.ExitError".to_owned(), error_payload("Runtime.ExitError", &text)));
        }
    };
    let started = Instant::now();
    let limit = Duration::from_secs(u64::from(worker.pool.function.timeout_s));
    let mut time_up = Instant::now() + limit;
    // Nobody ends what is looked at in a debugger.
    let inspected = worker.pool.debugging.is_some();
    let mut tick = tokio::time::interval(WATCH);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.ok(),
            () = worker.kill.cancelled() => break end(&mut child, process).await,
            () = worker.dismissed.cancelled() => break end(&mut child, process).await,
            () = worker.pool.cut_off.cancelled() => {
                worker.condemn("Runtime.ExitError", "Error: ended with the inspection");
                break end(&mut child, process).await;
            }
            () = tokio::time::sleep_until(time_up.into()), if !inspected => time_up = worker.time_out(limit),
            _ = tick.tick() => {
                worker.pool.log.flush();
                worker.watch_memory().await;
                worker.watch_start(started);
            }
        }
    };
    // Children of the worker must not outlive it.
    kill_group(process);
    let _ = tokio::time::timeout(LAST_LINES, async { while lines.join_next().await.is_some() {} }).await;
    conclude(worker, status)
}

async fn end(child: &mut Child, process: u32) -> Option<ExitStatus> {
    kill_group(process);
    child.wait().await.ok()
}

/// Answers what was under way when the worker ended.
fn conclude(worker: &Worker, status: Option<ExitStatus>) -> Option<(String, Bytes)> {
    let (error_type, text) = worker
        .take_verdict()
        .unwrap_or_else(|| ("Runtime.ExitError".to_owned(), format!("Error: {}", exit::words(status))));
    let current = lock(&worker.current).as_ref().map(|running| running.job.request_id.clone());
    if let Some(id) = current {
        worker.output.end();
        worker.pool.log.write(Some(&id), &text);
        if let Some(job) = worker.finish(&id) {
            let text = match error_type == "Sandbox.Timedout" {
                true => text,
                false => format!("RequestId: {id} {text}"),
            };
            job.fail(&error_type, &text);
        }
        return None;
    }
    if worker.ready.load(Ordering::SeqCst) {
        return None;
    }
    let init = lock(&worker.init_failure).take();
    Some(init.unwrap_or_else(|| {
        worker.pool.log.write(None, &text);
        (error_type.clone(), error_payload(&error_type, &text))
    }))
}
