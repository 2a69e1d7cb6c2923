//! Ready-made events to try a function with, made by what makes the gateways' own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use hyper::Request;
use hyper::http::request::{Builder, Parts};
use semantest_iac_core::domain::networking::api_gateway::Route;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::gateway::http_event::{HttpRequest, gateway_id};
use crate::gateway::routes::{self, Matched};
use crate::gateway::websocket_event::{self, ConnectionInfo};
use crate::host::definition::{self, HttpApiDefinition, Tags, WebsocketApiDefinition};
use crate::http_api::api_id;
use crate::http_server::Arrival;

/// Who the events say has asked.
const USER_AGENT: &str = concat!("semantest-iac/", env!("CARGO_PKG_VERSION"));
/// Where an API that has no endpoint yet would be.
const NO_ENDPOINT: &str = "http://127.0.0.1";
/// What is sent where nothing else is said.
const BODY: &str = r#"{"message":"hello"}"#;

/// A ready-made event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleEvent {
    /// A GET, payload format 2.0.
    HttpGet,
    /// A POST, payload format 2.0.
    HttpPost,
    /// `$connect` of a WebSocket API.
    WebsocketConnect,
    /// A message over a WebSocket.
    WebsocketMessage,
    /// `$disconnect` of a WebSocket API.
    WebsocketDisconnect,
}

/// Every event by its name.
pub const SAMPLE_EVENTS: [(&str, SampleEvent); 5] = [
    ("http-get", SampleEvent::HttpGet),
    ("http-post", SampleEvent::HttpPost),
    ("websocket-connect", SampleEvent::WebsocketConnect),
    ("websocket-message", SampleEvent::WebsocketMessage),
    ("websocket-disconnect", SampleEvent::WebsocketDisconnect),
];

/// What an event should be like.
#[derive(Clone, Debug, Default)]
pub struct SampleRequest<'a> {
    /// Path and query of an HTTP request [default: one that the first fitting route takes].
    pub path: Option<&'a str>,
    /// Body of an HTTP request, or the message.
    pub body: Option<&'a str>,
}

/// The API that an event comes from.
#[derive(Clone, Debug)]
pub struct SampleApi<'a> {
    /// Project, environment, component.
    pub names: [&'a str; 3],
    /// Where it answers, where it is deployed.
    pub endpoint: Option<&'a str>,
    /// Its routes, or those of the function that is meant; each names its function by role.
    pub routes: &'a [Route],
    /// What its stage tells functions.
    pub stage_variables: &'a BTreeMap<String, String>,
}

/// An event, and the function whose route it takes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The event.
    pub event: Box<RawValue>,
    /// The function's role, where a route was found.
    pub function: Option<String>,
}

/// Makes an event.
///
/// # Errors
/// `InvalidInput` for a path that no route takes or that is none, and for what this kind of event has not.
pub fn sample(kind: SampleEvent, api: &SampleApi<'_>, request: &SampleRequest<'_>) -> Result<Sample> {
    let unused = match kind {
        SampleEvent::HttpGet => request.body.map(|_| "body"),
        SampleEvent::HttpPost => None,
        SampleEvent::WebsocketMessage => request.path.map(|_| "path"),
        _ => request.path.map(|_| "path").or(request.body.map(|_| "body")),
    };
    if let Some(what) = unused {
        return Err(invalid(format!("this event has no {what}: leave it out")));
    }
    let address = Address::of(api);
    let (event, function) = match kind {
        SampleEvent::HttpGet => http("GET", api, &address, request)?,
        SampleEvent::HttpPost => http("POST", api, &address, request)?,
        _ => websocket(kind, api, &address, request.body)?,
    };
    let event = serde_json::from_slice(&event).unwrap_or_default();
    Ok(Sample { event, function })
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "invoke.event", text)
}

/// Where an API is, as its events tell it.
struct Address<'a> {
    secure: bool,
    /// Host, and port where it is not the usual one.
    authority: &'a str,
    stage: &'a str,
    api_id: String,
}

impl<'a> Address<'a> {
    fn of(api: &SampleApi<'a>) -> Self {
        let (scheme, rest) = api.endpoint.unwrap_or(NO_ENDPOINT).split_once("://").unwrap_or_default();
        let (authority, stage) = rest.split_once('/').unwrap_or((rest, ""));
        // AWS names the domain after the API.
        let api_id = match authority.split_once(".execute-api.") {
            Some((id, _)) => id.to_owned(),
            None => api_id(&api.names),
        };
        let stage = if stage.is_empty() { api.names[1] } else { stage };
        Self { secure: scheme.ends_with('s'), authority, stage, api_id }
    }

    fn arrival(&self) -> Arrival {
        let usual = if self.secure { 443 } else { 80 };
        let named = self.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Arrival { port: named.unwrap_or(usual), secure: self.secure }
    }

    fn parts(&self, request: Builder) -> Result<Parts> {
        let request =
            request.header("host", self.authority).header("user-agent", USER_AGENT).extension(self.arrival());
        let request = request.body(()).map_err(|error| invalid(format!("this is no path: {error}")))?;
        Ok(request.into_parts().0)
    }
}

