//! Direct calls of functions, and their logs from CloudWatch.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, InvokeWithResponseStreamResponseEvent, LogType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::provider::{
    FunctionAccess, InvokeAnswer, InvokeRequest, LogLine, LogPage, LogQuery, PartSink, ResourceHandle,
    StreamAnswer,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::clients::Clients;
use crate::error::{Failure, failed, words};
use crate::provider::AwsProvider;
use crate::{container_service, function, function_alias};

const STREAM: &str = "lambda.InvokeWithResponseStream";

/// Between two looks for new lines.
const POLL: Duration = Duration::from_secs(1);

/// Without a time to begin at, lines of the last day are looked for.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3600);

/// CloudWatch shows lines a little late and not always in order: a look begins this much before the last line seen.
const LATENESS_MS: i64 = 10_000;

fn call(aws: &Clients, name: &str, request: &InvokeRequest) -> InvokeFluentBuilder {
    let call = aws.lambda.invoke().function_name(name).qualifier(function_alias::NAME);
    call.payload(Blob::new(request.payload.get()))
}

/// A function is called once: a second call is the user's to make.
fn once() -> aws_sdk_lambda::config::Builder {
    let once = aws_sdk_lambda::config::Config::builder();
    once.retry_config(aws_smithy_types::retry::RetryConfig::disabled())
}

#[async_trait]
impl FunctionAccess for AwsProvider {
    async fn invoke(&self, request: &InvokeRequest) -> Result<InvokeAnswer> {
        let aws = self.clients_of(&request.function).await?;
        let name = function::name(&request.function).unwrap_or_default();
        let call = call(&aws, &name, request).log_type(LogType::Tail);
        let begun = Instant::now();
        let sent = call.customize().config_override(once()).send().await;
        let answer = sent.map_err(|error| failed("lambda.Invoke", error))?;
        let took = begun.elapsed();
        let text = answer.payload.map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
        let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| "null".into());
        let payload = RawValue::from_string(text).map_err(|error| {
            Error::new(ErrorKind::Provider, "aws.lambda.Invoke", format!("the answer is no JSON: {error}"))
        })?;
        let error_type = answer.function_error.map(|kind| error_type(&payload).unwrap_or(kind));
        let tail = answer.log_result.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let tail = Tail::read(&String::from_utf8_lossy(&tail), &name);
        let duration_ms = tail.duration_ms.or(Some(took.as_secs_f64() * 1000.0));
        Ok(InvokeAnswer { request_id: tail.request_id, payload, error_type, duration_ms, logs: tail.lines })
    }

    async fn send(&self, request: &InvokeRequest) -> Result<String> {
        let aws = self.clients_of(&request.function).await?;
        let name = function::name(&request.function).unwrap_or_default();
        let call = call(&aws, &name, request).invocation_type(InvocationType::Event);
        let sent = call.customize().config_override(once()).send().await;
        let answer = sent.map_err(|error| failed("lambda.Invoke", error))?;
        Ok(answer.request_id().unwrap_or_default().to_owned())
    }

    async fn stream(&self, request: &InvokeRequest, parts: PartSink<'_>) -> Result<StreamAnswer> {
        let aws = self.clients_of(&request.function).await?;
        let name = function::name(&request.function).unwrap_or_default();
        let call = aws.lambda.invoke_with_response_stream().function_name(&name);
        let call = call.qualifier(function_alias::NAME).payload(Blob::new(request.payload.get()));
        let begun = Instant::now();
        let sent = call.log_type(LogType::Tail).customize().config_override(once()).send().await;
        let mut answer = sent.map_err(|error| failed(STREAM, error))?;
        let request_id = answer.request_id().unwrap_or_default().to_owned();
        let content_type = answer.response_stream_content_type.take();
        let mut told = StreamAnswer { request_id, content_type, ..StreamAnswer::default() };
        while let Some(event) = answer.event_stream.recv().await.map_err(|error| broken_off(&error))? {
            match event {
                InvokeWithResponseStreamResponseEvent::PayloadChunk(chunk) => {
                    parts(chunk.payload.unwrap_or_default().as_ref());
                }
                InvokeWithResponseStreamResponseEvent::InvokeComplete(end) => {
                    told.error_type = end.error_code;
                    told.error = end.error_details;
                    let tail = end.log_result.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
                    let tail = Tail::read(&String::from_utf8_lossy(&tail), &name);
                    told.duration_ms = tail.duration_ms.or(Some(begun.elapsed().as_secs_f64() * 1000.0));
                    told.logs = tail.lines;
                }
                _ => {}
            }
        }
        Ok(told)
    }

    async fn logs(&self, query: &LogQuery) -> Result<LogPage> {
        let aws = self.clients_of(&query.function).await?;
        let log = Log::of(&query.function);
        let mut cursor = match &query.cursor {
            Some(text) => Cursor::read(text)?,
            None => Cursor::since(query.since),
        };
        let until = Instant::now() + query.wait;
        loop {
            let lines = new_lines(&aws, &log, query.limit, &mut cursor).await?;
            if !lines.is_empty() || Instant::now() >= until {
                return Ok(LogPage { lines, cursor: cursor.text() });
            }
            tokio::time::sleep(POLL.min(until - Instant::now())).await;
        }
    }
}

