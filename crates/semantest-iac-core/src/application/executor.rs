//! The executor: walks a plan, as many steps at once as the dependencies allow.
//!
//! It is the only writer of the stream meanwhile. Intents and outcomes that come due together go to the
//! log in one append, and calls already under way go on while an append is being written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::application::run_log::RunLog;
use crate::application::service::Ports;
use crate::application::step::{self, Step, StepOutcome};
use crate::application::target::Target;
use crate::domain::deployment::plan::{ChangeCounts, Plan, PlanStep, StepAction};
use crate::domain::deployment::resource::Address;
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::error::{ErrorRecord, Result};
use crate::events::Event;
use crate::ports::provider::Provider;
use crate::ports::secret_resolver::ResolvedSecrets;

/// How the executor goes about it.
#[derive(Clone, Copy, Debug)]
pub struct ExecutorOptions {
    /// At most this many provider calls at once.
    pub parallelism: usize,
    /// At most this many tries of one step.
    pub attempts: u32,
    /// Wait before the second try; doubled each time.
    pub backoff: Duration,
    /// After a cancellation, calls under way may take this long to end.
    pub grace: Duration,
}

impl Default for ExecutorOptions {
    fn default() -> Self {
        Self {
            parallelism: 16,
            attempts: 5,
            backoff: Duration::from_millis(200),
            grace: Duration::from_secs(30),
        }
    }
}

/// What is executed, and with what.
pub(crate) struct Work<'a> {
    pub ports: &'a Ports,
    pub target: &'a Target,
    pub provider: &'a dyn Provider,
    pub plan: &'a Plan,
    pub graph: &'a ResourceGraph,
    pub secrets: &'a ResolvedSecrets,
    pub options: ExecutorOptions,
    pub cancel: &'a CancellationToken,
}

/// How a walk ended.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// What was done.
    pub changes: ChangeCounts,
    /// Steps that failed.
    pub failed: BTreeMap<Address, ErrorRecord>,
    /// Steps not begun.
    pub not_started: usize,
    /// Whether a cancellation kept steps from being begun or finished.
    pub cancelled: bool,
}

impl Walked {
    fn account(&mut self, step: &PlanStep, error: Option<ErrorRecord>) {
        match error {
            Some(error) => {
                self.failed.insert(step.address.clone(), error);
            }
            None => self.changes.add(step.action),
        }
    }

    /// Whether everything is as planned.
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.not_started == 0
    }
}

/// Walks the plan. Returns an error only where the log cannot be written.
pub(crate) async fn walk(work: &Work<'_>, log: &mut RunLog<'_>) -> Result<Walked> {
    let mut schedule = Schedule::new(work.plan);
    let mut walked = Walked::default();
    let unchanged = work.plan.steps.iter().filter(|step| step.action == StepAction::Unchanged);
    unchanged.for_each(|step| walked.changes.add(step.action));
    let (told, mut tellings) = mpsc::unbounded::<Event>();
    let told = &told;
    let mut running = FuturesUnordered::new();
    let mut outcomes: Vec<(usize, StepOutcome)> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    loop {
        // What happened inside a resource comes before the outcome of its step.
        events.extend(std::iter::from_fn(|| tellings.try_recv().ok()));
        for (at, outcome) in outcomes.drain(..) {
            schedule.finished(at, outcome.error.is_none());
            walked.account(&work.plan.steps[at], outcome.error);
            events.push(outcome.event);
        }
        let free = work.options.parallelism.max(1).saturating_sub(running.len());
        let starting = if work.cancel.is_cancelled() { Vec::new() } else { schedule.take(free) };
        let state = log.deployment().state();
        let intents: Vec<_> =
            starting.iter().map(|at| (*at, step::intent(work, &work.plan.steps[*at], state))).collect();
        events.extend(intents.iter().map(|(_, intent)| intent.clone().into()));
        append_while(log, std::mem::take(&mut events), &mut running, &mut outcomes).await?;
        for (at, intent) in intents {
            let step = Step::prepare(work, &work.plan.steps[at], intent, log.deployment().state());
            running.push(async move { (at, step.run(work, told).await) });
        }
        if outcomes.is_empty() {
            match next(work, &mut running, &mut tellings).await {
                Some(Heard::Outcome(outcome)) => outcomes.push(outcome),
                Some(Heard::Telling(event)) => events.push(event),
                None => break,
            }
        }
        // Whatever else is ready goes into the same append.
        while let Some(Some(outcome)) = running.next().now_or_never() {
            outcomes.push(outcome);
        }
    }
    walked.not_started = schedule.left() + running.len();
    walked.cancelled = work.cancel.is_cancelled() && walked.not_started > 0;
    Ok(walked)
}

