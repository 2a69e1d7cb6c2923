//! URLs of functions on this machine: what functions are told, and responses that come as they are written.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{self, Project, raw};
use serde_json::{Value, json};

/// How long anything that is waited for may take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Handlers that write as their path says. Files of the project are how a test and a handler wait for each other.
const STREAMS: &str = r#"
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";
const there = typeof awslambda.streamifyResponse;
const until = async (file) => { while (!existsSync(file)) await later(5); };
const drained = (stream) => new Promise((done) => stream.once("drain", () => done("drained")));
const acts = {
  async "/parts"(stream, { go }) {
    stream.setContentType("text/event-stream");
    stream.write("first\n");
    await until(go);
    stream.end(`second, and awslambda was a ${there}\n`);
  },
  async "/metadata"(stream) {
    const headers = { "Content-Type": "text/plain", "X-Total": 7, "Content-Length": "3" };
    const to = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers, cookies: ["a=1", "b=2; Secure"] });
    to.write("the body");
    to.end();
  },
  async "/unwritten"(stream) { awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end(); },
  async "/nothing"(stream) { stream.end(); },
  async "/breaks"(stream) { stream.write("begun\n"); throw new TypeError("broken on purpose"); },
  async "/fails"() { throw new Error("never begun"); },
  async "/exits"(stream) { await new Promise((done) => stream.write("begun\n", done)); process.exit(3); },
  async "/forever"(stream) { stream.write("begun\n"); await new Promise(() => {}); },
  async "/gone"(stream, { go, done }) {
    stream.write("begun\n");
    await until(go);
    for (let count = 0; count < 100; count += 1) if (!stream.write("x".repeat(65536))) await drained(stream);
    stream.end();
    await new Promise((ended) => stream.once("close", ended));
    writeFileSync(done, "");
  },
  async "/large"(stream, { blocked, done }) {
    for (let count = 0; count < 1024; count += 1) {
      if (stream.write("x".repeat(65536))) continue;
      const waits = drained(stream);
      if (await Promise.race([waits, later(1000, "blocked")]) === "blocked") writeFileSync(blocked, "");
      await waits;
    }
    stream.end();
    writeFileSync(done, "");
  },
  async "/too-large"(stream) {
    for (let count = 0; count < 201 * 16; count += 1) if (!stream.write("x".repeat(65536))) await drained(stream);
    stream.end();
  },
};
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  await acts[event.rawPath ?? event.act](stream, event.queryStringParameters ?? event);
});
export const json = awslambda.streamifyResponse(async (event, stream) => {
  stream.end(JSON.stringify({ statusCode: 201, body: "collected" }));
});
export const echo = async (event, context) => {
  if (event.rawPath === "/fails") throw new Error("on purpose");
  if (event.rawPath === "/html") return { statusCode: 200, body: "<p>", cookies: ["a=1"] };
  return { ...event, awsRequestId: context.awsRequestId };
};
"#;

const TYPED: &str = r#"
import type { Writable } from "node:stream";
declare const awslambda: { streamifyResponse<T>(handler: T): T };
export const handler = awslambda.streamifyResponse(async (event: { rawPath: string }, stream: Writable): Promise<void> => {
  stream.write(`typed ${event.rawPath satisfies string}`);
  stream.end();
});
"#;

/// A program of the user's own that speaks the Runtime API by hand.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import base64, http.client, json, os
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
while True:
    api = http.client.HTTPConnection(host)
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request_id, told = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())
    api.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
    api.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    api.putheader("Transfer-Encoding", "chunked")
    api.putheader("Content-Type", "text/plain")
    api.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    api.endheaders()
    api.send(b"5\r\nbegun\r\n")
    if told["rawPath"] == "/breaks-off":
        api.close()
        continue
    trailers = b""
    if told["rawPath"] == "/fails":
        body = base64.b64encode(json.dumps({"errorType": "Teapot", "errorMessage": "short and stout"}).encode())
        trailers = b"Lambda-Runtime-Function-Error-Type: Teapot\r\nLambda-Runtime-Function-Error-Body: " + body + b"\r\n"
    api.send(b"0\r\n" + trailers + b"\r\n")
    api.getresponse().read()