/// What the function wrote before has been passed on.
fn broken_off(error: &(dyn std::error::Error + 'static)) -> Error {
    let text = format!("the response broke off: {}", words(error));
    Error::new(ErrorKind::Unavailable, format!("aws.{STREAM}"), text)
}

/// Where the lines of a function, or of a container service, are.
struct Log {
    group: String,
    /// Whose they are.
    name: String,
}

impl Log {
    fn of(resource: &ResourceHandle) -> Self {
        let text = |key: &str| resource.inputs.get(key).and_then(Value::as_str).map(str::to_owned);
        if resource.kind == container_service::WORD {
            let (group, name) = (text("log_group"), text("service_name"));
            return Self { group: group.unwrap_or_default(), name: name.unwrap_or_default() };
        }
        let name = function::name(resource).unwrap_or_default();
        Self { group: format!("/aws/lambda/{name}"), name }
    }
}

/// The `errorType` that runtimes put into the answer of a handler that failed.
fn error_type(payload: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failed {
        error_type: String,
    }
    serde_json::from_str::<Failed>(payload.get()).ok().map(|failed| failed.error_type)
}

/// The last lines of an invocation, as Lambda gives them with its answer.
#[derive(Default)]
struct Tail {
    request_id: String,
    duration_ms: Option<f64>,
    lines: Vec<LogLine>,
}

impl Tail {
    fn read(text: &str, function_name: &str) -> Self {
        let mut tail = Self::default();
        let time = Timestamp::now();
        for line in text.lines() {
            if let Some(id) =
                id_after(line, "START RequestId: ").or_else(|| id_after(line, "REPORT RequestId: "))
            {
                tail.request_id = id.to_owned();
            }
            if line.starts_with("REPORT ") {
                let duration = line.split('\t').find_map(|part| part.strip_prefix("Duration: "));
                tail.duration_ms = duration.and_then(|text| text.trim_end_matches(" ms").parse().ok());
            }
            let is_frame =
                ["START ", "END ", "REPORT ", "INIT_START "].iter().any(|word| line.starts_with(word));
            if !is_frame && !line.is_empty() {
                let request_id = Some(tail.request_id.clone()).filter(|id| !id.is_empty());
                let (function_name, message) = (function_name.to_owned(), line.to_owned());
                tail.lines.push(LogLine { time, function_name, request_id, replica: None, message });
            }
        }
        tail
    }
}

fn id_after<'a>(line: &'a str, words: &str) -> Option<&'a str> {
    line.strip_prefix(words).and_then(|rest| rest.split_whitespace().next())
}

