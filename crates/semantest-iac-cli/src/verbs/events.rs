//! `events`, `events publish`

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use semantest_iac::events::envelope::Envelope;
use semantest_iac::events::intake;
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
    let mut position = match &arguments.from {
        None => {
            let limit = arguments.limit.unwrap_or(TAIL);
            let head = iac.head().await?;
            return iac.events(head.saturating_sub(limit as u64), limit).await;
        }
        Some(text) => match text.parse() {
            Ok(position) => position,
            Err(_) => iac.recorded_before(moment(text)?).await?,
        },
    };
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let mut selected = Vec::new();
    while selected.len() < limit {
        let page = iac.events(position, PAGE.min(limit - selected.len())).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        selected.extend(page);
    }
    Ok(selected)
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
            let what = match answer.duplicate {
                true => "was recorded before; nothing is done",
                false => "is recorded",
            };
            session.output.result(&answer, &format!("{} {} {what}", answer.event, answer.id));
            Ok(Exit::DONE)
        }
    }
}

/// The event in `file`: a whole CloudEvents event, or only its type and data.
fn read(iac: &Iac, file: &Path) -> Result<Envelope> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |text: String| {
        Error::new(ErrorKind::InvalidInput, "event.read", format!("{name}: {text}")).with("file", &name)
    };
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(SIZE_LIMIT + 1).read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(failed(format!("an event has at most {} MiB", SIZE_LIMIT >> 20)));
    }
    let blank = iac.envelope(DeploymentRequested::default());
    intake::read(&bytes, &blank).map_err(|error| {
        let located = failed(error.message().to_owned());
        error.context().iter().fold(located, |located, (key, value)| located.with(key, value))
    })
}
