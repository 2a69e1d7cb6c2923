//! The control API, host side.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::control::frames::Frames;
use crate::control::invocation_log::lines_of;
use crate::control::messages::{Invoked, PutFunction, PutSecrets, PutService, Refused, Sent, StreamEnd};
use crate::host::definition::ApiDefinition;
use crate::host::host::Host;
use crate::http_server::{FullResponse, Handler, is_for_loopback, json};
use crate::runtime::function_log::FunctionLog;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker};

/// Largest body, in bytes: an event of 6 MB and its frame.
const LIMIT: usize = 8 * 1024 * 1024;

/// Answers the control API of a host.
pub(crate) struct Control {
    pub host: Arc<Host>,
    pub token: String,
}

impl Handler for Control {
    type Body = Frames;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: SocketAddr) -> Response<Frames> {
        if !is_for_loopback(&request) || !self.is_authorized(&request) {
            return refuse(StatusCode::FORBIDDEN, "the token of this host is needed").map(Frames::from);
        }
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let body = match Limited::new(request.into_body(), LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").map(Frames::from);
            }
        };
        let parts: Vec<String> = path
            .split('/')
            .skip(1)
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (&method, parts.as_slice()) {
            (&Method::POST, ["functions", name, "stream"]) if !self.host.stop.is_cancelled() => {
                self.stream(name, body).await
            }
            _ => self.route(&method, &parts, body).await.map(Frames::from),
        }
    }
}

impl Control {
    fn is_authorized(&self, request: &Request<Incoming>) -> bool {
        let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let wanted = format!("Bearer {}", self.token).into_bytes();
        // Every byte is compared, so that the time tells nothing of where they differ.
        given.len() == wanted.len() && given.iter().zip(&wanted).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }

