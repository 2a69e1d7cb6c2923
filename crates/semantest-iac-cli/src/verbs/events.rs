//! `events`, `events publish`

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use semantest_iac::events::envelope::{Envelope, TYPE_PREFIX};
use semantest_iac::events::request::DeploymentRequested;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::event_store::RecordedEvent;
use semantest_iac::ports::project::Project;
use semantest_iac::{Error, ErrorKind, Iac, Result};
use serde_json::{Value, json};

use super::conclude;
use crate::Exit;
use crate::arguments::{EventsAction, EventsArguments};
use crate::printable::one_line;
use crate::render;
use crate::session::{Session, moment};

/// So many of the last events are shown.
const TAIL: usize = 20;
/// So many are read at once.
const PAGE: usize = 1000;
/// Largest event that is read, in bytes.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

pub(super) async fn run(session: &Session, arguments: &EventsArguments) -> Result<Exit> {
    if let Some(EventsAction::Publish { file }) = &arguments.action {
        let iac = session.open_with_progress().await?;
        return publish(session, &iac, file).await;
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
            let (after, since) = match text.parse::<u64>() {
                Ok(position) => (position, None),
                Err(_) => (0, Some(moment(text)?)),
            };
            first(iac, after, since, arguments.limit.unwrap_or(usize::MAX), streams).await
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

/// The first `limit` events after a position and since a time.
async fn first(
    iac: &Iac,
    mut position: u64,
    since: Option<Timestamp>,
    limit: usize,
    streams: &Streams,
) -> Result<Vec<RecordedEvent>> {
    let mut selected = Vec::new();
    while selected.len() < limit {
        let page = iac.events(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for event in page {
            let wanted = match since {
                _ if !streams.hold(&event) => false,
                Some(since) => event.envelope()?.time >= since,
                None => true,
            };
            if wanted && selected.len() < limit {
                selected.push(event);
            }
        }
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

async fn publish(session: &Session, iac: &Iac, file: &Path) -> Result<Exit> {
    let event = read(iac, file)?;
    let answer = iac.publish(event, &session.cancel).await?;
    match &answer.result {
        Some(result) if !session.output.is_json() => Ok(conclude(&session.output, result.clone())),
        Some(result) => {
            session.output.result(&answer, "");
            Ok(match result.error {
                Some(_) => Exit::FAILED,
                None => Exit::DONE,
            })
        }
        None => {
            session.output.result(&answer, &format!("{} {} is recorded", answer.event, answer.id));
            Ok(Exit::DONE)
        }
    }
}

/// A whole CloudEvents event, or only its type and data: the rest is filled in.
fn read(iac: &Iac, file: &Path) -> Result<Envelope> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |text: String| {
        Error::new(ErrorKind::InvalidInput, "event.read", format!("{name}: {text}")).with("file", &name)
    };
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(SIZE_LIMIT).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|file| file.take(SIZE_LIMIT).read_to_string(&mut text)),
    };
    read.map_err(|error| failed(error.to_string()))?;
    let mut value: Value = serde_json::from_str(&text).map_err(|error| {
        failed(format!("this is no JSON: {error}")).with("line", error.line()).with("column", error.column())
    })?;
    let Value::Object(map) = &mut value else { return Err(failed("an event is a JSON object".into())) };
    let blank = iac.envelope(DeploymentRequested::default()).to_value();
    // CloudEvents may leave the time out; it is when the event came in then.
    map.entry("time").or_insert_with(|| blank["time"].clone());
    if !map.contains_key("specversion") {
        for attribute in ["specversion", "id", "source"] {
            map.entry(attribute).or_insert_with(|| blank[attribute].clone());
        }
        // A bare name is one of ours; a foreign type has dots.
        if let Some(Value::String(kind)) = map.get_mut("type")
            && !kind.contains('.')
        {
            *kind = format!("{TYPE_PREFIX}{kind}");
        }
    }
    Envelope::from_value(value).map_err(|error| {
        let located = failed(error.message().to_owned());
        error.context().iter().fold(located, |located, (key, value)| located.with(key, value))
    })
}
