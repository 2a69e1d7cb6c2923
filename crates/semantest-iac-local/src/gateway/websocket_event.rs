//! Events of a WebSocket API, and which route a message takes.
//!
//! Source: API Gateway developer guide, "API Gateway WebSocket API mapping template reference" ($context).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::http::request::Parts;
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::gateway::http_event::{common_log_time, gateway_id};
use crate::gateway::routes::decode;
use crate::host::definition::WebsocketApiDefinition;
use crate::http_server::Arrival;
use crate::runtime::invocation::new_trace_id;

/// What stays the same over the life of one connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionInfo {
    pub id: String,
    pub connected_at: Timestamp,
    pub domain_name: String,
    pub source_ip: String,
    pub user_agent: String,
    /// What an authorizer has said of who is connected.
    pub authorizer: Option<Value>,
}

/// `requestContext` of an event; with the gateway's request id.
pub(crate) fn context(
    api: &WebsocketApiDefinition,
    connection: &ConnectionInfo,
    route_key: &str,
    event_type: &str,
) -> (Map<String, Value>, String) {
    let now = Timestamp::now();
    let request_id = gateway_id();
    let mut context = json!({
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": common_log_time(now),
        "messageDirection": "IN",
        "stage": api.stage,
        "connectedAt": connection.connected_at.as_millisecond(),
        "requestTimeEpoch": now.as_millisecond(),
        "identity": { "userAgent": connection.user_agent, "sourceIp": connection.source_ip },
        "requestId": request_id,
        "domainName": connection.domain_name,
        "connectionId": connection.id,
        "apiId": api.id,
    });
    if let Some(authorizer) = &connection.authorizer {
        context["authorizer"] = authorizer.clone();
    }
    (context.as_object().cloned().unwrap_or_default(), request_id)
}

/// The event of `$connect`.
pub(crate) fn connect(
    api: &WebsocketApiDefinition,
    parts: &Parts,
    connection: &ConnectionInfo,
    context: Map<String, Value>,
) -> Bytes {
    let mut event = handshake(parts, connection, context);
    event["isBase64Encoded"] = json!(false);
    finished(api, event)
}

/// The event of an authorizer that is asked about a connection. It has all its keys, empty ones too.
pub(crate) fn authorizer(
    api: &WebsocketApiDefinition,
    parts: &Parts,
    connection: &ConnectionInfo,
    method_arn: &str,
) -> Bytes {
    let (context, _) = context(api, connection, "$connect", "CONNECT");
    let mut event = handshake(parts, connection, context);
    event["type"] = json!("REQUEST");
    event["methodArn"] = json!(method_arn);
    event["stageVariables"] = json!(api.stage_variables);
    for key in ["queryStringParameters", "multiValueQueryStringParameters"] {
        if event.get(key).is_none() {
            event[key] = json!({});
        }
    }
    Bytes::from(event.to_string())
}

/// The event as JSON text, with what the stage tells functions.
fn finished(api: &WebsocketApiDefinition, mut event: Value) -> Bytes {
    if !api.stage_variables.is_empty() {
        event["stageVariables"] = json!(api.stage_variables);
    }
    Bytes::from(event.to_string())
}

/// What a client has said when it connected.
fn handshake(parts: &Parts, connection: &ConnectionInfo, context: Map<String, Value>) -> Value {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let name = canonical(name.as_str());
        headers.entry(name).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let arrival = Arrival::of(&parts.extensions);
    let mut hops = headers.remove("X-Forwarded-For").unwrap_or_default();
    hops.push(connection.source_ip.clone());
    headers.insert("X-Forwarded-For".into(), vec![hops.join(", ")]);
    headers.insert("X-Forwarded-Port".into(), vec![arrival.port_of(&connection.domain_name)]);
    headers.insert("X-Forwarded-Proto".into(), vec![arrival.scheme().into()]);
    headers.entry("X-Amzn-Trace-Id".into()).or_insert_with(|| vec![new_trace_id()]);
    let mut event = json!({
        "headers": last_values(&headers),
        "multiValueHeaders": headers,
        "requestContext": context,
    });
    let query = query(parts.uri.query().unwrap_or_default());
    if !query.is_empty() {
        event["queryStringParameters"] = json!(last_values(&query));
        event["multiValueQueryStringParameters"] = json!(query);
    }
    event
}

/// The event of a message.
pub(crate) fn message(
    api: &WebsocketApiDefinition,
    mut context: Map<String, Value>,
    message: &Message,
) -> Bytes {
    context.insert("messageId".into(), json!(gateway_id()));
    let (body, encoded) = match message {
        Message::Text(text) => (text.to_string(), false),
        other => (STANDARD.encode(other.clone().into_data()), true),
    };
    finished(api, json!({ "requestContext": context, "body": body, "isBase64Encoded": encoded }))
}

/// The event of `$disconnect`. Its headers are these on AWS too, empty as they are.
pub(crate) fn disconnect(
    api: &WebsocketApiDefinition,
    mut context: Map<String, Value>,
    connection: &ConnectionInfo,
    status: u16,
    reason: &str,
) -> Bytes {
    context.insert("disconnectStatusCode".into(), json!(status));
    context.insert("disconnectReason".into(), json!(reason));
    let headers = [("Host", connection.domain_name.as_str()), ("X-Forwarded-For", "")];
    let headers = headers.into_iter().chain([("x-api-key", ""), ("x-restapi", "")]);
    let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
    let event = json!({
        "headers": last_values(&headers),
        "multiValueHeaders": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    finished(api, event)
}

/// The route a message takes: what `$request.body.<path>` finds in it, where that is a route.
pub(crate) fn route_of<'a>(api: &'a WebsocketApiDefinition, body: &[u8]) -> Option<&'a str> {
    let path = api.route_selection_expression.trim_start_matches("${").trim_end_matches('}');
    let path = path.trim_start_matches("$request.body.").trim_start_matches("request.body.");
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let selected =
        parsed.as_ref().and_then(|value| path.split('.').try_fold(value, |value, key| value.get(key)));
    let keys = || api.routes.iter().map(|route| route.route_key.as_str());
    // What is no text is made text ("Working with routes for WebSocket APIs": the result is stringified).
    let selected = selected.filter(|value| !value.is_null()).map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let named = selected.and_then(|name| keys().find(|key| *key == name && !key.starts_with('$')));
    named.or_else(|| keys().find(|key| *key == "$default"))
}

fn canonical(name: &str) -> String {
    let part = |part: &str| {
        if part == "websocket" {
            return "WebSocket".to_owned();
        }
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

fn last_values(all: &BTreeMap<String, Vec<String>>) -> BTreeMap<&str, &str> {
    all.iter().filter_map(|(name, values)| Some((name.as_str(), values.last()?.as_str()))).collect()
}

fn query(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        parameters.entry(plain(name)).or_default().push(plain(value));
    }
    parameters
}
