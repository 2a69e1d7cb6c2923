//! Projects that are deployed to an emulated AWS, through a proxy that counts the calls and can disturb them.

pub mod projects;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use semantest_iac_testkit::aws_emulator::{AwsEmulator, tools};
use semantest_iac_testkit::fault_proxy::FaultProxy;
use serde_json::{Value, json};

use crate::program::{Project, Ran};

/// How long anything that is waited for may take, on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A project of its own name, whose AWS is the emulator behind a proxy of its own.
pub struct AwsProject {
    pub project: Project,
    pub name: String,
    pub proxy: FaultProxy,
    /// What every command is given, beside its own arguments.
    pub place: Vec<&'static str>,
}

impl AwsProject {
    /// Commands leave the rates alone, for the emulator has none.
    pub fn new(mut project: Project, name: &str) -> Self {
        let proxy = FaultProxy::start(&AwsEmulator::shared().url());
        project.environment = AwsEmulator::environment(proxy.url());
        // What the machine's owner has set up for AWS is none of ours.
        for (name, value) in [
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_PROFILE", "default"),
        ] {
            project.environment.push((name, value.into()));
        }
        project.environment.push(("SEMANTEST_AWS_QUOTAS", "off".into()));
        Self { project, name: name.into(), proxy, place: Vec::new() }
    }

    /// Gives a silent call up soon.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.project.environment.push(("SEMANTEST_AWS_TIMEOUT_S", "3".into()));
        self
    }

    /// Keeps to the documented rates again.
    #[must_use]
    pub fn with_quotas(mut self) -> Self {
        self.project.environment.retain(|(name, _)| *name != "SEMANTEST_AWS_QUOTAS");
        self
    }

    /// Runs with `--output json`.
    pub fn json(&self, arguments: &[&str]) -> Ran {
        self.project.json(&[arguments, &self.place].concat())
    }

    /// As [`Self::json`], and it has to go well.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        self.json(arguments).ok()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.project.command(&[arguments, &self.place, &["--output", "json"]].concat())
    }

    /// Names of the calls since the last look, in the order they came.
    pub fn calls(&self) -> Vec<String> {
        self.proxy.take_calls().iter().map(|call| call.name()).collect()
    }

    /// As [`Self::calls`], only those that change something, sorted.
    pub fn changing_calls(&self) -> Vec<String> {
        let calls = self.proxy.take_calls();
        let mut names: Vec<String> =
            calls.iter().filter(|call| call.changes_something()).map(|call| call.name()).collect();
        names.sort();
        names
    }

    /// All that is there of this project, without ids and times.
    pub fn inventory(&self) -> Value {
        inventories(&[&self.name])[&self.name].clone()
    }

    /// Events of a component's log: type and address, sorted, for the order differs where work is done at once.
    pub fn log(&self, component: &str) -> Vec<String> {
        let named = self.place.contains(&"--component");
        let verb = ["history", "--component", component];
        let history = self.ok(if named { &verb[..1] } else { &verb });
        let events = history["events"].as_array().expect("events");
        let mut names: Vec<String> = events.iter().map(event_name).collect();
        names.sort();
        names
    }
}

fn event_name(event: &Value) -> String {
    let name = event["type"].as_str().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    format!("{name} {}", event["data"]["address"].as_str().unwrap_or_default())
}

/// The stable inventory of each project: what an independent reader finds in the emulator.
pub fn inventories(projects: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/aws_inventory.py");
    let text = python(&[&script.display().to_string(), "--stable"], projects);
    serde_json::from_str(&text).expect("an inventory")
}

/// Runs Python lines after `import boto3, json, sys`, straight against the emulator; what they printed.
pub fn boto3(lines: &str, arguments: &[&str]) -> String {
    python(&["-c", &format!("import boto3, json, sys\n{lines}")], arguments)
}

fn python(script: &[&str], arguments: &[&str]) -> String {
    let emulator = AwsEmulator::shared();
    let mut command = Command::new(tools().join("venv/bin/python"));
    command.args(script).args(arguments).envs(AwsEmulator::environment(&emulator.url()));
    if let Some(scaling) = emulator.scaling_url_if_started() {
        command.env("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", scaling);
    }
    let Output { status, stdout, stderr } = command.output().expect("Python runs");
    assert!(status.success(), "{script:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim().to_owned()
}

/// Status and body of a request to an endpoint whose name no resolver knows; everything is on this machine.
pub fn request(method: &str, endpoint: &str, path: &str, body: &str) -> (u16, String) {
    let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address);
    let (mut host, stage) = address.split_once('/').unwrap_or((address, ""));
    let mut stage = if stage.is_empty() { String::new() } else { format!("/{stage}") };
    // A name without a port is the emulator's load balancer's, which listens where everything does.
    let own = AwsEmulator::shared().port();
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(own);
    // By its path, for the emulator keeps `/health` on every host to itself.
    if let Some((api, _)) = host.split_once(".execute-api.") {
        (host, stage) = ("127.0.0.1", format!("/_aws/execute-api/{api}{stage}"));
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the endpoint answers");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(
        stream,
        "{method} {stage}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    match head.to_lowercase().contains("transfer-encoding: chunked") {
        true => (status, unchunked(body)),
        false => (status, body.to_owned()),
    }
}

fn unchunked(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole.push_str(&after[..size]);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    whole
}

pub fn get(endpoint: &str, path: &str) -> (u16, String) {
    request("GET", endpoint, path, "")
}

/// Waits until there is something.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs `work` for each item, some at once; results in the items' order.
pub fn at_once<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let take = || next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let mine = std::iter::repeat_with(take).map_while(|at| Some((at, items.get(at)?)));
                    mine.map(|(at, item)| (at, work(item))).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How many resources each action touched.
pub fn changes(answer: &Value) -> Value {
    let changes = &answer["changes"];
    json!([changes["created"], changes["updated"], changes["replaced"], changes["deleted"]])
}

/// A version that was published twice is no other state: what counts is what the alias leads to.
pub fn comparable(inventory: &Value) -> Value {
    let mut inventory = inventory.clone();
    for function in inventory["functions"].as_array_mut().into_iter().flatten() {
        let versions = function["versions"].as_array().cloned().unwrap_or_default();
        for version in function["aliases"].as_object_mut().into_iter().flatten().map(|(_, version)| version) {
            let found = versions.iter().find(|one| one["Version"] == *version);
            *version = found.expect("an alias leads to a version that is there")["CodeSha256"].clone();
        }
        let codes: BTreeSet<&str> = versions.iter().filter_map(|one| one["CodeSha256"].as_str()).collect();
        function["versions"] = json!(codes);
    }
    inventory
}

/// Where two states differ, one line each.
pub fn differences(there: &Value, wanted: &Value) -> Vec<String> {
    let (mut found, mut to_do) = (Vec::new(), vec![(String::new(), there, wanted)]);
    while let Some((path, there, wanted)) = to_do.pop() {
        match (there, wanted) {
            (Value::Object(one), Value::Object(other)) => {
                let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                to_do
                    .extend(keys.into_iter().map(|key| (format!("{path}.{key}"), &there[key], &wanted[key])));
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other).enumerate();
                to_do.extend(pairs.map(|(at, (one, other))| (format!("{path}[{at}]"), one, other)));
            }
            _ if there == wanted => {}
            _ => found.push(format!("{path}: {there}, wanted {wanted}")),
        }
    }
    found
}