"#;

const PROJECT: &str = r#"
project = "shop"
[environments.dev]
provider = "local"
[environments.cloud]
provider = "azure"
region = "westeurope"
[components.chat]
kind = "rest-api"
code = "code"
runtime = "nodejs22.x"
timeout_s = 60
[components.chat.functions.stream]
handler = "index.handler"
url = { invoke_mode = "response-stream" }
[components.chat.functions.limited]
handler = "index.handler"
timeout_s = 1
url = { invoke_mode = "response-stream" }
[components.chat.functions.echo]
handler = "index.echo"
url = { cors = { allow_origins = ["https://app.example"], allow_methods = ["GET"], max_age_s = 60 } }
[components.chat.functions.signed]
handler = "index.echo"
url = { authorization = "iam" }
[components.chat.functions.typed]
handler = "typed.handler"
url = { invoke_mode = "response-stream", cors = { allow_origins = ["*"] } }
[components.chat.functions.whole]
runtime = "python3.12"
handler = "app.handler"
url = { invoke_mode = "response-stream" }
[components.chat.functions.own]
runtime = "provided.al2023"
code = "own"
url = { invoke_mode = "response-stream" }
[components.chat.functions.routed]
handler = "index.handler"
routes = ["GET /metadata", "GET /breaks"]
[components.chat.functions.json]
handler = "index.json"
routes = ["GET /json"]
"#;

/// The deployed project, and where its functions are called.
struct Chat {
    project: Project,
    endpoint: String,
    functions: Value,
}

