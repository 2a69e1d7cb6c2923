//! Authorizers of HTTP and WebSocket APIs on this machine: who gets in, and what functions are told of them.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::program::dev::{Dev, PATIENCE};
use crate::program::socket::{event, frame, handshake, next_text};
use crate::program::{Project, raw};
use serde_json::{Value, json};

/// Makes keys and signs tokens by Node's own cryptography: `[{ alg?, kid?, claims }]` to `{ jwks, tokens }`.
const ISSUER: &str = r#"
const { createHmac, generateKeyPairSync, sign } = require("node:crypto");
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokens = JSON.parse(process.argv[1]).map(({ alg = "RS256", kid = "one", claims }) => {
  const begin = `${part({ alg, kid, typ: "JWT" })}.${part(claims)}`;
  if (alg === "none") return `${begin}.`;
  const hash = `sha${alg.slice(2)}`;
  const signature = alg.startsWith("HS")
    ? createHmac(hash, publicKey.export({ format: "pem", type: "spki" })).update(begin).digest()
    : sign(hash, Buffer.from(begin), privateKey);
  return `${begin}.${signature.toString("base64url")}`;
});
const key = { ...publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: undefined };
console.log(JSON.stringify({ jwks: { keys: [key] }, tokens }));
"#;

/// The key set of a new issuer, and tokens that it has signed.
fn issue(wanted: Value) -> (String, Vec<String>) {
    let ran = Command::new("node").args(["-e", ISSUER, &wanted.to_string()]).output().expect("node runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let issued: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let tokens = issued["tokens"].as_array().expect("tokens").iter();
    let tokens = tokens.map(|token| token.as_str().expect("text").to_owned());
    (issued["jwks"].to_string(), tokens.collect())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.example.com", "aud": "orders", "sub": "ann", "exp": now() + 3600, "iat": now() - 60,
        "groups": ["admin", "staff"], "scope": "read write",
    });
    claims.as_object_mut().expect("claims").extend(changes.as_object().expect("changes").clone());
    claims
}

/// A project of one component, deployed: it, and `host:port`.
fn deployed(component: &str, files: &[(&str, &str)]) -> (Project, String) {
    let project = Project::empty();
    std::fs::create_dir(project.file("code")).expect("a folder");
    for (path, text) in files {
        project.write(path, text);
    }
    let head = "project = \"shop\"\n[environments.dev]\nprovider = \"local\"\n[components.orders]\ncode = \"code\"\n";
    project.write("semantest.toml", &format!("{head}{component}"));
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    let address = endpoint.split("://").nth(1).expect("an address").split('/').next().expect("a host");
    (project, address.to_owned())
}

