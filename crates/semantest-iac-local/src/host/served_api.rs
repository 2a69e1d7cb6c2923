//! An API, a function's URL or a load balancer that the host serves.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::balancer::proxy;
use crate::gateway::{function_url, http_api, websocket_api};
use crate::host::definition::{
    ApiDefinition, FunctionUrlDefinition, HttpApiDefinition, WebsocketApiDefinition,
};
use crate::host::service_definition::LoadBalancerDefinition;
use crate::replicas::services::Services;
use crate::runtime::invocation::Invoker;

/// An API, its port and who answers there.
pub(crate) struct ServedApi {
    /// As it is served.
    pub definition: ApiDefinition,
    /// The port it has on disk: another one than it is served on where that was taken.
    pub kept: Option<u16>,
    in_force: InForce,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// How the gateway hears of another definition.
enum InForce {
    Http(watch::Sender<Arc<HttpApiDefinition>>),
    Websocket(watch::Sender<Arc<WebsocketApiDefinition>>),
    Url(watch::Sender<Arc<FunctionUrlDefinition>>),
    Balancer(watch::Sender<Arc<LoadBalancerDefinition>>),
}

/// Who answers behind it.
#[derive(Clone)]
pub(crate) struct Behind {
    pub invoker: Arc<dyn Invoker>,
    pub services: Arc<Services>,
}

impl ServedApi {
    /// Serves `definition` on `listener`.
    pub fn start(
        definition: ApiDefinition,
        kept: Option<u16>,
        listener: TcpListener,
        Behind { invoker, services }: Behind,
        acceptor: TlsAcceptor,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let (in_force, task) = match definition.clone() {
            ApiDefinition::Http(api) => {
                let (sender, receiver) = watch::channel(Arc::new(api));
                let serving = http_api::serve(receiver, listener, invoker, shutdown.clone());
                (InForce::Http(sender), tokio::spawn(serving))
            }
            ApiDefinition::Websocket(api) => {
                let (sender, receiver) = watch::channel(Arc::new(api));
                let serving = websocket_api::serve(receiver, listener, invoker, acceptor, shutdown.clone());
                (InForce::Websocket(sender), tokio::spawn(serving))
            }
            ApiDefinition::Url(url) => {
                let (sender, receiver) = watch::channel(Arc::new(url));
                let serving = function_url::serve(receiver, listener, invoker, acceptor, shutdown.clone());
                (InForce::Url(sender), tokio::spawn(serving))
            }
            ApiDefinition::Balancer(balancer) => {
                let (sender, receiver) = watch::channel(Arc::new(balancer));
                let serving = proxy::serve(receiver, listener, services, shutdown.clone());
                (InForce::Balancer(sender), tokio::spawn(serving))
            }
        };
        Self { definition, kept, in_force, shutdown, task }
    }

    /// Serves `definition` from now on, on the same port; `false` where it is of another kind or wants another port.
    pub fn change(&mut self, definition: &ApiDefinition) -> bool {
        if definition.port() != self.definition.port() {
            return false;
        }
        match (&self.in_force, definition) {
            (InForce::Http(api), ApiDefinition::Http(new)) => drop(api.send_replace(Arc::new(new.clone()))),
            (InForce::Websocket(api), ApiDefinition::Websocket(new)) => {
                drop(api.send_replace(Arc::new(new.clone())));
            }
            (InForce::Url(url), ApiDefinition::Url(new)) => drop(url.send_replace(Arc::new(new.clone()))),
            (InForce::Balancer(balancer), ApiDefinition::Balancer(new)) => {
                drop(balancer.send_replace(Arc::new(new.clone())));
            }
            _ => return false,
        }
        self.definition = definition.clone();
        true
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
