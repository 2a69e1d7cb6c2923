//! One replica: its process, kept running; whether it is well; its end.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::balancer::upstream::Upstream;
use crate::cgroup::memory_cgroup::MemoryCgroup;
use crate::replicas::crew::Crew;
use crate::replicas::guard::Guarded;
use crate::replicas::health;
use crate::replicas::judgement::{Judgement, Verdict};
use crate::replicas::launch::{Launched, launch};
use crate::runtime::output::Output;
use crate::runtime::spawn::{kill_group, terminate_group};

/// Pause before a replica that has ended is started again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One that was well for so long has earned the first pause again.
const PROVEN: Duration = Duration::from_secs(10);
/// Requests under way are waited for before a replica is asked to end (as the `aws` provider's target groups do).
const DRAIN_TIME: Duration = Duration::from_secs(30);
/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
/// How long the last lines of a replica that has ended are waited for.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How a replica is.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// Not well yet.
    Starting,
    /// It takes requests.
    Ready(Arc<Upstream>),
    /// It did, and may again.
    Unwell,
    /// It ended, for this reason, and is started again after a pause.
    Failed(String),
    /// It is not started again.
    Gone,
}

/// A replica, over all the processes that take its place.
pub(crate) struct Member {
    pub number: u32,
    crew: Arc<Crew>,
    state: watch::Sender<State>,
    retired: CancellationToken,
    /// Why its process must end now.
    verdict: Mutex<Option<String>>,
    condemned: tokio::sync::Notify,
    process: AtomicU32,
    /// By which the kernel keeps the memory of the process to the limit, with that limit in MiB; where there is none, it is
    /// looked at.
    cgroup: Mutex<Option<(MemoryCgroup, u32)>>,
    /// Processor time of the process at the last look, and when that was.
    used: Mutex<Option<(u32, f64, Instant)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Member {
    /// A replica of `crew`; [`Self::keep`] runs it.
    pub fn new(number: u32, crew: Arc<Crew>) -> Arc<Self> {
        Arc::new(Self {
            number,
            crew,
            state: watch::Sender::new(State::Starting),
            retired: CancellationToken::new(),
            verdict: Mutex::default(),
            condemned: tokio::sync::Notify::new(),
            process: AtomicU32::default(),
            cgroup: Mutex::default(),
            used: Mutex::default(),
        })
    }

    /// Where it takes requests, while it does.
    pub fn upstream(&self) -> Option<Arc<Upstream>> {
        match &*self.state.borrow() {
            State::Ready(upstream) => Some(upstream.clone()),
            _ => None,
        }
    }

    /// Waits until it takes requests.
    ///
    /// # Errors
    /// Why it does not: it has ended.
    pub async fn settled(&self) -> Result<(), String> {
        let mut state = self.state.subscribe();
        let is_settled = |state: &State| !matches!(state, State::Starting | State::Unwell);
        match state.wait_for(is_settled).await.as_deref() {
            Ok(State::Ready(_)) => Ok(()),
            Ok(State::Failed(why)) => Err(why.clone()),
            _ => Err("it was taken away".to_owned()),
        }
    }

    /// It takes no more requests, answers those it has, and ends.
    pub fn retire(&self) {
        self.retired.cancel();
    }

    /// Its process, where one runs.
    pub fn process(&self) -> Option<u32> {
        Some(self.process.load(Ordering::SeqCst)).filter(|process| *process != 0)
    }

    /// Its process must end at once, for this reason; another one takes its place.
    pub fn condemn(&self, why: String) {
        lock(&self.verdict).get_or_insert(why);
        self.condemned.notify_one();
    }

    /// Whether the kernel keeps it to so many MiB. The limit may have changed since it was started.
    pub fn is_kept_to(&self, memory_mb: u32) -> bool {
        match lock(&self.cgroup).as_mut() {
            Some((group, limit)) if *limit != memory_mb => {
                let is_kept = group.limit(memory_mb).is_ok();
                if is_kept {
                    *limit = memory_mb;
                }
                is_kept
            }
            Some((group, _)) => group.peak_kib().is_some(),
            None => false,
        }
    }

    /// Its process must end: it has taken more memory than it may.
    pub fn condemn_for_memory(&self, memory_mb: u32) {
        self.condemn(above_its_limit(memory_mb));
    }

    /// CPUs used since the last time this was asked; nothing the first time, and after a new start.
    pub fn cpus(&self, process: u32, cpu_seconds: f64) -> Option<f64> {
        let now = Instant::now();
        let (before, seconds, then) = lock(&self.used).replace((process, cpu_seconds, now))?;
        let passed = now.duration_since(then).as_secs_f64();
        (before == process && passed > 0.0).then(|| ((cpu_seconds - seconds) / passed).max(0.0))
    }

    /// Runs it until it is retired.
    pub async fn keep(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        while !self.retired.is_cancelled() {
            let Some(ended) = self.run().await else { break };
            if ended.well_for >= PROVEN {
                pause = FIRST_PAUSE;
            }
            self.say(&format!("{}; it is started again in {:.1} s", ended.why, pause.as_secs_f64()));
            self.state.send_replace(State::Failed(ended.told()));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.retired.cancelled() => break,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.state.send_replace(State::Starting);
        }
        self.state.send_replace(State::Gone);
    }

    fn say(&self, text: &str) {
        let line = format!("replica {}: {text}", self.number);
        self.crew.log.write_lines(None, Some(self.number), &[&line]);
    }

    /// One process from its start to its end; nothing where it ended because it was retired.
    async fn run(&self) -> Option<Ended> {
        *lock(&self.verdict) = None;
        let revision = self.crew.revision();
        let identity = self.crew.guard.identity(&revision.definition.name, self.number);
        let crew = &self.crew;
        let mut launched = match launch(&revision, identity, &crew.state_dir, &crew.limits) {
            Ok(launched) => launched,
            Err(why) => return Some(Ended { why, lines: Vec::new(), well_for: Duration::ZERO }),
        };
        let process = launched.child.id().unwrap_or_default();
        self.process.store(process, Ordering::SeqCst);
        *lock(&self.cgroup) = launched.cgroup.take().map(|group| (group, revision.definition.memory_mb));
        self.crew.guard.add(&Guarded::Group(process));
        if let Some(container) = &launched.container {
            self.crew.guard.add(&container.guarded());
        }
        self.say(&format!("process {process}, port {}", launched.port));
        let output = Output::of_replica(self.crew.log.clone(), self.number);
        let lines = output.follow(&mut launched.child);
        let mut well_since = None;
        let why = self.until_its_end(&mut launched, &mut well_since).await;
        self.process.store(0, Ordering::SeqCst);
        let group = lock(&self.cgroup).take().filter(|(group, _)| group.was_killed());
        let why = why.map(|why| group.map_or(why, |(_, limit)| above_its_limit(limit)));
        // Its children must not outlive it.
        kill_group(process);
        drop(launched.leftovers);
        if let Some(container) = launched.container {
            container.remove().await;
        }
        self.crew.guard.remove(process);
        if let Ok(mut lines) = lines {
            let read = async { while lines.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(LAST_LINES, read).await;
        }
        let well_for = well_since.map(|since: Instant| since.elapsed()).unwrap_or_default();
        Some(Ended { why: why?, lines: output.recent(), well_for })
    }

    /// Why the process ended; nothing where it was retired.
    async fn until_its_end(
        &self,
        launched: &mut Launched,
        well_since: &mut Option<Instant>,
    ) -> Option<String> {
        let port = launched.port;
        let is_container = launched.container.is_some();
        tokio::select! {
            status = launched.child.wait() => return Some(exit_text(status.ok(), is_container)),
            why = self.watch_health(port, is_container, well_since) => {
                self.say(&format!("{why}; it is ended"));
                stop(&mut launched.child).await;
                return Some(why);
            }
            () = self.condemned.notified() => {
                let why = lock(&self.verdict).take().unwrap_or_default();
                launched.child.id().into_iter().for_each(kill_group);
                let _ = launched.child.wait().await;
                return Some(why);
            }
            () = self.retired.cancelled() => {}
        }
        let upstream = self.upstream();
        self.state.send_replace(State::Gone);
        if let Some(upstream) = upstream {
            // Those of before may go on for a while, and no new ones come.
            tokio::select! {
                () = upstream.idle() => {}
                () = tokio::time::sleep(DRAIN_TIME) => {}
                () = self.crew.hurry.cancelled() => {}
            }
            upstream.close();
        }
        stop(&mut launched.child).await;
        self.say("ended");
        None
    }

    /// Looks after it, and returns when it has to be started anew: the reason.
    async fn watch_health(&self, port: u16, is_container: bool, well_since: &mut Option<Instant>) -> String {
        let mut judgement = Judgement::new(port, is_container);
        loop {
            let path = self.crew.revision().definition.health_check_path.clone();
            let health = health::look(port, &path).await;
            let upstream = self.upstream();
            match judgement.hear(health, Instant::now()) {
                Verdict::Well if upstream.is_none() => {
                    self.say("well: it takes requests");
                    self.state.send_replace(State::Ready(Upstream::new(port)));
                    well_since.get_or_insert_with(Instant::now);
                }
                Verdict::Unwell(why) if upstream.is_some() => {
                    self.say(&format!("{why}: it takes no requests until it is well again"));
                    self.state.send_replace(State::Unwell);
                }
                Verdict::Replace(why) => return why,
                _ => {}
            }
            let upstream = self.upstream();
            tokio::select! {
                () = tokio::time::sleep(judgement.pause()) => {}
                () = doubted(upstream.as_deref()) => {}
            }
        }
    }
}

/// Returns when somebody could not reach it.
async fn doubted(upstream: Option<&Upstream>) {
    match upstream {
        Some(upstream) => upstream.doubted().await,
        None => std::future::pending().await,
    }
}

/// Asks it to end, and kills it where it does not.
async fn stop(child: &mut Child) {
    let Some(process) = child.id() else { return };
    terminate_group(process);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        kill_group(process);
        let _ = child.wait().await;
    }
}

/// How a process ended.
struct Ended {
    why: String,
    lines: Vec<String>,
    well_for: Duration,
}

impl Ended {
    /// With what it said last.
    fn told(&self) -> String {
        match self.lines.is_empty() {
            true => format!("{}; it printed nothing", self.why),
            false => format!("{}; its last lines:\n{}", self.why, self.lines.join("\n")),
        }
    }
}

fn above_its_limit(memory_mb: u32) -> String {
    format!("it was killed: its memory is above memory_mb = {memory_mb}")
}

/// docker-run(1): "the error is with Docker daemon itself".
const ENGINE_FAILED: i32 = 125;

fn exit_text(status: Option<ExitStatus>, is_container: bool) -> String {
    match status.and_then(|status| status.code()) {
        Some(ENGINE_FAILED) if is_container => {
            "the container engine could not run it (exit code 125): look at what it printed, start the engine or build or \
             pull the image, or give the component a `command` (with `code`, the folder it runs in), which `local` runs \
             without a container"
                .to_owned()
        }
        Some(code) => format!("it ended with exit code {code}"),
        None => match status {
            // `signal: 9 (SIGKILL)`.
            Some(status) => format!("it was ended by {status}"),
            None => "it ended".to_owned(),
        },
    }
}
