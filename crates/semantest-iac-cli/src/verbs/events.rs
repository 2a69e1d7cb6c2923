//! `events`, `events publish`

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use semantest_iac::events::envelope::{Envelope, TYPE_PREFIX};
use semantest_iac::events::request::DeploymentRequested;
use semantest_iac::ports::event_store::RecordedEvent;
use semantest_iac::{Error, ErrorKind, Iac, Result};
use serde_json::{Value, json};

use super::conclude;
use crate::Exit;
use crate::arguments::{EventsAction, EventsArguments};
use crate::render;
use crate::session::{Session, moment};

/// So many of the last events are shown.
const TAIL: usize = 20;
/// So many are read at once.
const PAGE: usize = 1000;
/// Largest event that is read, in bytes.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

pub(super) async fn run(session: &Session, arguments: &EventsArguments) -> Result<Exit> {
    let iac = session.open_for_publishing(arguments.action.is_some()).await?;
    if let Some(EventsAction::Publish { file }) = &arguments.action {
        return publish(session, &iac, file).await;
    }
    let selected = select(&iac, arguments).await?;
    let mut position = selected.last().map_or(0, |event| event.position);
    let lines = arguments.jsonl || arguments.follow;
    if session.output.is_json() && !lines {
        let events: Vec<Value> =
            selected.iter().map(|event| Ok(event.envelope()?.to_value())).collect::<Result<_>>()?;
        session.output.result(&json!({ "events": events }), "");
        return Ok(Exit::DONE);
    }
    print(session, arguments, &selected)?;
    if arguments.follow && position == 0 {
        position = iac.head().await?;
    }
    while arguments.follow && !session.cancel.is_cancelled() {
        tokio::select! {
            waited = iac.wait_for_events(position, Duration::from_secs(60)) => waited?,
            () = session.cancel.cancelled() => break,
        }
        let new = iac.events(position, PAGE).await?;
        position = new.last().map_or(position, |event| event.position);
        print(session, arguments, &new)?;
    }
    Ok(Exit::DONE)
}

async fn select(iac: &Iac, arguments: &EventsArguments) -> Result<Vec<RecordedEvent>> {
    let (after, since) = match &arguments.from {
        None => {
            let limit = arguments.limit.unwrap_or(TAIL);
            let head = iac.head().await?;
            return iac.events(head.saturating_sub(limit as u64), limit).await;
        }
        Some(text) => match text.parse::<u64>() {
            Ok(position) => (position, None),
            Err(_) => (0, Some(moment(text)?)),
        },
    };
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let (mut position, mut selected) = (after, VecDeque::new());
    loop {
        let page = iac.events(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for event in page {
            let wanted = match since {
                Some(since) => event.envelope()?.time >= since,
                None => true,
            };
            if wanted && selected.len() < limit {
                selected.push_back(event);
            }
        }
        if selected.len() >= limit {
            break;
        }
    }
    Ok(selected.into())
}

fn print(session: &Session, arguments: &EventsArguments, events: &[RecordedEvent]) -> Result<()> {
    for recorded in events {
        let event = recorded.envelope()?;
        if arguments.jsonl || session.output.is_json() {
            session.output.line(&event.to_value().to_string());
        } else {
            session.output.line(&format!(
                "{:>6} {} {}",
                recorded.position,
                recorded.stream,
                render::event(&event)
            ));
        }
    }
    Ok(())
}

async fn publish(session: &Session, iac: &Iac, file: &Path) -> Result<Exit> {
    let event = read(iac, file)?;
    let answer = iac.publish(event, &session.cancel).await?;
    match &answer.result {
        Some(result) if !session.output.is_json() => {
            Ok(conclude(&session.output, std::slice::from_ref(result)))
        }
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
