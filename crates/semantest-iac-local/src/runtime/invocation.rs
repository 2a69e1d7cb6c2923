//! The seam between what asks for an invocation (gateways, the control API) and what runs it.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// An event for a function.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The event as JSON text.
    pub event: Bytes,
    /// `Root=1-…` for `X-Amzn-Trace-Id`; made up when absent.
    pub trace_id: Option<String>,
    /// Its id; made up when absent.
    pub request_id: Option<String>,
    /// Base64 client context of a direct invocation.
    pub client_context: Option<String>,
    /// Cancelled by who has told their caller that there is no answer: what still waits then is never begun. What has
    /// begun goes on.
    pub given_up: CancellationToken,
}

/// An `X-Amzn-Trace-Id` of our own: version 1, seconds since 1970 in eight hexadecimal digits, 96 random bits (AWS X-Ray
/// developer guide, "Tracing header").
pub(crate) fn new_trace_id() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("Root=1-{seconds:08x}-{}", &random[8..])
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub enum InvocationOutcome {
    /// The handler returned; `payload` is its JSON text.
    Success {
        /// Lambda's request id (`context.aws_request_id`), not the gateway's.
        request_id: String,
        /// What the handler returned.
        payload: Bytes,
    },
    /// The handler threw, the process ended, the time was up, or it never started.
    FunctionError {
        /// Lambda's request id.
        request_id: String,
        /// `Unhandled`, `Runtime.ExitError`, `Sandbox.Timedout`, ….
        error_type: String,
        /// Error JSON `{"errorMessage", "errorType", "stackTrace"?}`.
        payload: Bytes,
    },
}

/// What comes of an invocation whose caller takes the response as it is written.
#[derive(Debug)]
pub enum Streamed {
    /// It ended before it wrote anything, or its runtime answers whole.
    Whole(InvocationOutcome),
    /// Its response has begun.
    Begun(ResponseStream),
}

/// A response on its way.
#[derive(Debug)]
pub struct ResponseStream {
    /// Lambda's request id.
    pub request_id: String,
    /// What the runtime calls its content.
    pub content_type: String,
    /// Its parts in order. A caller that is slow holds the function up; one that drops this lets it go on.
    pub parts: mpsc::Receiver<Bytes>,
    /// How it ended: a success says nothing more. It comes once there are no more parts; where it never comes, the host has
    /// ended.
    pub end: oneshot::Receiver<InvocationOutcome>,
}

const THROTTLED: &str = "TooManyRequestsException";
const THROTTLED_PAYLOAD: &[u8] =
    br#"{"errorMessage":"Rate Exceeded: as many run as reserved_concurrency allows","errorType":"TooManyRequestsException"}"#;

impl InvocationOutcome {
    /// Whether the handler returned.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }

    /// The function may not run: as many run as may, or none may.
    pub(crate) fn throttled(request_id: String) -> Self {
        let payload = Bytes::from_static(THROTTLED_PAYLOAD);
        Self::FunctionError { request_id, error_type: THROTTLED.to_owned(), payload }
    }

    /// Whether this is [`Self::throttled`]. A handler may throw an error of the same type (AWS's clients have one), but
    /// never with this payload.
    pub(crate) fn is_throttled(&self) -> bool {
        matches!(self, Self::FunctionError { error_type, payload, .. }
            if error_type == THROTTLED && payload == THROTTLED_PAYLOAD)
    }
}

/// Why an invocation was not even tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvocationRefused {
    /// No function of that name.
    NoSuchFunction(String),
    /// The event is larger than may be.
    TooLarge {
        /// Size in bytes.
        bytes: usize,
        /// Largest size in bytes.
        limit: usize,
    },
    /// The host is stopping.
    Stopping,
}

/// Runs invocations; gateways know this and nothing else of the runtime.
#[async_trait]
pub trait Invoker: Send + Sync + 'static {
    /// Runs `function` with `invocation` and waits for its end.
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
    ) -> Result<InvocationOutcome, InvocationRefused>;

    /// As [`Self::invoke`]; the response comes as the function writes it.
    async fn stream(&self, function: &str, invocation: Invocation) -> Result<Streamed, InvocationRefused> {
        self.invoke(function, invocation).await.map(Streamed::Whole)
    }

    /// Which code and settings `function` runs with: another number after every change.
    fn generation(&self, function: &str) -> u64;

    /// Whether a debugger may hold what the function runs: nobody's time is up meanwhile.
    fn is_inspected(&self, function: &str) -> bool {
        let _ = function;
        false
    }

    /// Notes something about an invocation in the log of its function.
    fn log(&self, function: &str, request_id: &str, message: &str);
}
