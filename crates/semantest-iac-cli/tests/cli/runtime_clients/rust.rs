//! The same program with AWS's client for Rust (lambda_runtime), run by the host and by the recorder, which plays the Runtime API
//! as AWS documents it: what the client sees is of one form, and callers get what it sent.
//!
//! `cargo xtask tools` builds it from `tests/tools/provided/rust/src/oracle.rs`.

use std::collections::BTreeSet;

use semantest_iac_testkit::http_exchange::send;

use super::*;
use crate::program::Project;

fn oracle() -> PathBuf {
    let program = tools().join("provided/rust/oracle");
    assert!(program.is_file(), "{}: run `cargo xtask tools`", program.display());
    program
}

/// What it can be told to do.
fn names() -> Value {
    let told = Command::new(oracle()).arg("names").output().expect("it runs");
    serde_json::from_slice(&told.stdout).expect("names")
}

/// The program as a function, and as one that cannot start.
fn deployed() -> (Project, u16) {
    let project = Project::empty();
    std::fs::create_dir(project.file("code")).expect("a folder");
    std::fs::copy(oracle(), project.file("code/bootstrap")).expect("a copy");
    let function = |name: &str, handler: &str| {
        format!(
            "[components.{name}]\nkind = \"rest-api\"\ncode = \"code\"\nruntime = \"provided.al2023\"\nhandler = \"{handler}\"\n\
             memory_mb = 128\ntimeout_s = 2\n"
        )
    };
    let environment = "project = \"oracle\"\n[environments.dev]\nprovider = \"local\"\n";
    let text = format!("{environment}{}{}", function("works", "works"), function("fails", "fails"));
    project.write("semantest.toml", &text);
    let endpoint = project.json(&["deploy", "--component", "works"]).ok()["endpoint"].clone();
    project.json(&["deploy", "--component", "fails"]).ok();
    let port = endpoint.as_str().and_then(|url| url.rsplit(':').next()?.parse().ok());
    (project, port.expect("a port"))
}

fn invoked(project: &Project, component: &str, event: &Value) -> Value {
    project.json(&["invoke", "--component", component, "--data", &event.to_string()]).json()
}

fn act(name: &str) -> Value {
    json!({ "act": name })
}

/// What the host writes around them.
const FRAME: [&str; 3] = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "];

/// The lines that the program printed; after them the host notes an error, where a program that has failed printed nothing.
fn logged(invoked: &Value) -> Vec<String> {
    let lines = invoked["logs"].as_array().expect("lines").iter();
    let messages = lines.map(|line| line["message"].as_str().expect("a message"));
    let printed = messages.take_while(|message| !message.starts_with("[ERROR]"));
    printed.filter(|message| !FRAME.iter().any(|start| message.starts_with(start))).map(plain).collect()
}

/// What was printed, in lines.
fn printed(recorded: &Value) -> Vec<String> {
    recorded["printed"].as_str().expect("text").lines().map(plain).collect()
}

/// Without the thread's number, which Rust tells where it panics.
fn plain(line: &str) -> String {
    match (line.find(" ("), line.find(") panicked at ")) {
        (Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to + 1..]),
        _ => line.to_owned(),
    }
}

/// Where the caller does not get what the client sent, or the log has not what it printed.
fn differences(name: &str, recorded: &Value, ours: &Value) -> Option<String> {
    let sent = &recorded["sent"][0];
    let failed = match sent["to"].as_str() {
        Some("invocation/response") => false,
        Some("invocation/error") => true,
        _ => return Some(format!("{name}: nothing was sent to the recorder: {recorded}")),
    };
    let body: Value = serde_json::from_str(sent["body"].as_str()?).ok()?;
    let same = (
        ours["payload"] == body,
        ours["error_type"].is_string() == failed,
        logged(ours) == printed(recorded),
    );
    (same != (true, true, true)).then(|| format!("{name} {same:?}\n ours: {ours}\n aws:  {recorded}"))
}

#[test]
fn a_handler_in_rust_does_what_it_does_where_the_runtime_api_is_as_aws_documents_it() {
    let names = names();
    let mut events = acts(&names["acts"]);
    events.extend(others("nothing").into_iter().filter(|event| event["headers"].is_null()));
    // No text of JSON: no caller can send it.
    events.retain(|event| event["name"] != "event bad");
    let rare = ["tells the context", "tells the time that is left", "tells the variables"];
    events.extend(acts(&json!(rare)));
    events.extend(acts(&names["ends"]));
    let told = &record("provided.al2023", "works", &[("aws", vec![oracle()])], &events)["aws"];
    let (project, port) = deployed();
    let wrong: Vec<String> = events
        .iter()
        .map(|event| event["name"].as_str().expect("a name"))
        .filter(|name| told[name]["ended"].is_null() && !rare.contains(name))
        .filter_map(|name| {
            let event = events.iter().find(|event| event["name"] == name).expect("the event");
            let text = event["event"].as_str().expect("text");
            let ours = project.json(&["invoke", "--component", "works", "--data", text]).json();
            differences(name, &told[name], &ours)
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), events.len(), wrong.join("\n"));

    context_is_told(&project, told);
    ends_are_told(&project, told);
    let bytes = send(port, "GET", "/?act=answers%20with%20bytes", &[], b"");
    assert_eq!((bytes.status, bytes.body), (200, vec![0, 1, 2, 253, 254, 255]));
    one_that_cannot_start_is_told(&project);
}

