//! `invoke`

use std::io::Read;
use std::path::Path;

use semantest_iac::{Error, ErrorKind, Result};
use serde_json::value::RawValue;

use crate::Exit;
use crate::arguments::InvokeArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &InvokeArguments) -> Result<Exit> {
    let payload = payload(arguments)?;
    let iac = session.open().await?;
    let component = session.component(&iac)?;
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
fn payload(arguments: &InvokeArguments) -> Result<Box<RawValue>> {
    let failed = |text: String| Error::new(ErrorKind::InvalidInput, "invoke.read", text);
    let text = match (&arguments.data, &arguments.file) {
        (Some(data), _) => data.clone(),
        (None, Some(file)) if file == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
            text
        }
        (None, Some(file)) => {
            let read = std::fs::read_to_string(file);
            read.map_err(|error| failed(format!("{}: {error}", file.display())))?
        }
        (None, None) => "{}".to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| failed(format!("the event is no JSON: {error}")))
}
