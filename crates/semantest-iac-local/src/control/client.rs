//! The control API, client side.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use semantest_iac_core::ports::provider::PartSink;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::control::frames;
use crate::control::messages::{
    HostState, Invoked, PutFunction, PutSecrets, PutService, Refused, Sent, StreamEnd,
};
use crate::host::definition::{ApiDefinition, FunctionDefinition, SecretValues};
use crate::inspection::{Inspect, Inspecting};

/// Longest answer that is waited for: a function may run for 15 minutes.
const INVOKE_TIME: Duration = Duration::from_secs(16 * 60);
/// The same of a function that a debugger may hold: a day.
const INSPECTED_TIME: Duration = Duration::from_secs(24 * 3600);
/// Longest wait for replicas: their images may have to be pulled, and those that were there end in their own time.
const SERVICE_TIME: Duration = Duration::from_secs(10 * 60);
/// Longest wait for any other answer.
const TIME: Duration = Duration::from_secs(30);

/// Marks the refusal of a host that is about to end.
const STOPPING: &str = "stopping";

/// What a look at a host shows.
pub enum Look {
    /// It runs this.
    Runs(HostState),
    /// It is about to end.
    Stops,
    /// It does not answer.
    Silent,
}

/// Talks to a running host.
#[derive(Clone)]
pub struct ControlClient {
    port: u16,
    token: String,
}

impl std::fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlClient").field("port", &self.port).finish_non_exhaustive()
    }
}

impl ControlClient {
    /// A client for the host on `port`.
    pub fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    /// Everything the host runs.
    ///
    /// # Errors
    /// `Unavailable` where the host does not answer.
    pub async fn state(&self) -> Result<HostState> {
        self.call(Method::GET, "/state", &(), TIME).await
    }

    /// As [`Self::state`], for one who does not know whether the host is well.
    ///
    /// # Errors
    /// `Internal` where its answer is not understood.
    pub async fn look(&self, time: Duration) -> Result<Look> {
        match self.call(Method::GET, "/state", &(), time).await {
            Ok(state) => Ok(Look::Runs(state)),
            Err(error) if error.context().iter().any(|(key, _)| key == STOPPING) => Ok(Look::Stops),
            Err(error) if error.kind() == ErrorKind::Internal => Err(error),
            Err(_) => Ok(Look::Silent),
        }
    }

