//! `invoke`: ready-made events as the gateways make them, and events that nobody waits for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::program::dev::PATIENCE;
use crate::program::{Project, get};
use serde_json::{Value, json};

const ECHO: &str =
    "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n    return event\n";

/// A REST API of two functions, deployed, each of which answers with its event.
fn rest_api() -> (Project, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", ECHO);
    let text = std::fs::read_to_string(project.file("semantest.toml")).expect("the project file");
    let end = text.find("handler = ").expect("a handler");
    let functions = "[components.rest-api.functions.read]\nhandler = \"app.handler\"\n\
                     routes = [\"GET /orders/{id}\"]\n\
                     [components.rest-api.functions.write]\nhandler = \"app.handler\"\nroutes = [\"POST /orders\"]\n";
    project.write("semantest.toml", &format!("{}{functions}", &text[..end]));
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

/// A WebSocket API whose functions print their events; its endpoint.
fn websocket() -> (Project, String) {
    let project = Project::init("python");
    let code = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n    return {'statusCode': 200}\n";
    project.write("rest-api/app.py", code);
    let component = "project = \"shop\"\n[environments.dev]\nprovider = \"local\"\n[components.websocket]\n\
                     code = \"rest-api\"\nruntime = \"python3.12\"\n";
    let function = |name: &str, more: &str| {
        format!("[components.websocket.functions.{name}]\nhandler = \"app.handler\"\n{more}")
    };
    let functions = [
        function("connect", ""),
        function("disconnect", ""),
        function("message", ""),
        function("send", "routes = [\"sendMessage\"]\n"),
    ];
    project.write("semantest.toml", &format!("{component}{}", functions.concat()));
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

/// Every key of an event, by its path, with the kind of its value.
fn keys(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| keys(value, &format!("{path}.{key}"), all));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{path}[]"), all)),
        Value::String(_) => all.push(format!("{path} text")),
        Value::Number(_) => all.push(format!("{path} number")),
        other => all.push(format!("{path} {other}")),
    }
}

fn keys_of(event: &Value) -> Vec<String> {
    let mut all = Vec::new();
    keys(event, "", &mut all);
    // Headers are the client's own.
    all.retain(|key| !key.to_ascii_lowercase().contains("headers."));
    all.sort();
    all.dedup();
    all
}