/// Where to go on: from a time on, without the lines that were given already.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// Milliseconds since 1970.
    from: i64,
    /// Ids of the lines given since then, with their times.
    seen: BTreeSet<(i64, String)>,
}

impl Cursor {
    fn since(since: Option<Timestamp>) -> Self {
        let look_back = i64::try_from(LOOK_BACK.as_millis()).unwrap_or_default();
        let from = since.unwrap_or_else(Timestamp::now).as_millisecond();
        Self { from: if since.is_some() { from } else { from - look_back }, seen: BTreeSet::new() }
    }

    fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "aws.logs", "this cursor is of another provider: begin anew")
        })
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether `line` was not given yet; from now on it was.
    fn take(&mut self, line: &FilteredLogEvent) -> bool {
        let (time, id) = (line.timestamp().unwrap_or_default(), line.event_id().unwrap_or_default());
        let id = if id.is_empty() { line.message().unwrap_or_default() } else { id };
        self.seen.insert((time, id.to_owned()))
    }

    fn advance(&mut self) {
        if let Some((last, _)) = self.seen.last() {
            self.from = self.from.max(last - LATENESS_MS);
            let from = self.from;
            self.seen.retain(|(time, _)| *time >= from);
        }
    }
}

async fn new_lines(aws: &Clients, log: &Log, limit: usize, cursor: &mut Cursor) -> Result<Vec<LogLine>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let call = aws.logs.filter_log_events().log_group_name(&log.group);
        let sent = call.start_time(cursor.from).set_next_token(next).send().await;
        let page = match sent {
            Ok(page) => page,
            Err(error) => match Failure::of(&error) {
                failure if failure.is_not_found() => break,
                failure => return Err(failure.into_error("logs.FilterLogEvents")),
            },
        };
        found.extend(page.events.unwrap_or_default());
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    found.sort_by_key(|line| line.timestamp().unwrap_or_default());
    let mut lines: Vec<LogLine> =
        found.iter().filter(|line| cursor.take(line)).map(|line| log_line(line, &log.name)).collect();
    cursor.advance();
    lines.drain(..lines.len().saturating_sub(limit));
    Ok(lines)
}

fn log_line(line: &FilteredLogEvent, function: &str) -> LogLine {
    let message = line.message().unwrap_or_default().trim_end().to_owned();
    let time = Timestamp::from_millisecond(line.timestamp().unwrap_or_default()).unwrap_or_default();
    // `[INFO]\t<time>\t<request id>\t…` of Python, `<time>\t<request id>\tINFO\t…` of Node, `START RequestId: <id>`.
    let request_id = message.split_whitespace().take(4).find(|word| is_request_id(word)).map(str::to_owned);
    LogLine { time, function_name: function.to_owned(), request_id, replica: None, message }
}

fn is_request_id(word: &str) -> bool {
    word.len() == 36 && word.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_tells_request_duration_and_lines() {
        let text = "START RequestId: 7a1e Version: 3\nhello\n\nEND RequestId: 7a1e\n\
                    REPORT RequestId: 7a1e\tDuration: 12.50 ms\tBilled Duration: 13 ms\n";
        let tail = Tail::read(text, "shop");
        assert_eq!((tail.request_id.as_str(), tail.duration_ms), ("7a1e", Some(12.5)));
        let messages: Vec<&str> = tail.lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, ["hello"]);
    }

    #[test]
    fn a_line_is_given_once() {
        let mut cursor = Cursor { from: 1_000, seen: BTreeSet::new() };
        let line = FilteredLogEvent::builder().timestamp(60_000).event_id("1").message("x").build();
        assert!(cursor.take(&line));
        cursor.advance();
        let mut cursor = Cursor::read(&cursor.text()).expect("its own text");
        assert!(!cursor.take(&line), "also by whoever goes on from there");
        assert_eq!(cursor.from, 50_000);
    }
}
