//! What runs the cases of the table: `local`, or another program of its kind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use semantest_iac_testkit::http_exchange::{Answer, send};
use serde_json::{Value, json};

use super::rows::Row;
use super::socket::Client;
use crate::story::pattern::{Saved, differs};

/// What is told of a row whose case got none: nobody listened, or the connection ended.
pub const NO_ANSWER: &str = "no answer";
/// Longer bodies are told by their length.
const LONG: usize = 100_000;
/// So long a line may take into a function's log.
const LINES: Duration = Duration::from_secs(20);

/// Where an API listens.
pub struct Endpoint {
    /// Its port on loopback.
    pub port: u16,
    /// The path of a WebSocket API's stage, without a slash at its end.
    pub stage: String,
}

/// Runs the functions of the table.
pub trait Subject {
    /// An API by its name (`api`, `cors` or `chat`), or a component whose function has a URL.
    fn endpoint(&self, api: &str) -> Endpoint;
    /// Invokes a function of `api`: whether it failed, and the text it answered.
    fn invoke(&self, function: &str, event: &Value) -> (bool, String);
    /// How much there is in a function's log now.
    fn mark(&self, function: &str) -> usize;
    /// What has come into it since.
    fn log(&self, function: &str, since: usize) -> String;
}

/// Runs the row's case; the first place where what comes is not as on AWS.
pub fn difference(subject: &dyn Subject, row: &Row) -> Option<String> {
    let function = row.case["log"].as_str();
    let mark = function.map(|function| subject.mark(function));
    let ran = catch_unwind(AssertUnwindSafe(|| observed(subject, &row.case)));
    let Ok(mut observed) = ran else { return Some(NO_ANSWER.to_owned()) };
    let deadline = Instant::now() + LINES;
    loop {
        if let Some((function, mark)) = function.zip(mark) {
            observed["log"] = json!(subject.log(function, mark));
        }
        let found = differs(&row.expect, &observed, &mut Saved::new(), "");
        if found.is_none() || function.is_none() || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn observed(subject: &dyn Subject, case: &Value) -> Value {
    let endpoint = || subject.endpoint(case["api"].as_str().unwrap_or("api"));
    if case["request"].is_object() {
        return request(endpoint().port, &case["request"]);
    }
    if case["invoke"].is_object() {
        return invoked(subject, &case["invoke"]);
    }
    let steps = case["steps"].as_array().expect("a request, an invocation or steps");
    let mut seen = json!({});
    let mut client = Client::new(endpoint());
    for step in steps {
        let outcome = match &step["invoke"] {
            Value::Null => client.step(step),
            invocation => invoked(subject, invocation),
        };
        if let Some(name) = step["as"].as_str() {
            seen[name] = outcome;
        }
    }
    seen
}

fn invoked(subject: &dyn Subject, invocation: &Value) -> Value {
    let function = invocation["function"].as_str().expect("a function");
    let (failed, body) = subject.invoke(function, &invocation["event"]);
    json!({ "failed": failed, "payload": serde_json::from_str::<Value>(&body).ok(), "body": body })
}

fn request(port: u16, request: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = request["headers"].as_array().into_iter().flatten();
    let pairs: Vec<(String, String)> = pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    let headers: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = bytes(&request["body"]);
    told(&send(port, &text(&request["method"]), &text(&request["target"]), &headers, &body))
}

/// A body: text, `{"octets": [...]}` or `{"repeat": times}`.
pub fn bytes(body: &Value) -> Vec<u8> {
    if let Some(octets) = body["octets"].as_array() {
        return octets.iter().filter_map(|octet| octet.as_u64()?.try_into().ok()).collect();
    }
    match body["repeat"].as_u64() {
        Some(times) => vec![b'x'; usize::try_from(times).unwrap_or_default()],
        None => body.as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

/// An answer as JSON.
pub fn told(answer: &Answer) -> Value {
    let mut headers = json!({});
    for (name, value) in answer.headers.iter().filter(|(name, _)| name != "set-cookie") {
        headers[name] = json!(value);
    }
    let cookies: Vec<&String> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    let mut told = json!({ "status": answer.status, "headers": headers, "cookies": cookies });
    if answer.body.len() > LONG {
        told["length"] = json!(answer.body.len());
        return told;
    }
    told["json"] = serde_json::from_slice(&answer.body).unwrap_or_default();
    match std::str::from_utf8(&answer.body) {
        Ok(text) => told["body"] = json!(text),
        Err(_) => told["octets"] = json!(answer.body),
    }
    told
}
