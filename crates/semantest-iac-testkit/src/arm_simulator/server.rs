//! The servers: one for the Resource Manager, one for blobs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::oneshot;

use super::collections::Question;
use super::fault::Fault;
use super::recorder::Call;
use super::reply::Reply;
use super::resource_types::type_of;
use super::resources::{Course, target};
use super::{SUBSCRIPTION, State, TOKEN, World};

/// The connection is broken instead of an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection breaks, as the test wants it")
    }
}

impl std::error::Error for Broken {}

pub(super) fn run(
    manager: TcpListener,
    blobs: TcpListener,
    world: &Arc<World>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            () = serve(manager, world.clone(), true) => {}
            () = serve(blobs, world.clone(), false) => {}
            _ = stopped => {}
        }
    });
}

async fn serve(listener: TcpListener, world: Arc<World>, is_manager: bool) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let world = world.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let world = world.clone();
                async move {
                    match is_manager {
                        true => manage(&world, request).await,
                        false => Ok(keep(&world, request).await.unwrap_or_default()),
                    }
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn keep(world: &World, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let query = parts.uri.query().unwrap_or_default();
    let reply = world.state().blob(parts.method.as_str(), &path, query, body.to_vec());
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(reply.body)).unwrap_or_default())
}

async fn manage(world: &World, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
    let latency = world.state().latency;
    tokio::time::sleep(latency).await;
    let mut call = Call {
        method: parts.method.as_str().to_owned(),
        path: percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: BTreeMap::new(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        status: 0,
        answer_headers: BTreeMap::new(),
        answer: Value::Null,
    };
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut token = String::new();
    for (name, value) in &parts.headers {
        match name.as_str() {
            "authorization" => token = text(value),
            name => drop(call.headers.insert(name.to_owned(), text(value))),
        }
    }
    // A POST asks: for keys, or for a change that the next PUT begins.
    let changes = matches!(call.method.as_str(), "PUT" | "PATCH" | "DELETE");
    let stop = world.state().held.as_mut().and_then(|held| held.count(changes));
    let (before, after) = match stop {
        Some(stop) if stop.after => (None, Some(stop)),
        stop => (stop, None),
    };
    if let Some(stop) = before {
        stop.wait().await;
    }
    let reply = handle(world, call, &token);
    if let Some(stop) = after {
        stop.wait().await;
    }
    reply.map(|reply| response(&reply))
}

/// Answers a call and keeps it.
fn handle(world: &World, mut call: Call, token: &str) -> Result<Reply, Broken> {
    let mut state = world.state();
    let fault = struck(&mut state, &call);
    let refused = before(&state, &call, token, fault.as_ref());
    if matches!(fault, Some(Fault::RequestLost)) {
        state.calls.push(call);
        return Err(Broken);
    }
    let mut reply = refused.unwrap_or_else(|| answer(&mut state, &world.url, &call, fault.as_ref()));
    let number = state.calls.len() + 1;
    reply.headers.insert("x-ms-request-id".into(), format!("00000000-0000-4000-9000-{number:012}"));
    if !reply.body.is_null() {
        reply.headers.insert("content-type".into(), "application/json; charset=utf-8".into());
    }
    if matches!(fault, Some(Fault::AnswerLost)) {
        state.calls.push(call);
        return Err(Broken);
    }
    (call.status, call.answer_headers, call.answer) =
        (reply.status, reply.headers.clone(), reply.body.clone());
    state.calls.push(call);
    Ok(reply)
}

fn struck(state: &mut State, call: &Call) -> Option<Fault> {
    let mut rules = state.rules.iter_mut();
    rules.find_map(|rule| rule.strikes(&call.method, &call.path).then(|| rule.fault.clone()))
}

fn response(reply: &Reply) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = if reply.body.is_null() { Bytes::new() } else { Bytes::from(reply.body.to_string()) };
    response.body(Full::from(body)).unwrap_or_default()
}

/// What is refused before any service is asked.
fn before(state: &State, call: &Call, token: &str, fault: Option<&Fault>) -> Option<Reply> {
    if let Some(Fault::Refused { status, code, message, retry_after }) = fault {
        let reply = Reply::error(*status, code, message);
        return Some(match retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        });
    }
    if token != format!("Bearer {TOKEN}") {
        let reply = Reply::error(401, "InvalidAuthenticationToken", "The access token is invalid.");
        return Some(
            reply.with("www-authenticate", "Bearer authorization_uri=\"https://login.windows.net/\""),
        );
    }
    let Some(api) = call.query.split('&').find_map(|part| part.strip_prefix("api-version=")) else {
        let text = "The api-version query parameter (?api-version=) is required for all requests.";
        return Some(Reply::error(400, "MissingApiVersionParameter", text));
    };
    let subscription = call.path.split('/').nth(2).filter(|_| call.path.starts_with("/subscriptions/"));
    if subscription.is_some_and(|id| !id.eq_ignore_ascii_case(SUBSCRIPTION)) {
        let text = format!("The subscription '{}' could not be found.", subscription.unwrap_or_default());
        return Some(Reply::error(404, "SubscriptionNotFound", &text));
    }
    let target = target(&call.path, "")?;
    if !target.kind.apis.contains(&api) {
        let text = format!(
            "No registered resource provider found for API version '{api}' for type '{}'.",
            target.kind.name
        );
        return Some(Reply::error(400, "NoRegisteredProviderFound", &text));
    }
    let namespace = target.kind.name.split('/').next().unwrap_or_default();
    let reads = call.method == "GET";
    if !reads && !state.registered.contains(&namespace.to_ascii_lowercase()) {
        let text = format!(
            "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."
        );
        return Some(Reply::error(409, "MissingSubscriptionRegistration", &text));
    }
    None
}

/// What the services answer.
fn answer(state: &mut State, origin: &str, call: &Call, fault: Option<&Fault>) -> Reply {
    let small = call.path.to_ascii_lowercase();
    let segments: Vec<&str> = small.split('/').filter(|part| !part.is_empty()).collect();
    if let [.., "operationstatuses", name] = segments.as_slice() {
        return state.status_of(name, &call.path);
    }
    if let [.., "operationresults", name] = segments.as_slice() {
        let reply = state.result_of(name);
        return match reply.status {
            202 => reply.with("location", format!("{origin}{}?{}", call.path, call.query)),
            _ => reply,
        };
    }
    let course = Course::of(fault);
    let known = type_of(&small).is_some().then(|| target(&call.path, origin)).flatten();
    match (call.method.as_str(), known) {
        ("GET", Some(target)) => state.get(&target),
        ("PUT", Some(target)) => state.put(&target, &call.body, &course),
        ("PATCH", Some(target)) => state.patch(&target, &call.body),
        ("DELETE", Some(target)) => state.delete(&target, &course),
        ("POST", _) => state.act(&call.path).unwrap_or_else(|| nothing(call)),
        ("GET", None) => {
            let query = parsed(&call.query);
            let question = Question { segments, path: &call.path, query: &query, origin };
            state.listed(&question).unwrap_or_else(|| nothing(call))
        }
        _ => nothing(call),
    }
}

fn nothing(call: &Call) -> Reply {
    let text = format!("There is no '{}' at '{}'.", call.method, call.path);
    Reply::error(404, "InvalidResourceType", &text)
}

fn parsed(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}
