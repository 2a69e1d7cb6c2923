//! Has the host let debuggers in.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use semantest_iac_core::Result;
use semantest_iac_core::ports::provider::ResourceHandle;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::inspection::{DebugProtocol, Inspect, InspectFunction, Inspecting};
use crate::provider::{LocalProvider, physical_name};

/// How long an inspector may take to listen: its worker has to start, and may wait for its port.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(10);

impl LocalProvider {
    /// Name of a function in the host.
    ///
    /// # Errors
    /// `Internal` for what is no function.
    pub fn function_name(&self, function: &ResourceHandle) -> Result<String> {
        physical_name(function)
    }

    /// Has debuggers let into these functions, and into no others, until this process ends or
    /// [`Self::end_inspection`]. They get ports from `port` on, or from their debuggers' usual one. With `wait`, they
    /// wait for a debugger before they load their handlers.
    ///
    /// # Errors
    /// `Held` while another process does so; those of the host.
    pub async fn inspect(
        &self,
        functions: Vec<InspectFunction>,
        port: Option<u16>,
        wait: bool,
    ) -> Result<Inspecting> {
        let (host, _) = self.host.ensure().await?;
        let mut inspecting =
            host.inspect(&Inspect { process: std::process::id(), port, wait, functions }).await?;
        for debugger in &mut inspecting.debuggers {
            if debugger.is_new && debugger.protocol == DebugProtocol::NodeInspector {
                debugger.url = url(debugger.port).await;
            }
        }
        Ok(inspecting)
    }

    /// Lets no debuggers in any more, where a host runs.
    ///
    /// # Errors
    /// Those of the host.
    pub async fn end_inspection(&self) -> Result<()> {
        match self.host.running().await? {
            Some((host, _)) => host.end_inspection().await,
            None => Ok(()),
        }
    }
}

/// Where the inspector on a port is to be reached, once it listens.
async fn url(port: u16) -> Option<String> {
    let begun = Instant::now();
    while begun.elapsed() < LISTENS_WITHIN {
        let asked = tokio::time::timeout(LISTENS_WITHIN, list(port));
        if let Ok(Ok(Target { url })) = asked.await {
            return Some(url);
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "webSocketDebuggerUrl")]
    url: String,
}

/// What the inspector tells of itself. Source: Node.js documentation, "Debugger", and the Chrome DevTools Protocol,
/// "HTTP Endpoints".
async fn list(port: u16) -> std::result::Result<Target, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get("/json/list").header(HOST, format!("127.0.0.1:{port}"));
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let bytes = answer.into_body().collect().await?.to_bytes();
    driver.abort();
    let targets: Vec<Target> = serde_json::from_slice(&bytes)?;
    targets.into_iter().next().ok_or_else(|| "there is none".into())
}
