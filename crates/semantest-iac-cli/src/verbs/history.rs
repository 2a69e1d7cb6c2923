//! `history`

use std::collections::BTreeSet;

use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::{At, Error, ErrorKind, Result};
use serde_json::json;

use crate::Exit;
use crate::arguments::HistoryArguments;
use crate::render;
use crate::session::{Session, moment};

pub(super) async fn run(session: &Session, arguments: &HistoryArguments) -> Result<Exit> {
    let at = arguments.at.as_deref().map(at).transpose()?;
    let iac = session.open_to_look().await?;
    let component = session.component(&iac).await?;
    let environment = &session.global.environment;
    let events = iac.history(environment, &component).await?;
    let Some(at) = at else {
        let text: Vec<String> = events.iter().map(render::event).collect();
        session.output.result(&json!({ "events": values(&events) }), &text.join("\n"));
        return Ok(Exit::DONE);
    };
    if let At::Version(version) = at {
        check_version(&events, version)?;
    }
    let (state, events) = iac.state_at(environment, &component, at).await?;
    let answer = json!({ "events": values(&events), "state": state });
    session.output.result(&answer, &render::state(&state));
    Ok(Exit::DONE)
}

/// A version or a time.
fn at(text: &str) -> Result<At> {
    if let Ok(version) = text.parse() {
        return Ok(At::Version(version));
    }
    if text.parse::<i128>().is_ok() {
        let text = format!("`{text}` is no version: versions count from 1");
        return Err(Error::new(ErrorKind::InvalidInput, "history.at", text));
    }
    moment(text).map(At::Time)
}

/// Refuses a version that was never reached, as `rollback` does.
fn check_version(events: &[Envelope], wanted: u64) -> Result<()> {
    let reached = events.iter().filter_map(|event| match &event.data {
        Event::InfrastructureUpdated(done) => Some(done.version),
        _ => None,
    });
    let reached: BTreeSet<u64> = reached.collect();
    if reached.contains(&wanted) {
        return Ok(());
    }
    let known: Vec<String> = reached.iter().map(u64::to_string).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    let text = format!("there is no version {wanted}; known: {known}");
    Err(Error::new(ErrorKind::InvalidInput, "history.at", text))
}

fn values(events: &[Envelope]) -> Vec<serde_json::Value> {
    events.iter().map(Envelope::to_value).collect()
}
