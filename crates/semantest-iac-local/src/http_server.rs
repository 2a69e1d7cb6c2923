//! Serving HTTP/1.1 on loopback, with graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// First byte of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// A response held in memory.
pub(crate) type FullResponse = Response<Full<Bytes>>;

/// Answers requests. `secure` tells whether the connection is encrypted.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = FullResponse> + Send;
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
    if let Some(acceptor) = tls {
        let mut first = [0u8];
        let peeked = tokio::select! {
            peeked = stream.peek(&mut first) => peeked,
            () = shutdown.cancelled() => return,
        };
        if matches!(peeked, Ok(1)) && first[0] == TLS_HANDSHAKE {
            if let Ok(stream) = acceptor.accept(stream).await {
                requests(stream, peer, handler, shutdown).await;
            }
            return;
        }
    }
    requests(stream, peer, handler, shutdown).await;
}

async fn requests<H: Handler, S>(stream: S, peer: SocketAddr, handler: Arc<H>, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handler.handle(request, peer).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.pipeline_flush(true);
    let mut connection =
        std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    // A client that goes away in the middle is no fault of ours.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
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
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| request.uri().host()).is_some_and(is_loopback_name)
}

/// Whether `host` (`name`, `name:port`, `[address]:port`) names this machine.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "::1"
}