/// The value that the client sent.
fn answered(told: &Value, name: &str) -> Value {
    let body = told[name]["sent"][0]["body"].as_str().expect("a body");
    serde_json::from_str(body).expect("JSON")
}

fn context_is_told(project: &Project, told: &Value) {
    let invoked_now = invoked(project, "works", &act("tells the context"));
    let (ours, aws) = (&invoked_now["payload"], answered(told, "tells the context"));
    let function = "oracle-dev-works";
    assert_eq!(ours["request_id"], invoked_now["request_id"]);
    assert_eq!(ours["arn"], format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"));
    assert_eq!(
        (&ours["name"], &ours["log_group"]),
        (&json!(function), &json!(format!("/aws/lambda/{function}")))
    );
    for key in ["memory", "version", "client_context", "identity", "tenant"] {
        assert_eq!(ours[key], aws[key], "{key}");
    }
    let keys = |value: &Value| -> BTreeSet<(String, bool)> {
        let fields = value.as_object().expect("an object").iter();
        fields.map(|(key, value)| (key.clone(), value.is_null())).collect()
    };
    assert_eq!(keys(ours), keys(&aws), "{ours}\n{aws}");
    // Root=1-<time>-<96 bits>, as AWS writes it, and the variable says the same.
    let trace = ours["trace"].as_str().expect("a trace");
    let shape: Vec<usize> = trace.split(';').next().expect("a root").split('-').map(str::len).collect();
    assert_eq!(
        (shape, ours["trace"] == ours["trace_variable"]),
        (vec!["Root=1".len(), 8, 24], true),
        "{trace}"
    );

    let left = invoked(project, "works", &act("tells the time that is left"))["payload"].as_i64();
    assert!(left.is_some_and(|left| 0 < left && left <= 2000), "{left:?} of 2 seconds");
    let late = invoked(project, "works", &act("waits"));
    assert!(
        late["payload"]["errorMessage"].to_string().contains("Task timed out after 2.00 seconds"),
        "{late}"
    );

    let variables = |value: &Value| -> BTreeSet<String> {
        value
            .as_array()
            .expect("names")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    let ours = variables(&invoked(project, "works", &act("tells the variables"))["payload"]);
    let mut aws = variables(&answered(told, "tells the variables"));
    // What the recorder sets for clients in Python.
    aws.retain(|name| !name.starts_with("PYTHON"));
    let missing: Vec<&String> = aws.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A process that ends is told to the caller; the recorder sees that nothing was sent before.
fn ends_are_told(project: &Project, told: &Value) {
    for (name, code, words) in [
        ("ends with 3", 3, "Runtime exited with error: exit status 3"),
        ("ends with 0", 0, "Runtime exited without providing a reason"),
        ("ends by a signal", -6, "Runtime exited with error: signal: aborted"),
    ] {
        assert_eq!((&told[name]["sent"], &told[name]["ended"]), (&json!([]), &json!(code)), "{name}");
        let ours = invoked(project, "works", &act(name));
        let message = format!("RequestId: {} Error: {words}", ours["request_id"].as_str().expect("an id"));
        assert_eq!(
            ours["payload"],
            json!({ "errorType": "Runtime.ExitError", "errorMessage": message }),
            "{name}"
        );
    }
}

fn one_that_cannot_start_is_told(project: &Project) {
    let start = [json!({ "name": "start", "event": "{}" })];
    let told = &record("provided.al2023", "fails", &[("aws", vec![oracle()])], &start)["aws"]["start"];
    // The client tells the Runtime API nothing of it.
    assert_eq!((&told["sent"], &told["ended"]), (&json!([]), &json!(1)));
    let ours = invoked(project, "fails", &json!({}));
    let said = ours["payload"].to_string();
    assert!(said.contains("Runtime.ExitError") && said.contains("exit status 1"), "{ours}");
    let logged = project.json(&["logs", "--component", "fails", "--limit", "1000"]).ok()["lines"].to_string();
    for line in printed(told) {
        assert!(logged.contains(&json!(line).to_string()), "{line}: {logged}");
    }
}
