//! The server: Pulumi's engine is told the port on standard output, and then calls.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use semantest_iac::CancellationToken;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::codegen::Service;

use crate::engine::{self, EngineLog};
use crate::plugin::Plugin;
use crate::protocol::resource_provider_server::ResourceProviderServer;
use crate::work::Work;

/// Largest message, in bytes: what Pulumi itself allows.
///
/// Source: Pulumi, sdk/go/common/util/rpcutil/serve.go.
const MESSAGE_LIMIT: usize = 400 * 1024 * 1024;

/// How long what is under way may take to end in order, once nobody wants it any more.
const END_TIME: Duration = Duration::from_secs(60);

/// Serves until the engine cancels, is gone, or a signal comes; then what is under way ends in order.
///
/// # Errors
/// Where there is no port to listen on, or nobody reads the port.
pub(crate) async fn serve(engine: Option<String>) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let (log, lines) = EngineLog::new();
    let work = Work::default();
    let plugin = Arc::new(Plugin::new(log, work.clone()));
    let service = ResourceProviderServer::from_arc(plugin)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    // The first and only line: the engine reads it, and nothing else may stand there.
    let mut out = io::stdout();
    writeln!(out, "{port}")?;
    out.flush()?;
    match engine {
        Some(address) => drop(tokio::spawn(engine::talk(address, lines, work.stopping().clone()))),
        None => drop(lines),
    }
    let (open, mut closed) = mpsc::channel::<Infallible>(1);
    let mut signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                tokio::spawn(connection(stream, service.clone(), work.stopping().clone(), open.clone()));
            }
            _ = signals.0.recv() => work.stopping().cancel(),
            _ = signals.1.recv() => work.stopping().cancel(),
            () = work.stopping().cancelled() => break,
        }
    }
    drop((listener, open));
    let orderly = async {
        work.ended().await;
        // Answers go out before the connections close.
        let _ = closed.recv().await;
    };
    let _ = tokio::time::timeout(END_TIME, orderly).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    service: ResourceProviderServer<Plugin>,
    stopping: CancellationToken,
    _open: mpsc::Sender<Infallible>,
) {
    let _ = stream.set_nodelay(true);
    let calls = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut service = service.clone();
        async move { service.call(request.map(Body::new)).await }
    });
    let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), calls);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
