//! `logs`

use std::time::Duration;

use schemars::JsonSchema;
use semantest_iac::ports::provider::LogLine;
use semantest_iac::{Iac, LogRequest, Result};
use serde::Serialize;

use crate::Exit;
use crate::arguments::LogsArguments;
use crate::log_line;
use crate::session::{Session, moment};

/// The answer of `logs`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogsAnswer {
    /// Oldest first.
    lines: Vec<LogLine>,
}

pub(super) async fn run(session: &Session, arguments: &LogsArguments) -> Result<Exit> {
    let iac = session.open_to_look().await?;
    let component = session.component(&iac).await?;
    let environment = &session.global.environment;
    let functions = match &arguments.function {
        Some(function) => vec![function.clone()],
        None => iac.workloads(environment, &component).await?,
    };
    let since = arguments.since.as_deref().map(moment).transpose()?;
    let first = |function: &str| LogRequest {
        function: Some(function.to_owned()),
        cursor: None,
        since,
        limit: arguments.limit,
        wait: Duration::ZERO,
    };
    let mut lines = Vec::new();
    let mut places = Vec::new();
    for function in &functions {
        let request = first(function);
        let page = iac.logs(environment, &component, request.clone()).await?;
        lines.extend(page.lines);
        // What is written from now on is shown, all of it.
        places.push(LogRequest { cursor: Some(page.cursor), limit: usize::MAX, ..request });
    }
    lines.sort_by_key(|line| line.time);
    lines.drain(..lines.len().saturating_sub(arguments.limit));
    if session.output.is_json() && !arguments.follow {
        session.output.result(&LogsAnswer { lines }, "");
        return Ok(Exit::DONE);
    }
    lines.iter().for_each(|line| print(session, line));
    if arguments.follow {
        follow(session, &iac, &component, places).await?;
    }
    Ok(Exit::DONE)
}

/// Prints lines as they are written, until nobody reads them.
async fn follow(session: &Session, iac: &Iac, component: &str, mut places: Vec<LogRequest>) -> Result<()> {
    // With several functions each is asked in turn; the wait is shared out.
    let wait = Duration::from_millis(400 / places.len().max(1) as u64);
    while !session.output.is_broken() {
        for place in &mut places {
            let request = LogRequest { wait, ..place.clone() };
            let page = iac.logs(&session.global.environment, component, request).await?;
            page.lines.iter().for_each(|line| print(session, line));
            place.cursor = Some(page.cursor);
        }
    }
    Ok(())
}

fn print(session: &Session, line: &LogLine) {
    if session.output.is_json() {
        session.output.raw(&serde_json::to_string(line).unwrap_or_default());
        return;
    }
    session.output.line(&log_line::text(line));
}
