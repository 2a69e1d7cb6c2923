//! The real program in a project of its own.

pub mod dev;
pub mod socket;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A project in a folder of its own; whatever runs for it is stopped when it goes.
pub struct Project {
    pub folder: tempfile::TempDir,
    /// What every command finds in its environment, beside this process's own.
    pub environment: Vec<(&'static str, String)>,
}

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The one JSON object on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("no single JSON object ({error}):\n{}\n{}", self.stdout, self.stderr)
        })
    }

    /// As [`Self::json`], after checking the exit code.
    pub fn ok(&self) -> Value {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self.json()
    }
}

impl Project {
    /// A project made by `init`.
    pub fn init(language: &str) -> Self {
        let project = Self::empty();
        let made = project.run(&["init", ".", "--runtime", language, "--name", "shop"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        project
    }

    /// A project, deployed, whose function is a bootstrap of its own.
    pub fn with_bootstrap(code: &str) -> Self {
        let project = Self::init("python");
        project.write("rest-api/bootstrap", code);
        let made = Command::new("chmod").arg("+x").arg(project.file("rest-api/bootstrap")).status();
        assert!(made.expect("chmod").success());
        project.replace("semantest.toml", "runtime = \"python3.12\"", "runtime = \"provided.al2023\"");
        project.json(&["deploy"]).ok();
        project
    }

    /// The same whose bootstrap answers with `answer`, an expression of Python over `text`, the event's bytes.
    pub fn answering(answer: &str) -> Self {
        Self::with_bootstrap(&format!(
            r#"#!/usr/bin/env python3
import http.client, os
while True:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request_id, text = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    api.request("POST", f"/2018-06-01/runtime/invocation/{{request_id}}/response", {answer})
    api.getresponse().read()
"#
        ))
    }

    /// A copy of one of the examples.
    pub fn example(name: &str) -> Self {
        let project = Self::empty();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        copy(&examples, project.path());
        project
    }

    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.file(path), text).expect(path);
    }

    /// Copies a folder of the sources into the project.
    pub fn copy(&self, from: &Path, to: &str) {
        copy(from, &self.file(to));
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(path)).expect(path);
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_semantest-iac"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("SEMANTEST_ENVIRONMENT").env_remove("SEMANTEST_LOG");
        // What the machine's owner has set up for AWS is none of the tests'.
        command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").env("AWS_CONFIG_FILE", "/dev/null");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().expect("the program runs"))
    }

    /// Runs with `--output json`.
    pub fn json(&self, arguments: &[&str]) -> Ran {
        self.run(&[arguments, &["--output", "json"]].concat())
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        child.stdin.take().expect("input").write_all(input.as_bytes()).expect("input");
        ran(child.wait_with_output().expect("its end"))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.file("semantest.toml").exists() {
            let _ = self.command(&["local", "stop"]).output();
        }
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder with these programs of this machine and no others, to be a `PATH`.
pub fn programs(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in names {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().expect("sh");
        let found = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        std::os::unix::fs::symlink(&found, folder.path().join(name)).expect("a link");
    }
    folder
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("an example").flatten() {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.ends_with(".semantest") => {}
            path if path.is_dir() => copy(&path, &target),
            path => drop(std::fs::copy(path, target).expect("a copy")),
        }
    }
}

/// Status and body of a GET.
pub fn get(endpoint: &str, path: &str) -> (u16, String) {
    let address = endpoint.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("the endpoint answers");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("response");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

/// Sends a request as it is written, and returns everything that comes back.
pub fn raw(address: &str, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).expect("the gateway answers");
    // The answer may come before everything is sent.
    let _ = stream.write_all(request.as_ref());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
