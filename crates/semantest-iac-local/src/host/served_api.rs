//! An API that the host serves.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::gateway::{http_api, websocket_api};
use crate::host::definition::ApiDefinition;
use crate::runtime::invocation::Invoker;

/// An API, its port and who answers there.
pub(crate) struct ServedApi {
    /// As it is served.
    pub definition: ApiDefinition,
    /// The port it has on disk: another one than it is served on where that was taken.
    pub kept: Option<u16>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl ServedApi {
    /// Serves `definition` on `listener`.
    pub fn start(
        definition: ApiDefinition,
        kept: Option<u16>,
        listener: TcpListener,
        invoker: Arc<dyn Invoker>,
        acceptor: TlsAcceptor,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let task = match definition.clone() {
            ApiDefinition::Http(api) => {
                tokio::spawn(http_api::serve(api, listener, invoker, shutdown.clone()))
            }
            ApiDefinition::Websocket(api) => {
                tokio::spawn(websocket_api::serve(api, listener, invoker, acceptor, shutdown.clone()))
            }
        };
        Self { definition, kept, shutdown, task }
    }

    /// Takes no more requests.
    pub fn close(&self) {
        self.shutdown.cancel();
    }

    /// Takes no more requests, and waits until those under way are answered.
    pub async fn end(self) {
        self.close();
        let _ = self.task.await;
    }
}

/// The port, where it is free, or else another one.
pub(crate) async fn listen(port: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = port {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                eprintln!("port {port} cannot be used now ({error}): another one is served meanwhile");
            }
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}
