//! serverless-offline, where it is installed (`cargo xtask tools peers`).
//!
//! Handlers in Node share its process and may take it with them: a row that gets no answer is tried once more with a new one, and what
//! then happens is what the table tells. Each row begins with a process that listens.

use std::cell::{Ref, RefCell};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use semantest_iac_testkit::http_exchange::send;
use serde_json::Value;

use super::rows::{Row, folder};
use super::subject::{Endpoint, NO_ANSWER, Subject, difference};

/// So long it may take to start.
const START: Duration = Duration::from_secs(120);
/// So long a row may take; then its process is ended, and with it all that waits.
const LIMIT: Duration = Duration::from_secs(120);

const MAIN: &str = "serverless.yml";
const CORS: &str = "serverless-cors.yml";

/// One of its processes, with a project of the table.
struct Server {
    child: Child,
    project: &'static str,
    ports: Vec<u16>,
    folder: tempfile::TempDir,
}

/// Both projects: CORS is of a whole project there.
pub struct ServerlessOffline {
    modules: PathBuf,
    main: RefCell<Server>,
    cors: RefCell<Server>,
    /// Why there was no answer lately.
    silent: RefCell<String>,
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
        let started = |project| RefCell::new(Server::start(modules, project));
        Self {
            modules: modules.to_owned(),
            main: started(MAIN),
            cors: started(CORS),
            silent: RefCell::default(),
        }
    }

    /// The first difference from AWS by what the row says; of no answer, why there was none.
    pub fn verdict(&self, row: &Row) -> Option<String> {
        let server = if row.case["api"] == "cors" { &self.cors } else { &self.main };
        for _ in 0..2 {
            if !server.borrow_mut().is_well() {
                let project = server.borrow().project;
                // Its ports must be free again before others are looked for.
                server.borrow_mut().end();
                server.replace(Server::start(&self.modules, project));
            }
            let (found, in_time) = server.borrow().limited(|| difference(self, row));
            if found.as_deref() != Some(NO_ANSWER) {
                return found;
            }
            let why = server.borrow_mut().silence(in_time);
            server.borrow_mut().end();
            self.silent.replace(why);
        }
        Some(self.silent.take())
    }

    fn main(&self) -> Ref<'_, Server> {
        self.main.borrow()
    }
}

impl Server {
    fn start(modules: &Path, project: &'static str) -> Self {
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
        let mut server = Self { child: command.spawn().expect("node"), ports, folder: own, project };
        let deadline = Instant::now() + START;
        while !server.listens() {
            let runs = server.runs() && Instant::now() < deadline;
            assert!(runs, "serverless-offline does not start: {}", server.output());
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// It runs, and not only the system takes connections for it: it answers.
    fn is_well(&mut self) -> bool {
        self.runs() && self.listens() && self.limited(|| answers(self.ports[0])) == (true, true)
    }

    /// Does it, and ends the process where it takes too long: what came of it, and whether it was in time.
    fn limited<T>(&self, what: impl FnOnce() -> T) -> (T, bool) {
        let (done, waits) = channel::<()>();
        let process = self.child.id();
        let watch = std::thread::spawn(move || {
            let late = waits.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if late {
                kill(process);
            }
            !late
        });
        let outcome = what();
        drop(done);
        (outcome, watch.join().expect("a watch"))
    }

    /// Why it gave no answer.
    fn silence(&mut self, in_time: bool) -> String {
        // It may be about to end.
        std::thread::sleep(Duration::from_secs(1));
        let why = match (in_time, self.runs(), self.listens()) {
            (false, ..) => format!("none within {} s", LIMIT.as_secs()),
            (true, false, _) => "its process ended".to_owned(),
            (true, true, false) => "it listens no more".to_owned(),
            (true, true, true) => "it closed the connection".to_owned(),
        };
        format!("no answer: {why}")
    }

    fn end(&mut self) {
        kill(self.child.id());
        let _ = self.child.wait();
    }

    /// On all of its ports; that of WebSockets there is only where they are.
    fn listens(&self) -> bool {
        let wanted = if self.project == MAIN { 3 } else { 1 };
        self.ports[..wanted].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
    }

    fn output(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("out.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends a process and all that it started.
fn kill(process: u32) {
    let group = format!("-{process}");
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

/// Whether anything is answered to a request of no route.
fn answers(port: u16) -> bool {
    std::panic::catch_unwind(|| send(port, "GET", "/no-route", &[], b"")).is_ok()
}

impl Subject for ServerlessOffline {
    fn endpoint(&self, api: &str) -> Endpoint {
        let port = match api {
            "cors" => self.cors.borrow().ports[0],
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
