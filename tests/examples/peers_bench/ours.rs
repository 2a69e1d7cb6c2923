//! The local provider, as its users start it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::handlers;
use crate::http_load::Target;

/// A project of ours whose functions run.
pub struct Ours {
    folder: tempfile::TempDir,
    endpoints: BTreeMap<String, String>,
}

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SEMANTEST_PROGRAM") {
        return program.into();
    }
    let own = std::env::current_exe().expect("this program");
    own.parent().and_then(Path::parent).expect("target/release").join("semantest-iac")
}

const PROJECT: &str = r#"project = "bench"
[environments.dev]
provider = "local"
"#;

impl Ours {
    /// Deploys the functions of the benchmark; the one in Rust where there is a program for it.
    pub fn start(rust: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut project = PROJECT.to_owned();
        let mut function = |name: &str, kind: &str, runtime: &str, handler: &str| {
            project.push_str(&format!(
                "[components.{name}]\nkind = \"{kind}\"\ncode = \"{name}\"\nruntime = \"{runtime}\"\nhandler = \"{handler}\"\n"
            ));
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        };
        function("python", "rest-api", "python3.12", "app.handler");
        function("node", "rest-api", "nodejs20.x", "node.handler");
        function("chat", "websocket", "nodejs20.x", "chat.handler");
        if rust.is_some() {
            function("rust", "rest-api", "provided.al2023", "bootstrap");
        }
        project = project.replace(
            "handler = \"chat.handler\"",
            "handler = \"chat.handler\"\nroutes = [\"$connect\", \"$default\", \"$disconnect\"]",
        );
        let file = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("a file");
        file("semantest.toml", &project);
        file("python/app.py", handlers::PYTHON);
        file("node/node.js", handlers::NODE);
        file("chat/chat.js", handlers::CHAT);
        if let Some(program) = rust {
            std::fs::copy(program, folder.path().join("rust/bootstrap")).expect("a copy");
        }
        let mut ours = Self { folder, endpoints: BTreeMap::new() };
        let answer = ours.json(&["deploy"]);
        let deployments = answer["deployments"].as_array().expect("deployments");
        ours.endpoints = deployments
            .iter()
            .filter_map(|one| {
                Some((one["component"].as_str()?.to_owned(), one["endpoint"].as_str()?.to_owned()))
            })
            .collect();
        ours
    }

    /// Runs a verb and returns its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = Command::new(program()).args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("the program: build it with `cargo build --release`");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Where a function is reached.
    pub fn target(&self, function: &str) -> Target {
        let endpoint = &self.endpoints[function];
        let rest = endpoint.split_once("://").expect("a scheme").1;
        match rest.split_once('/') {
            Some((address, path)) => Target { address: address.to_owned(), path: format!("/{path}") },
            None => Target { address: rest.to_owned(), path: "/".to_owned() },
        }
    }

    /// The host's process, which all workers descend from.
    pub fn host(&self) -> u32 {
        let about = std::fs::read_to_string(self.folder.path().join(".semantest/local/host.json"));
        let about: Value = serde_json::from_str(&about.expect("host.json")).expect("JSON");
        about["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process")
    }

    /// Writes one of the project's files.
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder.path().join(path), text).expect("a file");
    }

    /// Stops the host.
    pub fn stop(&self) {
        self.run(&["local", "stop"]);
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = Command::new(program()).args(["local", "stop"]).current_dir(self.folder.path()).output();
    }
}
