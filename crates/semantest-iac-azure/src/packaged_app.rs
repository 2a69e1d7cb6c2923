//! For tests: a package, unpacked and run as the Functions host would.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use semantest_iac_core::domain::networking::api_gateway::{ApiProtocol, Route};
use semantest_iac_testkit::aws_emulator::tools;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::function_package::wrap;
use crate::package_description::{PackageDescription, PackagedFunction};

/// So long an app may take to listen.
const START: Duration = Duration::from_secs(30);

/// Who stands in for the Functions host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The Node worker, with headers and cookies as it has them.
    Node,
    /// The Node worker behind App Service, where requests are streamed to it.
    NodeOnAppService,
    /// The Python worker.
    Python,
    /// A custom handler, called as the host forwards requests.
    CustomHandler,
}

impl Host {
    pub fn runtime(self) -> &'static str {
        match self {
            Self::Node | Self::NodeOnAppService => "nodejs20.x",
            Self::Python => "python3.12",
            Self::CustomHandler => "provided.al2023",
        }
    }
}

/// A description with one function a role, and its handler.
pub(crate) fn description(
    host: Host,
    protocol: ApiProtocol,
    functions: &[(&str, &str)],
    routes: &[(&str, &str)],
) -> PackageDescription {
    let function = |(role, handler): &(&str, &str)| PackagedFunction {
        role: (*role).to_owned(),
        function_name: format!("shop-dev-{role}"),
        handler: (*handler).to_owned(),
        package: String::new(),
        layers: Vec::new(),
        timeout_s: 30,
        memory_mb: 256,
        environment_variables: BTreeMap::from([("GREETING".to_owned(), "GREETING_SETTING".to_owned())]),
    };
    let route = |(key, function): &(&str, &str)| Route {
        route_key: (*key).to_owned(),
        function: (*function).to_owned(),
        ..Route::default()
    };
    PackageDescription {
        protocol,
        runtime: host.runtime().to_owned(),
        region: "westeurope".to_owned(),
        stage: "dev".to_owned(),
        functions: functions.iter().map(function).collect(),
        routes: routes.iter().map(route).collect(),
        cors: None,
        stage_variables: BTreeMap::new(),
    }
}

/// A zip of files, each with its name, content and whether it may be run.
pub(crate) fn zip(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, executable) in files {
        let mode = if *executable { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default().unix_permissions(mode);
        writer.start_file(*name, options).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("a zip").into_inner()
}

/// The package of `description`, whose functions all have the code `zip`.
pub(crate) fn packaged(mut description: PackageDescription, zip: Vec<u8>) -> Vec<u8> {
    let sha256 = hex::encode(Sha256::digest(&zip));
    for function in &mut description.functions {
        function.package.clone_from(&sha256);
    }
    wrap(&description, &BTreeMap::from([(sha256, zip)])).expect("a package")
}

/// As [`packaged`], with the layers in these zips.
pub(crate) fn packaged_with_layers(
    mut description: PackageDescription,
    code: Vec<u8>,
    layers: Vec<Vec<u8>>,
) -> Vec<u8> {
    let digest = |zip: &Vec<u8>| hex::encode(Sha256::digest(zip));
    for function in &mut description.functions {
        function.package = digest(&code);
        function.layers = layers.iter().map(digest).collect();
    }
    let zips = layers.into_iter().chain([code]).map(|zip| (digest(&zip), zip)).collect();
    wrap(&description, &zips).expect("a package")
}

/// An app that runs until it is dropped.
pub(crate) struct PackagedApp {
    pub port: u16,
    _folder: tempfile::TempDir,
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl PackagedApp {
    /// Runs `package` with the settings of an app.
    pub fn start(host: Host, package: &[u8], settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        ZipArchive::new(Cursor::new(package)).expect("a zip").extract(folder.path()).expect("its files");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut command = command(host, folder.path(), port);
        for name in ["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"] {
            match host {
                Host::NodeOnAppService => command.env(name, "shop-dev"),
                _ => command.env_remove(name),
            };
        }
        command.envs(settings.iter().copied()).env("NOT_THE_FUNCTIONS", "a key of the storage account");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the host's stand-in starts");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let errors = BufReader::new(process.stderr.take().expect("its errors"));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = lines.clone();
        std::thread::spawn(move || keep(errors, &kept));
        let port = listening(host, output, port, &lines);
        Self { port, _folder: folder, process, lines }
    }

    /// Messages of functions, as they went to the app's log.
    pub fn logged(&self) -> Vec<Value> {
        let lines = self.lines.lock().expect("lines");
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until a function has logged a message with `part` in it.
    pub fn wait_for_log(&self, part: &str) -> Value {
        for _ in 0..200 {
            let found = self
                .logged()
                .into_iter()
                .find(|line| line["message"].as_str().is_some_and(|message| message.contains(part)));
            if let Some(found) = found {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("`{part}` was not logged: {:#?}", self.lines.lock().expect("lines"));
    }
}

impl Drop for PackagedApp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(host: Host, folder: &Path, port: u16) -> Command {
    let shim = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shim").join(name);
    match host {
        Host::Node | Host::NodeOnAppService => {
            let mut command = Command::new("node");
            command.arg(shim("functions_host.mjs")).arg(folder);
            command
        }
        Host::Python => {
            let mut command = Command::new(tools().join("venv/bin/python"));
            command.arg(shim("functions_host.py")).arg(folder);
            command
        }
        Host::CustomHandler => {
            let text = fs::read_to_string(folder.join("host.json")).expect("host.json");
            let host: Value = serde_json::from_str(&text).expect("JSON");
            let handler = &host["customHandler"]["description"];
            let mut command = Command::new(handler["defaultExecutablePath"].as_str().expect("a program"));
            let arguments = handler["arguments"].as_array().expect("arguments");
            command.args(arguments.iter().filter_map(Value::as_str));
            command.current_dir(folder).env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string());
            command
        }
    }
}

/// Waits until the app takes requests; where.
fn listening(
    host: Host,
    mut output: impl BufRead + Send + 'static,
    port: u16,
    lines: &Arc<Mutex<Vec<String>>>,
) -> u16 {
    let mut told = port;
    if host != Host::CustomHandler {
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        told = line.trim().parse().unwrap_or_else(|_| panic!("no port: {line} {:#?}", lines.lock()));
    }
    let lines = lines.clone();
    std::thread::spawn(move || keep(output, &lines));
    let until = std::time::Instant::now() + START;
    while TcpStream::connect(("127.0.0.1", told)).is_err() {
        assert!(std::time::Instant::now() < until, "the app does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    told
}

fn keep(source: impl BufRead, lines: &Mutex<Vec<String>>) {
    for line in source.lines().map_while(Result::ok) {
        lines.lock().expect("lines").push(line);
    }
}
