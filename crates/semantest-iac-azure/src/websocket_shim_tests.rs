//! A packaged WebSocket component: Web PubSub's events reach the handlers as those of API Gateway, and what handlers send
//! reaches Web PubSub. Microsoft's own libraries say what is right on either side.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use semantest_iac_core::domain::networking::api_gateway::ApiProtocol;
use semantest_iac_testkit::aws_emulator::tools;
use semantest_iac_testkit::http_exchange::{Answer, send};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::packaged_app::{Host, PackagedApp, description, packaged, zip};

const KEY: &str = "access-key";
const UPSTREAM: &str = "/_semantest/web-pubsub";
const HOSTS: [Host; 3] = [Host::Node, Host::Python, Host::CustomHandler];

const NODE: &str = r#"
exports.handler = async (event) => {
  console.log("event", JSON.stringify(event));
  const query = event.queryStringParameters ?? {};
  if (query.fail || event.body === "fail") throw new Error("as asked");
  if (query.refuse) return { statusCode: Number(query.refuse) };
  return { statusCode: 200, headers: { "Sec-WebSocket-Protocol": "chat" }, body: "goes nowhere" };
};
exports.manage = async (event) => {
  const sdk = await import("@aws-sdk/client-apigatewaymanagementapi");
  const client = new sdk.ApiGatewayManagementApiClient({ endpoint: event.endpoint });
  const went = async (Command, ConnectionId, Data) => {
    try {
      return (await client.send(new Command({ ConnectionId, Data }))).$metadata.httpStatusCode;
    } catch (error) {
      return error.name;
    }
  };
  return [
    await went(sdk.PostToConnectionCommand, "there", "h\u00fc"),
    await went(sdk.PostToConnectionCommand, "there", new Uint8Array([0, 255])),
    await went(sdk.GetConnectionCommand, "there"),
    await went(sdk.DeleteConnectionCommand, "there"),
    await went(sdk.PostToConnectionCommand, "gone", "x"),
    await went(sdk.DeleteConnectionCommand, "gone="),
    await went(sdk.PostToConnectionCommand, "there", "x".repeat(128 * 1024 + 1)),
  ];
};
exports.answer = async (event) => {
  const sdk = await import("@aws-sdk/client-apigatewaymanagementapi");
  const client = new sdk.ApiGatewayManagementApiClient({ endpoint: JSON.parse(event.body).endpoint });
  await client.send(new sdk.PostToConnectionCommand({ ConnectionId: "there", Data: "an answer" }));
};
exports.credentials = async () => ({
  id: process.env.AWS_ACCESS_KEY_ID, secret: process.env.AWS_SECRET_ACCESS_KEY, session: process.env.AWS_SESSION_TOKEN });
"#;
const PYTHON: &str = r#"
import json, os
def handler(event, context):
    print("event", json.dumps(event))
    query = event.get("queryStringParameters") or {}
    if query.get("fail") or event.get("body") == "fail":
        raise ValueError("as asked")
    if query.get("refuse"):
        return {"statusCode": int(query["refuse"])}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat"}, "body": "goes nowhere"}
def manage(event, context):
    import boto3
    api = boto3.client("apigatewaymanagementapi", endpoint_url=event["endpoint"])
    def went(call, **arguments):
        try:
            return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
        except api.exceptions.GoneException as error:
            return error.response["Error"]["Code"]
        except api.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
    return [
        went(api.post_to_connection, ConnectionId="there", Data="h\u00fc"),
        went(api.post_to_connection, ConnectionId="there", Data=b"\x00\xff"),
        went(api.get_connection, ConnectionId="there"),
        went(api.delete_connection, ConnectionId="there"),
        went(api.post_to_connection, ConnectionId="gone", Data=b"x"),
        went(api.delete_connection, ConnectionId="gone="),
        went(api.post_to_connection, ConnectionId="there", Data=b"x" * (128 * 1024 + 1)),
    ]
def answer(event, context):
    import boto3
    endpoint = json.loads(event["body"])["endpoint"]
    api = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    api.post_to_connection(ConnectionId="there", Data="an answer")
def credentials(event, context):
    names = {"id": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "session": "AWS_SESSION_TOKEN"}
    return {key: os.environ[name] for key, name in names.items()}
"#;
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import http.client, json, os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
import index
handler = getattr(index, os.environ["_HANDLER"].split(".")[1])
while True:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    path = "/2018-06-01/runtime/invocation/" + event.headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = json.dumps(handler(json.loads(event.read()), None))
        sys.stdout.flush()
        api.request("POST", path + "/response", answer)
    except ValueError as error:
        api.request("POST", path + "/error", json.dumps({"errorType": "ValueError", "errorMessage": str(error)}))
    api.getresponse().read()
