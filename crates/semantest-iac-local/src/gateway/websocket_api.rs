//! A WebSocket API: one port for connections and for `@connections`, encrypted and plain.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::routes::decode;
use crate::gateway::websocket_connection::{self, Connection};
use crate::gateway::websocket_event::{self, ConnectionInfo};
use crate::host::definition::WebsocketApiDefinition;
use crate::http_server::{self, FullResponse, Handler, is_for_loopback, is_loopback_name, json as respond};
use crate::runtime::invocation::{Invocation, InvocationOutcome, Invoker};

/// Largest message, in bytes (API Gateway quotas), also through `@connections`.
pub(crate) const MESSAGE_LIMIT: usize = 128 * 1024;

/// A WebSocket API and its open connections.
pub(crate) struct WebsocketApi {
    pub definition: WebsocketApiDefinition,
    pub invoker: Arc<dyn Invoker>,
    pub shutdown: CancellationToken,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    tasks: TaskTracker,
}

/// Serves a WebSocket API until `shutdown`; connections are closed (1001), `$disconnect` included.
pub(crate) async fn serve(
    definition: WebsocketApiDefinition,
    listener: TcpListener,
    invoker: Arc<dyn Invoker>,
    tls: TlsAcceptor,
    shutdown: CancellationToken,
) {
    let api = Arc::new(WebsocketApi {
        definition,
        invoker,
        shutdown: shutdown.clone(),
        connections: Mutex::default(),
        tasks: TaskTracker::new(),
    });
    http_server::serve(listener, api.clone(), Some(tls), shutdown).await;
    api.tasks.close();
    api.tasks.wait().await;
}

impl Handler for WebsocketApi {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> FullResponse {
        if !is_for_loopback(&request) {
            return forbidden();
        }
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let stage = format!("{}/", self.definition.stage);
        let inside = path.strip_prefix(&stage).unwrap_or(&path);
        if let Some(id) = inside.strip_prefix("@connections/") {
            return self.manage(&decode(id), request).await;
        }
        let at_stage = path.trim_end_matches('/') == self.definition.stage;
        if !at_stage || !is_upgrade(&request) {
            return forbidden();
        }
        self.connect(request, peer).await
    }
}

impl WebsocketApi {
    fn connections(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Forgets a connection that has ended.
    pub fn forget(&self, id: &str) {
        self.connections().remove(id);
    }

    /// The function of a route.
    pub fn function(&self, route_key: &str) -> Option<&str> {
        let route = self.definition.routes.iter().find(|route| route.route_key == route_key);
        route.map(|route| route.function.as_str())
    }

    /// Calls a function; nothing where it failed.
    pub async fn invoke(&self, function: &str, event: Bytes) -> Option<Value> {
        let invocation = Invocation { event, trace_id: None, client_context: None };
        match self.invoker.invoke(function, invocation).await {
            Ok(InvocationOutcome::Success { payload, .. }) => serde_json::from_slice(&payload).ok(),
            _ => None,
        }
    }

    /// The handshake: `$connect` decides before the connection is made.
    async fn connect(self: Arc<Self>, mut request: Request<Incoming>, peer: SocketAddr) -> FullResponse {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let text = |name: header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let info = ConnectionInfo {
            id: STANDARD.encode(&uuid::Uuid::new_v4().as_bytes()[..11]),
            connected_at: Timestamp::now(),
            domain_name: text(header::HOST),
            source_ip: peer.ip().to_string(),
            user_agent: text(header::USER_AGENT),
        };
        let mut response = FullResponse::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        if let Some(function) = self.function("$connect") {
            let (context, _) = websocket_event::context(&self.definition, &info, "$connect", "CONNECT");
            let answer = self.invoke(function, websocket_event::connect(&parts, context)).await;
            if let Some(refused) = refusal(answer.as_ref(), &mut response) {
                return refused;
            }
        }
        let key = text(header::SEC_WEBSOCKET_KEY);
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        let (connection, outgoing) = Connection::new(info);
        self.connections().insert(connection.info.id.clone(), connection.clone());
        let api = self.clone();
        self.tasks.spawn(websocket_connection::run(api, connection, upgrade, outgoing));
        response
    }

    /// `@connections/{id}`: POST sends, GET describes, DELETE closes. Signatures are not checked here; the port is
    /// loopback's, and pages of other sites are kept out.
    async fn manage(&self, id: &str, request: Request<Incoming>) -> FullResponse {
        if !comes_from_loopback(request.headers().get(header::ORIGIN)) {
            return forbidden();
        }
        let connection = self.connections().get(id).cloned().filter(|connection| connection.is_open());
        let Some(connection) = connection else {
            return gone();
        };
        let (parts, body): (Parts, Incoming) = request.into_parts();
        match parts.method {
            Method::POST => match Limited::new(body, MESSAGE_LIMIT).collect().await {
                Ok(body) => match connection.send(body.to_bytes()).await {
                    true => FullResponse::default(),
                    false => gone(),
                },
                Err(error) if error.is::<LengthLimitError>() => {
                    let text = r#"{"message":"Message too long"}"#;
                    let mut response = respond(StatusCode::PAYLOAD_TOO_LARGE, text);
                    let kind = HeaderValue::from_static("PayloadTooLargeException");
                    response.headers_mut().insert("x-amzn-errortype", kind);
                    response
                }
                Err(_) => respond(StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#),
            },
            Method::GET => {
                let info = &connection.info;
                let about = json!({
                    "connectedAt": whole_seconds(info.connected_at),
                    "lastActiveAt": whole_seconds(connection.last_active()),
                    "identity": { "sourceIp": info.source_ip, "userAgent": info.user_agent },
                });
                respond(StatusCode::OK, about.to_string())
            }
            Method::DELETE => {
                connection.close();
                let mut response = FullResponse::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            _ => respond(StatusCode::METHOD_NOT_ALLOWED, r#"{"message":"Method Not Allowed"}"#),
        }
    }
}

fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What `$connect` answered: anything but a success refuses the connection. Headers of a success (the chosen
/// subprotocol) go into the handshake.
fn refusal(answer: Option<&Value>, response: &mut FullResponse) -> Option<FullResponse> {
    let Some(answer) = answer else {
        return Some(respond(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal server error"}"#));
    };
    let status = match answer.get("statusCode") {
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        None => Some(200),
        Some(_) => None,
    };
    let status =
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    if !status.is_success() {
        return Some(if status == StatusCode::FORBIDDEN { forbidden() } else { respond(status, "{}") });
    }
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let chosen = name.eq_ignore_ascii_case("sec-websocket-protocol");
        if let (true, Some(Ok(value))) = (chosen, value.as_str().map(HeaderValue::from_str)) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
    None
}

fn is_upgrade(request: &Request<Incoming>) -> bool {
    let has = |name: header::HeaderName, word: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    request.method() == Method::GET
        && has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13")
        && request.headers().contains_key(header::SEC_WEBSOCKET_KEY)
}

fn comes_from_loopback(origin: Option<&HeaderValue>) -> bool {
    let Some(origin) = origin else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some_and(is_loopback_name)
}

fn gone() -> FullResponse {
    let mut response = respond(StatusCode::GONE, r#"{"message":"Gone"}"#);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static("GoneException"));
    response
}

fn forbidden() -> FullResponse {
    respond(StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#)
}