/// Appends while the calls under way go on; those that end meanwhile are put to `outcomes`.
async fn append_while<F>(
    log: &mut RunLog<'_>,
    events: Vec<Event>,
    running: &mut FuturesUnordered<F>,
    outcomes: &mut Vec<(usize, StepOutcome)>,
) -> Result<()>
where
    F: Future<Output = (usize, StepOutcome)>,
{
    let mut append = pin!(log.append(events));
    while !running.is_empty() {
        match select(append.as_mut(), running.next()).await {
            Either::Left((written, _)) => return written,
            Either::Right((ended, _)) => outcomes.extend(ended),
        }
    }
    append.await
}

/// What a walk waits for.
enum Heard {
    /// A call ended.
    Outcome((usize, StepOutcome)),
    /// Something happened inside a resource whose call is under way.
    Telling(Event),
}

/// The next call to end, or what is told meanwhile; nothing where none is under way, or where those under way are given up.
async fn next<F>(
    work: &Work<'_>,
    running: &mut FuturesUnordered<F>,
    tellings: &mut UnboundedReceiver<Event>,
) -> Option<Heard>
where
    F: Future<Output = (usize, StepOutcome)>,
{
    if !work.cancel.is_cancelled() {
        let cancelled = pin!(work.cancel.cancelled());
        let heard = select(running.next(), tellings.next());
        match select(heard, cancelled).await {
            Either::Left((Either::Left((outcome, _)), _)) => return outcome.map(Heard::Outcome),
            Either::Left((Either::Right((Some(event), _)), _)) => return Some(Heard::Telling(event)),
            // The sender lives as long as the walk: only the cancellation is left.
            Either::Left((Either::Right((None, _)), _)) | Either::Right(_) => {}
        }
    }
    let patience = work.ports.clock.sleep(work.options.grace);
    match select(running.next(), patience).await {
        Either::Left((outcome, _)) => outcome.map(Heard::Outcome),
        Either::Right(_) => None,
    }
}

/// Which steps may begin.
struct Schedule {
    ready: BTreeSet<usize>,
    waiting_for: Vec<usize>,
    users: Vec<Vec<usize>>,
    left: usize,
}

impl Schedule {
    fn new(plan: &Plan) -> Self {
        let places: HashMap<&Address, usize> =
            plan.steps.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
        let mut users = vec![Vec::new(); plan.steps.len()];
        let mut waiting_for = vec![0; plan.steps.len()];
        let changing = |step: &&(usize, &PlanStep)| step.1.action != StepAction::Unchanged;
        let steps: Vec<(usize, &PlanStep)> = plan.steps.iter().enumerate().collect();
        for (at, step) in steps.iter().filter(changing) {
            for needed in step.after.iter().filter_map(|address| places.get(address)) {
                users[*needed].push(*at);
                waiting_for[*at] += 1;
            }
        }
        let changing: Vec<usize> = steps.iter().filter(changing).map(|(at, _)| *at).collect();
        let ready = changing.iter().copied().filter(|at| waiting_for[*at] == 0).collect();
        Self { ready, waiting_for, users, left: changing.len() }
    }

    fn take(&mut self, most: usize) -> Vec<usize> {
        let taken: Vec<usize> = (0..most).map_while(|_| self.ready.pop_first()).collect();
        self.left -= taken.len();
        taken
    }

    /// A failed step keeps all that waits for it from beginning, and nothing else.
    fn finished(&mut self, at: usize, well: bool) {
        if !well {
            return;
        }
        for user in std::mem::take(&mut self.users[at]) {
            self.waiting_for[user] -= 1;
            if self.waiting_for[user] == 0 {
                self.ready.insert(user);
            }
        }
    }

    fn left(&self) -> usize {
        self.left
    }
}