/// The last event that a function has printed.
fn printed(project: &Project, function: &str) -> Value {
    let begun = Instant::now();
    loop {
        let logs = project.run(&["logs", "--function", function]).stdout;
        let found = logs.lines().rev().find_map(|line| line.split_once("GOT "));
        match found {
            Some((_, event)) => return serde_json::from_str(event).expect("JSON"),
            None => assert!(begun.elapsed() < PATIENCE, "{function} has printed nothing: {logs}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn invoked(project: &Project, arguments: &[&str]) -> Value {
    project.json(&[&["invoke"], arguments].concat()).ok()["payload"].clone()
}

#[test]
fn ready_made_http_events_are_what_the_gateway_makes_of_such_requests() {
    let (project, endpoint) = rest_api();
    let (status, body) = get(&endpoint, "/orders/a%20b?full=1&full=2");
    let real: Value = serde_json::from_str(&body).expect("an event");
    assert_eq!(status, 200, "{body}");
    let made = invoked(&project, &["--event", "http-get", "--path", "/orders/a%20b?full=1&full=2"]);
    assert_eq!(keys_of(&made), keys_of(&real));
    for key in ["version", "routeKey", "rawPath", "rawQueryString", "queryStringParameters", "pathParameters"]
    {
        assert_eq!(made[key], real[key], "{key}");
    }
    let (made, real) = (&made["requestContext"], &real["requestContext"]);
    for key in ["accountId", "apiId", "domainName", "domainPrefix", "stage", "routeKey"] {
        assert_eq!(made[key], real[key], "{key}");
    }
    assert_eq!(made["http"]["method"], "GET");
    assert_ne!(made["requestId"], real["requestId"]);

    // Whatever is not said fits a route, and goes to the function that has it.
    let made = invoked(&project, &["--event", "http-get"]);
    assert_eq!(
        (&made["routeKey"], &made["pathParameters"]),
        (&json!("GET /orders/{id}"), &json!({ "id": "id" }))
    );
    let made = invoked(&project, &["--event", "http-post"]);
    assert_eq!((&made["routeKey"], &made["isBase64Encoded"]), (&json!("POST /orders"), &json!(false)));
    assert_eq!(made["headers"]["content-type"], "application/json");
    let made = invoked(&project, &["--event", "http-post", "--data", "not JSON"]);
    assert_eq!((&made["body"], &made["headers"]["content-type"]), (&json!("not JSON"), &json!("text/plain")));
    let made = invoked(&project, &["--event", "http-get", "--function", "write"]);
    assert_eq!(made["routeKey"], "$default", "it has no route for a GET, and is called all the same");
    let made = invoked(&project, &["--event", "http-get", "--function", "shop-dev-rest-api-read"]);
    assert_eq!(made["routeKey"], "GET /orders/{id}");
}

#[test]
fn events_from_files_and_standard_input_are_taken_byte_for_byte() {
    let (project, _) = rest_api();
    project.write("event.json", r#"{"n": 12345678901234567890, "http-get": 1}"#);
    let read = ["invoke", "--function", "read", "--event"];
    let ran = project.run(&[&read[..], &["event.json"]].concat());
    assert!(ran.code == 0 && ran.stdout.contains("12345678901234567890"), "{}{}", ran.stdout, ran.stderr);
    let ran = project.run_with_input(&[&read[..], &["-"]].concat(), "[1, 2.50]");
    assert!(ran.stderr.contains("GOT [1, 2.5]"), "{}", ran.stderr);
    // What a local function tells of itself is told.
    let told = ["START RequestId", "END RequestId", "REPORT RequestId", "Duration: ", "Max Memory Used: "];
    told.iter().for_each(|text| assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr));
}

#[test]
fn what_is_no_event_is_refused_with_what_there_is() {
    let (project, _) = rest_api();
    let refused = |arguments: &[&str], texts: &[&str]| {
        let ran = project.json(&[&["invoke"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stdout);
        texts.iter().for_each(|text| assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout));
    };
    let all = ["http-get, http-post, websocket-connect, websocket-message, websocket-disconnect"];
    refused(&["--event", "http-gte"], &["did you mean `http-get`?", all[0]]);
    refused(&["--event", "nothing.json"], &["no such file", all[0]]);
    refused(&["--event", "http-get", "--path", "/nothing"], &["no route takes GET /nothing", "POST /orders"]);
    refused(&["--event", "http-get", "--path", "orders"], &["must begin with `/`"]);
    refused(&["--event", "http-get", "--path", "/a b"], &["no path"]);
    refused(&["--event", "http-get", "--data", "{}"], &["has no body"]);
    refused(&["--event", "websocket-connect", "--data", "{}"], &["has no body"]);
    refused(&["--event", "websocket-message", "--path", "/"], &["has no path"]);
    refused(&["--event", "http-get", "--function", "raed"], &["the component has: read, write"]);
    project.write("event.json", "{}");
    refused(&["--event", "event.json", "--data", "{}"], &["leave --data out"]);
    refused(&["--event", "event.json", "--path", "/"], &["leave --path out"]);
    project.write("event.json", "{");
    refused(&["--event", "event.json"], &["no JSON"]);
}

/// A client's frame with a text of at most 125 bytes (RFC 6455, section 5.2); its mask is all zeros.
fn frame(opcode: u8, text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], text].concat()
}

#[test]
fn ready_made_websocket_events_are_what_the_gateway_makes_of_a_connection() {
    let (project, endpoint) = websocket();
    let address = endpoint.trim_start_matches("ws://").split('/').next().expect("an address").to_owned();
    let mut stream = TcpStream::connect(&address).expect("the endpoint");
    let head = format!(
        "GET /dev HTTP/1.1\r\nhost: {address}\r\nuser-agent: test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("a handshake");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101");
    stream.write_all(&frame(1, b"{\"action\":\"sendMessage\"}")).expect("a message");
    let real_message = printed(&project, "send");
    stream.write_all(&frame(8, &1000_u16.to_be_bytes())).expect("its end");
    let (real_connect, real_disconnect) = (printed(&project, "connect"), printed(&project, "disconnect"));

    let made = |event: &str, function: &str, more: &[&str]| {
        invoked(&project, &[&["--event", event], more].concat());
        printed(&project, function)
    };
    let message = made("websocket-message", "send", &["--data", "{\"action\":\"sendMessage\"}"]);
    let connect = made("websocket-connect", "connect", &[]);
    let disconnect = made("websocket-disconnect", "disconnect", &[]);
    for (made, real) in
        [(&message, &real_message), (&connect, &real_connect), (&disconnect, &real_disconnect)]
    {
        assert_eq!(keys_of(made), keys_of(real));
        let (made, real) = (&made["requestContext"], &real["requestContext"]);
        for key in ["routeKey", "eventType", "messageDirection", "stage", "domainName", "apiId"] {
            assert_eq!(made[key], real[key], "{key}");
        }
        assert_ne!(made["connectionId"], real["connectionId"]);
    }
    assert_eq!(message["body"], real_message["body"]);
    assert_eq!(disconnect["requestContext"]["disconnectStatusCode"], 1000);
    let default = made("websocket-message", "message", &[]);
    assert_eq!(default["requestContext"]["routeKey"], "$default");
}

/// The messages of the invocation with that id, once so many of them have `text` in them.
fn logged(project: &Project, id: &str, text: &str, times: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].clone();
        let own = lines.as_array().expect("lines").iter().filter(|line| line["request_id"] == id);
        let own: Vec<String> = own.map(|line| line["message"].as_str().expect("text").to_owned()).collect();
        if own.iter().filter(|line| line.contains(text)).count() >= times {
            return own;
        }
        assert!(begun.elapsed() < PATIENCE, "{text} never came: {own:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn sent(project: &Project, arguments: &[&str]) -> String {
    let answer = project.json(&[&["invoke", "--async"], arguments].concat()).ok();
    assert_eq!(answer["status"], "accepted", "{answer}");
    assert!(answer.get("payload").is_none(), "{answer}");
    answer["request_id"].as_str().expect("an id").to_owned()
}

#[test]
fn an_asynchronous_invocation_is_taken_in_and_its_end_stands_in_the_log() {
    let project = Project::init("python");
    // It ends once a file is there: whoever waited for it would wait for ever.
    let code = "import os, time\ndef handler(event, context):\n    while not os.path.exists(event['file']):\n        \
                time.sleep(0.01)\n    print('it went on')\n";
    project.write("rest-api/app.py", code);
    project.json(&["deploy"]).ok();
    let file = project.file("go-on");
    let event = json!({ "file": file }).to_string();
    let id = sent(&project, &["--data", &event]);
    logged(&project, &id, "START RequestId", 1);
    std::fs::write(&file, "").expect("written");
    let lines = logged(&project, &id, "REPORT RequestId", 1);
    assert!(lines.contains(&"it went on".to_owned()), "{lines:?}");
    let ran = project.run(&["invoke", "--async", "--data", &event]);
    assert!(
        ran.code == 0 && ran.stdout.starts_with("accepted: ") && ran.stderr.contains("logs"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_asynchronous_invocation_that_fails_is_tried_again_twice_under_its_own_id() {
    let project = Project::init("python");
    let code = "import os\ndef handler(event, context):\n    with open(event['file'], 'a') as tries:\n        \
                tries.write('x')\n    if os.path.getsize(event['file']) < event['fail']:\n        \
                raise ValueError('not yet')\n";
    project.write("rest-api/app.py", code);
    project.json(&["deploy"]).ok();
    let event = |name: &str, fail: u32| json!({ "file": project.file(name), "fail": fail }).to_string();
    let (lost, saved) =
        (sent(&project, &["--data", &event("lost", 9)]), sent(&project, &["--data", &event("saved", 2)]));
    let lines = logged(&project, &lost, "given up after 3 tries: ValueError", 1);
    let starts = lines.iter().filter(|line| line.starts_with("START RequestId")).count();
    assert_eq!(starts, 3, "{lines:?}");
    assert_eq!(std::fs::metadata(project.file("lost")).expect("tries").len(), 3);
    let lines = logged(&project, &saved, "REPORT RequestId", 2);
    assert!(lines.iter().any(|line| line.contains("tried again in 1 s")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("given up")), "{lines:?}");
    assert_eq!(std::fs::metadata(project.file("saved")).expect("tries").len(), 2);
}

#[test]
fn what_was_taken_in_is_done_before_the_host_ends() {
    let project = Project::init("python");
    let code = "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    print('done')\n";
    project.write("rest-api/app.py", code);
    project.replace(
        "semantest.toml",
        "handler = \"app.handler\"",
        "handler = \"app.handler\"\nreserved_concurrency = 1",
    );
    project.json(&["deploy"]).ok();
    let ids: Vec<String> = (0..5).map(|_| sent(&project, &[])).collect();
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], true);
    for id in ids {
        let lines = logged(&project, &id, "REPORT RequestId", 1);
        assert!(lines.contains(&"done".to_owned()), "{lines:?}");
    }
}

#[test]
fn what_fails_while_the_host_ends_is_not_tried_again_and_the_log_says_so() {
    let project = Project::init("python");
    let code = "import time\ndef handler(event, context):\n    time.sleep(1)\n    raise ValueError('lost')\n";
    project.write("rest-api/app.py", code);
    project.json(&["deploy"]).ok();
    let id = sent(&project, &[]);
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], true);
    logged(&project, &id, "not tried again: the host ends", 1);
}

#[test]
fn an_event_that_is_too_large_for_an_asynchronous_invocation_is_refused() {
    let project = Project::init("python");
    project.json(&["deploy"]).ok();
    project.write("large.json", &json!({ "text": "x".repeat(1024 * 1024) }).to_string());
    let ran = project.json(&["invoke", "--async", "--event", "large.json"]);
    assert!(ran.code == 2 && ran.stdout.contains("at most 1 MB"), "{}", ran.stdout);
    assert_eq!(project.json(&["invoke", "--event", "large.json"]).code, 0);
}