    async fn route(&self, method: &Method, parts: &[&str], body: Bytes) -> FullResponse {
        match (method, parts) {
            (&Method::POST, ["stop"]) => {
                self.host.stop.cancel();
                ok(&())
            }
            // What it says of itself is no longer so, and what it is told would be lost on it.
            _ if self.host.stop.is_cancelled() => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "the host is stopping")
            }
            (&Method::GET, ["state"]) => ok(&self.host.state()),
            (&Method::PUT, ["secrets"]) => match serde_json::from_slice::<PutSecrets>(&body) {
                Ok(secrets) => {
                    self.host.put_secrets(secrets);
                    ok(&())
                }
                // What cannot be read is not repeated: it may hold a value.
                Err(_) => refuse(StatusCode::BAD_REQUEST, "these are no secrets by function"),
            },
            (&Method::PUT, ["functions", _]) => match serde_json::from_slice::<PutFunction>(&body) {
                Ok(put) => done(self.host.put_function(put.definition, put.secrets)),
                Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            (&Method::POST, ["functions", name, "restart"]) => match self.host.runtime.restart(name) {
                true => ok(&()),
                false => refuse(StatusCode::NOT_FOUND, &format!("there is no function `{name}`")),
            },
            (_, ["inspection", rest @ ..]) => self.inspection(method, rest, &body).await,
            (&Method::DELETE, ["functions", name]) => done(self.host.remove_function(name)),
            (&Method::PUT, ["services", _]) => match serde_json::from_slice::<PutService>(&body) {
                Ok(put) => match self.host.clone().put_service(put).await {
                    Ok(()) => ok(&()),
                    Err(why) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &why),
                },
                // What cannot be read is not repeated: it may hold a value.
                Err(_) => refuse(StatusCode::BAD_REQUEST, "this is no service"),
            },
            (&Method::POST, ["services", name, "restart"]) => match self.host.services.restart(name).await {
                Ok(true) => ok(&()),
                Ok(false) => refuse(StatusCode::NOT_FOUND, &format!("there is no service `{name}`")),
                Err(why) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &why),
            },
            (&Method::POST, ["services", "settled"]) => {
                self.host.services.settled().await;
                ok(&())
            }
            (&Method::DELETE, ["services", name]) => done(self.host.clone().remove_service(name).await),
            (&Method::PUT, ["apis", _]) => match serde_json::from_slice::<ApiDefinition>(&body) {
                Ok(definition) => match self.host.put_api(definition).await {
                    Ok(state) => ok(&state),
                    Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
                },
                Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            (&Method::DELETE, ["apis", id]) => done(self.host.remove_api(id).await),
            (&Method::POST, ["functions", name, "invoke"]) => self.invoke(name, body).await,
            (&Method::POST, ["functions", name, "events"]) => self.send(name, body),
            _ => refuse(StatusCode::NOT_FOUND, "there is no such path"),
        }
    }

    async fn inspection(&self, method: &Method, parts: &[&str], body: &[u8]) -> FullResponse {
        match (method, parts) {
            (&Method::PUT, []) => match serde_json::from_slice(body) {
                Ok(asked) => match self.host.inspect(asked).await {
                    Ok(inspecting) => ok(&inspecting),
                    Err(text) => refuse(StatusCode::CONFLICT, &text),
                },
                Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            (&Method::DELETE, [process]) => {
                self.host.end_inspection_of(process);
                ok(&())
            }
            _ => refuse(StatusCode::NOT_FOUND, "there is no such path"),
        }
    }

    /// Takes an event in, and answers before anything has come of it.
    fn send(&self, name: &str, event: Bytes) -> FullResponse {
        let invocation = Invocation { event, ..Invocation::default() };
        match self.host.runtime.send(name, invocation) {
            Ok(request_id) => {
                json(StatusCode::ACCEPTED, serde_json::to_vec(&Sent { request_id }).unwrap_or_default())
            }
            Err(refused) => refusal(refused),
        }
    }

    /// Calls a function and passes on what it writes, as it does.
    async fn stream(&self, name: &str, event: Bytes) -> Response<Frames> {
        let start = Instant::now();
        let invocation = Invocation { event, ..Invocation::default() };
        let streamed = match self.host.runtime.stream(name, invocation).await {
            Ok(streamed) => streamed,
            Err(refused) => return refusal(refused).map(Frames::from),
        };
        let log = FunctionLog::path(&self.host.state_dir, name);
        Response::new(Frames::of(streamed, move |content_type, outcome| {
            let (request_id, failure) = match outcome {
                InvocationOutcome::Success { request_id, .. } => (request_id, None),
                InvocationOutcome::FunctionError { request_id, error_type, payload } => {
                    (request_id, Some((error_type, String::from_utf8_lossy(&payload).into_owned())))
                }
            };
            let (error_type, error) = failure.unzip();
            let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
            // Everything that was printed is in the log before the end is told.
            let logs = lines_of(&log, &request_id);
            StreamEnd { request_id, content_type, error_type, error, duration_ms, logs }
        }))
    }

    async fn invoke(&self, name: &str, event: Bytes) -> FullResponse {
        let start = Instant::now();
        let invocation = Invocation { event, ..Invocation::default() };
        let outcome = match self.host.runtime.invoke(name, invocation).await {
            Ok(outcome) => outcome,
            Err(refused) => return refusal(refused),
        };
        let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        let (request_id, payload, error_type) = match outcome {
            InvocationOutcome::Success { request_id, payload } => (request_id, payload, None),
            InvocationOutcome::FunctionError { request_id, error_type, payload } => {
                (request_id, payload, Some(error_type))
            }
        };
        // Everything that was printed is in the log before the outcome is told.
        let logs = lines_of(&FunctionLog::path(&self.host.state_dir, name), &request_id);
        let payload = serde_json::from_slice(&payload).unwrap_or_else(|_| as_text(&payload));
        ok(&Invoked { request_id, payload, error_type, duration_ms, logs })
    }
}

fn refusal(refused: InvocationRefused) -> FullResponse {
    match refused {
        InvocationRefused::NoSuchFunction(name) => {
            refuse(StatusCode::NOT_FOUND, &format!("there is no function `{name}`"))
        }
        InvocationRefused::TooLarge { bytes, limit } => {
            let most = limit / (1024 * 1024);
            let text = format!("the event has {bytes} bytes; at most {most} MB are allowed");
            refuse(StatusCode::PAYLOAD_TOO_LARGE, &text)
        }
        InvocationRefused::Stopping => refuse(StatusCode::SERVICE_UNAVAILABLE, "the host is stopping"),
    }
}

/// What is no JSON, as a JSON string.
fn as_text(payload: &[u8]) -> Box<RawValue> {
    serde_json::value::to_raw_value(&String::from_utf8_lossy(payload)).unwrap_or_default()
}

fn done(result: std::io::Result<()>) -> FullResponse {
    match result {
        Ok(()) => ok(&()),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn ok(value: &impl Serialize) -> FullResponse {
    json(StatusCode::OK, serde_json::to_vec(value).unwrap_or_default())
}

fn refuse(status: StatusCode, message: &str) -> FullResponse {
    let refused = Refused { message: message.to_owned() };
    json(status, serde_json::to_vec(&refused).unwrap_or_default())
}
