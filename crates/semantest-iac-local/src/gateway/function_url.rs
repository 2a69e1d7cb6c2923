//! The URL of a function: one port, one function, payload format 2.0; responses whole, or as they are written.
//!
//! Source: AWS Lambda developer guide, "Invoking Lambda function URLs" and "Response streaming".

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use semantest_iac_core::domain::networking::function_url::{InvokeMode, UrlAuthorization};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::gateway::function_url_event::UrlRequest;
use crate::gateway::http_response::url_response;
use crate::gateway::url_body::UrlBody;
use crate::gateway::{cors, response_metadata};
use crate::host::definition::FunctionUrlDefinition;
use crate::http_server::{self, FullResponse, Handler, is_for_loopback, json, read_body};
use crate::runtime::invocation::{
    Invocation, InvocationOutcome, InvocationRefused, Invoker, ResponseStream, Streamed,
};
use crate::runtime::worker::MAX_PAYLOAD;

/// What a signed request says in its `Authorization` header, or its query (AWS Signature Version 4).
const SIGNED: &str = "AWS4-HMAC-SHA256";
const SIGNED_QUERY: &str = "X-Amz-Credential=";

struct FunctionUrl {
    definition: watch::Receiver<Arc<FunctionUrlDefinition>>,
    invoker: Arc<dyn Invoker>,
}

/// Serves a function's URL until `shutdown`, encrypted and plain; requests under way are answered first. Another definition
/// holds for requests that come after it.
pub(crate) async fn serve(
    definition: watch::Receiver<Arc<FunctionUrlDefinition>>,
    listener: TcpListener,
    invoker: Arc<dyn Invoker>,
    tls: TlsAcceptor,
    shutdown: CancellationToken,
) {
    http_server::serve(listener, Arc::new(FunctionUrl { definition, invoker }), Some(tls), shutdown).await;
}

