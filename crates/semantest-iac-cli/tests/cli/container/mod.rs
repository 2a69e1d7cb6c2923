//! A project with a container service on this machine.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Project, get};

/// A server that tells who it is, and does as its path says.
pub const SERVER: &str = r#"
import base64, hashlib, http.server, json, os, signal, subprocess, sys, threading, time

VERSION = "one"
sick = False

def burn():
    end = time.time() + 600
    while time.time() < end:
        pass

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global sick
        path = self.path.split("?")[0]
        if path == "/":
            return self.answer(500 if sick else 200, {})
        if path == "/crash":
            print("crashing on purpose", flush=True)
            os._exit(7)
        if path == "/sick":
            sick = True
        if path == "/slow":
            time.sleep(0.2)
        if path == "/burn":
            threading.Thread(target=burn, daemon=True).start()
        if path == "/hog":
            self.server.hog = bytearray(300 << 20)
            time.sleep(30)
        if path == "/stream":
            return self.stream()
        if path == "/old":
            self.protocol_version = "HTTP/1.0"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"until the end")
            self.close_connection = True
            return
        if path == "/ws":
            return self.echo()
        self.answer(200, {"pid": os.getpid(), "version": VERSION, "path": self.path, "environment": dict(os.environ),
            "headers": {name.lower(): value for name, value in self.headers.items()}})

    def do_POST(self):
        size = self.headers.get("content-length")
        if size is None:
            body = b""
            while (chunk := int(self.rfile.readline(), 16)):
                body += self.rfile.read(chunk)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(size))
        self.answer(200, {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})

    def stream(self):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"2\r\n%d\n\r\n" % number)
            self.wfile.flush()
            # The next part comes when the client has asked for it elsewhere.
            while not os.path.exists(os.environ["GATE"] + str(number)):
                time.sleep(0.01)
        self.wfile.write(b"0\r\n\r\n")

    def echo(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        while (bytes := self.connection.recv(1000)):
            self.connection.sendall(bytes)
        self.close_connection = True

def end(*_):
    print("asked to end", flush=True)
    if "STUBBORN" not in os.environ:
        os._exit(0)

signal.signal(signal.SIGTERM, end)
if "CHILDREN" in os.environ:
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["sleep", "600"], start_new_session=True)
print("listening on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// A project whose component `web` runs [`SERVER`]; `more` are further lines of it.
pub fn project(more: &str) -> Project {
    let project = Project::empty();
    let file = "project = \"shop\"\n[environments.dev]\nprovider = \"local\"\n[components.web]\nkind = \"container-service\"\n\
                code = \"web\"\ncommand = [\"python3\", \"server.py\"]\n";
    project.write("semantest.toml", &format!("{file}{more}\n"));
    std::fs::create_dir(project.file("web")).expect("a folder");
    project.write("web/server.py", SERVER);
    project
}

/// Where the answer says that it is.
pub fn endpoint(answer: &Value) -> String {
    answer["endpoint"].as_str().unwrap_or_else(|| panic!("no endpoint: {answer:#}")).to_owned()
}

/// A GET whose answer is JSON.
pub fn ask(endpoint: &str, path: &str) -> Value {
    let (status, body) = get(endpoint, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Process ids that answer, in many requests.
pub fn processes(endpoint: &str) -> BTreeSet<u64> {
    (0..40).map(|_| ask(endpoint, "/who")["pid"].as_u64().expect("a process id")).collect()
}

/// Process ids that have come to be as many as that.
pub fn await_processes(endpoint: &str, count: usize) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    await_that(&format!("{count} replicas"), || {
        found = processes(endpoint);
        found.len() == count
    });
    found
}

/// Waits for what needs a while.
pub fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A request on a connection that stays open; head and body of the answer.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    pub fn connect(endpoint: &str) -> Self {
        let address = endpoint.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&address).expect("the endpoint answers");
        Self { stream: BufReader::new(stream), address }
    }

    pub fn send(&mut self, head: &str, body: &[u8]) {
        let address = &self.address;
        let stream = self.stream.get_mut();
        write!(stream, "{head}\r\nhost: {address}\r\n\r\n").expect("sent");
        stream.write_all(body).expect("sent");
    }

    /// Status line and headers.
    pub fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).expect("an answer");
            assert!(read > 0, "the connection ended: {head}");
        }
        head
    }

    /// A body of a known length.
    pub fn body(&mut self, head: &str) -> String {
        let lower = head.to_ascii_lowercase();
        let size = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; size.trim().parse().expect("a number")];
        self.read(&mut body);
        String::from_utf8(body).expect("text")
    }

    pub fn read(&mut self, bytes: &mut [u8]) {
        self.stream.read_exact(bytes).expect("bytes");
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("sent");
    }
}

/// Everything that still runs and has `folder` in its environment or its arguments.
pub fn running_in(folder: &Path) -> Vec<u32> {
    let folder = folder.to_string_lossy().into_owned().into_bytes();
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let own = std::process::id();
    let holds = |id: u32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        bytes.windows(folder.len()).any(|window| window == folder)
    };
    ids.filter(|id| *id != own && (holds(*id, "environ") || holds(*id, "cmdline"))).collect()
}

/// Texts of the service's log.
pub fn logged(project: &Project) -> Vec<String> {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines");
    lines.iter().map(|line| line["message"].as_str().expect("text").to_owned()).collect()
}
