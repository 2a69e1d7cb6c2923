//! Clients that others wrote, unchanged: curl, `ws`, Python `websockets`, boto3 and the JavaScript SDK.
//!
//! `cargo xtask test` installs them under `target/tools` and says where in `SEMANTEST_TOOLS`.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::program::Project;
use serde_json::json;

fn tools() -> PathBuf {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`")
}

/// Runs a client and returns what it printed.
fn client(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the client runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.trim().to_owned()
}

fn python(script: &str, arguments: &[&str]) -> String {
    client(Command::new(tools().join("venv/bin/python")).arg("-c").arg(script).args(arguments))
}

fn node(script: &str, arguments: &[&str], authorities: &str) -> String {
    let folder = tools().join("node");
    let mut command = Command::new("node");
    command.current_dir(folder).env("NODE_EXTRA_CA_CERTS", authorities).arg("--input-type=module");
    client(command.arg("--eval").arg(script).arg("--").args(arguments))
}

/// The WebSocket component of the first user's workload: its endpoint, and what clients have to trust.
fn websocket() -> (Project, String, String) {
    let project = Project::example("semantest");
    let answer = project.json(&["deploy", "--component", "websocket"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint").to_owned();
    let authorities = project.file(".semantest/local/ca.pem").display().to_string();
    (project, endpoint, authorities)
}

#[test]
fn curl_talks_to_a_rest_api() {
    let project = Project::example("semantest");
    let answer = project.json(&["deploy", "--component", "rest-api"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    let created = client(Command::new("curl").args([
        "--silent",
        "--fail",
        "--header",
        "content-type: application/json",
        "--data",
        r#"{"name":"first"}"#,
        &format!("{endpoint}/tests"),
    ]));
    assert!(created.contains("first"), "{created}");
    let head = client(Command::new("curl").args(["--silent", "--head", &format!("{endpoint}/health")]));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let twice = client(Command::new("curl").args([
        "--silent",
        "--write-out",
        "%{num_connects}",
        &format!("{endpoint}/health"),
        &format!("{endpoint}/health"),
    ]));
    assert!(twice.ends_with('0'), "the connection is kept: {twice}");
}

#[test]
fn python_websockets_talks_plain_and_encrypted() {
    let (_project, endpoint, authorities) = websocket();
    let script = r#"
import asyncio, json, ssl, sys, websockets
async def main(url, authorities):
    for target, tls in [(url, None), (url.replace("ws://", "wss://"), ssl.create_default_context(cafile=authorities))]:
        async with websockets.connect(target, ssl=tls) as socket:
            await socket.send("hello")
            print(json.loads(await asyncio.wait_for(socket.recv(), 10))["echo"])
    try:
        async with websockets.connect(url + "?token="):
            print("came in")
    except websockets.exceptions.InvalidStatus as refusal:
        print(refusal.response.status_code)
    async with websockets.connect(url) as socket:
        await socket.send("x" * (129 * 1024))
        try:
            await asyncio.wait_for(socket.recv(), 10)
        except websockets.exceptions.ConnectionClosed as closed:
            print(closed.rcvd.code)
asyncio.run(main(*sys.argv[1:]))
"#;
    assert_eq!(python(script, &[&endpoint, &authorities]), "hello\nhello\n403\n1009");
}

#[test]
fn node_ws_talks_plain_and_encrypted_and_is_told_goodbye() {
    let (project, endpoint, authorities) = websocket();
    let script = r#"
import WebSocket from "ws";
const url = process.argv.at(-1);
for (const target of [url, url.replace("ws://", "wss://")]) {
  const socket = new WebSocket(target);
  await new Promise((done, fail) => socket.on("open", done).on("error", fail));
  socket.send(JSON.stringify({ action: "anything", text: "hi" }));
  const message = await new Promise((done) => socket.on("message", done));
  console.log(JSON.parse(JSON.parse(message).echo).text);
  socket.close(4001, "enough");
  await new Promise((done) => socket.on("close", done));
}
"#;
    assert_eq!(node(script, &[&endpoint], &authorities), "hi\nhi");
    let said = || {
        let lines = project.json(&["logs", "--component", "websocket", "--function", "disconnect"]).ok();
        lines["lines"].to_string()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !said().contains("(4001)") {
        assert!(std::time::Instant::now() < deadline, "$disconnect ran with the client's code: {}", said());
    }
}

/// A component whose message handler answers through a client of AWS's, unchanged.
fn with_handler(runtime: &str, file: &str, code: &str, variables: serde_json::Value) -> (Project, String) {
    let project = Project::init("node");
    std::fs::create_dir(project.file("chat")).expect("a folder");
    project.write(&format!("chat/{file}"), code);
    let handler = format!("{}.handler", file.split('.').next().expect("a name"));
    let configuration = json!({
        "specversion": "1.0", "id": "chat-1", "source": "/test", "time": "2026-11-24T09:00:00Z",
        "type": "com.semantest.iac.DeploymentRequested",
        "data": { "component": "chat", "provider": "local", "environment": "dev", "configuration": {
            "kind": "websocket", "code": "chat", "runtime": runtime, "handler": handler,
            "routes": ["$default"], "environment_variables": variables, "memory_mb": 512
        } }
    });
    project.write("request.json", &configuration.to_string());
    let answer = project.json(&["events", "publish", "request.json"]).ok();
    let endpoint = answer["result"]["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

/// Says one thing and returns what comes back.
const SAY: &str = r#"
import asyncio, sys, websockets
async def main(url):
    async with websockets.connect(url) as socket:
        await socket.send("ping")
        print(await asyncio.wait_for(socket.recv(), 20))
asyncio.run(main(sys.argv[1]))
"#;

#[test]
fn boto3_posts_to_connections_unchanged() {
    let code = r#"
import boto3

def handler(event, context):
    about = event["requestContext"]
    api = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{about['domainName']}/{about['stage']}")
    described = api.get_connection(ConnectionId=about["connectionId"])
    try:
        api.post_to_connection(ConnectionId="gone=", Data=b"x")
        gone = "delivered"
    except api.exceptions.GoneException:
        gone = "gone"
    api.post_to_connection(ConnectionId=about["connectionId"], Data=f"{event['body']} {gone} {described['Identity']['SourceIp']}".encode())
    return {"statusCode": 200}
"#;
    let packages = python("import boto3, pathlib; print(pathlib.Path(boto3.__file__).parent.parent)", &[]);
    let (_project, endpoint) = with_handler("python3.12", "chat.py", code, json!({ "PYTHONPATH": packages }));
    assert_eq!(python(SAY, &[&endpoint]), "ping gone 127.0.0.1");
}

#[test]
fn the_standard_library_of_python_posts_to_connections_over_tls() {
    let code = r#"
from urllib.request import Request, urlopen

def handler(event, context):
    about = event["requestContext"]
    url = f"https://{about['domainName']}/{about['stage']}/@connections/{about['connectionId']}"
    urlopen(Request(url, method="POST", data=b"over tls"))
    return {"statusCode": 200}
"#;
    let (_project, endpoint) = with_handler("python3.12", "chat.py", code, json!({}));
    assert_eq!(python(SAY, &[&endpoint]), "over tls");
}

#[test]
fn the_javascript_sdk_posts_to_connections_unchanged() {
    let code = r#"
const { ApiGatewayManagementApiClient, PostToConnectionCommand, DeleteConnectionCommand, GoneException } = require("@aws-sdk/client-apigatewaymanagementapi");
exports.handler = async (event) => {
  const { domainName, stage, connectionId } = event.requestContext;
  const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  const gone = await client.send(new PostToConnectionCommand({ ConnectionId: "gone=", Data: "x" })).catch((error) => error instanceof GoneException);
  await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: `${event.body} ${gone}` }));
  return { statusCode: 200 };
};
"#;
    let modules = tools().join("node/node_modules").display().to_string();
    let (_project, endpoint) = with_handler("nodejs20.x", "chat.js", code, json!({ "NODE_PATH": modules }));
    assert_eq!(python(SAY, &[&endpoint]), "ping true");
}

#[test]
fn every_message_of_a_burst_on_one_connection_is_answered() {
    let (project, endpoint, _) = websocket();
    let script = r#"
import asyncio, json, sys, websockets
async def main(url):
    async with websockets.connect(url) as socket:
        for number in range(200):
            await socket.send(str(number))
        echoes = {json.loads(await asyncio.wait_for(socket.recv(), 60))["echo"] for _ in range(200)}
        print(echoes == {str(number) for number in range(200)})
asyncio.run(main(sys.argv[1]))
"#;
    assert_eq!(python(script, &[&endpoint]), "True");
    // A client that goes away in the middle leaves nothing behind that keeps the host from ending.
    let script = r#"
import asyncio, os, sys, websockets
async def main(url):
    async with websockets.connect(url) as socket:
        for number in range(200):
            await socket.send(str(number))
        os._exit(0)
asyncio.run(main(sys.argv[1]))
"#;
    python(script, &[&endpoint]);
    assert_eq!(project.run(&["local", "stop"]).code, 0);
}
