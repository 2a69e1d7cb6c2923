//! `history`

use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::{At, Result};
use serde_json::json;

use crate::Exit;
use crate::arguments::HistoryArguments;
use crate::render;
use crate::session::{Session, moment};

pub(super) async fn run(session: &Session, arguments: &HistoryArguments) -> Result<Exit> {
    let at = match &arguments.at {
        None => None,
        Some(at) => Some(at.parse().map(At::Version).or_else(|_| moment(at).map(At::Time))?),
    };
    let iac = session.open().await?;
    let component = session.component(&iac)?;
    let environment = &session.global.environment;
    let mut events = iac.history(environment, &component).await?;
    let Some(at) = at else {
        let text: Vec<String> = events.iter().map(render::event).collect();
        session.output.result(&json!({ "events": values(&events) }), &text.join("\n"));
        return Ok(Exit::DONE);
    };
    let state = iac.state_at(environment, &component, at).await?;
    events.truncate(length_at(&events, at));
    let answer = json!({ "events": values(&events), "state": state });
    session.output.result(&answer, &render::deployment(&state));
    Ok(Exit::DONE)
}

/// How many events had happened.
fn length_at(events: &[Envelope], at: At) -> usize {
    match at {
        At::Time(time) => events.iter().take_while(|event| event.time <= time).count(),
        At::Version(version) => events
            .iter()
            .position(
                |event| matches!(&event.data, Event::InfrastructureUpdated(done) if done.version == version),
            )
            .map_or(0, |at| at + 1),
    }
}

fn values(events: &[Envelope]) -> Vec<serde_json::Value> {
    events.iter().map(Envelope::to_value).collect()
}
