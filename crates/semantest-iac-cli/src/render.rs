//! Answers as people read them.

use std::fmt::Write;

use semantest_iac::answer::{
    DeployAnswer, DeploymentAnswer, PlanAnswer, RefreshAnswer, RunStatus, StatusAnswer,
};
use semantest_iac::domain::deployment::plan::{ChangeCounts, PropertyChange, StepAction};
use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use serde_json::Value;

/// Colours a sign, where colours are wanted.
fn paint(text: &str, code: &str, colors: bool) -> String {
    if colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn sign(action: StepAction, colors: bool) -> String {
    match action {
        StepAction::Create => paint("+", "32", colors),
        StepAction::Update => paint("~", "33", colors),
        StepAction::Replace => paint("-/+", "35", colors),
        StepAction::Delete => paint("-", "31", colors),
        StepAction::Unchanged => " ".to_owned(),
    }
}

/// A plan, like a diff.
pub(crate) fn plan(answer: &PlanAnswer, colors: bool) -> String {
    let mut out = format!("{} on {}\n", answer.deployment, answer.provider);
    for step in answer.steps.iter().filter(|step| step.action != StepAction::Unchanged) {
        let why = step.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let _ = writeln!(out, "  {} {} {}{why}", sign(step.action, colors), step.kind, step.address);
        for change in &step.diff {
            let _ = writeln!(out, "      {}", property(change, step.action == StepAction::Create));
        }
    }
    let changes = &answer.changes;
    let parts = [
        (changes.created, "to create"),
        (changes.updated, "to update"),
        (changes.replaced, "to replace"),
        (changes.deleted, "to delete"),
        (changes.unchanged, "unchanged"),
    ];
    let _ = write!(out, "plan: {}", listed(&parts));
    out
}

fn property(change: &PropertyChange, created: bool) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), value_text);
    let late = if change.known_after_apply { " (known after apply)" } else { "" };
    match created {
        true => format!("{}: {}{late}", change.property, text(&change.after)),
        false => format!("{}: {} -> {}{late}", change.property, text(&change.before), text(&change.after)),
    }
}

fn value_text(value: &Value) -> String {
    match value.get("secret").and_then(Value::as_str) {
        Some(reference) => format!("secret({reference})"),
        None => value.to_string(),
    }
}

/// `2 created, 1 unchanged`.
fn counts(changes: &ChangeCounts) -> String {
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
    let mut out =
        format!("{} on {}: {status} ({})", answer.deployment, answer.provider, counts(&answer.changes));
    if let Some(endpoint) = &answer.endpoint {
        let _ = write!(out, "\n  endpoint  {endpoint}");
    }
    for function in &answer.functions {
        let _ = write!(out, "\n  function  {}", function.function_name);
    }
    if let Some(error) = &answer.error {
        let _ = write!(out, "\n  error     {}\n  run the same command again to go on", error.message);
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
        for change in &drift.diff {
            let _ = write!(out, "\n      {}", property(change, false));
        }
    }
    out.push_str("\nthe next deploy brings it back");
    out
}

/// One event, on one line.
pub(crate) fn event(event: &Envelope) -> String {
    let time = event.time.strftime("%Y-%m-%d %H:%M:%S");
    let sequence = event.sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
    format!("{sequence:>4}  {time}  {:<26} {}", event.name(), detail(&event.data)).trim_end().to_owned()
}

fn detail(event: &Event) -> String {
    match event {
        Event::DeploymentRequested(e) => e.component.clone(),
        Event::RollbackRequested(e) => {
            e.version.map(|version| format!("to version {version}")).unwrap_or_default()
        }
        Event::DeploymentPlanned(e) if e.steps.is_empty() => format!("nothing to do on {}", e.provider),
        Event::DeploymentPlanned(e) => format!("{} steps on {}", e.steps.len(), e.provider),
        Event::DeploymentStarted(e) => format!("version {} by {}", e.version, e.owner),
        Event::ResourceChangeStarted(e) => format!("{} {}", e.action.as_str(), e.address),
        Event::ResourceCreated(e) => format!("{} {}", e.address, e.id),
        Event::ResourceUpdated(e) => format!("{} {}", e.address, e.id),
        Event::ResourceReplaced(e) => format!("{} {}", e.address, e.id),
        Event::ResourceDeleted(e) => e.address.to_string(),
        Event::ResourceChangeFailed(e) => format!("{} {}: {}", e.action.as_str(), e.address, e.error.message),
        Event::FunctionDeployed(e) => {
            format!("{} {}", e.function_name, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::ApiGatewayDeployed(e) => e.endpoint.clone(),
        Event::DriftDetected(e) => e.address.to_string(),
        Event::InfrastructureUpdated(e) => {
            format!("version {} {}", e.version, e.endpoint.as_deref().unwrap_or_default())
        }
        Event::InfrastructureUpdateFailed(e) => e.error.message.clone(),
        Event::InfrastructureRemovalFailed(e) => e.error.message.clone(),
        _ => String::new(),
    }
}
