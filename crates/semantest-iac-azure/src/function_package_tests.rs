//! What packages are made of, and that the handlers in them answer as they do on AWS and on this machine.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use semantest_iac_core::domain::networking::api_gateway::ApiProtocol;
use semantest_iac_testkit::aws_emulator::tools;
use semantest_iac_testkit::http_exchange::send;
use semantest_iac_testkit::parity::Parity;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::package_description::PackageDescription;
use crate::packaged_app::{Host, PackagedApp, description, packaged, packaged_with_layers, zip};

const HTTP: ApiProtocol = ApiProtocol::Http;

fn of_one(host: Host) -> PackageDescription {
    description(host, HTTP, &[("api", "index.handler")], &[("$default", "api")])
}

fn names(package: &[u8]) -> Vec<String> {
    let archive = ZipArchive::new(Cursor::new(package)).expect("a zip");
    archive.file_names().map(|name| name.expect("a name").into_owned()).collect()
}

fn content(package: &[u8], name: &str) -> (String, u32) {
    let mut archive = ZipArchive::new(Cursor::new(package)).expect("a zip");
    let mut entry = archive.by_name(name).expect(name);
    let mut text = String::new();
    entry.read_to_string(&mut text).expect("text");
    (text, entry.unix_mode().expect("a mode"))
}

#[test]
fn the_same_code_and_description_give_the_same_bytes() {
    let code =
        || zip(&[("index.js", b"exports.handler = () => 1", false), ("bootstrap", b"#!/bin/sh", true)]);
    let one = packaged(of_one(Host::Node), code());
    assert_eq!(one, packaged(of_one(Host::Node), code()));
    let mut other = of_one(Host::Node);
    other.stage = "production".to_owned();
    assert_ne!(one, packaged(other, code()));
    assert_eq!(shim_digest(), shim_digest());
    assert_eq!(shim_digest().len(), 64);
}

#[test]
fn code_lies_in_a_folder_of_its_own_and_keeps_the_right_to_be_run() {
    let code =
        zip(&[("host.json", b"mine", false), ("bootstrap", b"#!/bin/sh", true), ("a/b.js", b"b", false)]);
    let sha256 = hex::encode(Sha256::digest(&code));
    let package = packaged(of_one(Host::CustomHandler), code);
    let folder = code_folder(&sha256);
    assert_eq!(content(&package, &format!("{folder}/host.json")).0, "mine");
    assert_eq!(content(&package, &format!("{folder}/a/b.js")).1 & 0o777, 0o644);
    assert_eq!(content(&package, &format!("{folder}/bootstrap")).1 & 0o777, 0o755);
    assert_ne!(content(&package, "host.json").0, "mine");
}

#[test]
fn the_host_is_told_of_every_function_and_the_gateway_comes_last() {
    let functions = [("one", "a.b"), ("two", "a.b")];
    let described = description(Host::CustomHandler, HTTP, &functions, &[("$default", "one")]);
    let package = packaged(described, zip(&[("bootstrap", b"#!/bin/sh", true)]));
    let names = names(&package);
    let mut defined: Vec<&str> =
        names.iter().filter_map(|name| name.strip_suffix("/function.json")).collect();
    defined.sort_unstable();
    assert_eq!(defined, ["shop-dev-one", "shop-dev-two", GATEWAY]);
    let invoke: Value =
        serde_json::from_str(&content(&package, "shop-dev-one/function.json").0).expect("JSON");
    assert_eq!(invoke["bindings"][0]["authLevel"], "function");
    assert_eq!(invoke["bindings"][0]["route"], "_semantest/invoke/one");
    let host: Value = serde_json::from_str(&content(&package, "host.json").0).expect("JSON");
    assert_eq!(host["extensions"]["http"]["routePrefix"], "");
    assert_eq!(host["customHandler"]["enableForwardingHttpRequest"], json!(true));
    assert!(names.iter().all(|name| !name.contains("bootstrap/node")), "{names:?}");
}

