//! `events`

use std::collections::VecDeque;
use std::time::Duration;

use semantest_iac::ports::event_store::RecordedEvent;
use semantest_iac::ports::project::Project;
use semantest_iac::{Iac, Result};
use serde_json::{Value, json};

use super::publish;
use crate::Exit;
use crate::arguments::{EventsAction, EventsArguments};
use crate::printable::one_line;
use crate::render;
use crate::session::{Session, moment};

/// So many of the last events are shown.
const TAIL: usize = 20;
/// So many are read at once.
const PAGE: usize = 1000;

pub(super) async fn run(session: &Session, arguments: &EventsArguments) -> Result<Exit> {
    if let Some(EventsAction::Publish { file }) = &arguments.action {
        return publish::run(session, file).await;
    }
    let iac = session.open_to_look().await?;
    let streams = Streams::of(session, &iac).await?;
    // What is recorded while the first ones are printed is not missed.
    let head = iac.head().await?;
    let selected = select(&iac, arguments, &streams).await?;
    if session.output.is_json() && !arguments.jsonl && !arguments.follow {
        let events: Vec<Value> =
            selected.iter().map(|event| Ok(event.envelope()?.to_value())).collect::<Result<_>>()?;
        session.output.result(&json!({ "events": events }), "");
        return Ok(Exit::DONE);
    }
    print(session, arguments, &selected)?;
    if arguments.follow {
        let position = selected.last().map_or(head, |event| event.position.max(head));
        follow(session, arguments, &iac, &streams, position, selected.len()).await?;
    }
    Ok(Exit::DONE)
}

/// Prints what is recorded after `position`, until as many were printed as were asked for, or nobody reads them.
async fn follow(
    session: &Session,
    arguments: &EventsArguments,
    iac: &Iac,
    streams: &Streams,
    mut position: u64,
    mut printed: usize,
) -> Result<()> {
    let limit = arguments.limit.unwrap_or(usize::MAX);
    while printed < limit && !session.output.is_broken() {
        iac.wait_for_events(position, Duration::from_secs(60)).await?;
        let mut new = iac.events(position, PAGE).await?;
        position = new.last().map_or(position, |event| event.position);
        new.retain(|event| streams.hold(event));
        new.truncate(limit - printed);
        printed += new.len();
        print(session, arguments, &new)?;
    }
    Ok(())
}

/// Streams whose events are wanted.
struct Streams {
    project: String,
    environment: Option<String>,
    components: Vec<String>,
}

impl Streams {
    /// Of the environment and the components that were named; else all.
    async fn of(session: &Session, iac: &Iac) -> Result<Self> {
        let environment =
            Some(session.global.environment.clone()).filter(|_| session.global.environment_given);
        let components = session.named(iac).await?;
        session.check_provider(iac, &components).await?;
        Ok(Self { project: iac.project().name().to_owned(), environment, components })
    }

    fn are_all(&self) -> bool {
        self.environment.is_none() && self.components.is_empty()
    }

    fn hold(&self, event: &RecordedEvent) -> bool {
        if self.are_all() {
            return true;
        }
        let mut parts = event.stream.splitn(3, '/');
        let (Some(project), Some(environment), Some(component)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        project == self.project
            && self.environment.as_deref().is_none_or(|wanted| wanted == environment)
            && (self.components.is_empty() || self.components.iter().any(|wanted| wanted == component))
    }
}

async fn select(iac: &Iac, arguments: &EventsArguments, streams: &Streams) -> Result<Vec<RecordedEvent>> {
    match &arguments.from {
        None => last(iac, arguments.limit.unwrap_or(TAIL), streams).await,
        Some(text) => {
            let after = match text.parse::<u64>() {
                Ok(position) => position,
                Err(_) => iac.recorded_before(moment(text)?).await?,
            };
            first(iac, after, arguments.limit.unwrap_or(usize::MAX), streams).await
        }
    }
}

/// The last `limit` events: the log is read from its end.
async fn last(iac: &Iac, limit: usize, streams: &Streams) -> Result<Vec<RecordedEvent>> {
    let mut end = iac.head().await?;
    let page = if streams.are_all() { limit.clamp(1, PAGE) } else { PAGE };
    let mut selected: VecDeque<RecordedEvent> = VecDeque::new();
    while end > 0 && selected.len() < limit {
        let start = end.saturating_sub(page as u64);
        let events = iac.events(start, (end - start) as usize).await?;
        for event in events.into_iter().rev().filter(|event| streams.hold(event)) {
            if selected.len() < limit {
                selected.push_front(event);
            }
        }
        end = start;
    }
    Ok(selected.into())
}

/// The first `limit` events after a position.
async fn first(iac: &Iac, mut position: u64, limit: usize, streams: &Streams) -> Result<Vec<RecordedEvent>> {
    let mut selected = Vec::new();
    while selected.len() < limit {
        let page = iac.events(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        let wanted = page.into_iter().filter(|event| streams.hold(event));
        selected.extend(wanted.take(limit - selected.len()));
    }
    Ok(selected)
}

fn print(session: &Session, arguments: &EventsArguments, events: &[RecordedEvent]) -> Result<()> {
    for recorded in events {
        let event = recorded.envelope()?;
        if arguments.jsonl || session.output.is_json() {
            session.output.raw(&event.to_value().to_string());
        } else {
            let (position, stream) = (recorded.position, one_line(&recorded.stream));
            session.output.line(&format!("{position:>6} {stream} {}", render::event(&event)));
        }
    }
    Ok(())
}