fn chat() -> Chat {
    let mut project = Project::empty();
    for folder in ["code", "own"] {
        std::fs::create_dir(project.file(folder)).expect("a folder");
    }
    project.write("code/index.mjs", STREAMS);
    project.write("code/typed.ts", TYPED);
    project.write(
        "code/app.py",
        "def handler(event, context):\n    return {'statusCode': 418, 'body': event['rawPath']}\n",
    );
    project.write("own/bootstrap", BOOTSTRAP);
    assert!(
        Command::new("chmod").arg("+x").arg(project.file("own/bootstrap")).status().expect("chmod").success()
    );
    project.write("semantest.toml", PROJECT);
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    let node = tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`");
    let path = std::env::var("PATH").expect("a PATH");
    let node = node.join("node22/node_modules/.bin");
    project.environment = vec![("PATH", format!("{}:{path}", node.display()))];
    let deployed = project.json(&["deploy"]).ok();
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint").to_owned();
    Chat { endpoint, functions: deployed["functions"].clone(), project }
}

impl Chat {
    /// `host:port` of a function's URL.
    fn address(&self, role: &str) -> String {
        let name = format!("shop-dev-chat-{role}");
        let functions = self.functions.as_array().expect("functions").iter();
        let mut found = functions.filter(|one| one["function_name"] == name.as_str());
        let endpoint = found.next().and_then(|one| one["endpoint"].as_str()).expect("an endpoint");
        endpoint.strip_prefix("http://").expect("an address").to_owned()
    }

    fn get(&self, role: &str, target: &str) -> Answer {
        self.send(role, &format!("GET {target}"), "")
    }

    fn send(&self, role: &str, request: &str, rest: &str) -> Answer {
        let address = self.address(role);
        let rest = if rest.contains("\r\n\r\n") { rest.to_owned() } else { format!("{rest}\r\n") };
        Answer::of(&raw(
            &address,
            format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{rest}"),
        ))
    }

    /// Begins a GET whose answer is read by whoever gets it.
    fn begin(&self, role: &str, target: &str) -> TcpStream {
        let address = self.address(role);
        let mut stream = TcpStream::connect(&address).expect("the URL answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
        stream
    }

    fn file(&self, name: &str) -> String {
        self.project.file(name).display().to_string()
    }

    fn log(&self, role: &str) -> String {
        let lines =
            self.project.json(&["logs", "--component", "chat", "--function", role, "--limit", "1000"]).ok();
        let lines = lines["lines"].as_array().expect("lines");
        lines.iter().filter_map(|line| line["message"].as_str()).collect::<Vec<_>>().join("\n")
    }

    fn logged(&self, role: &str, words: &str) {
        let begun = Instant::now();
        while !self.log(role).contains(words) {
            assert!(begun.elapsed() < PATIENCE, "{words}: {}", self.log(role));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    /// In small letters.
    head: String,
    body: String,
    /// Whether a chunked body came to its end.
    whole: bool,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let head = head.to_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        if !head.contains("transfer-encoding: chunked") {
            return Self { status, head, body: rest.to_owned(), whole: true };
        }
        let (mut body, mut rest) = (String::new(), rest);
        while let Some((size, more)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).expect("a size");
            if size == 0 {
                return Self { status, head, body, whole: true };
            }
            body.push_str(more.get(..size).unwrap_or(more));
            rest = more.get(size + 2..).unwrap_or_default();
        }
        Self { status, head, body, whole: false }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

fn exists(path: &str) {
    let begun = Instant::now();
    while !Path::new(path).exists() {
        assert!(begun.elapsed() < PATIENCE, "{path} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads until `words` have come.
fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let (mut seen, mut part) = (String::new(), [0; 4096]);
    while !seen.contains(words) {
        let read = stream.read(&mut part).expect("a part");
        assert!(read > 0, "it ended before {words:?}: {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    seen
}

#[test]
fn urls_answer_as_on_aws_and_responses_come_as_they_are_written() {
    let chat = chat();
    a_response_comes_as_it_is_written(&chat);
    a_url_is_where_its_function_is_called_and_stays_where_it_is(&chat);
}

fn a_url_is_where_its_function_is_called_and_stays_where_it_is(chat: &Chat) {
    // What is told of where functions are.
    assert!(!chat.endpoint.contains(&chat.address("echo")), "the API has its own port");
    let outputs = chat.project.run(&["outputs"]).stdout;
    assert!(
        outputs.contains(&format!("shop-dev-chat-echo.endpoint=http://{}", chat.address("echo"))),
        "{outputs}"
    );
    let events = chat.project.json(&["history", "--component", "chat"]).ok().to_string();
    assert!(events.contains(&format!("http://{}", chat.address("stream"))), "FunctionDeployed tells");
    assert_eq!(chat.project.json(&["deploy"]).ok()["status"], "unchanged");
    assert_eq!(chat.project.json(&["refresh"]).ok()["drift"], json!([]));

    told_as_payload_2_0(chat);
    answers_whole(chat);
    signed_only(chat);
    across_origins(chat);
    behind_an_api_or_whole(chat);

    // A change keeps the port, a new host as well.
    let before = chat.address("echo");
    chat.project.replace("semantest.toml", "max_age_s = 60", "max_age_s = 61");
    let changed = chat.project.json(&["deploy"]).ok();
    assert_eq!(changed["changes"]["updated"], 1, "{changed}");
    chat.project.json(&["local", "stop"]).ok();
    assert_eq!(chat.project.json(&["deploy"]).ok()["functions"], chat.functions);
    assert_eq!(chat.get("echo", "/again").json()["rawPath"], "/again", "{before}");
    // Without it the function is called by the API.
    chat.project.replace(
        "semantest.toml",
        "handler = \"index.echo\"\nurl = { authorization = \"iam\" }",
        "handler = \"index.echo\"\nroutes = [\"GET /signed\"]",
    );
    let signed = chat.address("signed");
    let changed = chat.project.json(&["deploy"]).ok();
    assert_eq!(changed["changes"]["deleted"], 1, "{changed}");
    assert!(TcpStream::connect(&signed).is_err(), "nobody listens any more");
    assert_eq!(program::get(&chat.endpoint, "/signed").0, 200);
    refused_on_azure(&chat.project);
}

fn told_as_payload_2_0(chat: &Chat) {
    let address = chat.address("echo");
    let rest = "Cookie: a=1; b=2\r\nX-One: 1\r\nX-One: 2\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let answer = chat.send("echo", "POST /a%20b/%2F?x=1&x=%202", rest);
    let event = answer.json();
    let context = &event["requestContext"];
    for (key, wanted) in [
        ("version", json!("2.0")),
        ("routeKey", json!("$default")),
        ("rawPath", json!("/a%20b/%2F")),
        ("rawQueryString", json!("x=1&x=%202")),
        ("cookies", json!(["a=1", "b=2"])),
        ("queryStringParameters", json!({ "x": "1, 2" })),
        ("body", json!("{}")),
        ("isBase64Encoded", json!(false)),
    ] {
        assert_eq!(event[key], wanted, "{key}");
    }
    assert_eq!(event["headers"]["x-one"], "1,2");
    assert_eq!((&context["stage"], &context["routeKey"]), (&json!("$default"), &json!("$default")));
    assert_eq!((&context["accountId"], &context["domainName"]), (&json!("anonymous"), &json!(address)));
    assert_eq!(context["http"]["path"], "/a%20b/%2F");
    assert_eq!(context["requestId"], event["awsRequestId"], "here they are one");
    assert!(
        answer.head.contains(&format!("x-amzn-requestid: {}", context["requestId"].as_str().expect("an id")))
    );
    for absent in ["stageVariables", "pathParameters", "authorizer"] {
        assert!(event.get(absent).is_none() && context.get(absent).is_none(), "{absent}");
    }
    let binary = chat.send("echo", "POST /", "Content-Length: 2\r\n\r\n{}").json();
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("e30="), &json!(true)));
    let large =
        format!("Content-Type: text/plain\r\nContent-Length: 6291457\r\n\r\n{}", "x".repeat(6_291_457));
    let large = chat.send("echo", "POST /", &large);
    assert_eq!(large.status, 413, "{large:?}");
    assert_eq!(
        raw(&address, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")[9..12],
        *"403"
    );
}

fn answers_whole(chat: &Chat) {
    let html = chat.get("echo", "/html");
    assert_eq!((html.status, html.body.as_str()), (200, "<p>"));
    assert!(html.head.contains("content-type: application/json") && html.head.contains("set-cookie: a=1"));
    let failed = chat.get("echo", "/fails");
    assert_eq!((failed.status, failed.body.as_str()), (502, "Internal Server Error"));
    chat.logged("echo", "on purpose");
    // Clients of a cloud speak TLS, and so may those of this port.
    let url = format!("https://{}/tls", chat.address("echo"));
    let curl = Command::new("curl").args(["--silent", "--insecure", &url]).output().expect("curl");
    let event: Value = serde_json::from_slice(&curl.stdout).expect("an event");
    assert_eq!(event["headers"]["x-forwarded-proto"], "https");
}

fn signed_only(chat: &Chat) {
    let refused = chat.get("signed", "/");
    assert_eq!((refused.status, refused.body.as_str()), (403, r#"{"Message":"Forbidden"}"#));
    let signature = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261201/us-east-1/lambda/aws4_request, \
                     SignedHeaders=host, Signature=00\r\n";
    let event = chat.send("signed", "GET /", signature).json();
    assert_eq!(event["requestContext"]["authorizer"]["iam"]["accessKey"], "AKIDEXAMPLE");
    let query =
        "/?X-Amz-Credential=AKIDQUERY%2F20261201%2Fus-east-1%2Flambda%2Faws4_request&X-Amz-Signature=00";
    let event = chat.get("signed", query).json();
    assert_eq!(event["requestContext"]["authorizer"]["iam"]["accessKey"], "AKIDQUERY");
}

fn across_origins(chat: &Chat) {
    let asks = "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n";
    let preflight = chat.send("echo", "OPTIONS /", asks);
    assert_eq!(preflight.status, 200);
    assert!(preflight.head.contains("access-control-allow-origin: https://app.example"), "{preflight:?}");
    assert!(preflight.head.contains("access-control-max-age: 60"), "{preflight:?}");
    let other = chat.send("echo", "GET /", "Origin: https://other.example\r\n");
    assert!(!other.head.contains("access-control-"), "{other:?}");
    let streamed = chat.send("typed", "GET /a", "Origin: https://app.example\r\n");
    assert!(streamed.head.contains("access-control-allow-origin: *"), "{streamed:?}");
    assert_eq!((streamed.body.as_str(), streamed.whole), ("typed /a", true));
}

fn behind_an_api_or_whole(chat: &Chat) {
    // An API takes a response whole: JSON is read, metadata are none.
    assert_eq!(program::get(&chat.endpoint, "/json"), (201, "collected".to_owned()));
    assert_eq!(program::get(&chat.endpoint, "/metadata").0, 500);
    assert_eq!(program::get(&chat.endpoint, "/breaks").0, 500);
    let invoke = ["invoke", "--component", "chat", "--function", "json"];
    assert_eq!(chat.project.json(&invoke).ok()["payload"], json!({ "statusCode": 201, "body": "collected" }));
    let broken = ["invoke", "--component", "chat", "--function", "stream", "--data", r#"{"act":"/breaks"}"#];
    let broken = chat.project.json(&broken);
    assert_eq!((broken.code, &broken.json()["error_type"]), (1, &json!("TypeError")));
    // What is returned whole is sent as it is.
    let whole = chat.get("whole", "/python");
    assert_eq!(whole.status, 200);
    assert_eq!(whole.json(), json!({ "statusCode": 418, "body": "/python" }));
}

fn refused_on_azure(project: &Project) {
    for verb in ["plan", "deploy"] {
        let refused = project.json(&[verb, "--environment", "cloud"]);
        let error = refused.json()["error"]["message"].as_str().expect("an error").to_owned();
        assert!(
            error.contains("url = false for this environment") && error.contains("semantest.toml, line"),
            "{error}"
        );
    }
    assert_eq!(project.json(&["status", "--environment", "cloud"]).ok()["deployments"], json!([]));
}

fn a_response_comes_as_it_is_written(chat: &Chat) {
    // The first part is here before the last is written.
    let go = chat.file("go");
    let mut stream = chat.begin("stream", &format!("/parts?go={go}"));
    let begun = read_until(&mut stream, "first\n");
    assert!(begun.to_lowercase().contains("content-type: text/event-stream"), "{begun}");
    assert!(!begun.contains("second"), "{begun}");
    std::fs::write(&go, "").expect("a file");
    read_until(&mut stream, "awslambda was a function\n\r\n0\r\n\r\n");

    let answer = chat.get("stream", "/metadata");
    assert_eq!((answer.status, answer.body.as_str(), answer.whole), (201, "the body", true));
    assert!(
        answer.head.contains("content-type: text/plain") && answer.head.contains("x-total: 7"),
        "{answer:?}"
    );
    assert!(answer.head.contains("set-cookie: a=1\r\nset-cookie: b=2; secure"), "{answer:?}");
    assert!(!answer.head.contains("content-length"), "{answer:?}");
    let nothing = chat.get("stream", "/nothing");
    assert_eq!((nothing.status, nothing.body.as_str(), nothing.whole), (200, "", true));
    assert!(nothing.head.contains("content-type: application/octet-stream"), "{nothing:?}");
    // As on AWS metadata need a write before the end.
    assert_eq!(chat.get("stream", "/unwritten").status, 502);
    chat.logged("stream", "needs a write before the end");

    fails_in_the_middle(chat);
    is_no_faster_than_its_reader(chat);
    goes_on_without_its_client(chat);
    is_printed_as_it_comes(chat);
}

fn fails_in_the_middle(chat: &Chat) {
    for (role, target, log) in [
        ("stream", "/breaks", "broken on purpose"),
        ("stream", "/exits", "exit status 3"),
        ("limited", "/forever", "Task timed out after 1.00 seconds"),
        ("own", "/fails", "[ERROR] Teapot: short and stout"),
        ("own", "/breaks-off", "the response broke off"),
    ] {
        let answer = chat.get(role, target);
        assert_eq!(
            (answer.status, answer.body.trim(), answer.whole),
            (200, "begun", false),
            "{target}: {answer:?}"
        );
        if target == "/breaks-off" {
            assert_eq!(chat.get(role, "/").body, "begun", "its process goes on");
        } else {
            chat.logged(role, log);
        }
    }
    let failed = chat.get("stream", "/fails");
    assert_eq!((failed.status, failed.body.as_str()), (502, "Internal Server Error"));
    let own = chat.get("own", "/");
    assert_eq!((own.status, own.body.as_str(), own.whole), (200, "begun", true));
    let large = chat.get("stream", "/too-large");
    assert!(
        !large.whole && large.body.len() > 199 << 20 && large.body.len() <= 200 << 20,
        "{}",
        large.body.len()
    );
    chat.logged("stream", "exceeded maximum allowed payload size (209715200 bytes)");
}

fn is_no_faster_than_its_reader(chat: &Chat) {
    let (blocked, done) = (chat.file("blocked"), chat.file("done"));
    let mut slow = chat.begin("stream", &format!("/large?blocked={blocked}&done={done}"));
    exists(&blocked);
    assert!(!Path::new(&done).exists(), "64 MB wait for somebody to read them");
    assert_eq!(chat.get("stream", "/metadata").status, 201, "others are served meanwhile");
    let (mut seen, mut part) = (0, vec![0; 1 << 20]);
    while seen < 64 << 20 {
        seen += slow.read(&mut part).expect("a part");
    }
    exists(&done);
}

fn goes_on_without_its_client(chat: &Chat) {
    let (go, done) = (chat.file("gone-go"), chat.file("gone-done"));
    let mut leaving = chat.begin("stream", &format!("/gone?go={go}&done={done}"));
    read_until(&mut leaving, "begun");
    drop(leaving);
    std::fs::write(&go, "").expect("a file");
    exists(&done);
}

fn is_printed_as_it_comes(chat: &Chat) {
    let go = chat.file("invoke-go");
    let event = json!({ "act": "/parts", "go": go }).to_string();
    let arguments = ["invoke", "--component", "chat", "--function", "stream", "--stream", "--data", &event];
    let mut command = chat.project.command(&arguments);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut out = child.stdout.take().expect("output");
    let mut first = [0; 6];
    out.read_exact(&mut first).expect("the first part");
    assert_eq!(&first, b"first\n");
    std::fs::write(&go, "").expect("a file");
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("the rest");
    assert_eq!(rest, "second, and awslambda was a function\n", "byte for byte");
    let ended = child.wait_with_output().expect("its end");
    assert!(ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("REPORT RequestId"));

    let of = |function: &str, event: &str, more: &[&str]| {
        let begin = ["invoke", "--component", "chat", "--function", function, "--stream", "--data", event];
        chat.project.run(&[&begin, more].concat())
    };
    let broken = of("stream", r#"{"act":"/breaks"}"#, &[]);
    assert_eq!((broken.code, broken.stdout.as_str()), (1, "begun\n"));
    assert!(broken.stderr.contains("the function failed: TypeError"), "{}", broken.stderr);
    let whole = of("whole", r#"{"rawPath":"/x"}"#, &[]);
    assert_eq!((whole.code, whole.stdout.as_str()), (0, r#"{"statusCode": 418, "body": "/x"}"#));
    let refused = of("stream", "{}", &["--output", "json"]);
    assert!(refused.code != 0 && refused.stdout.contains("leave --output json out"), "{}", refused.stdout);
}
