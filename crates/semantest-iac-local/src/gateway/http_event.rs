//! Payload format 2.0: the event that a function behind an HTTP API gets.
//!
//! Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", payload format 2.0.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::http::request::Parts;
use semantest_iac_core::ports::clock::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::gateway::routes::{Matched, decode};
use crate::host::definition::{HttpApiDefinition, Route};
use crate::http_server::Arrival;
use crate::runtime::invocation::new_trace_id;

/// The account that local resources pretend to belong to.
pub(crate) const ACCOUNT: &str = "000000000000";

/// What a function is told, in the order of the documentation's example.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpEvent<'a> {
    #[serde(flatten)]
    request: Told<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a BTreeMap<&'a str, String>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: &'a BTreeMap<String, String>,
}

/// What an authorizer's function is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    route_arn: &'a str,
    identity_source: Option<&'a [String]>,
    #[serde(flatten)]
    request: Told<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: &'a BTreeMap<String, String>,
}

/// What both are told of a request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told<'a> {
    pub version: &'static str,
    pub route_key: &'a str,
    pub raw_path: &'a str,
    pub raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<&'a str>,
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query_string_parameters: BTreeMap<String, String>,
    pub request_context: RequestContext<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestContext<'a> {
    pub account_id: &'static str,
    pub api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<&'a Value>,
    pub domain_name: &'a str,
    pub domain_prefix: &'a str,
    pub http: HttpContext<'a>,
    pub request_id: &'a str,
    pub route_key: &'a str,
    pub stage: &'static str,
    pub time: String,
    pub time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpContext<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub protocol: &'static str,
    pub source_ip: String,
    pub user_agent: &'a str,
}

/// A request that has found its route.
pub(crate) struct HttpRequest<'a> {
    api: &'a HttpApiDefinition,
    parts: &'a Parts,
    matched: Matched<'a>,
    peer: SocketAddr,
    arrival: Arrival,
    host: String,
    path: String,
    request_id: String,
    time: Timestamp,
}

impl<'a> HttpRequest<'a> {
    pub fn new(api: &'a HttpApiDefinition, parts: &'a Parts, matched: Matched<'a>, peer: SocketAddr) -> Self {
        let arrival = Arrival::of(&parts.extensions);
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
        Self {
            api,
            matched,
            peer,
            arrival,
            host: arrival.authority(host.unwrap_or("127.0.0.1")),
            path: decode(parts.uri.path()),
            request_id: gateway_id(),
            time: Timestamp::now(),
            parts,
        }
    }

    pub fn route(&self) -> &'a Route {
        self.matched.route
    }

    pub fn headers(&self) -> &'a HeaderMap {
        &self.parts.headers
    }

    pub fn method(&self) -> &'a str {
        self.parts.method.as_str()
    }

    /// As functions see it: decoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn query(&self) -> &'a str {
        self.parts.uri.query().unwrap_or_default()
    }

    pub fn api_id(&self) -> &'a str {
        &self.api.id
    }

    pub fn stage_variables(&self) -> &'a BTreeMap<String, String> {
        &self.api.stage_variables
    }

    /// What `$context.<name>` stands for: the names of [`identity::CONTEXT`](super::authorizer::identity::CONTEXT).
    pub fn context_variable(&self, name: &str) -> Option<String> {
        Some(match name {
            "apiId" => self.api.id.clone(),
            "domainName" => self.host.clone(),
            "httpMethod" => self.method().to_owned(),
            "identity.sourceIp" => self.peer.ip().to_string(),
            "identity.userAgent" => self.header("user-agent").unwrap_or_default().to_owned(),
            "path" => self.path.clone(),
            "routeKey" => self.route().route_key.clone(),
            _ => return None,
        })
    }

    /// The event for its function, as JSON text; `authorizer` is what an authorizer has said of who sent it.
    pub fn event(&self, body: &Bytes, authorizer: Option<&Value>) -> Bytes {
        let (body, is_base64_encoded) = encode_body(body, self.header("content-type"));
        let event = HttpEvent {
            request: self.told(authorizer),
            body,
            path_parameters: &self.matched.parameters,
            is_base64_encoded,
            stage_variables: &self.api.stage_variables,
        };
        Bytes::from(serde_json::to_vec(&event).unwrap_or_default())
    }

    /// The event for the function of an authorizer that judges by `identities`.
    pub fn authorizer_event(&self, route_arn: &str, identities: &[String]) -> Bytes {
        let identity_source = Some(identities).filter(|identities| !identities.is_empty());
        let event = AuthorizerEvent {
            kind: "REQUEST",
            route_arn,
            identity_source,
            request: self.told(None),
            path_parameters: &self.matched.parameters,
            stage_variables: &self.api.stage_variables,
        };
        Bytes::from(serde_json::to_vec(&event).unwrap_or_default())
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn told<'b>(&'b self, authorizer: Option<&'b Value>) -> Told<'b> {
        Told {
            version: "2.0",
            route_key: &self.route().route_key,
            raw_path: &self.path,
            raw_query_string: self.query(),
            cookies: cookies(self.parts),
            headers: headers(self.parts, self.arrival, self.peer),
            query_string_parameters: query_parameters(self.query()),
            request_context: self.request_context(authorizer),
        }
    }

    fn request_context<'b>(&'b self, authorizer: Option<&'b Value>) -> RequestContext<'b> {
        RequestContext {
            account_id: ACCOUNT,
            api_id: &self.api.id,
            authorizer,
            domain_name: &self.host,
            domain_prefix: self.host.split(['.', ':']).next().unwrap_or_default(),
            http: HttpContext {
                method: self.method(),
                path: &self.path,
                protocol: "HTTP/1.1",
                source_ip: self.peer.ip().to_string(),
                user_agent: self.header("user-agent").unwrap_or_default(),
            },
            request_id: &self.request_id,
            route_key: &self.route().route_key,
            stage: "$default",
            time: common_log_time(self.time),
            time_epoch: self.time.as_millisecond(),
        }
    }
}

/// Cookies one by one.
pub(super) fn cookies(parts: &Parts) -> Vec<&str> {
    let cookies = parts.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split(';')).map(str::trim);
    cookies.filter(|cookie| !cookie.is_empty()).collect()
}

pub(super) fn headers(parts: &Parts, arrival: Arrival, peer: SocketAddr) -> BTreeMap<String, String> {
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
    headers.entry("x-amzn-trace-id".into()).or_insert_with(new_trace_id);
    headers
}

/// Parameters by name; several of one name joined by commas.
pub(crate) fn query_parameters(query: &str) -> BTreeMap<String, String> {
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
pub(super) fn encode_body(body: &Bytes, content_type: Option<&str>) -> (Option<String>, bool) {
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

/// `24/Nov/2026:09:14:09 +0000`.
pub(crate) fn common_log_time(time: Timestamp) -> String {
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
