//! `logs`

use std::time::Duration;

use schemars::JsonSchema;
use semantest_iac::ports::provider::LogLine;
use semantest_iac::{LogRequest, Result};
use serde::Serialize;

use crate::Exit;
use crate::arguments::LogsArguments;
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
        None => iac.functions(environment, &component).await?,
    };
    let since = arguments.since.as_deref().map(moment).transpose()?;
    let request = |function: &str, cursor: Option<String>, wait: Duration| LogRequest {
        function: Some(function.to_owned()),
        cursor,
        since,
        limit: arguments.limit,
        wait,
    };
    let mut lines = Vec::new();
    let mut cursors = Vec::new();
    for function in &functions {
        let page = iac.logs(environment, &component, request(function, None, Duration::ZERO)).await?;
        lines.extend(page.lines);
        cursors.push(page.cursor);
    }
    lines.sort_by_key(|line| line.time);
    lines.drain(..lines.len().saturating_sub(arguments.limit));
    if session.output.is_json() && !arguments.follow {
        session.output.result(&LogsAnswer { lines }, "");
        return Ok(Exit::DONE);
    }
    lines.iter().for_each(|line| print(session, line));
    // With several functions each is asked in turn; the wait is shared out.
    let wait = Duration::from_millis(400 / functions.len().max(1) as u64);
    while arguments.follow && !session.output.is_broken() {
        for (function, cursor) in functions.iter().zip(&mut cursors) {
            let page =
                iac.logs(environment, &component, request(function, Some(cursor.clone()), wait)).await?;
            page.lines.iter().for_each(|line| print(session, line));
            *cursor = page.cursor;
        }
    }
    Ok(Exit::DONE)
}

fn print(session: &Session, line: &LogLine) {
    if session.output.is_json() {
        session.output.raw(&serde_json::to_string(line).unwrap_or_default());
        return;
    }
    let time = line.time.strftime("%H:%M:%S%.3f");
    let request = line.request_id.as_deref().and_then(|id| id.get(..8)).unwrap_or("-");
    session.output.line(&format!("{time} {} {request} {}", line.function_name, line.message));
}