impl Address<'_> {
    fn http_api(&self, api: &SampleApi<'_>) -> HttpApiDefinition {
        HttpApiDefinition {
            id: self.api_id.clone(),
            name: String::new(),
            tags: tags(api),
            port: None,
            routes: own_routes(api),
            cors: None,
            throttling: None,
            authorization: None,
            stage_variables: api.stage_variables.clone(),
        }
    }

    fn websocket_api(&self, api: &SampleApi<'_>) -> WebsocketApiDefinition {
        WebsocketApiDefinition {
            id: self.api_id.clone(),
            name: String::new(),
            tags: tags(api),
            stage: self.stage.to_owned(),
            port: None,
            routes: own_routes(api),
            route_selection_expression: "$request.body.action".into(),
            throttling: None,
            authorization: None,
            stage_variables: api.stage_variables.clone(),
        }
    }
}

fn tags(api: &SampleApi<'_>) -> Tags {
    let [project, environment, component] = api.names.map(str::to_owned);
    Tags { project, environment, component, address: String::new() }
}

fn own_routes(api: &SampleApi<'_>) -> Vec<definition::Route> {
    let own = api.routes.iter();
    own.map(|route| open_route(&route.route_key, &route.function)).collect()
}

/// Nobody is asked who may call it: what an authorizer would say is not in the event.
fn open_route(route_key: &str, function: &str) -> definition::Route {
    definition::Route {
        route_key: route_key.to_owned(),
        function: function.to_owned(),
        authorizer: None,
        authorization_scopes: Vec::new(),
    }
}

/// A path that the first route for this method takes, its parameters by their names.
fn path_of(routes: &[definition::Route], method: &str) -> Option<String> {
    let keys = routes.iter().filter_map(|route| route.route_key.split_once(' '));
    let (_, path) =
        keys.filter(|(of, _)| *of == method || *of == "ANY").min_by_key(|(of, _)| *of == "ANY")?;
    Some(path.replace(['{', '}', '+'], ""))
}

fn http(
    method: &str,
    api: &SampleApi<'_>,
    address: &Address<'_>,
    request: &SampleRequest<'_>,
) -> Result<(Bytes, Option<String>)> {
    let routes = own_routes(api);
    let path = match request.path {
        Some(path) if path.starts_with('/') => path.to_owned(),
        Some(path) => return Err(invalid(format!("the path `{}` must begin with `/`", path.escape_debug()))),
        None => path_of(&routes, method).unwrap_or_else(|| "/".to_owned()),
    };
    let mut asked = Request::builder().method(method).uri(&path).header("accept", "*/*");
    let body = if method == "POST" { request.body.unwrap_or(BODY) } else { "" };
    if method == "POST" {
        let is_json = serde_json::from_str::<&RawValue>(body).is_ok();
        asked = asked.header("content-type", if is_json { "application/json" } else { "text/plain" });
        asked = asked.header("content-length", body.len());
    }
    let parts = address.parts(asked)?;
    let default = open_route("$default", "");
    let matched = routes::best(&routes, method, parts.uri.path());
    if matched.is_none() && request.path.is_some() && !routes.is_empty() {
        let keys: Vec<&str> = routes.iter().map(|route| route.route_key.as_str()).collect();
        return Err(invalid(format!("no route takes {method} {path}; there are: {}", keys.join(", "))));
    }
    let function = matched.as_ref().map(|matched| matched.route.function.clone());
    let matched = matched.unwrap_or(Matched { route: &default, parameters: Default::default() });
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let body = Bytes::copy_from_slice(body.as_bytes());
    let definition = address.http_api(api);
    Ok((HttpRequest::new(&definition, &parts, matched, peer).event(&body, None), function))
}

fn websocket(
    kind: SampleEvent,
    api: &SampleApi<'_>,
    address: &Address<'_>,
    body: Option<&str>,
) -> Result<(Bytes, Option<String>)> {
    let definition = address.websocket_api(api);
    let info = ConnectionInfo {
        id: gateway_id(),
        connected_at: Timestamp::now(),
        domain_name: address.authority.to_owned(),
        source_ip: Ipv4Addr::LOCALHOST.to_string(),
        user_agent: USER_AGENT.to_owned(),
        authorizer: None,
    };
    let context = |key: &str, kind: &str| websocket_event::context(&definition, &info, key, kind).0;
    let (route_key, event) = match kind {
        SampleEvent::WebsocketConnect => {
            let parts = address.parts(handshake(address.stage))?;
            ("$connect", websocket_event::connect(&definition, &parts, &info, context("$connect", "CONNECT")))
        }
        SampleEvent::WebsocketDisconnect => {
            let context = context("$disconnect", "DISCONNECT");
            // RFC 6455, section 7.4.1: a normal closure.
            ("$disconnect", websocket_event::disconnect(&definition, context, &info, 1000, ""))
        }
        _ => {
            let body = body.map_or_else(|| message_of(&definition), str::to_owned);
            let key = websocket_event::route_of(&definition, body.as_bytes()).unwrap_or("$default");
            (key, websocket_event::message(&definition, context(key, "MESSAGE"), &Message::text(body)))
        }
    };
    Ok((event, definition.function(route_key).map(str::to_owned)))
}

/// The opening handshake. Source: RFC 6455, section 1.2, whose example the key is.
fn handshake(stage: &str) -> Builder {
    let request = Request::get(format!("/{stage}")).header("sec-websocket-version", "13");
    request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// A message for the first named route where there is no `$default`.
fn message_of(api: &WebsocketApiDefinition) -> String {
    let keys = || api.routes.iter().map(|route| route.route_key.as_str());
    let named = keys().find(|key| !key.starts_with('$')).filter(|_| !keys().any(|key| key == "$default"));
    let mut message: Value = serde_json::from_str(BODY).unwrap_or_default();
    if let Some(action) = named {
        message["action"] = json!(action);
    }
    message.to_string()
}
