//! The application service: carries out requests, one deployment at a time.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use tokio_util::sync::CancellationToken;

use crate::application::answer::{DeployAnswer, RunStatus};
use crate::application::executor::{ExecutorOptions, Walked, Work, walk};
use crate::application::leased::{acquire, leased};
use crate::application::outcome::{functions_of, outcome_facts};
use crate::application::publish::TakenIn;
use crate::application::run_log::RunLog;
use crate::application::target::Target;
use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::orphan::{Orphan, is_orphan};
use crate::domain::deployment::plan::{ChangeCounts, Plan, StepAction};
use crate::domain::deployment::planner;
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::domain::deployment::state::DeploymentState;
use crate::domain::deployment::status::DeploymentStatus;
use crate::error::{Error, ErrorKind, ErrorRecord, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::events::run::{
    DeploymentPlanned, DeploymentStarted, InfrastructureRemovalFailed, InfrastructureRemoved,
    InfrastructureUpdateFailed, InfrastructureUpdated,
};
use crate::ports::artifact_store::ArtifactStore;
use crate::ports::clock::Clock;
use crate::ports::event_bus::EventBus;
use crate::ports::event_store::EventStore;
use crate::ports::id_generator::IdGenerator;
use crate::ports::lease::{Lease, LeaseStore};
use crate::ports::project::Project;
use crate::ports::provider::Provider;
use crate::ports::secret_resolver::{ResolvedSecrets, SecretResolver};

/// Everything the service needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Where events are kept.
    pub store: Arc<dyn EventStore>,
    /// How they reach handlers.
    pub bus: Arc<dyn EventBus>,
    /// Who works on what.
    pub leases: Arc<dyn LeaseStore>,
    /// Packages.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Secrets.
    pub secrets: Arc<dyn SecretResolver>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// What the user has defined.
    pub project: Arc<dyn Project>,
    /// Providers by name.
    pub providers: BTreeMap<String, Arc<dyn Provider>>,
}

impl Ports {
    /// `source` of our events.
    pub fn source(&self) -> String {
        format!("/semantest-iac/{}", self.project.name())
    }

    /// The provider called `name`.
    ///
    /// # Errors
    /// `InvalidInput` naming those there are.
    pub fn provider(&self, name: &str) -> Result<Arc<dyn Provider>> {
        self.providers.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.providers.keys().map(String::as_str).collect();
            let text = format!("there is no provider `{name}`; this build has: {}", known.join(", "));
            Error::new(ErrorKind::InvalidInput, "provider.find", text).with("provider", name)
        })
    }
}

/// How the service goes about it.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// How plans are executed.
    pub executor: ExecutorOptions,
    /// Who the runs are done by, in words for people: `alice on laptop, process 4711`.
    pub owner: String,
    /// A lease lives this long without being renewed.
    pub lease_time: Duration,
    /// How long to wait for a lease that somebody else holds.
    pub lease_wait: Duration,
    /// W3C trace context of what the service is used for: of the events that come from this project.
    pub traceparent: Option<String>,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            executor: ExecutorOptions::default(),
            owner: "semantest-iac".into(),
            lease_time: Duration::from_secs(30),
            lease_wait: Duration::ZERO,
            traceparent: None,
        }
    }
}

/// Carries out requests.
#[derive(Clone)]
pub struct DeploymentService {
    pub(crate) ports: Ports,
    pub(crate) options: ServiceOptions,
    pub(crate) taken_in: TakenIn,
}

/// What a request means, given what the log says: one for each kind of request.
#[async_trait]
pub(crate) trait Intention: Send + Sync {
    /// What to reach. Changes nothing but packages in the artifact store.
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal>;
}

/// What a run is to reach.
pub(crate) struct Goal {
    /// Provider's name.
    pub provider: String,
    /// Region, where given.
    pub region: Option<String>,
    /// What is recorded as wanted; absent for a removal.
    pub blueprint: Option<Blueprint>,
    /// What it was lowered to.
    pub graph: ResourceGraph,
    /// Values of its secrets.
    pub secrets: ResolvedSecrets,
    /// Recorded before `InfrastructureUpdated`, once everything is as planned.
    pub facts: Vec<Event>,
    /// Where only orphans are meant: those that the log does not hold yet. Nothing else is touched.
    pub orphans: Option<Vec<Orphan>>,
}

impl DeploymentService {
    /// A service over `ports`.
    pub fn new(ports: Ports, options: ServiceOptions) -> Self {
        Self { ports, options, taken_in: TakenIn::default() }
    }