"#;

/// An app whose Web PubSub is at `endpoint`.
fn app(host: Host, endpoint: &str) -> PackagedApp {
    app_with(host, endpoint, &[])
}

fn app_with(host: Host, endpoint: &str, stage_variables: &[(&str, &str)]) -> PackagedApp {
    let functions = [
        ("answer", "index.answer"),
        ("connect", "index.handler"),
        ("credentials", "index.credentials"),
        ("disconnect", "index.handler"),
        ("manage", "index.manage"),
        ("message", "index.handler"),
        ("named", "index.handler"),
    ];
    let routes = [
        ("$connect", "connect"),
        ("$default", "message"),
        ("$disconnect", "disconnect"),
        ("answer", "answer"),
        ("sendMessage", "named"),
    ];
    let mut described = description(host, ApiProtocol::Websocket, &functions, &routes);
    let told = stage_variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    described.stage_variables = told.collect();
    let code = zip(&[
        ("index.js", NODE.as_bytes(), false),
        ("index.py", PYTHON.as_bytes(), false),
        ("bootstrap", BOOTSTRAP.as_bytes(), true),
    ]);
    let secret = format!("Endpoint={endpoint};AccessKey={KEY};Version=1.0;");
    let settings = [
        ("SEMANTEST_WEB_PUBSUB_CONNECTION_STRING", secret.as_str()),
        ("SEMANTEST_WEB_PUBSUB_HUB", "semantest"),
    ];
    PackagedApp::start(host, &packaged(described, code), &settings)
}

fn signature(key: &str, connection: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(connection.as_bytes());
    format!("sha256={},sha256={}", "0".repeat(64), hex::encode(mac.finalize().into_bytes()))
}

/// An event as Web PubSub sends it.
struct Event<'a> {
    kind: &'a str,
    content_type: &'a str,
    body: &'a [u8],
    state: &'a str,
    key: &'a str,
}

impl<'a> Event<'a> {
    fn system(kind: &'a str, body: &'a [u8]) -> Self {
        Self { kind, content_type: "application/json; charset=utf-8", body, state: "", key: KEY }
    }

    fn message(content_type: &'a str, body: &'a [u8], state: &'a str) -> Self {
        Self { kind: "user.message", content_type, body, state, key: KEY }
    }

    fn send(&self, port: u16) -> Answer {
        let (kind, signed) = (format!("azure.webpubsub.{}", self.kind), signature(self.key, "there"));
        let mut headers = vec![
            ("WebHook-Request-Origin", "semantest.webpubsub.azure.com"),
            ("Content-Type", self.content_type),
            ("ce-specversion", "1.0"),
            ("ce-type", &kind),
            ("ce-source", "/hubs/semantest/client/there"),
            ("ce-id", "1"),
            ("ce-time", "2026-01-01T00:00:00Z"),
            ("ce-signature", &signed),
            ("ce-connectionId", "there"),
            ("ce-hub", "semantest"),
            ("ce-eventName", self.kind.rsplit('.').next().unwrap_or_default()),
            ("ce-awpsversion", "1.0"),
        ];
        if !self.state.is_empty() {
            headers.push(("ce-connectionState", self.state));
        }
        send(port, "POST", UPSTREAM, &headers, self.body)
    }
}

fn connect(port: u16, query: Value) -> Answer {
    let body = json!({
        "claims": {},
        "query": query,
        "headers": {
            "Host": ["semantest.webpubsub.azure.com"],
            "User-Agent": ["browser/1.0"],
            "Sec-WebSocket-Key": ["a2V5"],
            "x-custom": ["1", "2"],
            "X-Forwarded-For": ["203.0.113.7"],
        },
        "subprotocols": ["chat"],
        "clientCertificates": [],
    });
    Event::system("sys.connect", body.to_string().as_bytes()).send(port)
}

