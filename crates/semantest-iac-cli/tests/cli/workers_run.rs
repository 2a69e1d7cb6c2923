//! Workers: what they print, how they fail, and what they may take.

use crate::program::Project;
use serde_json::{Value, json};

/// A deployed function; `runtime` is what `init` takes.
fn deployed(runtime: &str, file: &str, code: &str) -> Project {
    let project = Project::init(runtime);
    project.write(&format!("rest-api/{file}"), code);
    project.json(&["deploy"]).ok();
    project
}

/// Request id and text of every line, oldest first.
fn lines(project: &Project) -> Vec<(String, String)> {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let lines = lines["lines"].as_array().expect("lines");
    lines.iter().map(|line| (text(line, "request_id"), text(line, "message"))).collect()
}

fn logged(project: &Project) -> String {
    lines(project).into_iter().map(|(_, text)| text + "\n").collect()
}

#[test]
fn an_unfinished_line_belongs_to_the_request_that_printed_it() {
    let python = "import sys\ndef handler(event, context):\n    print('part', event, end='')\n    \
                  print('loud', event, end='', file=sys.stderr)\n";
    let node = "export const handler = async (event) => { process.stdout.write(`part ${event}`); \
                process.stderr.write(`loud ${event}`); };";
    for (runtime, file, code) in [("python", "app.py", python), ("node", "index.mjs", node)] {
        let project = deployed(runtime, file, code);
        for number in ["1", "2"] {
            let id = project.json(&["invoke", "--data", number]).ok()["request_id"].clone();
            let mine: Vec<String> = lines(&project)
                .into_iter()
                .filter(|(request, _)| Some(request.as_str()) == id.as_str())
                .map(|(_, text)| text.split(' ').take(2).collect::<Vec<_>>().join(" "))
                .collect();
            let (part, loud) = (format!("part {number}"), format!("loud {number}"));
            let mut printed = mine[1..3].to_vec();
            printed.sort_by(|one, other| other.cmp(one));
            assert_eq!(printed, [part, loud], "{runtime}: {mine:?}");
            assert_eq!(
                (mine[0].as_str(), mine[3].as_str()),
                ("START RequestId:", "END RequestId:"),
                "{runtime}"
            );
        }
    }
}

#[test]
fn errors_that_a_bootstrap_of_the_packages_own_tells_are_logged() {
    let bootstrap = r#"#!/usr/bin/env python3
import http.client, json, os
def call(method, path, body=None):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2018-06-01/runtime/" + path, body)
    answer = api.getresponse()
    return answer.headers["Lambda-Runtime-Aws-Request-Id"], answer.read()
if os.environ["GREETING"] == "init":
    call("POST", "init/error", json.dumps({"errorType": "NoCrate", "errorMessage": "missing at start"}))
    raise SystemExit(1)
while True:
    request_id, _ = call("GET", "invocation/next")
    call("POST", f"invocation/{request_id}/error", json.dumps({"errorType": "Broken", "errorMessage": "on purpose"}))
"#;
    let project = Project::with_bootstrap(bootstrap);
    let failed = project.json(&["invoke"]);
    assert_eq!(failed.code, 1, "{}", failed.stdout);
    let id = failed.json()["request_id"].as_str().expect("an id").to_owned();
    let line = (id, "[ERROR] Broken: on purpose".to_owned());
    assert!(lines(&project).contains(&line), "{:?}", lines(&project));
    // Clients of AWS print their errors themselves: once is enough.
    let printing =
        bootstrap.replace("    call(\"POST\", f", "    print('printed', flush=True); call(\"POST\", f");
    project.write("rest-api/bootstrap", &printing);
    project.json(&["deploy"]).ok();
    let failed = project.json(&["invoke"]).json();
    let mine: Vec<_> =
        lines(&project).into_iter().filter(|(id, _)| failed["request_id"] == id.as_str()).collect();
    assert!(mine.iter().any(|(_, text)| text == "printed"), "{mine:?}");
    assert!(!mine.iter().any(|(_, text)| text.contains("[ERROR]")), "{mine:?}");
    project.write("rest-api/bootstrap", bootstrap);
    project.replace("semantest.toml", "\"hello\"", "\"init\"");
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["invoke"]).code, 1);
    assert!(logged(&project).contains("[ERROR] NoCrate: missing at start"), "{}", logged(&project));
}