    /// What the service works with.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Carries out `request` under the target's lease, once the replayed log has said what that means.
    pub(crate) async fn run(
        &self,
        target: &Target,
        request: Envelope,
        cancel: &CancellationToken,
        intention: &dyn Intention,
    ) -> Result<DeployAnswer> {
        let lease = acquire(self, &target.stream(), cancel).await?;
        leased(self, &lease, self.run_leased(target, request, cancel, intention, &lease)).await
    }

    async fn run_leased(
        &self,
        target: &Target,
        request: Envelope,
        cancel: &CancellationToken,
        intention: &dyn Intention,
        lease: &Lease,
    ) -> Result<DeployAnswer> {
        let mut log = RunLog::open(&self.ports, &target.stream(), Some(lease)).await?;
        let state = log.deployment().state();
        match state.requests.get(&request.identity()) {
            Some(before) if *before != request.data => return Err(used_before(&request)),
            // Delivered again: at-least-once delivery must not deploy twice.
            Some(_) if state.status.is_settled() => {
                return Ok(answer(target, &log, RunStatus::Unchanged, ChangeCounts::default(), None));
            }
            _ => {}
        }
        let goal = unless_cancelled(cancel, intention.goal(self, target, log.deployment())).await?;
        if cancel.is_cancelled() {
            return Err(stopped());
        }
        log.begin(self.fresh(&log, request));
        self.reach(target, goal, &mut log, lease, cancel).await
    }

    /// A request whose id is in the log already (its run crashed) is recorded again under a new id.
    fn fresh(&self, log: &RunLog<'_>, mut request: Envelope) -> Envelope {
        // The first of a chain belongs to it too.
        request.correlation_id.get_or_insert_with(|| request.id.clone());
        if log.deployment().state().requests.contains_key(&request.identity()) {
            let first = std::mem::replace(&mut request.id, self.ports.ids.next().to_string());
            request.causation_id = Some(first.clone());
            request.previous_event_ids.insert(0, first);
        }
        request
    }

    async fn execute(
        &self,
        target: &Target,
        goal: &Goal,
        plan: &Plan,
        log: &mut RunLog<'_>,
        cancel: &CancellationToken,
    ) -> Result<Walked> {
        let provider = self.ports.provider(&goal.provider)?;
        let work = Work {
            ports: &self.ports,
            target,
            provider: provider.as_ref(),
            plan,
            graph: &goal.graph,
            secrets: &goal.secrets,
            options: self.options.executor,
            cancel,
        };
        walk(&work, log).await
    }

    /// What makes the orphans known that are about to be taken away: a run that ends early leaves them in the log.
    fn adoptions(&self, goal: &Goal) -> Vec<Event> {
        let facts = goal.orphans.iter().flatten().flat_map(|orphan| {
            let (intent, created) = orphan.adopted(self.ports.ids.next().to_string());
            [intent.into(), created.into()]
        });
        facts.collect()
    }

    async fn reach(
        &self,
        target: &Target,
        goal: Goal,
        log: &mut RunLog<'_>,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let state = log.deployment().state();
        let plan = plan_of(&goal, state);
        let removal = goal.blueprint.is_none();
        let settled = match removal {
            true => matches!(state.status, DeploymentStatus::Absent | DeploymentStatus::Removed),
            false => state.status == DeploymentStatus::Deployed && goal.facts.is_empty(),
        };
        let nothing_to_do = plan.is_empty() && settled;
        let version = if nothing_to_do || removal { state.version } else { state.version + 1 };
        if removal && nothing_to_do {
            return Ok(answer(target, log, RunStatus::Unchanged, plan.counts(), None));
        }
        log.append_with_request(vec![planned(&goal, &plan, version)]).await?;
        if nothing_to_do {
            return Ok(answer(target, log, RunStatus::Unchanged, plan.counts(), None));
        }
        let owner = self.options.owner.clone();
        log.append(vec![DeploymentStarted { version, owner, lease_token: lease.token }.into()]).await?;
        log.append(self.adoptions(&goal)).await?;
        let walked = self.execute(target, &goal, &plan, log, cancel).await?;
        let error = (!walked.complete()).then(|| failure(&walked));
        let changes = walked.changes;
        let facts = conclusion(target, &goal, log, walked, error.clone(), version);
        log.append(facts).await?;
        let status = match (error.is_some(), removal) {
            (true, _) => RunStatus::Failed,
            (false, true) => RunStatus::Removed,
            (false, false) => RunStatus::Deployed,
        };
        Ok(answer(target, log, status, changes, error))
    }
}

