//! `invoke`

use std::path::Path;

use semantest_iac::{Error, ErrorKind, Result};
use serde_json::value::RawValue;

use crate::Exit;
use crate::arguments::InvokeArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &InvokeArguments) -> Result<Exit> {
    let payload = payload(arguments).await?;
    let iac = session.open_to_look().await?;
    let component = session.component(&iac).await?;
    let environment = &session.global.environment;
    let answer = iac.invoke(environment, &component, arguments.function.as_deref(), payload).await?;
    for line in &answer.logs {
        session.output.note(&line.message);
    }
    session.output.result(&answer, answer.payload.get());
    match &answer.error_type {
        Some(error_type) => {
            session.output.note(&format!("the function failed: {error_type}"));
            Ok(Exit::FAILED)
        }
        None => Ok(Exit::DONE),
    }
}

/// Only its syntax is checked: what the numbers mean is for the function to say.
async fn payload(arguments: &InvokeArguments) -> Result<Box<RawValue>> {
    let failed = |text: String| Error::new(ErrorKind::InvalidInput, "invoke.read", text);
    let text = match (&arguments.data, &arguments.file) {
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
