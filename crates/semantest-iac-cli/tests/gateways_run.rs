//! What the gateways do with requests and answers that are not as they should be, and how they say where they are.

mod program;

use std::io::{Read, Write};
use std::net::TcpStream;

use program::Project;
use serde_json::{Value, json};

const PYTHON: &str = r#"
def handler(event, context):
    path = event["rawPath"]
    if path == "/event": return event
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

/// Sends a request as it is written, and returns everything that comes back.
fn raw(address: &str, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).expect("the gateway answers");
    // The answer may come before everything is sent.
    let _ = stream.write_all(request.as_ref());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
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
        (404, format!("GET / HTTP/1.1\r\n{host}\r\n")),
        (200, format!("GET http://{address}/x HTTP/1.1\r\n{host}\r\n")),
    ];
    for (status, request) in cases {
        let answer = raw(&address, &request);
        let begins = &request[..request.len().min(60)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{begins}: {answer}");
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