/// The steps to `goal`; where only orphans are meant, nothing but theirs.
fn plan_of(goal: &Goal, state: &DeploymentState) -> Plan {
    let Some(orphans) = &goal.orphans else { return planner::plan(&goal.graph, &state.resources) };
    let mut existing = state.resources.clone();
    existing.extend(orphans.iter().map(|orphan| (orphan.address(), orphan.state())));
    let mut plan = planner::plan(&goal.graph, &existing);
    plan.steps.retain(|step| step.action == StepAction::Unchanged || is_orphan(&step.address));
    plan
}

/// Stopped before anything was begun.
fn stopped() -> Error {
    let text = "stopped; nothing was begun and nothing is changed";
    Error::new(ErrorKind::Cancelled, "deployment.run", text).retry_later()
}

/// Does `work`, which changes nothing, unless the user asks to stop meanwhile.
pub(crate) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match select(pin!(work), pin!(cancel.cancelled())).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(stopped()),
    }
}

fn used_before(request: &Envelope) -> Error {
    let text = format!(
        "an event with id `{}` of `{}` was taken in before and asked for something else: give every event an id of \
         its own",
        request.id, request.source
    );
    Error::new(ErrorKind::DuplicateEvent, "deployment.run", text).with("id", &request.id)
}

fn planned(goal: &Goal, plan: &Plan, version: u64) -> Event {
    let mut steps: Vec<_> =
        plan.steps.iter().filter(|step| step.action != StepAction::Unchanged).cloned().collect();
    for step in &mut steps {
        if step.action == StepAction::Create {
            // The intent repeats all inputs of a creation.
            step.diff.clear();
        }
    }
    DeploymentPlanned {
        provider: goal.provider.clone(),
        region: goal.region.clone(),
        version,
        blueprint: goal.blueprint.clone().map(Box::new),
        changes: plan.counts(),
        steps,
    }
    .into()
}

fn conclusion(
    target: &Target,
    goal: &Goal,
    log: &RunLog<'_>,
    walked: Walked,
    error: Option<ErrorRecord>,
    version: u64,
) -> Vec<Event> {
    let (component, environment) = (target.component.clone(), target.environment.clone());
    let Walked { changes, failed, not_started, cancelled } = walked;
    let provider = goal.provider.clone();
    match (error, goal.blueprint.is_none()) {
        (Some(error), true) => {
            vec![
                InfrastructureRemovalFailed { component, environment, error, failed, not_started, cancelled }
                    .into(),
            ]
        }
        (Some(error), false) => {
            // What did change is in force, whatever failed beside it.
            let mut facts = outcome_facts(target, &goal.provider, log.deployment().state());
            let failed =
                InfrastructureUpdateFailed { component, environment, error, failed, not_started, cancelled };
            facts.push(failed.into());
            facts
        }
        (None, true) => vec![InfrastructureRemoved { component, environment, provider, changes }.into()],
        (None, false) => {
            let state = log.deployment().state();
            let mut facts = outcome_facts(target, &goal.provider, state);
            facts.extend(goal.facts.iter().cloned());
            let endpoint = state.endpoint();
            let done = InfrastructureUpdated { component, environment, provider, version, endpoint, changes };
            facts.push(done.into());
            facts
        }
    }
}

fn failure(walked: &Walked) -> ErrorRecord {
    let (kind, message) = if walked.cancelled {
        let text = "stopped before everything was done; run the same command again to go on";
        (ErrorKind::Cancelled, text.to_owned())
    } else {
        let first = walked.failed.iter().next();
        let why = first.map(|(address, error)| format!("{address}: {}", error.message)).unwrap_or_default();
        let count = walked.failed.len();
        let text = match count {
            1 => why,
            _ => format!("{count} steps failed; the first: {why}"),
        };
        (ErrorKind::DeploymentFailed, text)
    };
    let mut error = Error::new(kind, "deployment.run", message);
    if walked.cancelled {
        error = error.retry_later();
    }
    if !walked.failed.is_empty() {
        let addresses: Vec<&str> = walked.failed.keys().map(|address| address.as_str()).collect();
        error = error.with("failed", addresses.join(", "));
    }
    error.with("not_started", walked.not_started).to_record()
}

/// The answer to a run, from what the log says now.
pub(crate) fn answer(
    target: &Target,
    log: &RunLog<'_>,
    status: RunStatus,
    changes: ChangeCounts,
    error: Option<ErrorRecord>,
) -> DeployAnswer {
    let state = log.deployment().state();
    DeployAnswer {
        status,
        deployment: target.stream(),
        provider: state.provider.clone().unwrap_or_default(),
        environment: target.environment.clone(),
        component: target.component.clone(),
        version: state.version,
        endpoint: state.endpoint(),
        functions: functions_of(state),
        changes,
        error,
    }
}
