//! `dev --inspect`: real debuggers are let in, and nobody's time is up meanwhile.
//!
//! Debuggers and debugpy are installed by `cargo xtask test`, which says where in `SEMANTEST_TOOLS`.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::program::dev::{Dev, PATIENCE, wait_for};
use crate::program::{Project, get};
use serde_json::{Value, json};

const NODE: &str =
    "export async function handler(event) {\n  const found = \"before\";\n  return found;\n}\n";
const PYTHON: &str = "def handler(event, context):\n    found = 'before'\n    return found\n";

fn tools() -> PathBuf {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`")
}

/// A port that is free now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A project whose function may run for one second.
fn node() -> Project {
    let project = Project::init("node");
    project.write("rest-api/index.mjs", NODE);
    project.replace(
        "semantest.toml",
        "handler = \"index.handler\"",
        "handler = \"index.handler\"\ntimeout_s = 1",
    );
    project
}

fn debugger(dev: &mut Dev) -> Value {
    dev.until("a debugger", |line| (line["kind"] == "debugger").then(|| line.clone()))
}

/// A debugger that has set its breakpoint.
struct Debugger {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Debugger {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the debugger runs");
        let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
        assert_eq!(lines.next().expect("a line").expect("text"), "set");
        Self { child, lines }
    }

    /// Of Node.js: stays at the line for longer than the function may take.
    fn of_node(url: &str, file: &str, line: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/debuggers/inspector.mjs");
        let text = std::fs::read_to_string(script).expect("the debugger");
        let mut command = Command::new("node");
        command.current_dir(tools().join("node")).args(["--input-type=module", "--eval", &text, "--"]);
        Self::start(command.args([url, file, line, "found", "2500"]))
    }

    /// Of Python.
    fn of_python(port: &Value, file: &str, line: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/debuggers/dap.py");
        Self::start(Command::new("python3").args([script, &port.to_string(), file, line, "found", "2.5"]))
    }

    fn found(mut self) -> Value {
        let line = self.lines.next().expect("it found something").expect("text");
        assert!(self.child.wait().expect("its end").success());
        serde_json::from_str(&line).expect("JSON")
    }
}

#[test]
fn a_debugger_stops_a_node_handler_in_the_users_own_file_and_no_time_is_up() {
    let project = node();
    let first = port();
    let mut dev = Dev::start(&project, &[&format!("--inspect={first}")]);
    let told = debugger(&mut dev);
    assert_eq!(
        (&told["function_name"], &told["protocol"]),
        (&json!("shop-dev-rest-api"), &json!("node_inspector"))
    );
    assert_eq!((&told["host"], &told["port"]), (&json!("127.0.0.1"), &json!(first)));
    let endpoint = dev.ready();
    let file = std::fs::canonicalize(project.file("rest-api/index.mjs")).expect("the file");
    let debugger = Debugger::of_node(told["url"].as_str().expect("an address"), "rest-api/index.mjs", "3");
    let (status, body) = get(&endpoint, "/");
    assert!(status == 200 && body.contains("before"), "it took longer than it may: {status} {body}");
    let found = debugger.found();
    assert_eq!(found["place"], json!(format!("file://{}", file.display())));
    assert_eq!((&found["line"], &found["value"]), (&json!(3), &json!("before")));

    // What is saved is debugged next, on the same port.
    project.write("rest-api/index.mjs", &NODE.replace("before", "after"));
    wait_for(&endpoint, "after");
    let line = dev.until("another worker", |line| {
        let text = line["message"].as_str().filter(|text| text.contains("Debugger listening on ws://"))?;
        Some(text.rsplit(' ').next().unwrap_or_default().to_owned()).filter(|url| told["url"] != url.as_str())
    });
    assert!(line.contains(&format!("127.0.0.1:{first}/")), "{line}");
    let debugger = Debugger::of_node(&line, "rest-api/index.mjs", "3");
    assert_eq!(get(&endpoint, "/").0, 200);
    assert_eq!(debugger.found()["value"], "after");
    assert_eq!(dev.end(), 130);
    assert!(!listens(first), "it ends with `dev`");
}

#[test]
fn a_function_that_waits_for_its_debugger_has_not_begun() {
    let project = node();
    project.write(
        "rest-api/index.mjs",
        &format!("const found = \"at the start\";\nconsole.log(found);\n{NODE}"),
    );
    let mut dev = Dev::start(&project, &[&format!("--inspect={}", port()), "--inspect-wait"]);
    let told = debugger(&mut dev);
    let endpoint = dev.ready();
    let debugger = Debugger::of_node(told["url"].as_str().expect("an address"), "rest-api/index.mjs", "2");
    assert_eq!(debugger.found()["value"], "at the start");
    assert_eq!(get(&endpoint, "/").0, 200);
    dev.end();
}

#[test]
fn every_function_has_a_port_of_its_own_and_one_may_be_chosen() {
    let project = Project::example("semantest");
    let first = port();
    let mut dev = Dev::start(&project, &[&format!("--inspect={first}")]);
    let mut all: Vec<Value> = (0..4).map(|_| debugger(&mut dev)).collect();
    dev.ready();
    all.iter()
        .for_each(|one| assert!(listens(u16::try_from(one["port"].as_u64().expect("one")).expect("one"))));
    all.sort_by_key(|one| one["port"].as_u64());
    all.dedup_by_key(|one| one["port"].clone());
    assert_eq!(all.len(), 4, "{all:?}");
    dev.end();

    // A port that something else has is passed over.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = (taken.local_addr().expect("its number").port(), taken);
    let mut dev = Dev::start(&project, &[&format!("--inspect=message:{}", taken.0)]);
    let only = debugger(&mut dev);
    assert_eq!(only["function_name"], "semantest-dev-websocket-message");
    assert!(only["port"].as_u64().expect("a port") > u64::from(taken.0), "{only}");
    let more = dev.until("it was ready", |line| match line["kind"].as_str() {
        Some("debugger") => Some(true),
        Some("ready") => Some(false),
        _ => None,
    });
    assert!(!more, "only that one");
    dev.end();
}

#[test]
fn an_inspection_ends_with_a_dev_that_was_killed_and_the_functions_run_on() {
    let project = node();
    project.json(&["deploy"]).ok();
    let first = port();
    let mut dev = Dev::start(&project, &[&format!("--inspect={first}")]);
    let told = debugger(&mut dev);
    let endpoint = dev.ready();
    let refused = project.json(&["dev", "--inspect"]);
    assert_eq!(refused.code, 4, "{}", refused.stdout);
    assert!(refused.stdout.contains(&format!("process {} inspects", dev.child.id())), "{}", refused.stdout);
    // At a breakpoint, which nobody goes on from.
    let mut debugger =
        Debugger::of_node(told["url"].as_str().expect("an address"), "rest-api/index.mjs", "3");
    let held = std::thread::spawn({
        let endpoint = endpoint.clone();
        move || get(&endpoint, "/").0
    });
    until("it is held", || project.run(&["logs"]).stdout.contains("START RequestId"));
    dev.child.kill().expect("killed");
    until("the port is closed", || !listens(first));
    let _ = debugger.child.kill();
    let _ = debugger.child.wait();
    assert!([200, 500].contains(&held.join().expect("an answer")));
    let (status, body) = get(&endpoint, "/");
    assert!(status == 200 && body.contains("before"), "{status} {body}");
    // Time limits hold again.
    project.write(
        "rest-api/index.mjs",
        "export const handler = () => new Promise((done) => setTimeout(done, 60000));\n",
    );
    project.json(&["deploy"]).ok();
    assert_eq!(get(&endpoint, "/").0, 500);
    assert!(project.run(&["logs"]).stdout.contains("Task timed out after 1.00 seconds"));
}

#[test]
fn what_cannot_be_inspected_is_told_before_anything_is_made() {
    let project = Project::example("semantest");
    for (option, text) in [
        ("--inspect=mesage", "did you mean `message`?"),
        ("--inspect=message:80", "`80` is no port"),
        ("--inspect=99999", "`99999` is no port"),
    ] {
        let ran = project.json(&["dev", option]);
        assert_eq!(ran.code, 2, "{option}");
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains(text),
            "{option}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
    let ran = project.run(&["dev", "--inspect-wait"]);
    assert!(ran.code == 2 && ran.stderr.contains("--inspect"), "{}", ran.stderr);
    let status = project.json(&["status"]).ok();
    assert!(
        status["deployments"].as_array().expect("a list").iter().all(|one| one["version"] == 0),
        "{status}"
    );
}

#[test]
fn a_python_without_debugpy_is_named_with_what_to_do() {
    let mut project = Project::init("python");
    let bare = project.file("bare");
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&bare).status();
    assert!(made.expect("python3").success());
    let path = std::env::var("PATH").expect("a PATH");
    project.environment.push(("PATH", format!("{}:{path}", bare.join("bin").display())));
    let ran = project.json(&["dev", "--inspect"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("has no debugpy") && ran.stdout.contains("-m pip install debugpy"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains(&format!("{}/bin/python", bare.display())), "{}", ran.stdout);
}

#[test]
fn a_debugger_stops_a_python_handler_in_the_users_own_file_and_no_time_is_up() {
    let mut project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    project.replace(
        "semantest.toml",
        "handler = \"app.handler\"",
        "handler = \"app.handler\"\ntimeout_s = 1",
    );
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}", tools().join("venv/bin").display());
    project.environment.push(("PATH", path));
    let mut dev = Dev::start(&project, &[&format!("--inspect={}", port())]);
    let told = debugger(&mut dev);
    assert_eq!(told["protocol"], "debugpy", "{told}");
    let endpoint = dev.ready();
    // Whoever comes before debugpy has its two halves together is sent away.
    dev.log(&format!("Debugger listening on 127.0.0.1:{}", told["port"]));
    let file = std::fs::canonicalize(project.file("rest-api/app.py")).expect("the file");
    let file = file.to_str().expect("text");
    let debugger = Debugger::of_python(&told["port"], file, "3");
    let (status, body) = get(&endpoint, "/");
    assert!(status == 200 && body.contains("before"), "it took longer than it may: {status} {body}");
    assert_eq!(debugger.found(), json!({ "place": file, "line": 3, "value": "'before'" }));

    project.write("rest-api/app.py", &PYTHON.replace("before", "after"));
    wait_for(&endpoint, "after");
    let debugger = Debugger::of_python(&told["port"], file, "3");
    assert_eq!(get(&endpoint, "/").0, 200);
    assert_eq!(debugger.found()["value"], "'after'");
    assert_eq!(dev.end(), 130);
    let port = u16::try_from(told["port"].as_u64().expect("a port")).expect("a port");
    until("nothing is left of debugpy", || !listens(port));
}