impl Handler for FunctionUrl {
    type Body = UrlBody;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<UrlBody> {
        if !is_for_loopback(&request) {
            let text = "this local URL answers to 127.0.0.1 and localhost only (Host header)";
            return told(StatusCode::FORBIDDEN, text).map(UrlBody::from);
        }
        let definition = self.definition.borrow().clone();
        let request_id = uuid::Uuid::new_v4().to_string();
        let headers = request.headers().clone();
        let mut response = match definition.cors.as_ref().and_then(|cors| {
            let preflight = cors::preflight(cors, request.method(), &headers)?;
            Some(preflight.map(UrlBody::from))
        }) {
            Some(mut preflight) => {
                *preflight.status_mut() = StatusCode::OK;
                preflight
            }
            None => {
                let mut response = self.answer(&definition, request, peer, &request_id).await;
                definition.cors.iter().for_each(|cors| cors::add(cors, &headers, &mut response));
                response
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }
}

impl FunctionUrl {
    async fn answer(
        &self,
        definition: &FunctionUrlDefinition,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Response<UrlBody> {
        let (parts, body) = request.into_parts();
        let access_key = match definition.authorization {
            UrlAuthorization::None => None,
            UrlAuthorization::Iam => match access_key(&parts) {
                Some(key) => Some(key),
                None => return forbidden().map(UrlBody::from),
            },
        };
        let body = match read_body(body, MAX_PAYLOAD).await {
            Ok(body) => body,
            Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return too_large().map(UrlBody::from);
            }
            Err(refused) => return refused.map(UrlBody::from),
        };
        let access_key = access_key.as_deref();
        let event =
            UrlRequest { url_id: &definition.id, parts: &parts, peer, request_id, access_key }.event(&body);
        let trace = parts.headers.get("x-amzn-trace-id").and_then(|trace| trace.to_str().ok());
        let (trace_id, request_id) = (trace.map(str::to_owned), Some(request_id.to_owned()));
        let invocation = Invocation { event, trace_id, request_id, ..Invocation::default() };
        match definition.invoke_mode {
            InvokeMode::Buffered => self.whole(&definition.function, invocation).await.map(UrlBody::from),
            InvokeMode::ResponseStream => self.as_written(&definition.function, invocation).await,
        }
    }

    async fn whole(&self, function: &str, invocation: Invocation) -> FullResponse {
        let (invoker, name) = (self.invoker.clone(), function.to_owned());
        // A task of its own: the function goes on when the client goes away.
        let running = tokio::spawn(async move { invoker.invoke(&name, invocation).await });
        match running.await {
            Ok(Ok(InvocationOutcome::Success { request_id, payload })) => {
                url_response(&payload).unwrap_or_else(|wrong| self.unreadable(function, &request_id, &wrong))
            }
            Ok(Ok(outcome)) => failed(&outcome),
            Ok(Err(why)) => refused(&why),
            Err(_) => bad_gateway(),
        }
    }

    async fn as_written(&self, function: &str, invocation: Invocation) -> Response<UrlBody> {
        let (invoker, name) = (self.invoker.clone(), function.to_owned());
        let running = tokio::spawn(async move { invoker.stream(&name, invocation).await });
        match running.await {
            Ok(Ok(Streamed::Begun(stream))) => self.written(function, stream).await,
            // What is returned whole is sent as it is: nobody looks for a status in it.
            Ok(Ok(Streamed::Whole(InvocationOutcome::Success { payload, .. }))) => {
                json(StatusCode::OK, payload).map(UrlBody::from)
            }
            Ok(Ok(Streamed::Whole(outcome))) => failed(&outcome).map(UrlBody::from),
            Ok(Err(why)) => refused(&why).map(UrlBody::from),
            Err(_) => bad_gateway().map(UrlBody::from),
        }
    }

    async fn written(&self, function: &str, mut stream: ResponseStream) -> Response<UrlBody> {
        if stream.content_type == response_metadata::CONTENT_TYPE {
            return match response_metadata::read(&mut stream).await {
                Ok(Some((head, first))) => head.map(|()| UrlBody::written(first, stream)),
                Ok(None) => bad_gateway().map(UrlBody::from),
                Err(wrong) => self.unreadable(function, &stream.request_id, &wrong).map(UrlBody::from),
            };
        }
        let content_type = HeaderValue::from_str(&stream.content_type);
        let mut response = Response::new(UrlBody::written(Bytes::new(), stream));
        if let Ok(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        response
    }

    /// What is wrong stands in the function's log, never in the answer.
    fn unreadable(&self, function: &str, request_id: &str, wrong: &str) -> FullResponse {
        self.invoker.log(function, request_id, &format!("[ERROR] {wrong}"));
        bad_gateway()
    }
}

/// The access key that a request says it was signed with. Whether it was is not judged: keys are the cloud's.
fn access_key(parts: &Parts) -> Option<String> {
    let of_header = |headers: &HeaderMap| {
        let text = headers.get("authorization")?.to_str().ok()?.strip_prefix(SIGNED)?.trim_start();
        let mut fields = text.split(',').map(str::trim);
        let credential = fields.find_map(|field| field.strip_prefix("Credential="))?;
        text.contains("Signature=").then(|| credential.to_owned())
    };
    let of_query = |query: &str| {
        let credential = query.split('&').find_map(|pair| pair.strip_prefix(SIGNED_QUERY))?;
        query.contains("X-Amz-Signature=").then(|| credential.replace("%2F", "/"))
    };
    let credential = of_header(&parts.headers).or_else(|| of_query(parts.uri.query()?))?;
    Some(credential.split('/').next().unwrap_or_default().to_owned()).filter(|key| !key.is_empty())
}

fn told(status: StatusCode, message: &str) -> FullResponse {
    json(status, serde_json::json!({ "Message": message }).to_string())
}

fn forbidden() -> FullResponse {
    let mut response = told(StatusCode::FORBIDDEN, "Forbidden");
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static("AccessDeniedException"));
    response
}

fn too_large() -> FullResponse {
    let text = format!("Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation");
    told(StatusCode::PAYLOAD_TOO_LARGE, &text)
}

fn bad_gateway() -> FullResponse {
    let mut response = Response::new(Full::from("Internal Server Error"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer for a function that gave none.
fn failed(outcome: &InvocationOutcome) -> FullResponse {
    match outcome.is_throttled() {
        true => told(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded."),
        false => bad_gateway(),
    }
}

fn refused(why: &InvocationRefused) -> FullResponse {
    match why {
        InvocationRefused::TooLarge { .. } => too_large(),
        InvocationRefused::NoSuchFunction(_) => bad_gateway(),
        InvocationRefused::Stopping => told(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}