/// The next event that a handler was given, by its type.
fn handed(app: &PackagedApp, kind: &str) -> (Value, Value) {
    let line = app.wait_for_log(kind);
    let message = line["message"].as_str().expect("a message");
    let event = &message[message.find('{').expect("an event")..];
    (serde_json::from_str(event).expect("JSON"), line)
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Of `requestContext`, as the local provider has it.
const CONTEXT: [&str; 13] = [
    "routeKey",
    "eventType",
    "extendedRequestId",
    "requestTime",
    "messageDirection",
    "stage",
    "connectedAt",
    "requestTimeEpoch",
    "identity",
    "requestId",
    "domainName",
    "connectionId",
    "apiId",
];

#[test]
fn web_pubsubs_events_reach_the_three_handlers_as_api_gateways() {
    for host in HOSTS {
        let app = app(host, "https://semantest.webpubsub.azure.com");
        let accepted = connect(app.port, json!({ "room": ["1", "2"], "access_token": ["a token"] }));
        assert_eq!(accepted.status, 200);
        assert_eq!(accepted.json(), json!({ "userId": "there", "subprotocol": "chat" }));
        let state = accepted.header("ce-connectionstate").expect("a state").to_owned();

        let (event, line) = handed(&app, "CONNECT");
        assert_eq!(line["function_name"], "shop-dev-connect");
        let members = ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"];
        let queries = ["queryStringParameters", "multiValueQueryStringParameters"];
        assert_eq!(keys(&event), [&members[..], &queries[..]].concat());
        assert_eq!(keys(&event["requestContext"]), CONTEXT);
        let context = &event["requestContext"];
        let domain = format!("127.0.0.1:{}", app.port);
        assert_eq!(context["identity"], json!({ "userAgent": "browser/1.0", "sourceIp": "203.0.113.7" }));
        assert_eq!((&context["stage"], &context["domainName"]), (&json!("dev"), &json!(domain)));
        assert_eq!(event["queryStringParameters"], json!({ "room": "2" }));
        assert_eq!(event["multiValueQueryStringParameters"], json!({ "room": ["1", "2"] }));
        assert_eq!(event["headers"]["Sec-WebSocket-Key"], "a2V5");
        assert_eq!(event["multiValueHeaders"]["X-Custom"], json!(["1", "2"]));
        assert!(!event.to_string().contains("a token"), "{event}");

        let told =
            Event::message("text/plain", "{\"action\":\"sendMessage\",\"x\":\"ü\"}".as_bytes(), &state);
        let answer = told.send(app.port);
        assert_eq!((answer.status, answer.body.len()), (204, 0), "what it returns goes nowhere");
        let (event, line) = handed(&app, "sendMessage");
        assert_eq!(line["function_name"], "shop-dev-named");
        assert_eq!(keys(&event), ["requestContext", "body", "isBase64Encoded"]);
        assert_eq!(keys(&event["requestContext"]), [&CONTEXT[..], &["messageId"]].concat());
        assert_eq!(event["body"], "{\"action\":\"sendMessage\",\"x\":\"ü\"}");
        // What is known of a connection comes back with every event of it.
        assert_eq!(event["requestContext"]["connectedAt"], context["connectedAt"]);
        assert_eq!(event["requestContext"]["identity"], context["identity"]);

        assert_eq!(Event::message("application/octet-stream", &[0, 255], &state).send(app.port).status, 204);
        let (event, line) = handed(&app, "AP8=");
        assert_eq!(line["function_name"], "shop-dev-message");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("AP8="), &json!(true)));

        let mut over = Event::system("sys.disconnected", br#"{"reason":"gone away"}"#);
        over.state = &state;
        assert_eq!(over.send(app.port).status, 204);
        let (event, line) = handed(&app, "DISCONNECT\"");
        assert_eq!(line["function_name"], "shop-dev-disconnect");
        assert_eq!(keys(&event), members);
        assert_eq!(
            keys(&event["requestContext"]),
            [&CONTEXT[..], &["disconnectStatusCode", "disconnectReason"]].concat()
        );
        assert_eq!(event["requestContext"]["disconnectReason"], "gone away");
    }
}

#[test]
fn stage_variables_are_told_to_handlers() {
    for host in HOSTS {
        let app = app_with(host, "https://semantest.webpubsub.azure.com", &[("table", "chats")]);
        assert_eq!(connect(app.port, json!({})).status, 200);
        let (event, _) = handed(&app, "CONNECT");
        assert_eq!(event["stageVariables"], json!({ "table": "chats" }), "{host:?}");
    }
}

#[test]
fn a_handler_that_refuses_or_fails_is_told_to_the_client() {
    for host in HOSTS {
        let app = app(host, "https://semantest.webpubsub.azure.com");
        let refused = connect(app.port, json!({ "refuse": ["403"] }));
        assert_eq!((refused.status, refused.json()), (403, json!({ "message": "Forbidden" })));
        let refused = connect(app.port, json!({ "refuse": ["401"] }));
        assert_eq!((refused.status, refused.json()), (401, json!({})));
        assert!(refused.header("ce-connectionstate").is_none());
        let failed = connect(app.port, json!({ "fail": ["1"] }));
        assert_eq!((failed.status, failed.json()), (500, json!({ "message": "Internal server error" })));
        assert_eq!(connect(app.port, json!({ "refuse": ["100"] })).status, 502);
        // A status of failure would end the connection: what went wrong is a message.
        let failed = Event::message("text/plain", b"fail", "").send(app.port);
        assert_eq!((failed.status, failed.header("content-type")), (200, Some("text/plain")));
        let told = failed.json();
        assert_eq!(keys(&told), ["message", "connectionId", "requestId"]);
        assert_eq!(
            (&told["message"], &told["connectionId"]),
            (&json!("Internal server error"), &json!("there"))
        );
    }
}