/// What comes back for a request with `headers`, whose lines end with a line break each.
fn send(address: &str, request: &str, headers: &str) -> Answer {
    let text =
        raw(address, format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"));
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    Answer { status: head[9..12].to_owned(), head: head.to_lowercase(), body: body.to_owned() }
}

#[derive(Debug)]
struct Answer {
    status: String,
    /// In small letters.
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

const ECHO: &str = "def handler(event, context):\n    return event\n";

const JWT: &str = r#"
kind = "rest-api"
runtime = "python3.12"
authorizer = "tokens"
cors = { allow_origins = ["https://app.example"], allow_headers = ["authorization"] }
[components.orders.authorizers.tokens]
type = "jwt"
issuer = "https://id.example.com"
audience = ["orders"]
jwks = "keys.json"
[components.orders.functions.list]
handler = "app.handler"
routes = ["GET /orders", "POST /orders"]
[components.orders.functions.remove]
handler = "app.handler"
routes = ["DELETE /orders/{id}"]
authorization_scopes = ["write", "remove"]
[components.orders.functions.health]
handler = "app.handler"
routes = ["GET /health"]
authorizer = "none"
"#;

#[test]
fn a_jwt_authorizer_lets_in_whom_the_issuer_has_signed_for() {
    let (keys, tokens) = issue(json!([
        { "claims": claims(json!({})) },
        { "claims": claims(json!({ "scope": "read" })) },
        { "alg": "RS384", "claims": claims(json!({})) },
        { "alg": "RS512", "claims": claims(json!({})) },
    ]));
    let (project, address) = deployed(JWT, &[("code/app.py", ECHO), ("keys.json", &keys)]);
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    assert_eq!(project.json(&["refresh"]).ok()["drift"], json!([]));
    for token in [0, 2, 3] {
        let bearer = format!("Authorization: Bearer {}\r\n", tokens[token]);
        let told = send(&address, "GET /orders", &bearer).json();
        let jwt = &told["requestContext"]["authorizer"]["jwt"];
        assert_eq!(
            (&jwt["claims"]["sub"], &jwt["claims"]["groups"]),
            (&json!("ann"), &json!("[admin staff]"))
        );
        assert!(jwt["claims"]["exp"].as_str().is_some_and(|exp| exp.parse::<u64>().is_ok()), "{jwt}");
        assert_eq!(jwt["scopes"], Value::Null, "the route asks for none");
    }
    let bare = format!("Authorization: {}\r\n", tokens[0]);
    assert_eq!(send(&address, "POST /orders", &bare).status, "200");
    let told = send(&address, "DELETE /orders/7", &bare).json();
    assert_eq!(told["requestContext"]["authorizer"]["jwt"]["scopes"], json!(["write"]));
    let reader = format!("Authorization: Bearer {}\r\n", tokens[1]);
    let refused = send(&address, "DELETE /orders/7", &reader);
    assert_eq!((refused.status.as_str(), refused.body.as_str()), ("403", r#"{"message":"Forbidden"}"#));
    assert!(
        refused.head.contains(r#"www-authenticate: bearer scope="write remove" error="insufficient_scope""#)
    );
    let open = send(&address, "GET /health", "").json();
    assert!(open["requestContext"].get("authorizer").is_none(), "{open}");

    // Other keys hold from the next deploy on.
    let (keys, others) = issue(json!([{ "claims": claims(json!({})) }]));
    project.write("keys.json", &keys);
    assert_eq!(project.json(&["deploy"]).ok()["changes"]["updated"], 1);
    assert_eq!(send(&address, "GET /orders", &bare).status, "401");
    assert_eq!(send(&address, "GET /orders", &format!("Authorization: {}\r\n", others[0])).status, "200");
    project.json(&["rollback"]).ok();
    assert_eq!(send(&address, "GET /orders", &bare).status, "200", "the keys of that version are back");
}

#[test]
fn keys_that_are_saved_hold_in_dev() {
    let (keys, _) = issue(json!([]));
    let (others, tokens) = issue(json!([{ "claims": claims(json!({})) }]));
    let (project, address) = deployed(JWT, &[("code/app.py", ECHO), ("keys.json", &keys)]);
    let mut dev = Dev::start(&project, &[]);
    dev.ready();
    let status = || send(&address, "GET /orders", &format!("Authorization: {}\r\n", tokens[0])).status;
    assert_eq!(status(), "401");
    project.write("keys.json", &others);
    let begun = Instant::now();
    while status() != "200" {
        assert!(begun.elapsed() < PATIENCE, "the keys that were saved do not hold");
        std::thread::sleep(Duration::from_millis(10));
    }
    dev.end();
}

#[test]
fn keys_that_this_machine_does_not_have_are_asked_for_where_they_belong() {
    let project = Project::empty();
    std::fs::create_dir(project.file("code")).expect("a folder");
    project.write("code/app.py", ECHO);
    let head = "project = \"shop\"\n[environments.dev]\nprovider = \"local\"\n[components.orders]\ncode = \"code\"\n";
    let refused = |definition: &str| {
        project.write("semantest.toml", &format!("{head}{definition}"));
        let ran = project.json(&["deploy"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        ran.json()["error"]["message"].as_str().expect("a message").to_owned()
    };
    let missing = refused(&JWT.replace("jwks = \"keys.json\"\n", ""));
    assert!(missing.contains("line 11") && missing.contains("jwks = \"keys.json\""), "{missing}");
    let absent = refused(JWT);
    assert!(absent.contains("line 15") && absent.contains("`keys.json` does not exist"), "{absent}");
    let outside = refused(&JWT.replace("keys.json", "../keys.json"));
    assert!(outside.contains("inside the project folder"), "{outside}");
    project.write("keys.json", r#"{"keys":[{"kty":"oct","k":"canary","kid":"one"}]}"#);
    let private = refused(JWT);
    assert!(private.contains("private key") && !private.contains("canary"), "{private}");
    let unknown = refused(&JWT.replace("audience", "audiance"));
    assert!(unknown.contains("line 14") && unknown.contains("did you mean `audience`?"), "{unknown}");
    assert!(!project.file(".semantest/local/host.json").exists(), "nothing was begun");
}

#[test]
fn tokens_that_are_not_as_they_should_be_are_refused_with_401_and_no_function_is_called() {
    let (keys, tokens) = issue(json!([
        { "claims": claims(json!({ "exp": now() - 1 })) },
        { "claims": claims(json!({ "iss": "https://evil.example" })) },
        { "claims": claims(json!({ "aud": "carts" })) },
        { "claims": claims(json!({ "nbf": now() + 3600 })) },
        { "kid": "two", "claims": claims(json!({})) },
        { "alg": "none", "claims": claims(json!({})) },
        { "alg": "HS256", "claims": claims(json!({})) },
    ]));
    let (_, others) = issue(json!([{ "claims": claims(json!({})) }]));
    let (project, address) = deployed(JWT, &[("code/app.py", ECHO), ("keys.json", &keys)]);
    let hostile =
        ["", "Bearer", "a.b.c", "....", "Basic dXNlcjpwYXNz", "eyJhbGciOiJSUzI1NiJ9"].map(str::to_owned);
    let huge = format!("{}.{}.{}", "a".repeat(20_000), "b".repeat(20_000), "c".repeat(20_000));
    for token in tokens.iter().chain(&others).chain(&hostile).chain([&huge]) {
        let refused = send(&address, "GET /orders", &format!("Authorization: Bearer {token}\r\n"));
        let begins = &token[..token.len().min(40)];
        assert_eq!(refused.status, "401", "{begins}: {refused:?}");
        assert_eq!(refused.body, r#"{"message":"Unauthorized"}"#, "{begins}");
        assert!(refused.head.contains("www-authenticate: bearer"), "{begins}: {refused:?}");
    }
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].clone();
    assert_eq!(lines, json!([]), "no function was called");
}

#[test]
fn a_preflight_is_not_authorized_and_who_is_refused_may_read_why() {
    let (keys, _) = issue(json!([]));
    let (_project, address) = deployed(JWT, &[("code/app.py", ECHO), ("keys.json", &keys)]);
    let origin = "Origin: https://app.example\r\n";
    let preflight =
        send(&address, "OPTIONS /orders", &format!("{origin}Access-Control-Request-Method: GET\r\n"));
    assert_eq!(preflight.status, "204", "{preflight:?}");
    assert!(preflight.head.contains("access-control-allow-headers: authorization"), "{preflight:?}");
    let refused = send(&address, "GET /orders", origin);
    assert_eq!(refused.status, "401");
    assert!(refused.head.contains("access-control-allow-origin: https://app.example"), "{refused:?}");
    assert!(
        refused.head.ends_with("www-authenticate: bearer")
            || refused.head.contains("www-authenticate: bearer\r\n")
    );
    assert_eq!(send(&address, "GET /nowhere", "").status, "404", "what has no route has no authorizer");
}

const SIMPLE: &str = r#"
kind = "rest-api"
runtime = "nodejs20.x"
stage_variables = { table = "orders-dev", region = "eu" }
authorizer = "ask"
[components.orders.authorizers.ask]
type = "lambda"
function = "auth"
simple_responses = true
identity_source = ["$request.header.X-Who", "$request.querystring.what"]
ttl_s = 3600
[components.orders.functions.auth]
handler = "auth.handler"
[components.orders.functions.list]
handler = "auth.list"
routes = ["GET /orders/{id}"]
"#;

const SIMPLE_CODE: &str = r#"
export const list = async (event) => event;
export const handler = async (event) => {
  console.log("EVENT " + JSON.stringify(event));
  const who = event.headers["x-who"];
  if (who === "broken") throw new Error("no idea");
  if (who === "unknown") throw new Error("Unauthorized");
  if (who === "odd") return { ok: true };
  if (who === "large") return { isAuthorized: true, context: { much: "x".repeat(9000) } };
  if (who === "plain") return { isAuthorized: true };
  return { isAuthorized: who !== "eve", context: { who, groups: ["a"], nested: { n: 1 } } };
};
"#;

#[test]
fn a_function_that_answers_simply_says_who_gets_in_once_for_each_identity() {
    let (project, address) = deployed(SIMPLE, &[("code/auth.mjs", SIMPLE_CODE)]);
    let ask = |who: &str, what: &str| {
        send(&address, &format!("GET /orders/7{what}"), &format!("X-Who: {who}\r\nCookie: a=b\r\n"))
    };
    let told = ask("ann", "?what=it").json();
    let lambda = json!({ "lambda": { "who": "ann", "groups": ["a"], "nested": { "n": 1 } } });
    assert_eq!(told["requestContext"]["authorizer"], lambda);
    assert_eq!(told["stageVariables"], json!({ "table": "orders-dev", "region": "eu" }));
    for _ in 0..3 {
        assert_eq!(ask("ann", "?what=it").status, "200");
    }
    assert_eq!(ask("plain", "?what=it").json()["requestContext"]["authorizer"], json!({ "lambda": null }));
    for (who, what, status, body) in [
        ("eve", "?what=it", "403", r#"{"message":"Forbidden"}"#),
        ("eve", "?what=it", "403", r#"{"message":"Forbidden"}"#),
        ("unknown", "?what=it", "401", r#"{"message":"Unauthorized"}"#),
        ("ann", "", "401", r#"{"message":"Unauthorized"}"#),
        ("", "?what=it", "401", r#"{"message":"Unauthorized"}"#),
        ("broken", "?what=it", "500", r#"{"message":"Internal Server Error"}"#),
        ("odd", "?what=it", "500", r#"{"message":"Internal Server Error"}"#),
        ("large", "?what=it", "500", r#"{"message":"Internal Server Error"}"#),
    ] {
        let refused = ask(who, what);
        assert_eq!((refused.status.as_str(), refused.body.as_str()), (status, body), "{who} {what}");
    }
    let asked = event(&project, |event| event["headers"]["x-who"] == "large");
    let route =
        format!("{}/$default/GET/orders/7", asked["requestContext"]["apiId"].as_str().expect("an id"));
    assert!(asked["routeArn"].as_str().expect("an ARN").ends_with(&route), "{asked}");
    assert_eq!((&asked["type"], &asked["version"]), (&json!("REQUEST"), &json!("2.0")));
    assert_eq!(asked["identitySource"], json!(["large", "it"]));
    assert_eq!((&asked["routeKey"], &asked["cookies"]), (&json!("GET /orders/{id}"), &json!(["a=b"])));
    assert_eq!(
        (&asked["pathParameters"]["id"], &asked["stageVariables"]["region"]),
        (&json!("7"), &json!("eu"))
    );
    assert!(asked.get("body").is_none() && asked.get("isBase64Encoded").is_none(), "{asked}");
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].clone();
    let lines = lines.as_array().expect("lines").clone();
    let said = |text: &str| {
        lines.iter().filter(|line| line["message"].as_str().is_some_and(|said| said.contains(text))).count()
    };
    assert_eq!(said(r#""identitySource":["ann","it"]"#), 1, "asked once, then remembered");
    assert_eq!(said(r#""identitySource":["eve","it"]"#), 1, "a refusal is remembered as well");
    assert_eq!(said("cannot be used"), 2, "what is wrong with an answer stands in the log: {lines:?}");
    project.replace("code/auth.mjs", "who !== \"eve\"", "who !== \"ann\"");
    project.json(&["deploy"]).ok();
    assert_eq!(ask("eve", "?what=it").status, "200", "what other code has said is forgotten");
}

const POLICY: &str = r#"
kind = "rest-api"
runtime = "python3.12"
[components.orders.authorizers.ask]
type = "lambda"
function = "auth"
[components.orders.functions.auth]
handler = "app.auth"
[components.orders.functions.list]
handler = "app.handler"
authorizer = "ask"
"#;

const POLICY_CODE: &str = r#"
def handler(event, context):
    return event

def statement(effect, resource):
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}

def auth(event, context):
    print("ASKED " + event["headers"]["authorization"])
    api = event["routeArn"].split("/")[0]
    who = event["headers"]["authorization"]
    statements = {
        "all": [statement("Allow", api + "/*")],
        "own": [statement("Allow", event["routeArn"])],
        "read": [statement("Allow", [api + "/*/GET/*", api + "/*/HEAD/*"])],
        "not-secret": [statement("Allow", "*"), statement("Deny", api + "/$default/*/secret/?*")],
        "nothing": [],
        "conditional": [dict(statement("Allow", "*"), Condition={"Bool": {"aws:SecureTransport": "false"}})],
    }[who]
    document = {"Version": "2012-10-17", "Statement": statements}
    return {"principalId": who, "policyDocument": document, "context": {"who": who}}
"#;

#[test]
fn a_function_that_answers_with_a_policy_says_who_may_call_what() {
    let (project, address) = deployed(POLICY, &[("code/app.py", POLICY_CODE)]);
    let status =
        |who: &str, request: &str| send(&address, request, &format!("Authorization: {who}\r\n")).status;
    for (who, request, wanted) in [
        ("all", "DELETE /a/b", "200"),
        ("own", "GET /a", "200"),
        ("own", "GET /b", "403"),
        ("read", "GET /a/b/c", "200"),
        ("read", "HEAD /a", "200"),
        ("read", "POST /a", "403"),
        ("not-secret", "GET /public/1", "200"),
        ("not-secret", "GET /secret/1", "403"),
        ("nothing", "GET /a", "403"),
        ("conditional", "GET /a", "500"),
    ] {
        assert_eq!(status(who, request), wanted, "{who} {request}");
    }
    let told = send(&address, "GET /a", "Authorization: all\r\n").json();
    assert_eq!(told["requestContext"]["authorizer"], json!({ "lambda": { "who": "all" } }));
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].to_string();
    assert_eq!(lines.matches("ASKED own").count(), 1, "a policy is kept, and judged for each request");
    assert!(lines.contains("Condition"), "{lines}");
}

const SOCKET: &str = r#"
kind = "websocket"
runtime = "python3.12"
authorizer = "ask"
stage_variables = { table = "chats" }
throttling = { rate = 1000, burst = 1000 }
[components.orders.authorizers.ask]
type = "lambda"
function = "auth"
identity_source = "route.request.querystring.token"
[components.orders.functions.auth]
handler = "app.auth"
[components.orders.functions.connect]
handler = "app.handler"
[components.orders.functions.message]
handler = "app.handler"
[components.orders.functions.disconnect]
handler = "app.handler"
"#;

const SOCKET_CODE: &str = r#"
import json

def handler(event, context):
    print("EVENT " + json.dumps(event))
    return {"statusCode": 200}

def auth(event, context):
    print("EVENT " + json.dumps(event))
    token = event["queryStringParameters"]["token"]
    if token == "broken": raise Exception("no idea")
    if token == "unknown": raise Exception("Unauthorized")
    context = {"groups": ["a"]} if token == "list" else {"tier": "gold", "age": 7}
    effect = "Deny" if token == "eve" else "Allow"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {"principalId": token, "policyDocument": {"Statement": [statement]}, "context": context}
"#;

#[test]
fn what_an_authorizer_says_of_a_connection_is_told_on_every_route() {
    let (project, address) = deployed(SOCKET, &[("code/app.py", SOCKET_CODE)]);
    for (query, status) in [
        ("", "401"),
        ("?token=", "401"),
        ("?token=unknown", "401"),
        ("?token=eve", "403"),
        ("?token=broken", "500"),
        ("?token=list", "500"),
    ] {
        let (_, head) = handshake(&address, &format!("/dev{query}"), 13, "");
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{query}: {head}");
    }
    let (mut stream, head) = handshake(&address, "/dev?token=ann", 13, "X-One: 1\r\n");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream.write_all(&frame(0x81, b"hello")).expect("a message");
    event(&project, |event| event["body"] == "hello");
    drop(stream);
    for kind in ["CONNECT", "MESSAGE", "DISCONNECT"] {
        let told = event(&project, |event| {
            event["requestContext"]["eventType"] == kind && event.get("methodArn").is_none()
        });
        let said = &told["requestContext"]["authorizer"];
        assert_eq!((&said["principalId"], &said["tier"]), (&json!("ann"), &json!("gold")), "{kind}");
        assert_eq!(said["age"], "7", "{kind}: values are text");
        assert!(said["integrationLatency"].is_u64(), "{kind}: {said}");
        assert_eq!(told["stageVariables"], json!({ "table": "chats" }), "{kind}");
    }
    let asked = event(&project, |event| {
        event["queryStringParameters"]["token"] == "ann" && event["type"] == "REQUEST"
    });
    assert!(asked["methodArn"].as_str().expect("an ARN").ends_with("/dev/$connect"), "{asked}");
    assert_eq!(
        (&asked["headers"]["X-One"], &asked["stageVariables"]["table"]),
        (&json!("1"), &json!("chats"))
    );
    assert_eq!(asked["multiValueQueryStringParameters"], json!({ "token": ["ann"] }));
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].to_string();
    assert!(lines.contains("`groups` of its context is a list"), "{lines}");
}

#[test]
fn a_websocket_that_is_asked_more_than_it_takes_refuses_connections_and_answers_messages() {
    let limited = SOCKET
        .replace("rate = 1000, burst = 1000", "rate = 0.000001, burst = 3")
        .replace("authorizer = \"ask\"", "authorizer = \"none\"");
    let (project, address) = deployed(&limited, &[("code/app.py", SOCKET_CODE)]);
    let (mut stream, head) = handshake(&address, "/dev", 13, "");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    for text in ["one", "two", "three", "four"] {
        stream.write_all(&frame(0x81, text.as_bytes())).expect("a message");
    }
    for _ in 0..2 {
        let said: Value = serde_json::from_str(&next_text(&mut stream)).expect("JSON");
        assert_eq!(said["message"], "Too Many Requests");
        assert!(said["connectionId"].is_string() && said["requestId"].is_string(), "{said}");
    }
    let (_, refused) = handshake(&address, "/dev", 13, "");
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    drop(stream);
    event(&project, |event| event["requestContext"]["eventType"] == "DISCONNECT");
    let lines = project.json(&["logs", "--limit", "1000"]).ok()["lines"].to_string();
    assert_eq!(lines.matches("MESSAGE").count(), 2, "two got through: {lines}");
}
