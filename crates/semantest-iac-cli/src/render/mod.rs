//! Answers as people read them.

mod error;
mod event;
mod orphans;
mod plan;
mod state;

use std::fmt::Write;

use semantest_iac::ErrorKind;
use semantest_iac::answer::{DeployAnswer, DeploymentAnswer, RefreshAnswer, RunStatus, StatusAnswer};
use semantest_iac::domain::deployment::plan::{ChangeCounts, StepAction};

pub(crate) use error::error;
pub(crate) use event::{event, nested};
pub(crate) use orphans::orphans;
pub(crate) use plan::{painted, plan, to_do};
pub(crate) use state::state;

/// `2 created, 1 unchanged`.
pub(crate) fn counts(changes: &ChangeCounts) -> String {
    let parts = [
        (changes.created, "created"),
        (changes.updated, "updated"),
        (changes.replaced, "replaced"),
        (changes.deleted, "deleted"),
        (changes.unchanged, "unchanged"),
    ];
    listed(&parts)
}

fn listed(parts: &[(usize, &str)]) -> String {
    let some = parts.iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some.map(|(count, what)| format!("{count} {what}")).collect();
    if some.is_empty() { "nothing".into() } else { some.join(", ") }
}

/// How a run ended, with endpoints.
pub(crate) fn deploy(answer: &DeployAnswer) -> String {
    let status = match answer.status {
        RunStatus::Deployed => format!("deployed, version {}", answer.version),
        RunStatus::Unchanged => format!("unchanged, version {}", answer.version),
        RunStatus::Failed => "failed".to_owned(),
        RunStatus::Removed => "removed".to_owned(),
    };
    let place = if answer.provider.is_empty() { String::new() } else { format!(" on {}", answer.provider) };
    let mut out = format!("{}{place}: {status} ({})", answer.deployment, counts(&answer.changes));
    if let Some(endpoint) = &answer.endpoint {
        let _ = write!(out, "\n  endpoint  {endpoint}");
    }
    for function in &answer.functions {
        let _ = write!(out, "\n  function  {}", function.function_name);
        // One of its own: the component's stands above.
        if let Some(url) = function.endpoint.as_ref().filter(|url| Some(*url) != answer.endpoint.as_ref()) {
            let _ = write!(out, " {url}");
        }
    }
    if let Some(failed) = &answer.error {
        let _ = write!(out, "\n  error     {}", error(failed).replace('\n', "\n          "));
        if matches!(failed.kind, ErrorKind::DeploymentFailed | ErrorKind::Cancelled) {
            out.push_str("\n  run the same command again to go on");
        }
    }
    out
}

/// Deployments.
pub(crate) fn status(answer: &StatusAnswer) -> String {
    if answer.deployments.is_empty() {
        return "nothing is deployed".into();
    }
    answer.deployments.iter().map(deployment).collect::<Vec<_>>().join("\n")
}

/// One deployment.
pub(crate) fn deployment(answer: &DeploymentAnswer) -> String {
    let provider = answer.provider.as_deref().unwrap_or("no provider yet");
    let mut out =
        format!("{} on {provider}: {}, version {}", answer.deployment, answer.status, answer.version);
    if let Some(endpoint) = &answer.endpoint {
        let _ = write!(out, "\n  endpoint  {endpoint}");
    }
    if let Some(holder) = &answer.held_by {
        let _ = write!(out, "\n  held by   {holder}");
    }
    for resource in &answer.resources {
        let id = resource.id.as_deref().unwrap_or("-");
        let _ = write!(out, "\n  {:<9} {} {} {id}", resource.state, resource.kind, resource.address);
    }
    if let Some(error) = &answer.error {
        let _ = write!(out, "\n  error     {}", error.message);
    }
    out
}

/// What differs from the log.
pub(crate) fn refresh(answer: &RefreshAnswer) -> String {
    if answer.drift.is_empty() {
        return format!("{}: {} resources are as the log says", answer.deployment, answer.checked);
    }
    let mut out = format!("{}: {} of {} differ", answer.deployment, answer.drift.len(), answer.checked);
    for drift in &answer.drift {
        let missing = if drift.missing { " is gone" } else { "" };
        let _ = write!(out, "\n  {} {}{missing}", drift.kind, drift.address);
        for line in drift.diff.iter().flat_map(|change| plan::property(change, StepAction::Update)) {
            let _ = write!(out, "\n      {line}");
        }
    }
    out.push_str("\nthe next deploy brings it back");
    out
}
