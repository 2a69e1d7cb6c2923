//! The peers, as their users start them.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::handlers;
use crate::http_load::{Connection, Target};
use crate::process_tree::Tree;

/// A peer that answers.
pub struct Peer {
    /// Its processes.
    pub tree: Tree,
    ports: Vec<u16>,
    _folder: tempfile::TempDir,
}

const SERVERLESS: &str = r#"service: bench
provider: { name: aws, region: us-east-1, runtime: nodejs20.x, stage: dev }
plugins: [serverless-offline]
custom:
  serverless-offline: { host: 127.0.0.1, httpPort: PORT0, websocketPort: PORT1, lambdaPort: PORT2, albPort: PORT3 }
functions:
  node: { handler: node.handler, events: [{ httpApi: "GET /node" }] }
  python: { handler: app.handler, runtime: python3.12, events: [{ httpApi: "GET /python" }] }
  chat:
    handler: chat.handler
    environment: { CONNECTIONS: "http://127.0.0.1:PORT1" }
    events: [{ websocket: $connect }, { websocket: $default }, { websocket: $disconnect }]
"#;

/// Ports that nobody has now.
fn free_ports(count: usize) -> Vec<u16> {
    let all: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    all.iter().map(|one| one.local_addr().expect("an address").port()).collect()
}

/// Waits until somebody listens.
fn listening(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Peer {
    /// serverless-offline on osls, with the functions in Node and Python and the WebSocket API.
    pub fn serverless_offline(installed: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ports = free_ports(4);
        let mut project = SERVERLESS.to_owned();
        for (number, port) in ports.iter().enumerate() {
            project = project.replace(&format!("PORT{number}"), &port.to_string());
        }
        let modules = installed.join("node/node_modules");
        std::os::unix::fs::symlink(&modules, folder.path().join("node_modules")).expect("a link");
        for (name, text) in [
            ("serverless.yml", project.as_str()),
            ("app.py", handlers::PYTHON),
            ("node.js", handlers::NODE),
            ("chat.js", handlers::CHAT),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let mut command = Command::new("node");
        command
            .arg(modules.join("osls/bin/serverless.js"))
            .args(["offline", "start"])
            .current_dir(folder.path());
        let peer = Self { tree: Tree::start(&mut command), ports, _folder: folder };
        peer.ports[..2].iter().for_each(|port| listening(*port));
        peer
    }

    /// cargo-lambda, with the function in Rust and as many instances of it as the local provider starts of its own accord.
    pub fn cargo_lambda(installed: &Path, handler: &Path) -> Self {
        let ports = free_ports(1);
        let instances = 2 * std::thread::available_parallelism().map_or(2, |cores| cores.get());
        let mut command = Command::new(installed.join("venv/bin/cargo-lambda"));
        command
            .args(["lambda", "watch", "--release", "--ignore-changes", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &ports[0].to_string(), "--concurrency", &instances.to_string()])
            .current_dir(handler)
            .env("CARGO_TARGET_DIR", installed.join("target"));
        let folder = tempfile::tempdir().expect("a folder");
        let peer = Self { tree: Tree::start(&mut command), ports, _folder: folder };
        listening(peer.ports[0]);
        peer
    }

    /// Where a function is reached.
    pub fn target(&self, function: &str) -> Target {
        let (port, path) = match function {
            "chat" => (self.ports[1], "/".to_owned()),
            "rust" => (self.ports[0], "/lambda-url/peer-handler/".to_owned()),
            other => (self.ports[0], format!("/{other}")),
        };
        Target { address: format!("127.0.0.1:{port}"), path }
    }
}

/// Asks until the function answers with 200: its first start may take long, and a build.
pub fn warmed(target: &Target) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !matches!(Connection::open(target).ask(), Ok(200)) {
        assert!(Instant::now() < deadline, "no answer from {target:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