    /// Hands values of secrets over; the host keeps them in memory only.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn put_secrets(&self, secrets: &PutSecrets) -> Result<()> {
        self.call(Method::PUT, "/secrets", secrets, TIME).await
    }

    /// Defines a function.
    ///
    /// # Errors
    /// As [`Self::state`], and what the host refuses.
    pub async fn put_function(&self, definition: FunctionDefinition, secrets: SecretValues) -> Result<()> {
        let path = format!("/functions/{}", escape(&definition.name));
        self.call(Method::PUT, &path, &PutFunction { definition, secrets }, TIME).await
    }

    /// Has a function go on with new processes.
    ///
    /// # Errors
    /// As [`Self::state`]; `NotFound` where there is no such function.
    pub async fn restart_workers(&self, name: &str) -> Result<()> {
        self.call(Method::POST, &format!("/functions/{}/restart", escape(name)), &(), TIME).await
    }

    /// Takes a function away, if it is there.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn remove_function(&self, name: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("/functions/{}", escape(name)), &(), TIME).await
    }

    /// Runs a container service, or another revision of it; waits until its replicas are well.
    ///
    /// # Errors
    /// As [`Self::state`]; `Provider` with the reason where they are not.
    pub async fn put_service(&self, put: &PutService) -> Result<()> {
        let path = format!("/services/{}", escape(&put.definition.name));
        self.call(Method::PUT, &path, put, SERVICE_TIME).await
    }

    /// Has a container service go on with new replicas; waits until they are well.
    ///
    /// # Errors
    /// As [`Self::put_service`]; `NotFound` where there is no such service.
    pub async fn restart_replicas(&self, name: &str) -> Result<()> {
        self.call(Method::POST, &format!("/services/{}/restart", escape(name)), &(), SERVICE_TIME).await
    }

    /// Waits until the replicas of all services either are well or have ended.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn settled(&self) -> Result<()> {
        self.call(Method::POST, "/services/settled", &(), SERVICE_TIME).await
    }

    /// Takes a container service away, if it is there; waits until its replicas have ended.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn remove_service(&self, name: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("/services/{}", escape(name)), &(), SERVICE_TIME).await
    }

    /// Defines an API; the answer has the port it listens on.
    ///
    /// # Errors
    /// As [`Self::state`], and what the host refuses.
    pub async fn put_api(&self, definition: &ApiDefinition) -> Result<ApiDefinition> {
        self.call(Method::PUT, &format!("/apis/{}", escape(definition.id())), definition, TIME).await
    }

    /// Takes an API away, if it is there; waits until its requests are answered.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn remove_api(&self, id: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("/apis/{}", escape(id)), &(), INVOKE_TIME).await
    }

    /// Calls a function; a debugger may hold it where it is `inspected`.
    ///
    /// # Errors
    /// As [`Self::state`]; `NotFound` where there is no such function.
    pub async fn invoke(&self, name: &str, event: &RawValue, inspected: bool) -> Result<Invoked> {
        let time = if inspected { INSPECTED_TIME } else { INVOKE_TIME };
        self.call(Method::POST, &format!("/functions/{}/invoke", escape(name)), &event, time).await
    }

    /// Calls a function and passes on what it writes, as it comes.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn stream(
        &self,
        name: &str,
        event: &RawValue,
        inspected: bool,
        parts: PartSink<'_>,
    ) -> Result<StreamEnd> {
        let time = if inspected { INSPECTED_TIME } else { INVOKE_TIME };
        let path = format!("/functions/{}/stream", escape(name));
        let exchange = async {
            let (response, _driver) = self.begin(Method::POST, &path, event.get().to_owned().into()).await?;
            let status = response.status();
            let body = response.into_body();
            if !status.is_success() {
                return Ok(Err(refusal(status, &body.collect().await?.to_bytes())));
            }
            frames::read(body, parts).await.map(Ok)
        };
        match tokio::time::timeout(time, exchange).await {
            Ok(answered) => answered.map_err(|error: BoxError| unreachable(error.as_ref()))?,
            Err(_) => Err(silent(&path, time)),
        }
    }

    /// Hands a function an event, and does not wait for what comes of it.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn send(&self, name: &str, event: &RawValue) -> Result<Sent> {
        self.call(Method::POST, &format!("/functions/{}/events", escape(name)), &event, TIME).await
    }

    /// Has debuggers let into functions.
    ///
    /// # Errors
    /// As [`Self::state`]; `Held` where another process inspects.
    pub async fn inspect(&self, asked: &Inspect) -> Result<Inspecting> {
        self.call(Method::PUT, "/inspection", asked, TIME).await
    }

    /// Lets no debuggers in any more, where this process asked for them.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn end_inspection(&self) -> Result<()> {
        self.call(Method::DELETE, &format!("/inspection/{}", std::process::id()), &(), TIME).await
    }

    /// Asks the host to end, and waits for so long until it has heard; it finishes what is under way first.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub async fn stop(&self, time: Duration) -> Result<()> {
        self.call(Method::POST, "/stop", &(), time).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
        time: Duration,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let exchange = self.exchange(method, path, Bytes::from(body));
        let (status, bytes) = match tokio::time::timeout(time, exchange).await {
            Ok(answered) => answered.map_err(|error| unreachable(error.as_ref()))?,
            Err(_) => return Err(silent(path, time)),
        };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| {
                let text = "the local host's answer is not understood; end it (`semantest-iac local stop`) and try again";
                Error::new(ErrorKind::Internal, "local.control", text).caused_by(error)
            });
        }
        Err(refusal(status, &bytes))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> std::result::Result<(StatusCode, Bytes), BoxError> {
        let (response, _driver) = self.begin(method, path, body).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// The beginning of an answer, and what keeps its connection going.
    async fn begin(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> std::result::Result<(Response<Incoming>, AbortOnDropHandle<()>), BoxError> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = AbortOnDropHandle::new(tokio::spawn(async move { drop(connection.await) }));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("127.0.0.1:{}", self.port))
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        Ok((sender.send_request(request).await?, driver))
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn silent(path: &str, time: Duration) -> Error {
    let text = format!("the local host did not answer {path} within {} seconds", time.as_secs());
    Error::new(ErrorKind::Timeout, "local.control", text).retry_later()
}

fn refusal(status: StatusCode, bytes: &[u8]) -> Error {
    let said = serde_json::from_slice::<Refused>(bytes).map(|refused| refused.message);
    let said = said.unwrap_or_else(|_| status.to_string());
    let kind = match status {
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::InvalidInput,
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        StatusCode::CONFLICT => ErrorKind::Held,
        StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
        _ => ErrorKind::Provider,
    };
    let error = Error::new(kind, "local.control", said);
    if kind == ErrorKind::Unavailable { error.with(STOPPING, true) } else { error }
}

fn escape(part: &str) -> String {
    utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()
}

fn unreachable(error: &(dyn std::error::Error + Send + Sync)) -> Error {
    let text = format!("the local host cannot be reached: {error}");
    Error::new(ErrorKind::Unavailable, "local.control", text).retry_later()
}
