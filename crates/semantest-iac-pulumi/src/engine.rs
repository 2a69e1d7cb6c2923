//! Pulumi's engine: told of progress as it happens, and watched, since there is nothing to do without it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use semantest_iac::domain::deployment::plan::StepAction;
use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::{EventFilter, EventHandler};
use semantest_iac::{CancellationToken, Iac, Result};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::codegen::Service;

use crate::protocol::engine_client::EngineClient;
use crate::protocol::{LogRequest, LogSeverity};

/// Events that are progress.
const PROGRESS: [&str; 6] = [
    "ResourceChangeStarted",
    "ResourceCreated",
    "ResourceUpdated",
    "ResourceReplaced",
    "ResourceDeleted",
    "ResourceChangeFailed",
];

/// Tells the engine what happens to the deployments it asked for.
pub(crate) struct EngineLog {
    lines: UnboundedSender<Line>,
    /// URNs by stream.
    urns: Mutex<HashMap<String, String>>,
}

/// What is to be told, and who waits until it was.
pub(crate) struct Line {
    request: LogRequest,
    told: Option<oneshot::Sender<()>>,
}

/// What is to be told.
pub(crate) type Lines = UnboundedReceiver<Line>;

impl EngineLog {
    /// A log, and what it says.
    pub fn new() -> (Arc<Self>, Lines) {
        let (lines, told) = unbounded_channel();
        (Arc::new(Self { lines, urns: Mutex::default() }), told)
    }

    /// From now on `stream` is the deployment of the resource `urn`.
    pub fn name(&self, stream: String, urn: &str) {
        self.urns.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(stream, urn.to_owned());
    }

    /// Warns the user of something about the resource `urn`; returns once the engine knows, or where there is none.
    pub async fn warn(&self, urn: &str, message: String) {
        let severity = LogSeverity::Warning.into();
        let request = LogRequest { severity, message, urn: urn.to_owned(), ephemeral: false };
        let (told, heard) = oneshot::channel();
        let _ = self.lines.send(Line { request, told: Some(told) });
        let _ = heard.await;
    }

    /// Tells of what `iac` does from now on.
    pub async fn follow(self: &Arc<Self>, iac: &Iac) -> Result<()> {
        iac.subscribe(EventFilter::names(PROGRESS), Arc::new(Progress(self.clone()))).await.map(drop)
    }
}

struct Progress(Arc<EngineLog>);

#[async_trait]
impl EventHandler for Progress {
    fn name(&self) -> &str {
        "pulumi progress"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let urns = self.0.urns.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let (Some(message), Some(urn)) = (line(&event.data), urns.get(&event.subject)) {
            let severity = LogSeverity::Info.into();
            let request = LogRequest { severity, message, urn: urn.clone(), ephemeral: true };
            // Nobody may be listening.
            let _ = self.0.lines.send(Line { request, told: None });
        }
        Ok(())
    }
}

fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::ResourceChangeStarted(e) => {
            let doing = match e.action {
                StepAction::Create => "creating",
                StepAction::Update => "updating",
                StepAction::Replace => "replacing",
                StepAction::Delete => "deleting",
                StepAction::Unchanged => return None,
            };
            format!("{doing} {}", e.address)
        }
        Event::ResourceCreated(e) => format!("created {}", e.address),
        Event::ResourceUpdated(e) => format!("updated {}", e.address),
        Event::ResourceReplaced(e) => format!("replaced {}", e.address),
        Event::ResourceDeleted(e) => format!("deleted {}", e.address),
        Event::ResourceChangeFailed(e) => format!("{} failed: {}", e.address, e.error.message),
        _ => return None,
    })
}

/// Tells the engine at `address` what the log says. Once it is gone, `gone` is cancelled; where it was never there, nothing
/// happens: a plugin that is started by hand serves whoever calls it.
pub(crate) async fn talk(address: String, mut lines: Lines, gone: CancellationToken) {
    let Ok(stream) = TcpStream::connect(&address).await else { return };
    let Ok((sender, connection)) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await else {
        return;
    };
    let origin = Uri::builder().scheme("http").authority(address).path_and_query("/").build();
    let Ok(origin) = origin else { return };
    let telling = async move {
        let mut client = EngineClient::with_origin(Connection(sender), origin);
        while let Some(line) = lines.recv().await {
            let _ = client.log(line.request).await;
            let _ = line.told.map(|told| told.send(()));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = connection => gone.cancel(),
        () = telling => {}
        () = gone.cancelled() => {}
    }
}

/// One connection, as a client of the protocol wants it.
struct Connection(SendRequest<Body>);

impl Service<Request<Body>> for Connection {
    type Response = Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
