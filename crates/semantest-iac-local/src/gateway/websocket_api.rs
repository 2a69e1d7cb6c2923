//! A WebSocket API: one port for connections and for `@connections`, encrypted and plain.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::authorizer::websocket as authorizer;
use crate::gateway::http_event::gateway_id;
use crate::gateway::integration::within;
use crate::gateway::routes::decode;
use crate::gateway::token_bucket::TokenBucket;
use crate::gateway::websocket_connection::{self, Connection};
use crate::gateway::websocket_event::{self, ConnectionInfo};
use crate::gateway::websocket_handshake::{self, forbidden};
use crate::host::definition::WebsocketApiDefinition;
use crate::http_server::{
    self, Arrival, FullResponse, Handler, is_for_loopback, is_loopback_name, json as respond, read_body,
};
use crate::runtime::invocation::{Invocation, InvocationOutcome, Invoker};

/// Largest message, in bytes (API Gateway quotas), also through `@connections`.
pub(crate) const MESSAGE_LIMIT: usize = 128 * 1024;

/// The gateway waits no longer for a function; the function goes on (API Gateway quotas: integration timeout).
const INTEGRATION_TIME: Duration = Duration::from_secs(29);

/// Why there is nothing that a function returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    Failed,
    TimedOut,
}

impl NoAnswer {
    /// What clients are told.
    pub fn message(self) -> &'static str {
        match self {
            Self::Failed => "Internal server error",
            Self::TimedOut => "Endpoint request timed out",
        }
    }

    /// The status of a handshake.
    fn status(self) -> StatusCode {
        match self {
            Self::Failed => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A WebSocket API and its open connections.
pub(crate) struct WebsocketApi {
    definition: watch::Receiver<Arc<WebsocketApiDefinition>>,
    pub invoker: Arc<dyn Invoker>,
    pub shutdown: CancellationToken,
    integration_time: Duration,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    bucket: TokenBucket,
    tasks: TaskTracker,
}

/// Serves a WebSocket API until `shutdown`; connections are closed (1001), `$disconnect` included. Another definition
/// holds for everything that comes after it, on open connections too.
pub(crate) async fn serve(
    definition: watch::Receiver<Arc<WebsocketApiDefinition>>,
    listener: TcpListener,
    invoker: Arc<dyn Invoker>,
    tls: TlsAcceptor,
    shutdown: CancellationToken,
) {
    let api = WebsocketApi::new(definition, invoker, shutdown, INTEGRATION_TIME);
    api.serve(listener, Some(tls)).await;
}

impl Handler for WebsocketApi {
    type Body = Full<Bytes>;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> FullResponse {
        if !is_for_loopback(&request) {
            return forbidden();
        }
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let definition = self.definition();
        let stage = format!("{}/", definition.stage);
        let inside = path.strip_prefix(&stage).unwrap_or(&path);
        // "Use @connections commands": the whole path may be encoded.
        let id = ["@connections/", "%40connections/"].iter().find_map(|word| inside.strip_prefix(word));
        if let Some(id) = id {
            return self.manage(&decode(id), request).await;
        }
        let at_stage = path.trim_end_matches('/') == definition.stage;
        if !at_stage {
            return forbidden();
        }
        match websocket_handshake::objection(&request) {
            Some(refused) => refused,
            None => self.connect(request, peer).await,
        }
    }
}

impl WebsocketApi {
    pub(super) fn new(
        definition: watch::Receiver<Arc<WebsocketApiDefinition>>,
        invoker: Arc<dyn Invoker>,
        shutdown: CancellationToken,
        integration_time: Duration,
    ) -> Arc<Self> {
        let (connections, bucket, tasks) = (Mutex::default(), TokenBucket::default(), TaskTracker::new());
        Arc::new(Self { definition, invoker, shutdown, integration_time, connections, bucket, tasks })
    }

    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>) {
        http_server::serve(listener, self.clone(), tls, self.shutdown.clone()).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Forgets a connection that has ended.
    pub fn forget(&self, id: &str) {
        self.connections().remove(id);
    }

    /// Whether one more connection or message may pass now.
    pub fn admits(&self, definition: &WebsocketApiDefinition) -> bool {
        definition.throttling.is_none_or(|limit| self.bucket.admits(&limit, Instant::now()))
    }

    /// The API as it is defined now.
    pub fn definition(&self) -> Arc<WebsocketApiDefinition> {
        self.definition.borrow().clone()
    }

    /// Calls a function: the request's id and what it returned.
    ///
    /// # Errors
    /// Where it failed or took too long; what had not begun by then never will.
    pub async fn invoke(&self, function: &str, event: Bytes) -> Result<(String, Value), NoAnswer> {
        let invocation = Invocation { event, ..Invocation::default() };
        let given_up = invocation.given_up.clone();
        let answer = self.call(function, invocation).await;
        if matches!(answer, Err(NoAnswer::TimedOut)) {
            given_up.cancel();
        }
        answer
    }

    /// Calls a function that runs in any case, however long it has to wait.
    pub async fn notify(&self, function: &str, event: Bytes) {
        // Nobody is left to be told how it went.
        let _ = self.call(function, Invocation { event, ..Invocation::default() }).await;
    }

    async fn call(&self, function: &str, invocation: Invocation) -> Result<(String, Value), NoAnswer> {
        let (invoker, called) = (self.invoker.clone(), function.to_owned());
        // A task of its own: the function goes on when the client goes away or the gateway's time is up.
        let running = tokio::spawn(async move { invoker.invoke(&called, invocation).await });
        match within(self.integration_time, self.invoker.as_ref(), function, running).await {
            None => Err(NoAnswer::TimedOut),
            Some(Ok(Ok(InvocationOutcome::Success { payload, request_id }))) => {
                let answer = serde_json::from_slice(&payload).map_err(|_| NoAnswer::Failed)?;
                Ok((request_id, answer))
            }
            Some(_) => Err(NoAnswer::Failed),
        }
    }

    /// The handshake: `$connect` decides before the connection is made.
    async fn connect(self: Arc<Self>, mut request: Request<Incoming>, peer: SocketAddr) -> FullResponse {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let text = |name: header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let mut info = ConnectionInfo {
            id: gateway_id(),
            connected_at: Timestamp::now(),
            domain_name: Arrival::of(&parts.extensions).authority(text(header::HOST)),
            source_ip: peer.ip().to_string(),
            user_agent: text(header::USER_AGENT).to_owned(),
            authorizer: None,
        };
        let definition = self.definition();
        if !self.admits(&definition) {
            return respond(StatusCode::TOO_MANY_REQUESTS, r#"{"message":"Too Many Requests"}"#);
        }
        let judged = authorizer::judge(&definition, &parts, &info, &self.invoker, self.integration_time);
        match judged.await {
            Ok(told) => info.authorizer = told,
            Err(refused) => return refused,
        }
        let mut response = websocket_handshake::acceptance(&parts.headers);
        if let Some(refused) = self.refuses(&parts, &info, &mut response).await {
            return refused;
        }
        let (connection, outgoing) = Connection::new(info);
        self.connections().insert(connection.info.id.clone(), connection.clone());
        let api = self.clone();
        self.tasks.spawn(websocket_connection::run(api, connection, upgrade, outgoing));
        response
    }

    /// The answer of `$connect`, where it lets nobody in.
    async fn refuses(
        &self,
        parts: &Parts,
        info: &ConnectionInfo,
        response: &mut FullResponse,
    ) -> Option<FullResponse> {
        let definition = self.definition();
        let function = definition.function("$connect")?;
        let (context, _) = websocket_event::context(&definition, info, "$connect", "CONNECT");
        let answer = self.invoke(function, websocket_event::connect(&definition, parts, info, context)).await;
        let (request_id, answer) = match answer {
            Ok(answered) => answered,
            Err(none) => {
                return Some(respond(none.status(), json!({ "message": none.message() }).to_string()));
            }
        };
        websocket_handshake::refusal(&answer, response).unwrap_or_else(|wrong| {
            self.invoker.log(function, &request_id, &format!("[ERROR] {wrong}"));
            Some(respond(StatusCode::BAD_GATEWAY, "{}"))
        })
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
            Method::POST => match read_body(body, MESSAGE_LIMIT).await {
                Ok(body) => match connection.send(body).await {
                    true => FullResponse::default(),
                    false => gone(),
                },
                Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => too_long(),
                Err(refused) => refused,
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

fn comes_from_loopback(origin: Option<&HeaderValue>) -> bool {
    let Some(origin) = origin else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some_and(is_loopback_name)
}

fn too_long() -> FullResponse {
    let mut response = respond(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Message too long"}"#);
    let kind = HeaderValue::from_static("PayloadTooLargeException");
    response.headers_mut().insert("x-amzn-errortype", kind);
    response
}

fn gone() -> FullResponse {
    let mut response = respond(StatusCode::GONE, r#"{"message":"Gone"}"#);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static("GoneException"));
    response
}
