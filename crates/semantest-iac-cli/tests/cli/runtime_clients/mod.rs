//! The same handlers through our bootstraps and through AWS's own runtime clients: what each sends to the Runtime API, prints
//! and ends with is equal, byte for byte.
//!
//! `tests/tools/runtime_recorder.py` stands where the host does and writes down; handlers are in `tests/vectors/runtimes`. A handler
//! in Rust brings AWS's client with it: there the host itself is compared with the recorder (`rust.rs`).

mod rust;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn tools() -> PathBuf {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`")
}

/// What ours and AWS's client do, by event.
struct Recorded {
    ours: Value,
    aws: Value,
}

/// Runs a handler's events under both clients, told which runtime they are.
fn recorded(runtime: &str, handler: &str, [ours, aws]: [Vec<PathBuf>; 2], events: &[Value]) -> Recorded {
    let told = record(runtime, handler, &[("ours", ours), ("aws", aws)], events);
    Recorded { ours: told["ours"].clone(), aws: told["aws"].clone() }
}

/// What each client, a command by its name, does with the events.
fn record(runtime: &str, handler: &str, clients: &[(&str, Vec<PathBuf>)], events: &[Value]) -> Value {
    let environment = json!({ "AWS_EXECUTION_ENV": format!("AWS_Lambda_{runtime}") });
    let mut wanted = json!({
        "folder": root().join("tests/vectors/runtimes"), "handler": handler, "events": events, "clients": {},
    });
    for (name, command) in clients {
        wanted["clients"][name] = json!({ "command": command, "environment": environment });
    }
    let mut recorder = Command::new("python3")
        .arg(root().join("tests/tools/runtime_recorder.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    recorder.stdin.take().expect("input").write_all(wanted.to_string().as_bytes()).expect("input");
    let output = recorder.wait_with_output().expect("its end");
    serde_json::from_slice(&output.stdout).expect("the record")
}

impl Recorded {
    /// Equal for every event but those named, which must not be.
    fn compare(&self, unlike: &[(&str, &str)]) {
        let all = self.aws.as_object().expect("events");
        assert!(all.values().any(|one| one["sent"] != json!([])), "AWS's client answers: {all:?}");
        let wrong: Vec<String> = all
            .iter()
            .filter(|(name, aws)| {
                let may_differ = unlike.iter().any(|(known, _)| known == name);
                (self.ours[name.as_str()] == **aws) == may_differ
            })
            .map(|(name, aws)| format!("{name}\n ours: {}\n aws:  {aws}", self.ours[name.as_str()]))
            .collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    }

    /// Equal by kind and message of the error that is told; where it happened is told better by ours.
    fn compare_errors(&self) {
        let told = |of: &Value| {
            let sent = &of["start"]["sent"];
            assert_eq!(sent.as_array().map(Vec::len), Some(1), "{of}");
            let body: Value = serde_json::from_str(sent[0]["body"].as_str().expect("a body")).expect("JSON");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&sent[0]["to"]), text(&body["errorType"]), text(&body["errorMessage"]))
        };
        let ((to, kind, message), aws) = (told(&self.ours), told(&self.aws));
        assert_eq!((to, kind), (aws.0, aws.1));
        // AWS's client goes on with files of its own.
        let words = aws.2.lines().next().unwrap_or_default();
        assert!(message.starts_with(words), "{message}: {words}");
    }
}

fn bootstrap(file: &str) -> PathBuf {
    root().join("crates/semantest-iac-core/src/domain/compute/bootstrap").join(file)
}

/// An event for each name, which the handler does.
fn acts(names: &Value) -> Vec<Value> {
    let names = names.as_array().expect("names").iter();
    names.map(|name| json!({ "name": name, "event": json!({ "act": name }).to_string() })).collect()
}

/// Events of every kind of JSON, and headers that come with some.
fn others(shows: &str) -> Vec<Value> {
    let texts = [
        r#"[1,"a",null]"#,
        r#""text""#,
        "5",
        "null",
        "true",
        "12345678901234567890",
        "1.5e3",
        r#"{"a":1,"a":2}"#,
        r#"{"é":"\ud83d\ude00"}"#,
        r#""\ud800""#,
        "bad",
    ];
    let mut events: Vec<Value> =
        texts.iter().map(|text| json!({ "name": format!("event {text}"), "event": text })).collect();
    let header = |name: &str, header: &str, value: &str| {
        let act = json!({ "act": shows }).to_string();
        json!({ "name": name, "event": act, "headers": { header: value } })
    };
    let (client, identity) = ("lambda-runtime-client-context", "lambda-runtime-cognito-identity");
    events.extend([
        header("client", client, r#"{"custom":{"a":1},"env":{"e":2},"client":{"installation_id":"i"}}"#),
        header(
            "client with a trace",
            client,
            r#"{"custom":{},"w3c":{"traceparent":"t","baggage":5,"x":"y"}}"#,
        ),
        header("client without anything", client, "{}"),
        header("client that is no JSON", client, "{bad"),
        header("identity", identity, r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#),
        header("tenant", "lambda-runtime-aws-tenant-id", "t1"),
    ]);
    events
}

#[cfg(target_os = "linux")]
mod python {
    use super::*;

    fn clients(handler: &str) -> [Vec<PathBuf>; 2] {
        let python = tools().join("venv/bin/python");
        let aws = [&python, Path::new("-m"), Path::new("awslambdaric"), Path::new(handler)];
        [vec![python.clone(), bootstrap("python.py")], aws.map(Path::to_owned).to_vec()]
    }

    fn as_awslambdaric(runtime: &str) {
        let names = Command::new("python3")
            .args(["-B", "-c", "import app, json; print(json.dumps(app.names()))"])
            .current_dir(root().join("tests/vectors/runtimes"))
            .output();
        let names: Value = serde_json::from_slice(&names.expect("python3").stdout).expect("names");
        let events = [acts(&names), others("context fields"), others_of_w3c()].concat();
        assert!(events.len() > 90, "{}", events.len());
        recorded(runtime, "app.handler", clients("app.handler"), &events).compare(&[]);
    }

    fn others_of_w3c() -> Vec<Value> {
        let mut events = others("w3c");
        events.retain(|event| event["name"].as_str().is_some_and(|name| name.starts_with("client")));
        for event in &mut events {
            event["name"] = json!(format!("{} (w3c)", event["name"].as_str().expect("a name")));
        }
        events
    }

    #[test]
    fn python_handlers_do_what_they_do_under_awslambdaric_below_3_12() {
        as_awslambdaric("python3.11");
    }

    #[test]
    fn python_handlers_do_what_they_do_under_awslambdaric_from_3_12_on() {
        as_awslambdaric("python3.12");
    }

    #[test]
    fn python_handlers_that_cannot_be_started_are_told_as_by_awslambdaric() {
        for handler in ["app.absent", "absent.handler", "sys.exit", "broken.handler", "fails.handler"] {
            let start = [json!({ "name": "start", "event": "{}" })];
            recorded("python3.12", handler, clients(handler), &start).compare_errors();
        }
    }
}

mod node {
    use super::*;

    fn clients(handler: &str, version: u32) -> [Vec<PathBuf>; 2] {
        let client = tools().join(format!("runtime-clients/node_modules/aws-lambda-ric-{version}"));
        let client = client.join(if version == 3 { "bin/index.mjs" } else { "index.mjs" });
        let preload = root().join("tests/tools/rapid_client.cjs");
        let aws = [Path::new("node"), Path::new("--require"), &preload, &client, Path::new(handler)];
        [vec!["node".into(), bootstrap("node.mjs")], aws.map(Path::to_owned).to_vec()]
    }

    fn as_aws_lambda_ric(runtime: &str, version: u32, kinds: &[&str], unlike: &[(&str, &str)]) {
        let names = Command::new("node")
            .args(["--print", "JSON.stringify(require('./index.js').names)"])
            .current_dir(root().join("tests/vectors/runtimes"))
            .output();
        let names: Value = serde_json::from_slice(&names.expect("node").stdout).expect("names");
        let mut events = others("context values");
        kinds.iter().for_each(|kind| events.extend(acts(&names[kind])));
        assert!(events.len() > 90, "{}", events.len());
        recorded(runtime, "index.handler", clients("index.handler", version), &events).compare(unlike);
    }

    /// What handlers write in parts: bodies, their type, the errors that end them.
    fn writes_as_aws_lambda_ric(runtime: &str, version: u32, kinds: &[&str], unlike: &[(&str, &str)]) {
        // Names alone are asked for; what the module finds there otherwise is the client's.
        let names = "globalThis.awslambda = { streamifyResponse: (one) => one, HttpResponseStream: {} };\
                     JSON.stringify(require('./stream.js').names)";
        let names = Command::new("node")
            .args(["--print", names])
            .current_dir(root().join("tests/vectors/runtimes"))
            .output();
        let names: Value = serde_json::from_slice(&names.expect("node").stdout).expect("names");
        let mut events: Vec<Value> = kinds.iter().flat_map(|kind| acts(&names[kind])).collect();
        assert!(events.len() > 30, "{}", events.len());
        let in_parts = |event: &mut Value| event["streams"] = json!(true);
        events.iter_mut().for_each(in_parts);
        recorded(runtime, "stream.handler", clients("stream.handler", version), &events).compare(unlike);
        let mut once = [json!({ "name": "start", "event": "{}" })];
        once.iter_mut().for_each(in_parts);
        let handler = "stream.synchronous";
        recorded(runtime, handler, clients(handler, version), &once).compare(&[]);
    }

    const WORDS: &str = "the same kind of error, in words of our own";

    #[test]
    fn node_handlers_do_what_they_do_under_aws_lambda_ric_before_node_24() {
        let unlike = [("fails without a stack", WORDS), ("fails with a stack that is a number", WORDS)];
        as_aws_lambda_ric("nodejs20.x", 3, &["answers", "calls"], &unlike);
    }

    #[test]
    fn node_handlers_do_what_they_do_under_aws_lambda_ric_from_node_24_on() {
        let unlike = [
            ("fails with a stack that is a number", WORDS),
            ("client that is no JSON", "both end the process; what Node prints names the client's own line"),
            ("fails with no prototype", "AWS's client crashes while it tells of the error; ours tells"),
        ];
        as_aws_lambda_ric("nodejs24.x", 4, &["answers"], &unlike);
    }

    #[test]
    fn streaming_handlers_write_what_they_write_under_aws_lambda_ric_before_node_24() {
        writes_as_aws_lambda_ric("nodejs20.x", 3, &["always"], &[("fails without anything", WORDS)]);
    }

    #[test]
    fn streaming_handlers_write_what_they_write_under_aws_lambda_ric_from_node_24_on() {
        writes_as_aws_lambda_ric("nodejs24.x", 4, &["always", "modern"], &[]);
        let start = [json!({ "name": "start", "event": "{}" })];
        let handler = "stream.malformed";
        recorded("nodejs24.x", handler, clients(handler, 4), &start).compare_errors();
    }

    #[test]
    fn a_handler_with_a_callback_is_refused_from_node_24_on() {
        let start = [json!({ "name": "start", "event": "{}" })];
        let handler = "callback.handler";
        let told = recorded("nodejs24.x", handler, clients(handler, 4), &start);
        for client in [&told.ours, &told.aws] {
            let sent = &client["start"]["sent"][0];
            let body: Value = serde_json::from_str(sent["body"].as_str().expect("a body")).expect("JSON");
            assert_eq!(
                (&sent["to"], &body["errorType"]),
                (&json!("init/error"), &json!("Runtime.CallbackHandlerDeprecated"))
            );
        }
    }

    #[test]
    fn node_handlers_that_cannot_be_started_are_told_as_by_aws_lambda_ric() {
        for (runtime, version) in [("nodejs20.x", 3), ("nodejs24.x", 4)] {
            for handler in ["index.absent", "absent.handler", "index.names", "fails.handler"] {
                let start = [json!({ "name": "start", "event": "{}" })];
                recorded(runtime, handler, clients(handler, version), &start).compare_errors();
            }
        }
    }
}
