//! serverless-offline, where it is installed (`cargo xtask tools peers`).

use std::cell::{Ref, RefCell};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use semantest_iac_testkit::http_exchange::send;
use serde_json::Value;

use crate::rows::folder;
use crate::subject::{Endpoint, Subject};

/// One of its processes, with a project of the table.
struct Server {
    child: Child,
    sockets: bool,
    ports: Vec<u16>,
    folder: tempfile::TempDir,
}

/// Both projects: CORS is of a whole project there.
pub struct ServerlessOffline {
    modules: PathBuf,
    main: RefCell<Server>,
    cors: Server,
}

/// Where it is installed.
pub fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("SEMANTEST_PEERS").map(PathBuf::from)?;
    Some(folder.join("node/node_modules")).filter(|modules| modules.join("serverless-offline").is_dir())
}

/// Its version, and that of what runs it.
pub fn version(modules: &Path) -> String {
    let of = |package: &str| {
        let text = std::fs::read(modules.join(package).join("package.json")).expect("package.json");
        let described: Value = serde_json::from_slice(&text).expect("JSON");
        described["version"].as_str().expect("a version").to_owned()
    };
    format!("{} (osls {})", of("serverless-offline"), of("osls"))
}

impl ServerlessOffline {
    /// Starts it.
    pub fn start(modules: &Path) -> Self {
        Self {
            modules: modules.to_owned(),
            main: RefCell::new(Server::start(modules, "serverless.yml")),
            cors: Server::start(modules, "serverless-cors.yml"),
        }
    }

    /// Started anew where it has ended: handlers in Node share its process, and some take it with them.
    fn main(&self) -> Ref<'_, Server> {
        if !self.main.borrow().listens() {
            self.main.replace(Server::start(&self.modules, "serverless.yml"));
        }
        self.main.borrow()
    }
}

impl Server {
    fn start(modules: &Path, project: &str) -> Self {
        let own = tempfile::tempdir().expect("a folder");
        let taken: Vec<_> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> = taken.iter().map(|one| one.local_addr().expect("an address").port()).collect();
        drop(taken);
        let mut text = std::fs::read_to_string(folder().join(project)).expect("a project");
        for (number, port) in ports.iter().enumerate() {
            text = text.replace(&format!("PORT{number}"), &port.to_string());
        }
        std::fs::write(own.path().join("serverless.yml"), text).expect("a file");
        for file in std::fs::read_dir(folder().join("code")).expect("code").flatten() {
            if file.path().is_file() {
                std::fs::copy(file.path(), own.path().join(file.file_name())).expect("a copy");
            }
        }
        symlink(modules, own.path().join("node_modules")).expect("a link");
        let out = std::fs::File::create(own.path().join("out.log")).expect("a file");
        let mut command = Command::new("node");
        command.arg(modules.join("osls/bin/serverless.js")).args(["offline", "start"]);
        command.env("PARITY_MACHINE", "none of the functions' business").current_dir(own.path());
        let err = out.try_clone().expect("a file");
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let mut server = Self {
            child: command.spawn().expect("node"),
            ports,
            folder: own,
            sockets: project == "serverless.yml",
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        while !server.listens() {
            let ended = server.child.try_wait().is_ok_and(|ended| ended.is_some());
            let runs = !ended && Instant::now() < deadline;
            assert!(runs, "serverless-offline does not start: {}", server.output());
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// On all of its ports; that of WebSockets there is only where they are.
    fn listens(&self) -> bool {
        let wanted = if self.sockets { 3 } else { 1 };
        self.ports[..wanted].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
    }

    fn output(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("out.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

impl Subject for ServerlessOffline {
    fn endpoint(&self, api: &str) -> Endpoint {
        let port = match api {
            "cors" => self.cors.ports[0],
            "chat" => self.main().ports[1],
            // Its projects define no URLs: these rows get no answer.
            "url" | "signed" | "stream" | "returned" => panic!("no function of `{api}`"),
            _ => self.main().ports[0],
        };
        Endpoint { port, stage: String::new() }
    }

    fn invoke(&self, function: &str, event: &Value) -> (bool, String) {
        let target = format!("/2015-03-31/functions/parity-dev-{function}/invocations");
        let answer = send(self.main().ports[2], "POST", &target, &[], event.to_string().as_bytes());
        let failed = answer.status != 200 || answer.header("x-amz-function-error").is_some();
        (failed, String::from_utf8_lossy(&answer.body).into_owned())
    }

    fn mark(&self, _function: &str) -> usize {
        self.main().output().len()
    }

    fn log(&self, _function: &str, since: usize) -> String {
        self.main().output().get(since..).unwrap_or_default().to_owned()
    }
}