#[test]
fn the_hosts_time_limit_leaves_the_shim_time_to_answer() {
    for (seconds, limit) in [(3, "00:01:00"), (90, "00:01:35"), (600, "00:10:00"), (900, "00:15:05")] {
        let mut described = of_one(Host::Node);
        described.functions[0].timeout_s = seconds;
        assert_eq!(host(&described, Shim::Node)["functionTimeout"], limit, "{seconds}");
    }
}

#[test]
fn what_cannot_be_packed_is_refused_with_its_name() {
    let wrapped = |described: &PackageDescription, code: Vec<u8>| {
        let mut described = described.clone();
        described.functions.iter_mut().for_each(|function| function.package = "a".repeat(64));
        wrap(&described, &BTreeMap::from([("a".repeat(64), code)]))
    };
    let good = zip(&[("index.js", b"", false)]);
    let refused = wrapped(&of_one(Host::Node), b"no zip".to_vec()).expect_err("no zip");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let mut late = of_one(Host::Node);
    late.functions[0].function_name = "zzzzz".to_owned();
    assert!(wrapped(&late, good.clone()).expect_err("a late name").message().contains("zzzzz"));
    let mut twice = of_one(Host::Node);
    twice.functions.push(twice.functions[0].clone());
    assert!(wrapped(&twice, good.clone()).expect_err("twice").message().contains("shop-dev-api"));
    let mut java = of_one(Host::Node);
    java.runtime = "java21".to_owned();
    assert_eq!(wrapped(&java, good).expect_err("no shim").kind(), ErrorKind::Unsupported);
    let missing = wrap(&of_one(Host::Node), &BTreeMap::new()).expect_err("no code");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_of_the_shim_is_in_some_package() {
    let embedded: Vec<&str> = [Shim::Node, Shim::Python, Shim::CustomHandler]
        .into_iter()
        .flat_map(Shim::files)
        .map(|(_, text)| text)
        .collect();
    for path in files_under(&crate_folder().join("shim")) {
        if path.components().any(|part| part.as_os_str() == "__pycache__") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        assert!(embedded.contains(&text.as_str()), "{} is in no package", path.display());
    }
}

/// The table that the local provider answers too (`parity_run.rs` of the command line's tests).
fn answers_as_the_table_says(host: Host) {
    let parity = Parity::read();
    let routes: Vec<(&str, &str)> = parity.routes().into_iter().map(|key| (key, "api")).collect();
    let files = Parity::code();
    let files: Vec<_> = files.iter().map(|(name, bytes, run)| (*name, bytes.as_slice(), *run)).collect();
    let described = description(host, HTTP, &[("api", "index.handler")], &routes);
    let app = PackagedApp::start(host, &packaged(described, zip(&files)), &[]);
    let gateway = match host {
        Host::Node | Host::NodeOnAppService => "azure-node",
        Host::Python => "azure-python",
        Host::CustomHandler => "azure-custom-handler",
    };
    parity.check(app.port, gateway);
}

#[test]
fn a_node_handler_answers_as_on_aws() {
    answers_as_the_table_says(Host::Node);
}

#[test]
fn a_node_handler_behind_app_service_answers_as_on_aws() {
    answers_as_the_table_says(Host::NodeOnAppService);
}

#[test]
fn a_python_handler_answers_as_on_aws() {
    answers_as_the_table_says(Host::Python);
}

#[test]
fn a_program_of_the_users_own_answers_as_on_aws() {
    answers_as_the_table_says(Host::CustomHandler);
}

const NODE_CODE: &str = r#"
exports.handler = async (event) => {
  if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
  if (event.fail) throw new TypeError("as asked");
  if ("exit" in event) process.exit(event.exit);
  if (event.signal) {
    process.kill(process.pid, event.signal);
    await new Promise(() => {});
  }
  console.log("said", event.word);
  return { word: event.word, greeting: process.env.GREETING, secret: process.env.NOT_THE_FUNCTIONS ?? null,
    name: process.env.AWS_LAMBDA_FUNCTION_NAME, region: process.env.AWS_REGION };
};
"#;
const PYTHON_CODE: &str = r#"
import os, time
def handler(event, context):
    time.sleep(event.get("sleep", 0) / 1000)
    if event.get("fail"):
        raise TypeError("as asked")
    if "exit" in event:
        os._exit(event["exit"])
    if "signal" in event:
        os.kill(os.getpid(), event["signal"])
    print("said", event["word"])
    time.sleep(event.get("linger", 0) / 1000)
    return {"word": event["word"], "greeting": os.environ.get("GREETING"),
        "secret": os.environ.get("NOT_THE_FUNCTIONS"), "name": context.function_name,
        "region": os.environ["AWS_REGION"]}
"#;

fn direct_calls(host: Host) {
    let code = zip(&[("index.js", NODE_CODE.as_bytes(), false), ("index.py", PYTHON_CODE.as_bytes(), false)]);
    let mut described = of_one(host);
    described.functions[0].timeout_s = 2;
    let app = PackagedApp::start(host, &packaged(described, code), &[("GREETING_SETTING", "hello")]);
    let call =
        |event: Value| send(app.port, "POST", "/_semantest/invoke/api", &[], event.to_string().as_bytes());
    let answer = call(json!({ "word": "a" }));
    let expected = json!({
        "word": "a", "greeting": "hello", "secret": null, "name": "shop-dev-api", "region": "westeurope",
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    let line = app.wait_for_log("said a");
    assert_eq!(line["function_name"], "shop-dev-api");
    assert_eq!(line["request_id"].as_str(), answer.header("x-semantest-request-id"));
    assert!(answer.header("x-semantest-function-error").is_none(), "{answer:?}");
    let failed = call(json!({ "fail": true }));
    assert_eq!(failed.header("x-semantest-function-error"), Some("TypeError"));
    assert_eq!(failed.json()["errorMessage"], "as asked");
    let late = call(json!({ "sleep": 20_000 }));
    assert_eq!(late.header("x-semantest-function-error"), Some("Sandbox.Timedout"));
    assert!(
        late.json()["errorMessage"].to_string().contains("Task timed out after 2.00 seconds"),
        "{late:?}"
    );
    for (event, words) in [
        (json!({ "exit": 0 }), "Runtime exited without providing a reason"),
        (json!({ "exit": 3 }), "Runtime exited with error: exit status 3"),
        (json!({ "signal": 9 }), "Runtime exited with error: signal: killed"),
    ] {
        let ended = call(event);
        assert_eq!(ended.header("x-semantest-function-error"), Some("Runtime.ExitError"));
        let id = ended.header("x-semantest-request-id").expect("an id");
        assert_eq!(ended.json()["errorMessage"], format!("RequestId: {id} Error: {words}"), "as on AWS");
    }
    // A process that has ended is followed by another.
    assert_eq!(call(json!({ "word": "b" })).json()["word"], "b");
    assert_eq!(send(app.port, "POST", "/_semantest/invoke/api", &[], b"{").status, 400);
}

#[test]
fn a_node_function_is_called_directly() {
    direct_calls(Host::Node);
}

#[test]
fn the_hosts_python_worker_is_told_whose_lines_are() {
    let app = PackagedApp::start(
        Host::Python,
        &packaged(of_one(Host::Python), zip(&[("index.py", PYTHON_CODE.as_bytes(), false)])),
        &[],
    );
    // What is read after the answer is nobody's: functions print a while before they answer, once for each try.
    let told = (0..20).any(|number| {
        let word = format!("word {number}");
        let event = json!({ "word": word, "linger": 100 }).to_string();
        send(app.port, "POST", "/_semantest/invoke/api", &[], event.as_bytes());
        app.wait_for_log(&word)["invocation"].is_string()
    });
    assert!(told, "{:#?}", app.logged());
}

#[test]
fn a_python_function_is_called_directly() {
    direct_calls(Host::Python);
}

#[test]
fn a_package_that_cannot_be_loaded_fails_its_calls_and_says_why_in_the_log() {
    for (host, said) in
        [(Host::Node, "Runtime.UserCodeSyntaxError"), (Host::Python, "Runtime.UserCodeSyntaxError")]
    {
        let code = zip(&[("index.js", b"exports.handler = (", false), ("index.py", b"def (", false)]);
        let app = PackagedApp::start(host, &packaged(of_one(host), code), &[]);
        let answer = send(app.port, "GET", "/x", &[], b"");
        assert_eq!((answer.status, answer.json()), (500, json!({ "message": "Internal Server Error" })));
        app.wait_for_log(said);
    }
    let code = zip(&[("bootstrap", b"#!/no/such/program", true)]);
    let host = Host::CustomHandler;
    let app = PackagedApp::start(host, &packaged(of_one(host), code), &[]);
    assert_eq!(send(app.port, "GET", "/x", &[], b"").status, 500);
    app.wait_for_log("cannot be started");
}

#[test]
fn stage_variables_are_told_to_a_function() {
    for host in [Host::Node, Host::Python] {
        let code = zip(&[
            ("index.js", b"exports.handler = async (event) => event.stageVariables;", false),
            ("index.py", b"def handler(event, context):\n    return event[\"stageVariables\"]\n", false),
        ]);
        let mut described = of_one(host);
        described.stage_variables.insert("table".into(), "orders".into());
        let app = PackagedApp::start(host, &packaged(described, code), &[]);
        assert_eq!(send(app.port, "GET", "/x", &[], b"").json(), json!({ "table": "orders" }), "{host:?}");
    }
}

const LAYERED_NODE: &[u8] = br#"
exports.handler = async () => ({
  first: require("first"), both: require("both"),
  data: require("fs").readFileSync(process.env.SEMANTEST_OPT + "/data.txt", "utf8"),
});
"#;
const LAYERED_PYTHON: &[u8] = br#"
import first, both, os
def handler(event, context):
    with open(os.environ["SEMANTEST_OPT"] + "/data.txt") as file:
        return {"first": first.TEXT, "both": both.TEXT, "data": file.read()}
"#;
/// Answers with what its layer holds.
const LAYERED_BOOTSTRAP: &[u8] = br#"#!/usr/bin/env python3
import http.client, json, os
def read(name):
    with open(os.path.join(os.environ["SEMANTEST_OPT"], name)) as file:
        return file.read()
while True:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    event.read()
    body = json.dumps({"first": read("first"), "both": read("both"), "data": read("data.txt")})
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body)
    api.getresponse().read()
"#;

#[test]
fn a_function_finds_its_layers_and_later_ones_before_earlier_ones() {
    let code = zip(&[("index.js", LAYERED_NODE, false), ("index.py", LAYERED_PYTHON, false)]);
    let first = zip(&[
        ("python/first.py", b"TEXT = 'first'", false),
        ("python/both.py", b"TEXT = 'first'", false),
        ("nodejs/node_modules/first/index.js", b"module.exports = 'first'", false),
        ("nodejs/node_modules/both/index.js", b"module.exports = 'first'", false),
        ("data.txt/folder", b"of a file's name", false),
        ("bootstrap", LAYERED_BOOTSTRAP, true),
        ("first", b"first", false),
        ("both", b"first", false),
    ]);
    let last = zip(&[
        ("python/lib/python3.12/site-packages/both.py", b"TEXT = 'last'", false),
        ("nodejs/node20/node_modules/both/index.js", b"module.exports = 'last'", false),
        ("data.txt", b"data", false),
        ("both", b"last", false),
    ]);
    for host in [Host::Node, Host::Python, Host::CustomHandler] {
        let package = packaged_with_layers(of_one(host), code.clone(), vec![first.clone(), last.clone()]);
        let app = PackagedApp::start(host, &package, &[]);
        let answer = send(app.port, "GET", "/x", &[], b"");
        assert_eq!(answer.json(), json!({ "first": "first", "both": "last", "data": "data" }), "{host:?}");
    }
}

#[test]
fn a_handler_in_node_may_lie_in_a_layer() {
    let layer = zip(&[("nodejs/wrap.js", b"exports.handler = async () => process.env._HANDLER", false)]);
    let mut described = of_one(Host::Node);
    described.functions[0].handler = "/opt/nodejs/wrap.handler".into();
    let package = packaged_with_layers(described, zip(&[("other.js", b"", false)]), vec![layer]);
    let app = PackagedApp::start(Host::Node, &package, &[]);
    let answer = send(app.port, "GET", "/x", &[], b"");
    assert!(String::from_utf8_lossy(&answer.body).contains("nodejs/wrap.handler"), "{answer:?}");
}

#[test]
fn a_package_without_layers_is_described_as_ever() {
    let described = serde_json::to_value(of_one(Host::Node)).expect("JSON");
    assert!(described["functions"][0].get("layers").is_none(), "{described}");
}

#[test]
fn many_requests_are_answered_at_once() {
    for host in [Host::Node, Host::Python] {
        let code = zip(&[
            (
                "index.js",
                b"exports.handler = async () => { await new Promise((d) => setTimeout(d, 50)); return 1; }",
                false,
            ),
            ("index.py", b"import time\ndef handler(e, c):\n    time.sleep(0.05)\n    return 1\n", false),
        ]);
        let app = PackagedApp::start(host, &packaged(of_one(host), code), &[]);
        let port = app.port;
        let calls: Vec<_> =
            (0..40).map(|_| std::thread::spawn(move || send(port, "GET", "/x", &[], b"").status)).collect();
        assert!(calls.into_iter().all(|call| call.join().expect("an answer") == 200), "{host:?}");
    }
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let code = zip(&[
        (
            "index.js",
            b"exports.handler = async ({ word }) => { console.log('began', word); return word; }",
            false,
        ),
        (
            "index.py",
            b"def handler(event, context):\n    print('began', event['word'])\n    return event['word']\n",
            false,
        ),
    ]);
    for (host, program, script) in [
        (Host::Node, PathBuf::from("node"), "given_up.mjs"),
        (Host::Python, tools().join("venv/bin/python"), "given_up.py"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let package = packaged(of_one(host), code.clone());
        ZipArchive::new(Cursor::new(package)).expect("a zip").extract(folder.path()).expect("its files");
        let script = crate_folder().join("tests/shim").join(script);
        let ran = Command::new(program).arg(script).arg(folder.path()).output().expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let told: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        let expected = json!({
            "answered": [null, "\"first\"", "\"second\"", "\"last\""],
            "lines": ["began first", "began last", "began second"],
        });
        assert_eq!(told, expected, "{host:?}");
    }
}

/// What the handler of the table shows of an event, without what differs from one place to another.
fn shown(answer: &Value) -> Value {
    let mut seen: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    seen["requestContext"]["accountId"] = Value::Null;
    seen["requestContext"]["http"]["sourceIp"] = Value::Null;
    let headers = seen["headers"].as_object_mut().expect("headers");
    headers.retain(|name, _| !["content-type", "user-agent", "x-forwarded-for"].contains(&name.as_str()));
    seen
}

#[test]
fn a_request_looks_to_a_function_as_in_the_documentation_of_aws() {
    let event = crate_folder().join("../../tests/vectors/parity/aws-event.json");
    let event = fs::read(event).expect("the event of AWS's documentation");
    let files = Parity::code();
    let files: Vec<_> = files.iter().map(|(name, bytes, run)| (*name, bytes.as_slice(), *run)).collect();
    for host in [Host::Node, Host::Python, Host::CustomHandler] {
        let app = PackagedApp::start(host, &packaged(of_one(host), zip(&files)), &[]);
        let documented = send(app.port, "POST", "/_semantest/invoke/api", &[], &event).json();
        let headers = [
            ("header1", "value1"),
            ("header2", "value1"),
            ("header2", "value2"),
            ("cookie", "cookie1; cookie2"),
            ("content-type", "text/plain"),
            ("user-agent", "agent"),
        ];
        let target = "/my/path?parameter1=value1&parameter1=value2&parameter2=value";
        let answer = send(app.port, "POST", target, &headers, b"Hello from Lambda");
        let ours = json!({ "body": String::from_utf8(answer.body).expect("text") });
        assert_eq!(shown(&ours), shown(&documented), "{host:?}");
    }
}
