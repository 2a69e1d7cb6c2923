//! How functions run on this machine: what they get, what comes of what they answer, and how they end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::program::{Project, get};
use serde_json::{Value, json};

const PYTHON: &str = r#"
import json, os, subprocess, sys, time
calls = 0

def handler(event, context):
    global calls
    calls += 1
    path = event["requestContext"]["http"]["path"]
    if path == "/event": return event
    if path == "/calls": return {"calls": calls}
    if path == "/throw": raise ValueError("thrown on purpose")
    if path == "/exit": os._exit(3)
    if path == "/sleep":
        subprocess.Popen(["sleep", "300"], env={**os.environ, "MARK": "semantest-orphan"})
        time.sleep(60)
    if path == "/memory":
        hog = bytearray(400 * 1024 * 1024)
        time.sleep(5)
    if path == "/env": return dict(os.environ)
    if path == "/context":
        return {"name": context.function_name, "memory": context.memory_limit_in_mb, "id": context.aws_request_id,
                "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis() > 0}
    if path == "/binary":
        return {"statusCode": 201, "isBase64Encoded": True, "body": "AAEC/w==",
                "headers": {"content-type": "application/octet-stream"}, "cookies": ["a=1", "b=2"]}
    if path == "/text": return "only text"
    if path == "/status": return {"statusCode": "418", "body": "teapot"}
    if path == "/odd": return {"statusCode": "odd"}
    if path == "/large": return "x" * (7 * 1024 * 1024)
    return {"statusCode": 404}
"#;

fn deployed(timeout: u32) -> (Project, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    let settings = format!("runtime = \"python3.11\"\nmemory_mb = 256\ntimeout_s = {timeout}");
    project.replace("semantest.toml", "runtime = \"python3.12\"", &settings);
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

/// Sends a request as it is written, and returns everything that comes back.
fn raw(endpoint: &str, request: &str) -> String {
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the endpoint answers");
    stream.write_all(request.as_bytes()).expect("request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("response");
    String::from_utf8_lossy(&answer).into_owned()
}

fn body(response: &str) -> Value {
    let body = response.split_once("\r\n\r\n").expect("a body").1;
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"))
}

fn logged(project: &Project) -> String {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines");
    lines.iter().filter_map(|line| line["message"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_event_has_payload_format_2_0_exactly() {
    let (_project, endpoint) = deployed(10);
    let address = endpoint.trim_start_matches("http://");
    let request = format!(
        "POST /event?a=1&a=2&b=x%20y&plus=1+1 HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-One: 1\r\n\
         x-one: 2\r\nCookie: c=1; d=2\r\nUser-Agent: test\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"a\":\r\n2\r\n1}}\r\n0\r\n\r\n"
    );
    let event = body(&raw(&endpoint, &request));
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /{proxy+}");
    assert_eq!(
        (&event["rawPath"], &event["rawQueryString"]),
        (&json!("/event"), &json!("a=1&a=2&b=x%20y&plus=1+1"))
    );
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["queryStringParameters"], json!({ "a": "1,2", "b": "x y", "plus": "1 1" }));
    assert_eq!(event["pathParameters"], json!({ "proxy": "event" }));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{\"a\":1}"), &json!(false)));
    assert_eq!(event["headers"]["x-one"], "1,2");
    assert!(event["headers"]["cookie"].is_null() && event["headers"]["x-amzn-trace-id"].is_string());
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!((&context["stage"], &context["domainName"]), (&json!("$default"), &json!(address)));
    let keys: Vec<&str> = event.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected = [
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "cookies",
        "headers",
        "queryStringParameters",
        "requestContext",
        "body",
        "pathParameters",
        "isBase64Encoded",
    ];
    let mut keys = keys;
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected, "no more and no less");

    let bare = body(&raw(
        &endpoint,
        &format!("GET /event HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
    ));
    for absent in ["cookies", "queryStringParameters", "body", "stageVariables"] {
        assert!(bare.get(absent).is_none(), "{absent} is left out when there is none");
    }
    let form = format!(
        "POST /event HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1"
    );
    let event = body(&raw(&endpoint, &form));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("YT0x"), &json!(true)));
}

#[test]
fn answers_become_responses() {
    let (_project, endpoint) = deployed(10);
    let address = endpoint.trim_start_matches("http://").to_owned();
    let fetch = |path: &str| {
        raw(&endpoint, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
    };
    let binary = fetch("/binary");
    assert!(
        binary.starts_with("HTTP/1.1 201") && binary.contains("set-cookie: a=1\r\nset-cookie: b=2"),
        "{binary}"
    );
    assert!(binary.contains("content-length: 4"), "{binary}");
    assert!(
        fetch("/text").contains("content-type: application/json") && fetch("/text").ends_with("only text")
    );
    assert!(fetch("/status").starts_with("HTTP/1.1 418"));
    for path in ["/odd", "/throw", "/exit", "/large"] {
        let response = fetch(path);
        assert!(response.starts_with("HTTP/1.1 500"), "{path}: {response}");
        assert!(response.ends_with(r#"{"message":"Internal Server Error"}"#), "{path}: {response}");
    }
    assert!(fetch("/calls").contains("\"calls\":") && get(&endpoint, "/calls").0 == 200, "and it goes on");
    let foreign = raw(&endpoint, "GET /calls HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    let large = format!(
        "POST /event HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
        11 * 1024 * 1024,
        "x".repeat(11 * 1024 * 1024)
    );
    let mut stream = TcpStream::connect(&address).expect("the endpoint answers");
    // The refusal may come before everything is sent.
    let _ = stream.write_all(large.as_bytes());
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 413");
    }
}

#[test]
fn a_function_knows_itself_and_nothing_of_its_host() {
    let (project, endpoint) = deployed(10);
    let context: Value = serde_json::from_str(&get(&endpoint, "/context").1).expect("JSON");
    assert_eq!((&context["name"], &context["memory"]), (&json!("shop-dev-rest-api"), &json!("256")));
    assert!(context["arn"].as_str().is_some_and(|arn| arn.ends_with(":function:shop-dev-rest-api")));
    let variables: Value = serde_json::from_str(&get(&endpoint, "/env").1).expect("JSON");
    assert!(variables["CARGO_MANIFEST_DIR"].is_null(), "the host's variables stay with the host");
    assert_eq!((&variables["GREETING"], &variables["AWS_REGION"]), (&json!("hello"), &json!("us-east-1")));
    let first: Value = serde_json::from_str(&get(&endpoint, "/calls").1).expect("JSON");
    let second: Value = serde_json::from_str(&get(&endpoint, "/calls").1).expect("JSON");
    assert_eq!(second["calls"].as_u64(), first["calls"].as_u64().map(|calls| calls + 1), "state survives");
    get(&endpoint, "/throw");
    let log = logged(&project);
    assert!(log.contains("ValueError: thrown on purpose") && log.contains("app.py"), "{log}");
}

#[test]
fn a_function_that_takes_too_long_or_too_much_is_killed_with_its_children() {
    let (project, endpoint) = deployed(1);
    assert_eq!(get(&endpoint, "/sleep").0, 500);
    assert!(logged(&project).contains("Task timed out after 1.00 seconds"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while orphans() > 0 {
        assert!(Instant::now() < deadline, "its child lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(get(&endpoint, "/calls").0, 200, "the next call gets a new worker");
    let (project, endpoint) = deployed(20);
    assert_eq!(get(&endpoint, "/memory").0, 500);
    assert!(logged(&project).contains("memory above 256 MB"), "{}", logged(&project));
}

/// Processes that carry the mark in their environment.
fn orphans() -> usize {
    let processes = std::fs::read_dir("/proc").expect("proc").flatten();
    let environments = processes.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
    environments.filter(|bytes| String::from_utf8_lossy(bytes).contains("MARK=semantest-orphan")).count()
}

#[test]
fn a_module_that_cannot_be_loaded_is_answered_at_once_with_file_and_line_in_the_log() {
    let project = Project::init("python");
    project.write("rest-api/app.py", "import nothing_of_that_name\n");
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(get(&endpoint, "/x").0, 500);
    let log = logged(&project);
    assert!(log.contains("nothing_of_that_name") && log.contains("app.py\", line 1"), "{log}");
    let invoked = project.json(&["invoke"]);
    assert_eq!((invoked.code, &invoked.json()["error_type"]), (1, &json!("Runtime.ImportModuleError")));
}

#[test]
fn node_handlers_of_every_style_run() {
    let cases = [
        (
            "index.mjs",
            "const ready = await Promise.resolve('esm'); export const handler = async () => ({ ready });",
            "esm",
        ),
        ("index.js", "exports.handler = async () => ({ ready: 'cjs' });", "cjs"),
        (
            "index.cjs",
            "module.exports.handler = (event, context, callback) => callback(null, { ready: 'callback' });",
            "callback",
        ),
        ("index.js", "exports.handler = () => Promise.resolve({ ready: 'promise' });", "promise"),
    ];
    for (file, code, wanted) in cases {
        let project = Project::init("node");
        std::fs::remove_file(project.file("rest-api/index.mjs")).expect("removed");
        project.write(&format!("rest-api/{file}"), code);
        project.json(&["deploy"]).ok();
        assert_eq!(project.json(&["invoke"]).ok()["payload"], json!({ "ready": wanted }), "{file}");
    }
    let project = Project::init("node");
    project.write("rest-api/index.mjs", "export const handler = async () => { Promise.reject(new Error('late')); await new Promise(() => {}); };");
    project.json(&["deploy"]).ok();
    let failed = project.json(&["invoke"]);
    assert_eq!(failed.json()["error_type"], "Runtime.UnhandledPromiseRejection", "{}", failed.stdout);
}

#[test]
fn any_program_is_a_runtime() {
    let project = Project::answering("b'{\"got\": ' + text + b'}'");
    assert_eq!(project.json(&["invoke", "--data", "[1]"]).ok()["payload"], json!({ "got": [1] }));
}

#[test]
fn new_code_takes_over_without_failing_a_request() {
    let (project, endpoint) = deployed(10);
    assert_eq!(get(&endpoint, "/calls").0, 200);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (stop, endpoint) = (stop.clone(), endpoint.clone());
            std::thread::spawn(move || {
                let mut answered = 0;
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    let (status, body) = get(&endpoint, "/calls");
                    assert_eq!(status, 200, "{body}");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for version in 0..3 {
        project.write("rest-api/app.py", &PYTHON.replace("\"calls\": calls", &format!("\"v\": {version}")));
        assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
        assert!(get(&endpoint, "/calls").1.contains(&format!("\"v\": {version}")), "new code at once");
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let answered: usize = callers.into_iter().map(|caller| caller.join().expect("no failed request")).sum();
    assert!(answered > 10);
}