#[test]
fn what_web_pubsub_has_not_signed_reaches_no_handler() {
    for host in HOSTS {
        let app = app(host, "https://semantest.webpubsub.azure.com");
        let forged = Event { key: "another key", ..Event::message("text/plain", b"forged", "") };
        assert_eq!(forged.send(app.port).status, 401);
        let bare = send(app.port, "POST", UPSTREAM, &[("ce-type", "azure.webpubsub.sys.connect")], b"{}");
        assert_eq!(bare.status, 401);
        assert_eq!(send(app.port, "POST", "/dev/@connections/there", &[], b"x").status, 403);
        assert!(Event::message("text/plain", b"signed", "").send(app.port).status == 204);
        app.wait_for_log("signed");
        assert!(!app.logged().iter().any(|line| line.to_string().contains("forged")));
    }
}

/// A process that says its port first and ends with this one.
struct Peer {
    process: Child,
    port: u16,
}

impl Peer {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        Self { process, port: line.trim().parse().expect("a port") }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shim").join(name)
}

fn python() -> Command {
    Command::new(tools().join("venv/bin/python"))
}

fn output(command: &mut Command) -> Value {
    let ran = command.output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

#[test]
fn web_pubsub_is_answered_as_by_microsofts_own_library() {
    let theirs = Peer::start(Command::new("node").arg(script("upstream.mjs")).arg(tools().join("node")));
    for host in HOSTS {
        let app = app(host, "https://semantest.webpubsub.azure.com");
        let both = |ask: &dyn Fn(u16) -> Answer| (ask(app.port), ask(theirs.port));
        let question =
            [("WebHook-Request-Origin", "semantest.webpubsub.azure.com"), ("ce-awpsversion", "1.0")];
        let (our, their) = both(&|port| send(port, "OPTIONS", UPSTREAM, &question, b""));
        assert_eq!(our.status, their.status);
        let allowed = "webhook-allowed-origin";
        assert_eq!(their.header(allowed), Some("*"));
        assert_eq!(our.header(allowed), Some("semantest.webpubsub.azure.com"), "nobody but our own");
        let (our, their) = both(&|port| send(port, "OPTIONS", UPSTREAM, &question[1..], b""));
        assert_eq!((our.status, our.header(allowed)), (their.status, their.header(allowed)));

        let (our, their) = both(&|port| connect(port, json!({})));
        assert_eq!((our.status, our.json()), (their.status, their.json()));
        let state = our.header("ce-connectionstate").expect("ours").to_owned();
        assert!(their.header("ce-connectionstate").is_some());
        let (our, their) = both(&|port| connect(port, json!({ "refuse": ["401"] })));
        assert_eq!((our.status, our.header("ce-connectionstate")), (their.status, None));

        let (our, their) = both(&|port| Event::message("text/plain", b"hello", &state).send(port));
        assert!(our.status == 204 && their.status == 200 && our.body == their.body, "{our:?} {their:?}");
        for kind in ["sys.connected", "sys.disconnected"] {
            let (our, their) = both(&|port| Event::system(kind, b"{}").send(port));
            assert!(our.status / 100 == 2 && their.status / 100 == 2, "{our:?} {their:?}");
        }
        // Their library reads the state that we keep with a connection.
        let seen = send(theirs.port, "GET", "/seen", &[], b"").json();
        let kept = seen.as_array().and_then(|seen| {
            seen.iter().rev().find_map(|request| request["context"]["states"].get("connectedAt").cloned())
        });
        let ours: Value = serde_json::from_slice(&STANDARD.decode(&state).expect("Base64")).expect("JSON");
        assert_eq!(kept.as_ref(), Some(&ours["connectedAt"]));
    }
}

#[test]
fn connections_are_managed_by_awss_client_as_by_microsofts() {
    let service = || Peer::start(python().arg(script("web_pubsub.py")).arg(KEY));
    let asked = |service: &Peer| send(service.port, "GET", "/asked", &[], b"").json();
    let theirs = service();
    let secret =
        |service: &Peer| format!("Endpoint=http://127.0.0.1:{};AccessKey={KEY};Version=1.0;", service.port);
    let token = output(python().arg(script("microsoft_client.py")).arg(secret(&theirs)).arg("semantest"));
    let expected = asked(&theirs);
    for host in HOSTS {
        let ours = service();
        let app = app(host, &format!("http://127.0.0.1:{}", ours.port));
        let credentials = send(app.port, "POST", "/_semantest/invoke/credentials", &[], b"{}").json();
        let credential = |name: &str| credentials[name].as_str().expect("a credential").to_owned();
        let stage = format!("http://127.0.0.1:{}/dev", app.port);
        let went = output(
            python()
                .arg(script("aws_client.py"))
                .arg(stage)
                .env("AWS_ACCESS_KEY_ID", credential("id"))
                .env("AWS_SECRET_ACCESS_KEY", credential("secret"))
                .env("AWS_SESSION_TOKEN", credential("session")),
        );
        // What every object of JavaScript has is nobody's secret.
        for (id, secret) in
            [("__proto__", "[object Object]"), ("constructor", "function Object() { [native code] }")]
        {
            let mut client = python();
            client.arg(script("aws_client.py")).arg(format!("http://127.0.0.1:{}/dev", app.port));
            client.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
            assert_eq!(output(&mut client), json!(vec!["ForbiddenException"; 7]), "{host:?}: {id}");
        }
        let gone = "GoneException";
        let expected_to_go = json!([200, 200, 200, 204, gone, gone, "PayloadTooLargeException"]);
        assert_eq!(went, expected_to_go, "{host:?}");

        let calls = asked(&ours);
        let calls = calls.as_array().expect("calls");
        for call in expected.as_array().expect("calls") {
            let found = calls.iter().any(|ours| {
                let told = |key: &str| ours[key] == call[key];
                let content = call["method"] != "POST" || (told("type") && told("body"));
                told("method") && told("path") && told("query") && content
            });
            assert!(found, "{host:?}: Microsoft's client asks {call:#}, we {calls:#?}");
        }

        if host != Host::CustomHandler {
            // Without a client in its package, as on AWS.
            let before = calls.len();
            let event = json!({ "endpoint": format!("http://127.0.0.1:{}/dev", app.port) }).to_string();
            let went = send(app.port, "POST", "/_semantest/invoke/manage", &[], event.as_bytes());
            assert_eq!(went.json(), expected_to_go, "{host:?} {:?}", app.logged());
            assert_eq!(asked(&ours).as_array().expect("calls")[before..], calls[..], "{host:?}");
        }

        let ticket = send(app.port, "POST", "/negotiate", &[], b"").json();
        let mask = |text: &Value, port: u16| text.as_str().expect("text").replace(&port.to_string(), "0");
        assert_eq!(mask(&ticket["baseUrl"], ours.port), mask(&token["baseUrl"], theirs.port));
        let (our, their) = (claims(&ticket["accessToken"]), claims(&token["token"]));
        assert_eq!(mask(&our["aud"], ours.port), mask(&their["aud"], theirs.port));
        let url = ticket["url"].as_str().expect("an address");
        assert!(url.contains("?access_token=") && url.starts_with("ws://"), "{url}");
    }
}

#[test]
fn handlers_that_answer_over_connections_do_not_stand_in_their_own_way() {
    let service = Peer::start(python().arg(script("web_pubsub.py")).arg(KEY));
    for host in [Host::Node, Host::Python] {
        let app = app(host, &format!("http://127.0.0.1:{}", service.port));
        let port = app.port;
        let sent = || {
            let calls = send(service.port, "GET", "/asked", &[], b"").json();
            calls.as_array().expect("calls").iter().filter(|call| call["method"] == "POST").count()
        };
        let before = sent();
        let message = json!({ "action": "answer", "endpoint": format!("http://127.0.0.1:{port}/dev") });
        // More than the host's Python worker has threads.
        let messages: Vec<_> = (0..40)
            .map(|_| {
                let body = message.to_string();
                std::thread::spawn(move || Event::message("text/plain", body.as_bytes(), "").send(port))
            })
            .collect();
        for message in messages {
            let answer = message.join().expect("an answer");
            assert_eq!((answer.status, answer.body.as_slice()), (204, b"".as_slice()), "{host:?}");
        }
        assert_eq!(sent() - before, 40, "{host:?}");
    }
}

fn claims(token: &Value) -> Value {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = token.as_str().and_then(|token| token.split('.').nth(1)).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON")
}
