//! What the gateways do with requests and answers that are not as they should be, and how they say where they are.

use std::io::{Read, Write};

use crate::program::socket::{event, frame, handshake};
use crate::program::{Project, get, raw};
use serde_json::{Value, json};

const PYTHON: &str = r#"
def handler(event, context):
    path = event["rawPath"]
    if path == "/event": return event
    if path == "/empty": return {"statusCode": 304}
    if path == "/cors":
        return {"statusCode": 200, "headers": {"vary": "Accept", "access-control-allow-origin": "https://other.example"}}
    if path == "/status": return {"statusCode": 100}
    if path == "/base64": return {"statusCode": 200, "isBase64Encoded": True, "body": "?"}
    if path == "/header": return {"statusCode": 200, "headers": {"a": "b\r\nc: d"}}
    return {"path": path}
"#;

fn deployed() -> (Project, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    let address = endpoint.trim_start_matches("http://").to_owned();
    (project, address)
}

#[test]
fn a_request_that_cannot_be_read_is_answered_all_the_same() {
    let (_project, address) = deployed();
    let host = format!("Host: {address}\r\nConnection: close\r\n");
    let many: String = (0..150).map(|number| format!("x-{number}: 1\r\n")).collect();
    let cases = [
        (431, format!("GET /x HTTP/1.1\r\n{host}{many}\r\n")),
        (431, format!("GET /x HTTP/1.1\r\n{host}x: {}\r\n\r\n", "a".repeat(1_000_000))),
        (414, format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(70_000))),
        (400, "hello there\r\n\r\n".to_owned()),
        (400, format!("GET /x HTTP/1.1\r\nbad header\r\n{host}\r\n")),
        (400, format!("GET x y HTTP/1.1\r\n{host}\r\n")),
        (400, format!("POST /x HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
        (400, format!("POST /x HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
        (400, format!("GET /x HTTP/1.1\r\nHost: localhost\r\n{host}\r\n")),
        (400, "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned()),
        (403, format!("GET http://evil.example/x HTTP/1.1\r\n{host}\r\n")),
        (200, format!("GET / HTTP/1.1\r\n{host}\r\n")),
        (200, format!("GET http://{address}/x HTTP/1.1\r\n{host}\r\n")),
        (200, "GET /x HTTP/1.0\r\n\r\n".to_owned()),
        (403, "GET /x HTTP/1.0\r\nHost: evil.example\r\n\r\n".to_owned()),
    ];
    for (status, request) in cases {
        let answer = raw(&address, &request);
        let begins = &request[..request.len().min(60)];
        let version = if request.contains("HTTP/1.0") { "HTTP/1.0" } else { "HTTP/1.1" };
        assert!(answer.starts_with(&format!("{version} {status} ")), "{begins}: {answer}");
    }
}

#[test]
fn a_response_that_cannot_be_understood_is_explained_in_the_functions_log() {
    let (project, address) = deployed();
    for (path, said) in
        [("/status", "statusCode is 100"), ("/base64", "body is not Base64"), ("/header", "header `a` holds")]
    {
        let answer =
            raw(&address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 500"), "{path}: {answer}");
        assert!(answer.ends_with(r#"{"message":"Internal Server Error"}"#), "{path}: {answer}");
        let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].clone();
        let lines = lines.as_array().expect("lines");
        let message = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
        let line = lines.iter().find(|line| message(line).contains(said)).expect(said);
        let last = lines.iter().rev().find(|line| message(line).starts_with("START")).expect("a start");
        assert_eq!(line["request_id"], last["request_id"], "it stands under its request");
    }
}

#[test]
fn a_host_without_port_is_completed_so_that_the_domain_name_can_be_called() {
    let (_project, address) = deployed();
    let answer = raw(&address, "GET /event HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let event: Value = serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let port = address.rsplit(':').next().expect("a port");
    assert_eq!(event["requestContext"]["domainName"], json!(format!("localhost:{port}")));
    assert_eq!(event["headers"]["x-forwarded-port"], port);
    let id = event["requestContext"]["requestId"].as_str().expect("an id");
    assert!(!id.contains(['/', '+']) && id.ends_with('='), "{id}");
}

#[test]
fn a_client_names_its_hops_but_not_how_it_reached_the_gateway() {
    let (_project, address) = deployed();
    let claims = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n";
    let answer =
        raw(&address, format!("GET /event HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{claims}\r\n"));
    let event: Value = serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let headers = &event["headers"];
    assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-port"].as_str(), address.rsplit(':').next());
    let answer =
        raw(&address, format!("GET /empty HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 304") && !answer.contains("content-type"), "{answer}");
}

#[test]
fn an_api_with_cors_answers_for_its_functions() {
    let project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    let answer = project.json(&["deploy", "--set", r#"cors={ allow_origins = ["https://*"] }"#]).ok();
    let address = answer["endpoint"].as_str().expect("an endpoint").trim_start_matches("http://").to_owned();
    let from = |origin: &str| {
        let request =
            format!("GET /cors HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
        raw(&address, request).to_lowercase()
    };
    let allowed = from("https://a.example");
    for header in ["access-control-allow-origin: https://a.example\r\n", "vary: accept, origin\r\n"] {
        assert!(allowed.contains(header), "{header}: {allowed}");
    }
    assert!(!allowed.contains("other.example"), "{allowed}");
    let refused = from("http://a.example");
    assert!(refused.starts_with("http/1.1 200") && !refused.contains("access-control-"), "{refused}");
}

const SOCKETS: &str = r#"
import json

def handler(event, context):
    print("EVENT " + json.dumps(event))
    return {"statusCode": "odd" if event.get("queryStringParameters") else 200}
"#;

/// A WebSocket component whose functions print their events: its project, and `host:port`.
fn websocket() -> (Project, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", SOCKETS);
    let old = "[components.rest-api]";
    project.replace("semantest.toml", old, &format!("{old}\nkind = \"websocket\""));
    let routes = r#"["GET /health", "ANY /", "ANY /{proxy+}"]"#;
    project.replace("semantest.toml", routes, r#"["$connect", "$default", "$disconnect"]"#);
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    let address = endpoint.trim_start_matches("ws://").trim_end_matches("/dev").to_owned();
    (project, address)
}

#[test]
fn socket_events_carry_what_those_of_aws_carry() {
    let (project, address) = websocket();
    let (mut stream, head) = handshake(&address, "/dev", 13, "");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream.write_all(&frame(0x82, &[0, 159, 146, 150])).expect("a binary message");
    let binary = event(&project, |event| event["isBase64Encoded"] == true);
    assert_eq!(binary["body"], "AJ+Slg==", "bytes arrive as they are");
    drop(stream);
    let connect = event(&project, |event| event["requestContext"]["eventType"] == "CONNECT");
    let headers = &connect["headers"];
    assert_eq!(headers["Sec-WebSocket-Version"], "13");
    assert_eq!(
        (&headers["X-Forwarded-For"], &headers["X-Forwarded-Proto"]),
        (&json!("127.0.0.1"), &json!("http"))
    );
    assert_eq!(headers["X-Forwarded-Port"].as_str(), address.rsplit(':').next());
    let id = connect["requestContext"]["connectionId"].as_str().expect("an id");
    assert!(!id.contains(['/', '+']) && id.ends_with('='), "{id}");
    let disconnect = event(&project, |event| event["requestContext"]["eventType"] == "DISCONNECT");
    assert_eq!(disconnect["headers"]["Host"], connect["headers"]["Host"]);
    assert_eq!(disconnect["multiValueHeaders"]["x-restapi"], json!([""]));
    assert_eq!(disconnect["requestContext"]["disconnectStatusCode"], 1006);
}

#[test]
fn a_client_that_breaks_the_protocol_is_told_why_the_connection_ends() {
    let (project, address) = websocket();
    let cases = [
        ("reserved bits", frame(0xF1, b"a"), 1002),
        ("an unknown opcode", frame(0x83, b"a"), 1002),
        ("no mask", vec![0x81, 1, b'a'], 1002),
        ("a continuation of nothing", frame(0x80, b"a"), 1002),
        ("text that is no UTF-8", frame(0x81, &[0xFF, 0xFE]), 1007),
    ];
    for (what, bytes, code) in cases {
        let (mut stream, _) = handshake(&address, "/dev", 13, "");
        stream.write_all(&bytes).expect("a frame");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("a close frame");
        assert_eq!(answer.first(), Some(&0x88), "{what}: {answer:?}");
        assert_eq!(u16::from_be_bytes([answer[2], answer[3]]), code, "{what}");
    }
    let (_, head) = handshake(&address, "/dev", 8, "");
    assert!(head.starts_with("HTTP/1.1 426") && head.contains("sec-websocket-version: 13"), "{head}");
    let (_, head) = handshake(&address, "/dev?odd=1", 13, "");
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].to_string();
    assert!(lines.contains("the response's statusCode is"), "{lines}");
}

#[test]
fn routes_change_without_a_request_lost() {
    let project = Project::init("node");
    let code = "export const handler = async (event) => {\n\
                if (event.rawPath === '/slow') await new Promise((done) => setTimeout(done, 1500));\n\
                return event.routeKey; };";
    project.write("rest-api/index.mjs", code);
    let routes = |more: &str| format!(r#"routes=["GET /slow","GET /fast"{more}]"#);
    let deployed = project.json(&["deploy", "--set", &routes("")]).ok();
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(get(&endpoint, "/new").0, 404);
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        let slow = threads.spawn(|| get(&endpoint, "/slow"));
        let others = threads.spawn(|| {
            let mut answered = 0;
            while !ended.load(std::sync::atomic::Ordering::SeqCst) {
                assert_eq!(get(&endpoint, "/fast").0, 200);
                answered += 1;
            }
            answered
        });
        let again = project.json(&["deploy", "--set", &routes(r#","GET /new""#)]).ok();
        assert_eq!((&again["endpoint"], &again["changes"]["updated"]), (&deployed["endpoint"], &json!(1)));
        assert_eq!(get(&endpoint, "/new"), (200, "GET /new".to_owned()));
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(slow.join().expect("an answer"), (200, "GET /slow".to_owned()));
        assert!(others.join().expect("answers") > 0);
    });
}
