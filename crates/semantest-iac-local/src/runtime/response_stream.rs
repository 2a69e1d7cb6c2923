//! A response that a runtime writes in parts.
//!
//! Source: AWS Lambda developer guide, "Building a custom runtime", response streaming: the header
//! `Lambda-Runtime-Function-Response-Mode: streaming`, a chunked body, and trailers that tell of an error in the middle.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use tokio::sync::mpsc;

use crate::runtime::pool::error_payload;
use crate::runtime::runtime_api::MAX_READ;
use crate::runtime::worker::{MAX_PAYLOAD, Worker};

/// Largest response that is sent as it is written, in bytes (AWS Lambda quotas).
const MAX_STREAM: usize = 200 * 1024 * 1024;
/// What such a response is where its runtime says nothing of it.
const DEFAULT_TYPE: &str = "application/octet-stream";
/// A response that breaks off mostly does so because its process has ended; whoever sees that tells why. After this long it was
/// something else.
const ANOTHER_REASON: Duration = Duration::from_secs(1);

/// Whether a request of a runtime brings such a response.
pub(crate) fn is_one(headers: &HeaderMap) -> bool {
    let mode = headers.get("lambda-runtime-function-response-mode");
    mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

/// Where the parts go.
enum Sink {
    /// Nobody knows of the response yet: it has no part.
    Unheard(String),
    /// To who takes them as they come.
    Caller(mpsc::Sender<Bytes>),
    /// Into one response, for who wants it whole.
    Whole(Vec<u8>),
    /// Nowhere: there is nobody any more, or it has become too large.
    Nowhere,
}

/// How the body of the request ended.
enum End {
    Whole,
    Failed { error_type: String, payload: Bytes },
    TooLarge,
    BrokenOff,
}

/// A response on its way from a worker.
struct Passing<'a> {
    worker: &'a Worker,
    id: &'a str,
    sink: Sink,
    limit: usize,
}

/// Passes on the response that `request` brings to the invocation `id`; whether that is the one under way. It is read to its
/// end in any case: a worker that is cut off in the middle of its response cannot go on.
pub(crate) async fn take(worker: &Arc<Worker>, id: &str, request: Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let sink = Sink::Unheard(content_type.unwrap_or(DEFAULT_TYPE).to_owned());
    let mut passing = Passing { worker, id, sink, limit: MAX_PAYLOAD };
    let end = passing.pass_on(request.into_body()).await;
    if matches!(end, End::Whole) {
        // A response without any part is one as well.
        passing.begin();
    }
    match (end, passing.sink) {
        (End::Failed { error_type, payload }, _) => worker.fail(id, &error_type, payload),
        (End::TooLarge, _) => worker.respond_too_large(id, passing.limit),
        (End::Whole, Sink::Whole(payload)) => worker.respond(id, Bytes::from(payload)),
        (End::Whole, _) => worker.respond(id, Bytes::new()),
        (End::BrokenOff, sink) => {
            drop(sink);
            tokio::time::sleep(ANOTHER_REASON).await;
            let kind = "Runtime.TruncatedResponse";
            worker.fail(id, kind, error_payload(kind, "the response broke off"))
        }
    }
}

impl Passing<'_> {
    /// Tells whoever waits that there is a response.
    fn begin(&mut self) {
        let Sink::Unheard(content_type) = &self.sink else { return };
        self.sink = match self.worker.begin_response(self.id, content_type.clone()) {
            Ok(Some(caller)) => {
                self.limit = MAX_STREAM;
                Sink::Caller(caller)
            }
            Ok(None) => Sink::Whole(Vec::new()),
            Err(()) => Sink::Nowhere,
        };
    }

    async fn pass_on(&mut self, mut body: Incoming) -> End {
        let (mut seen, mut failed) = (0, None);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return End::BrokenOff };
            let data = match frame.into_data() {
                Ok(data) if data.is_empty() => continue,
                Ok(data) => data,
                Err(other) => {
                    failed = other.into_trailers().ok().and_then(|trailers| error_of(&trailers)).or(failed);
                    continue;
                }
            };
            seen += data.len();
            if seen > MAX_READ {
                return End::BrokenOff;
            }
            self.begin();
            self.pass(data, seen).await;
        }
        match failed {
            Some((error_type, payload)) => End::Failed { error_type, payload },
            None if seen > self.limit => End::TooLarge,
            None => End::Whole,
        }
    }

    async fn pass(&mut self, data: Bytes, seen: usize) {
        if seen > self.limit {
            self.sink = Sink::Nowhere;
        }
        match &mut self.sink {
            Sink::Caller(parts) => {
                if parts.send(data).await.is_err() {
                    // The function goes on, as on AWS.
                    self.sink = Sink::Nowhere;
                }
            }
            Sink::Whole(payload) => payload.extend_from_slice(&data),
            Sink::Unheard(_) | Sink::Nowhere => {}
        }
    }
}

/// The error that trailers tell of: its type, and its JSON.
fn error_of(trailers: &HeaderMap) -> Option<(String, Bytes)> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let error_type = text("lambda-runtime-function-error-type").filter(|kind| !kind.is_empty())?;
    let told = text("lambda-runtime-function-error-body").and_then(|body| STANDARD.decode(body).ok());
    let payload = told.map_or_else(|| error_payload(error_type, "the function failed"), Bytes::from);
    Some((error_type.to_owned(), payload))
}
