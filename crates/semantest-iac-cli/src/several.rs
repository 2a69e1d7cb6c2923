//! Answers about any number of components: about one, the answer itself; about several, a sum and one answer each.

use schemars::JsonSchema;
use semantest_iac::answer::{DeployAnswer, DriftAnswer, PlanAnswer, RefreshAnswer, RunStatus};
use semantest_iac::domain::deployment::plan::{ChangeCounts, PlanStep};
use semantest_iac::{Error, ErrorKind, ErrorRecord};
use serde::Serialize;

use crate::Exit;

/// The answer of `deploy` and `destroy`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Runs {
    /// One component.
    One(Box<DeployAnswer>),
    /// None, or several.
    Several(SeveralRuns),
}

/// Runs of none or several components.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SeveralRuns {
    /// `failed` if any failed; else `deployed` or `removed` if anything changed; else `unchanged`.
    pub status: RunStatus,
    /// Environment name.
    pub environment: String,
    /// What was done, summed up.
    pub changes: ChangeCounts,
    /// One after the other. A component whose run could not begin is here too, `failed`, with its error.
    pub deployments: Vec<DeployAnswer>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

impl SeveralRuns {
    /// Sums up.
    pub fn new(environment: String, deployments: Vec<DeployAnswer>) -> Self {
        let done = deployments.iter().map(|one| one.status);
        let worst = [RunStatus::Failed, RunStatus::Deployed, RunStatus::Removed];
        let status = worst.into_iter().find(|status| done.clone().any(|one| one == *status));
        let failures = deployments.iter().filter_map(|one| Some((&one.component, one.error.as_ref()?)));
        Self {
            status: status.unwrap_or(RunStatus::Unchanged),
            changes: sum(deployments.iter().map(|one| &one.changes)),
            error: summed_up(failures, deployments.len()),
            environment,
            deployments,
        }
    }
}

/// The answer of `plan`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Plans {
    /// One component.
    One(PlanAnswer),
    /// None, or several.
    Several(SeveralPlans),
}

/// Plans of none or several components.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SeveralPlans {
    /// How many resources each action touches, in all.
    pub changes: ChangeCounts,
    /// Every step of every plan.
    pub steps: Vec<StepOfSeveral>,
    /// One after the other.
    pub plans: Vec<PlanAnswer>,
    /// Components that could not be planned.
    pub failures: Vec<Failure>,
    /// Why some could not be planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

/// A step, and whose it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepOfSeveral {
    /// The deployment's stream.
    deployment: String,
    #[serde(flatten)]
    step: PlanStep,
}

impl SeveralPlans {
    /// Sums up.
    pub fn new(plans: Vec<PlanAnswer>, failures: Vec<Failure>) -> Self {
        let steps = plans.iter().flat_map(|plan| {
            let whose =
                |step: &PlanStep| StepOfSeveral { deployment: plan.deployment.clone(), step: step.clone() };
            plan.steps.iter().map(whose)
        });
        Self {
            changes: sum(plans.iter().map(|plan| &plan.changes)),
            steps: steps.collect(),
            error: of_failures(&failures, plans.len()),
            plans,
            failures,
        }
    }
}

/// The answer of `refresh`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Refreshes {
    /// One component.
    One(RefreshAnswer),
    /// None, or several.
    Several(SeveralRefreshes),
}

/// What was found of none or several components.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SeveralRefreshes {
    /// How many resources were looked at, in all.
    pub checked: usize,
    /// Those that are not as the log says.
    pub drift: Vec<DriftOfSeveral>,
    /// One after the other.
    pub refreshes: Vec<RefreshAnswer>,
    /// Components that could not be looked at.
    pub failures: Vec<Failure>,
    /// Why some could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

/// A resource that differs, and whose it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DriftOfSeveral {
    /// The deployment's stream.
    deployment: String,
    #[serde(flatten)]
    drift: DriftAnswer,
}

impl SeveralRefreshes {
    /// Sums up.
    pub fn new(refreshes: Vec<RefreshAnswer>, failures: Vec<Failure>) -> Self {
        let drift = refreshes.iter().flat_map(|one| {
            let whose = |drift: &DriftAnswer| DriftOfSeveral {
                deployment: one.deployment.clone(),
                drift: drift.clone(),
            };
            one.drift.iter().map(whose)
        });
        Self {
            checked: refreshes.iter().map(|one| one.checked).sum(),
            drift: drift.collect(),
            error: of_failures(&failures, refreshes.len()),
            refreshes,
            failures,
        }
    }
}

/// A component with which something could not be done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Failure {
    /// Component name.
    pub component: String,
    /// Why.
    pub error: ErrorRecord,
}

fn of_failures(failures: &[Failure], done: usize) -> Option<ErrorRecord> {
    summed_up(failures.iter().map(|one| (&one.component, &one.error)), failures.len() + done)
}

/// The error of the only failure, or one that tells of all.
fn summed_up<'a>(
    failures: impl Iterator<Item = (&'a String, &'a ErrorRecord)>,
    of: usize,
) -> Option<ErrorRecord> {
    let failures: Vec<_> = failures.collect();
    let (component, first) = *failures.first()?;
    if failures.len() == 1 {
        let mut only = first.clone();
        only.context.entry("component".into()).or_insert_with(|| component.clone());
        return Some(only);
    }
    let same = failures.iter().all(|(_, error)| error.kind == first.kind);
    let kind = if same { first.kind } else { ErrorKind::DeploymentFailed };
    let text = format!("{} of {of} components failed; `{component}`: {}", failures.len(), first.message);
    let names: Vec<&str> = failures.iter().map(|(component, _)| component.as_str()).collect();
    let error = Error::new(kind, first.operation.clone(), text).with_retry(first.retry);
    Some(error.with("components", names.join(", ")).to_record())
}

/// The exit code that several errors call for: that of the worst.
pub(crate) fn worst<'a>(errors: impl Iterator<Item = &'a ErrorRecord>) -> Exit {
    let exits: Vec<Exit> = errors.map(|error| Exit::of_kind(error.kind)).collect();
    let order = [Exit::INTERRUPTED, Exit::FAILED, Exit::USAGE, Exit::HELD];
    order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::DONE)
}

/// What was, or is to be, done in all.
pub(crate) fn sum<'a>(all: impl Iterator<Item = &'a ChangeCounts>) -> ChangeCounts {
    all.fold(ChangeCounts::default(), |sum, one| ChangeCounts {
        created: sum.created + one.created,
        updated: sum.updated + one.updated,
        replaced: sum.replaced + one.replaced,
        deleted: sum.deleted + one.deleted,
        unchanged: sum.unchanged + one.unchanged,
    })
}