#[test]
fn a_worker_survives_a_response_that_is_much_too_large() {
    let code = "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    \
                return 'x' * event if event else calls\n";
    let project = deployed("python", "app.py", code);
    let large = project.json(&["invoke", "--data", "60000000"]);
    assert_eq!(large.json()["error_type"], "Function.ResponseSizeTooLarge", "{}", large.stdout);
    assert_eq!(project.json(&["invoke", "--data", "0"]).ok()["payload"], 2, "the same worker");
    assert!(!logged(&project).contains("Traceback"), "{}", logged(&project));
}

#[test]
fn memory_of_children_counts_and_what_they_share_counts_once() {
    let code = r#"
import os, subprocess, sys, time

def handler(event, context):
    if event == "hog":
        subprocess.run([sys.executable, "-c", "import time; hog = bytearray(400 << 20); time.sleep(60)"])
    shared = bytearray(150 << 20)
    for _ in range(2):
        if os.fork() == 0:
            time.sleep(2.5)
            os._exit(0)
    os.wait(), os.wait()
    return len(shared) >> 20
"#;
    let project = Project::init("python");
    project.write("rest-api/app.py", code);
    let old = "runtime = \"python3.12\"";
    project.replace("semantest.toml", old, &format!("{old}\nmemory_mb = 256\ntimeout_s = 40"));
    project.json(&["deploy"]).ok();
    let hog = project.json(&["invoke", "--data", "\"hog\""]);
    assert_eq!(hog.json()["error_type"], "Runtime.ExitError", "{}", hog.stdout);
    assert!(logged(&project).contains("memory above 256 MB"), "{}", logged(&project));
    assert_eq!(project.json(&["invoke", "--data", "\"fork\""]).ok()["payload"], 150);
}

#[test]
fn errors_read_as_those_of_aws_own_clients() {
    let python = "def handler(event, context):\n    if event: raise KeyError(event)\n    return {1, 2}\n";
    let project = deployed("python", "app.py", python);
    let failed = project.json(&["invoke", "--data", "\"key\""]).json();
    assert_eq!(failed["payload"]["requestId"], failed["request_id"]);
    assert_eq!(
        (&failed["payload"]["errorType"], &failed["payload"]["errorMessage"]),
        (&json!("KeyError"), &json!("'key'"))
    );
    let failed = project.json(&["invoke", "--data", "null"]).json();
    assert_eq!(failed["payload"]["errorType"], "Runtime.MarshalError");
    let text = failed["payload"]["errorMessage"].as_str().expect("a message");
    assert!(
        text.starts_with("Unable to marshal response: ") && text.contains("not JSON serializable"),
        "{text}"
    );
    project.write("rest-api/sys.py", "def exit(event, context):\n    return None\n");
    project.replace("semantest.toml", "app.handler", "sys.exit");
    project.json(&["deploy"]).ok();
    let failed = project.json(&["invoke"]).json();
    assert_eq!(failed["payload"]["errorMessage"], "Cannot use built-in module sys as a handler module");

    let node =
        "export const handler = async (event) => { if (event) throw new RangeError(event); return 1n; };";
    let project = deployed("node", "index.mjs", node);
    let failed = project.json(&["invoke", "--data", "\"far\""]).json();
    assert_eq!(
        (&failed["payload"]["errorType"], &failed["payload"]["errorMessage"]),
        (&json!("RangeError"), &json!("far"))
    );
    assert_eq!(failed["payload"]["trace"][0], "RangeError: far");
    let failed = project.json(&["invoke", "--data", "null"]).json();
    assert_eq!(failed["payload"]["errorMessage"], "Unable to stringify response body");
}
