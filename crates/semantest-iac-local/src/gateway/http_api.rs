//! An HTTP API: one port, routes to functions, payload format 2.0.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::authorizer::http::HttpAuthorizers;
use crate::gateway::http_event::HttpRequest;
use crate::gateway::http_response::{http_response, internal_error};
use crate::gateway::integration::within;
use crate::gateway::token_bucket::TokenBucket;
use crate::gateway::{cors, routes};
use crate::host::definition::HttpApiDefinition;
use crate::http_server::{self, FullResponse, Handler, is_for_loopback, json, read_body};
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker};

/// Largest request body, in bytes (API Gateway quotas).
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The gateway answers by then; the function goes on (API Gateway quotas: integration timeout).
const INTEGRATION_TIME: Duration = Duration::from_secs(30);

struct HttpApi {
    definition: watch::Receiver<Arc<HttpApiDefinition>>,
    invoker: Arc<dyn Invoker>,
    bucket: TokenBucket,
    authorizers: HttpAuthorizers,
}

/// Serves an HTTP API until `shutdown`; requests under way are answered first. Another definition holds for requests
/// that come after it.
pub(crate) async fn serve(
    definition: watch::Receiver<Arc<HttpApiDefinition>>,
    listener: TcpListener,
    invoker: Arc<dyn Invoker>,
    shutdown: CancellationToken,
) {
    let api = Arc::new(HttpApi {
        definition,
        invoker,
        bucket: TokenBucket::default(),
        authorizers: HttpAuthorizers::default(),
    });
    http_server::serve(listener, api, None, shutdown).await;
}

impl Handler for HttpApi {
    type Body = Full<Bytes>;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> FullResponse {
        if !is_for_loopback(&request) {
            let text =
                r#"{"message":"this local API answers to 127.0.0.1 and localhost only (Host header)"}"#;
            return json(StatusCode::FORBIDDEN, text);
        }
        let definition = self.definition.borrow().clone();
        let Some(settings) = &definition.cors else { return self.answer(&definition, request, peer).await };
        let headers = request.headers().clone();
        if let Some(response) = cors::preflight(settings, request.method(), &headers) {
            return response;
        }
        let mut response = self.answer(&definition, request, peer).await;
        cors::add(settings, &headers, &mut response);
        response
    }
}

impl HttpApi {
    async fn answer(
        &self,
        definition: &HttpApiDefinition,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> FullResponse {
        let (parts, body) = request.into_parts();
        let Some(matched) = routes::best(&definition.routes, parts.method.as_str(), parts.uri.path()) else {
            return json(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#);
        };
        if definition.throttling.is_some_and(|limit| !self.bucket.admits(&limit, Instant::now())) {
            return json(StatusCode::TOO_MANY_REQUESTS, r#"{"message":"Too Many Requests"}"#);
        }
        let request = HttpRequest::new(definition, &parts, matched, peer);
        let judged = self.authorizers.judge(definition.authorization.as_ref(), &request, &self.invoker);
        let authorizer = match judged.await {
            Ok(authorizer) => authorizer,
            Err(refused) => return refused,
        };
        let body = match read_body(body, BODY_LIMIT).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let function = request.route().function.clone();
        let event = request.event(&body, authorizer.as_ref());
        let trace = parts.headers.get("x-amzn-trace-id").and_then(|trace| trace.to_str().ok());
        let trace_id = trace.map(str::to_owned);
        self.called(function, Invocation { event, trace_id, ..Invocation::default() }).await
    }

    /// The response for what `function` answers.
    async fn called(&self, function: String, invocation: Invocation) -> FullResponse {
        let (invoker, answering) = (self.invoker.clone(), function.clone());
        let given_up = invocation.given_up.clone();
        // A task of its own: the function goes on when the client goes away or the gateway's time is up.
        let running = tokio::spawn(async move { invoker.invoke(&function, invocation).await });
        match within(INTEGRATION_TIME, self.invoker.as_ref(), &answering, running).await {
            None => {
                given_up.cancel();
                json(StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#)
            }
            Some(Ok(Ok(InvocationOutcome::Success { request_id, payload }))) => http_response(&payload)
                .unwrap_or_else(|wrong| {
                    self.invoker.log(&answering, &request_id, &format!("[ERROR] {wrong}"));
                    internal_error()
                }),
            Some(Ok(Err(InvocationRefused::TooLarge { .. }))) => {
                json(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#)
            }
            Some(Ok(Err(InvocationRefused::Stopping))) => {
                json(StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#)
            }
            Some(Ok(Ok(outcome))) if outcome.is_throttled() => {
                json(StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#)
            }
            // What went wrong stands in the function's log, never in the answer.
            Some(_) => internal_error(),
        }
    }
}
