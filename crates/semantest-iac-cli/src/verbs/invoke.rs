//! `invoke`

use std::path::Path;

use schemars::JsonSchema;
use semantest_iac::domain::component::nearest;
use semantest_iac::ports::provider::{InvokeAnswer, StreamAnswer};
use semantest_iac::{Error, ErrorKind, Iac, Result, SAMPLE_EVENTS, SampleEvent, SampleRequest};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Exit;
use crate::arguments::InvokeArguments;
use crate::session::Session;

/// How the line begins that tells an invocation's duration.
const REPORT: &str = "REPORT RequestId";

/// The answer of `invoke`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "its schema is used")]
pub(crate) enum Invoked {
    /// The function has ended.
    Answered(InvokeAnswer),
    /// With `--async`: it may not even have begun.
    Accepted(AcceptedAnswer),
}

/// An event that was taken in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct AcceptedAnswer {
    /// Always `accepted`.
    pub status: &'static str,
    /// The id of its invocation, of every try: it stands in the function's log.
    pub request_id: String,
}

/// What a function is called with.
struct Call {
    function: Option<String>,
    event: Box<RawValue>,
}

pub(super) async fn run(session: &Session, arguments: &InvokeArguments) -> Result<Exit> {
    if arguments.stream && session.output.is_json() {
        return Err(failed("--stream prints the response as it comes: leave --output json out".to_owned()));
    }
    let kind = ready_made(arguments)?;
    let iac = session.open_to_look().await?;
    let component = session.component(&iac).await?;
    let environment = &session.global.environment;
    let Call { function, event } = match kind {
        Some(kind) => made(&iac, environment, &component, kind, arguments).await?,
        None => Call { function: arguments.function.clone(), event: payload(arguments).await? },
    };
    let function = function.as_deref();
    if arguments.asynchronous {
        let request_id = iac.send(environment, &component, function, event).await?;
        let text = format!("accepted: {request_id}");
        session.output.result(&AcceptedAnswer { status: "accepted", request_id }, &text);
        session.output.note(&format!("`semantest-iac logs --component {component}` shows what comes of it"));
        return Ok(Exit::DONE);
    }
    if arguments.stream {
        let output = session.output.clone();
        let parts = |part: &[u8]| output.part(part);
        let answer = iac.stream(environment, &component, function, event, &parts).await?;
        return Ok(told(session, &answer));
    }
    let answer = iac.invoke(environment, &component, function, event).await?;
    Ok(tell(session, &answer))
}

/// Tells how a response ended that was printed as it came.
fn told(session: &Session, answer: &StreamAnswer) -> Exit {
    answer.logs.iter().for_each(|line| session.output.note(&line.message));
    let report = answer.logs.iter().any(|line| line.message.starts_with(REPORT));
    if let Some(took) = answer.duration_ms.filter(|_| !report) {
        session.output.note(&format!("{REPORT}: {}\tDuration: {took:.2} ms", answer.request_id));
    }
    let Some(error_type) = &answer.error_type else { return Exit::DONE };
    let error = answer.error.as_deref().map(|error| format!(" {error}")).unwrap_or_default();
    session.output.note(&format!("the function failed: {error_type}{error}"));
    Exit::FAILED
}

fn tell(session: &Session, answer: &InvokeAnswer) -> Exit {
    for line in &answer.logs {
        session.output.note(&line.message);
    }
    let told = answer.logs.iter().any(|line| line.message.starts_with(REPORT));
    if let Some(took) = answer.duration_ms.filter(|_| !told) {
        session.output.note(&format!("{REPORT}: {}\tDuration: {took:.2} ms", answer.request_id));
    }
    session.output.result(answer, answer.payload.get());
    match &answer.error_type {
        Some(error_type) => {
            session.output.note(&format!("the function failed: {error_type}"));
            Exit::FAILED
        }
        None => Exit::DONE,
    }
}

/// The ready-made event that is asked for; nothing for a file.
fn ready_made(arguments: &InvokeArguments) -> Result<Option<SampleEvent>> {
    let Some(name) = &arguments.event else { return Ok(None) };
    if let Some((_, kind)) = SAMPLE_EVENTS.iter().find(|(known, _)| known == name) {
        return Ok(Some(*kind));
    }
    if name != "-" && !Path::new(name).is_file() {
        let known: Vec<&str> = SAMPLE_EVENTS.iter().map(|(known, _)| *known).collect();
        let near = nearest(name, known.iter().copied());
        let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let text = format!(
            "--event {}: there is no such file and no such event; {hint}there are: {}",
            name.escape_debug(),
            known.join(", ")
        );
        return Err(failed(text));
    }
    match (&arguments.data, &arguments.path) {
        (Some(_), _) => Err(failed("the event is in the file: leave --data out".to_owned())),
        (None, Some(_)) => Err(failed("the event is in the file: leave --path out".to_owned())),
        (None, None) => Ok(None),
    }
}

/// A ready-made event, for the function that was named or whose route it takes.
async fn made(
    iac: &Iac,
    environment: &str,
    component: &str,
    kind: SampleEvent,
    arguments: &InvokeArguments,
) -> Result<Call> {
    let request = SampleRequest { path: arguments.path.as_deref(), body: arguments.data.as_deref() };
    let named = arguments.function.as_deref();
    let sample = iac.sample_event(environment, component, named, kind, &request).await?;
    Ok(Call { function: arguments.function.clone().or(sample.function), event: sample.event })
}

/// Only its syntax is checked: what the numbers mean is for the function to say.
async fn payload(arguments: &InvokeArguments) -> Result<Box<RawValue>> {
    let file = arguments.event.as_ref().map(Path::new).or(arguments.file.as_deref());
    let text = match (&arguments.data, file) {
        (Some(data), _) => data.clone(),
        (None, Some(file)) if file == Path::new("-") => {
            // On a thread of its own: Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()));
            let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            read.map_err(|error| failed(error.to_string()))?
        }
        (None, Some(file)) => {
            let read = std::fs::read_to_string(file);
            read.map_err(|error| failed(format!("{}: {error}", file.display())))?
        }
        (None, None) => "{}".to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| failed(format!("the event is no JSON: {error}")))
}

fn failed(text: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "invoke.read", text)
}
