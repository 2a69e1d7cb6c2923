//! Payload format 2.0: the event that a function behind an HTTP API gets.
//!
//! Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", payload format 2.0.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use hyper::http::request::Parts;
use semantest_iac_core::ports::clock::Timestamp;
use serde::Serialize;

use crate::gateway::routes::{Matched, decode};
use crate::host::definition::HttpApiDefinition;
use crate::http_server::Arrival;

/// The account that local resources pretend to belong to.
pub(crate) const ACCOUNT: &str = "000000000000";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpEvent<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<&'a str>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'a str, String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'static str,
    api_id: &'a str,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: HttpContext<'a>,
    request_id: String,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: String,
    user_agent: &'a str,
}

/// The event for a request, as JSON text.
pub(crate) fn http_event(
    api: &HttpApiDefinition,
    parts: &Parts,
    matched: Matched<'_>,
    body: &Bytes,
    peer: SocketAddr,
) -> Bytes {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let arrival = Arrival::of(&parts.extensions);
    let host = arrival.authority(text("host").unwrap_or("127.0.0.1"));
    let path = decode(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let now = Timestamp::now();
    let (body, is_base64_encoded) = encode_body(body, text("content-type"));
    let event = HttpEvent {
        version: "2.0",
        route_key: &matched.route.route_key,
        raw_path: &path,
        raw_query_string: query,
        cookies: parts
            .headers
            .get_all("cookie")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .map(str::trim)
            .filter(|cookie| !cookie.is_empty())
            .collect(),
        headers: headers(parts, arrival, peer),
        query_string_parameters: query_parameters(query),
        request_context: RequestContext {
            account_id: ACCOUNT,
            api_id: &api.id,
            domain_name: &host,
            domain_prefix: host.split(['.', ':']).next().unwrap_or_default(),
            http: HttpContext {
                method: parts.method.as_str(),
                path: &path,
                protocol: "HTTP/1.1",
                source_ip: peer.ip().to_string(),
                user_agent: text("user-agent").unwrap_or_default(),
            },
            request_id: gateway_id(),
            route_key: &matched.route.route_key,
            stage: "$default",
            time: common_log_time(now),
            time_epoch: now.as_millisecond(),
        },
        body,
        path_parameters: matched.parameters,
        is_base64_encoded,
    };
    Bytes::from(serde_json::to_vec(&event).unwrap_or_default())
}

fn headers(parts: &Parts, arrival: Arrival, peer: SocketAddr) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        if name == "cookie" || name == "connection" || name == "transfer-encoding" {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = headers.entry(name.as_str().to_owned()).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&value);
    }
    let port = arrival.port_of(headers.get("host").map(String::as_str).unwrap_or_default());
    // Hops are a client's to name; what it reached us by is not.
    let hop = peer.ip().to_string();
    let hops = headers.entry("x-forwarded-for".into());
    hops.and_modify(|hops| hops.push_str(&format!(", {hop}"))).or_insert(hop);
    headers.insert("x-forwarded-port".into(), port);
    headers.insert("x-forwarded-proto".into(), arrival.scheme().into());
    headers.entry("x-amzn-trace-id".into()).or_insert_with(trace_id);
    headers
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        let joined = parameters.entry(plain(name));
        let value = plain(value);
        joined.and_modify(|all| all.push_str(&format!(",{value}"))).or_insert(value);
    }
    parameters
}

/// Text for the types API Gateway takes for text, Base64 for everything else.
fn encode_body(body: &Bytes, content_type: Option<&str>) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let kind =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let textual = kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/xml" | "application/javascript");
    match (textual, std::str::from_utf8(body)) {
        (true, Ok(text)) => (Some(text.to_owned()), false),
        _ => (Some(STANDARD.encode(body)), true),
    }
}

/// An id of the gateway's own, for a request (not the function's), a message or a connection.
pub(crate) fn gateway_id() -> String {
    // The alphabet of URLs: such ids stand in paths.
    URL_SAFE.encode(&uuid::Uuid::new_v4().as_bytes()[..11])
}

/// A trace header of our own.
pub(crate) fn trace_id() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("Root=1-{}-{}", &id[..8], &id[8..])
}

/// `24/Nov/2026:09:14:09 +0000`.
pub(crate) fn common_log_time(time: Timestamp) -> String {
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
