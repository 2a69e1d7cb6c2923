//! Serving HTTP/1.1 on loopback, with graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::Extensions;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// First byte of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// So long a client may take to read the end of an answer, and to finish a request at the end of the API.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A request whose body does not come to its end within this time is given up.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub port: u16,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Arrival {
    /// Of a request, as this server has noted it.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self { port: 80, secure: false })
    }

    /// The port that a `Host` header names, or the one that listens.
    pub fn port_of(&self, host: &str) -> String {
        named_port(host).map_or_else(|| self.port.to_string(), str::to_owned)
    }

    /// `host` with a port, so that it can be called from here.
    pub fn authority(&self, host: &str) -> String {
        match named_port(host) {
            Some(_) => host.to_owned(),
            None => format!("{}:{}", host.trim_end_matches(':'), self.port),
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

fn named_port(host: &str) -> Option<&str> {
    // The colons inside `[::1]` are none of a port's.
    let after_address = host.rsplit(']').next()?;
    after_address.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty())
}

/// A response held in memory.
pub(crate) type FullResponse = Response<Full<Bytes>>;

/// Answers requests. Each carries its [`Arrival`] among its extensions.
pub(crate) trait Handler: Send + Sync + 'static {
    /// What its answers are made of.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + From<Full<Bytes>> + Send + Unpin + 'static;

    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Counts an answer as under way until the last of it is sent.
struct Answering(Arc<AtomicUsize>);

impl Answering {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body that counts as under way for as long as it is there.
struct Counted<B> {
    body: B,
    _answering: Answering,
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves until `shutdown`, then takes no more connections and ends when the requests under way are answered. With
/// `tls`, encrypted and plain connections share the port.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Ok((stream, peer)) = accepted else { continue };
        let (handler, tls, shutdown) = (handler.clone(), tls.clone(), shutdown.clone());
        connections.spawn(async move { connection(stream, peer, handler, tls, shutdown).await });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    handler: Arc<H>,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let port = stream.local_addr().map(|address| address.port()).unwrap_or_default();
    if let Some(acceptor) = tls {
        let mut first = [0u8];
        let peeked = tokio::select! {
            peeked = stream.peek(&mut first) => peeked,
            () = shutdown.cancelled() => return,
        };
        if matches!(peeked, Ok(1)) && first[0] == TLS_HANDSHAKE {
            let accepted = tokio::select! {
                accepted = acceptor.accept(stream) => accepted,
                () = shutdown.cancelled() => return,
            };
            if let Ok(stream) = accepted {
                requests(stream, peer, Arrival { port, secure: true }, handler, shutdown).await;
            }
            return;
        }
    }
    requests(stream, peer, Arrival { port, secure: false }, handler, shutdown).await;
}

async fn requests<H: Handler, S>(
    stream: S,
    peer: SocketAddr,
    arrival: Arrival,
    handler: Arc<H>,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = Arc::new(AtomicUsize::new(0));
    let counter = answering.clone();
    let service = service_fn(move |request| {
        let (handler, counter) = (handler.clone(), counter.clone());
        async move {
            let answering = Answering::begin(&counter);
            let response = answer(handler, request, peer, arrival).await;
            Ok::<_, Infallible>(response.map(|body| Counted { body, _answering: answering }))
        }
    });
    // No `pipeline_flush`: with it, hyper's own answers to what it cannot read (400, 414, 431) are never written.
    let builder = hyper::server::conn::http1::Builder::new();
    let mut connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    // A client that goes away in the middle is no fault of ours.
    tokio::select! {
        _ = &mut connection => {
            if let Some(parts) = connection.into_parts() {
                linger(parts.io.into_inner()).await;
            }
            return;
        }
        () = shutdown.cancelled() => {}
    }
    Pin::new(&mut connection).graceful_shutdown();
    // Who has begun a request and does not go on with it is not waited for.
    while tokio::time::timeout(LAST_WORDS, &mut connection).await.is_err() {
        if answering.load(Ordering::SeqCst) == 0 {
            return;
        }
    }
}

async fn answer<H: Handler>(
    handler: Arc<H>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    arrival: Arrival,
) -> Response<H::Body> {
    let hosts = request.headers().get_all(HOST).iter().count();
    // RFC 9112, section 3.2.
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return json(StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#).map(H::Body::from);
    }
    request.extensions_mut().insert(arrival);
    handler.handle(request, peer).await
}

/// Ends a connection so that the client can read what was sent last: the kernel resets a connection that is closed
/// with unread bytes at hand, and the client loses the answer.
pub(crate) async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let ending = async {
        let _ = stream.shutdown().await;
        let mut unread = [0; 8192];
        while matches!(stream.read(&mut unread).await, Ok(1..)) {}
    };
    let _ = tokio::time::timeout(LAST_WORDS, ending).await;
}

/// The body of a request, whole.
///
/// # Errors
/// The answer where it has more than `limit` bytes, breaks off or does not come to its end.
pub(crate) async fn read_body(body: Incoming, limit: usize) -> Result<Bytes, FullResponse> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(BODY_TIME, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(json(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#))
        }
        Ok(Err(_)) => Err(json(StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#)),
        Err(_) => Err(json(StatusCode::REQUEST_TIMEOUT, r#"{"message":"Request Timeout"}"#)),
    }
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> FullResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether the request was addressed to this machine: a page of another site may have made the browser send it
/// (DNS rebinding).
pub(crate) fn is_for_loopback(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    // A request line may name an authority too (`GET http://name/ HTTP/1.1`).
    // Who names nothing (HTTP/1.0) has come to a port of loopback all the same; no browser does so.
    [host, request.uri().host()].into_iter().flatten().all(is_loopback_name)
}

/// Whether `host` (`name`, `name:port`, `[address]:port`) names this machine.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "::1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_completed_with_the_port_that_listens() {
        let arrival = Arrival { port: 8080, secure: false };
        let cases = [
            ("localhost", "localhost:8080"),
            ("localhost:", "localhost:8080"),
            ("127.0.0.1:90", "127.0.0.1:90"),
            ("[::1]", "[::1]:8080"),
            ("[::1]:90", "[::1]:90"),
        ];
        for (host, authority) in cases {
            assert_eq!(arrival.authority(host), authority);
            assert!(is_loopback_name(host), "{host}");
        }
    }
}
