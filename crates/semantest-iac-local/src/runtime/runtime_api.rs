//! The Lambda Runtime API of one worker.
//!
//! Source: AWS Lambda developer guide, "Using the Lambda runtime API" (2018-06-01).

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::runtime::link::{Hold, Holding, Link};
use crate::runtime::response_stream;
use crate::runtime::worker::{MAX_PAYLOAD, Worker};

const BASE: &str = "/2018-06-01/runtime/";
/// Who sends more than this is cut off, in bytes.
pub(crate) const MAX_READ: usize = 1024 * 1024 * 1024;

/// Serves `worker` on `listener`, and where it has one over its own connection, until the task is aborted.
pub(crate) async fn serve(worker: Arc<Worker>, listener: TcpListener, link: Option<Link>) {
    let connected = link.map(|link| tokio::spawn(connection(worker.clone(), link)));
    let _ends_too = connected.map(AbortOnDropHandle::new);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(worker.clone(), stream));
    }
}

async fn connection(worker: Arc<Worker>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let hold = Hold::default();
    let stream = TokioIo::new(Holding::new(stream, hold.clone()));
    let service = service_fn(move |request| answer(worker.clone(), hold.clone(), request));
    let mut builder = hyper::server::conn::http1::Builder::new();
    // The worker going away in the middle is its supervisor's business.
    let _ = builder.pipeline_flush(true).auto_date_header(false).serve_connection(stream, service).await;
}

async fn answer(
    worker: Arc<Worker>,
    hold: Hold,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().strip_prefix(BASE).unwrap_or_default().to_owned();
    let kind = request.headers().get("lambda-runtime-function-error-type");
    let error_type = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("Unhandled").to_owned();
    let get = request.method() == Method::GET;
    if get && path == "invocation/next" {
        // The answer to what was sent before, in one write with this request, goes out with the invocation.
        hold.set(true);
        let next = next(&worker).await;
        hold.set(false);
        return Ok(next);
    }
    if response_stream::is_one(request.headers()) && !get {
        let id = path.strip_prefix("invocation/").and_then(|rest| rest.strip_suffix("/response"));
        if let Some(id) = id {
            return Ok(told(response_stream::take(&worker, id, request).await));
        }
    }
    let Ok(body) = read(request.into_body()).await else {
        return Ok(json(
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"InvalidBody","errorMessage":"the body broke off"}"#,
        ));
    };
    let mut parts = path.split('/');
    let accepted = match (parts.next(), parts.next(), parts.next()) {
        (Some("invocation"), Some(id), Some("response")) if !get => match body {
            Some(body) => worker.respond(id, body),
            None => worker.respond_too_large(id, MAX_PAYLOAD),
        },
        (Some("invocation"), Some(id), Some("error")) if !get => {
            worker.fail(id, &error_type, body.unwrap_or_default())
        }
        (Some("init"), Some("error"), None) if !get => {
            worker.fail_init(&error_type, body.unwrap_or_default());
            true
        }
        _ => {
            return Ok(json(
                StatusCode::NOT_FOUND,
                r#"{"errorType":"NotFound","errorMessage":"no such path"}"#,
            ));
        }
    };
    Ok(told(accepted))
}

fn told(accepted: bool) -> Response<Full<Bytes>> {
    match accepted {
        true => json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#),
        false => json(
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#,
        ),
    }
}

/// The body, or nothing where it is larger than may be. That too is read to its end: a worker that is cut off in the
/// middle of its response cannot go on.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, ()> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(drop)?.into_data() else { continue };
        seen += data.len();
        if seen > MAX_READ {
            return Err(());
        }
        if seen <= MAX_PAYLOAD {
            kept.extend_from_slice(&data);
        }
    }
    Ok((seen <= MAX_PAYLOAD).then(|| Bytes::from(kept)))
}

async fn next(worker: &Arc<Worker>) -> Response<Full<Bytes>> {
    let Some(taken) = worker.take().await else {
        // The pool was retired: the supervisor ends this process.
        std::future::pending::<()>().await;
        return Response::default();
    };
    let mut response = Response::new(Full::new(taken.event));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in taken.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

fn json(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
