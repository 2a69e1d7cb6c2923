//! The WebSocket component of the first user's workload on AWS.

use std::process::Command;

use crate::aws::projects::semantest;
use crate::aws::{AwsProject, changes};
use semantest_iac_testkit::aws_emulator::{AwsEmulator, tools};
use serde_json::{Value, json};

const COMPONENT: [&str; 2] = ["--component", "websocket"];

fn deploy(aws: &AwsProject) -> Value {
    aws.ok(&[&["deploy"][..], &COMPONENT].concat())
}

/// Connects to an endpoint that no resolver knows, sends each text, and prints each answer.
const TALK: &str = r#"
import asyncio, sys, websockets
async def main(url, port, *texts):
    async with websockets.connect(url, host="127.0.0.1", port=int(port)) as socket:
        for text in texts:
            await socket.send(text)
            print(await asyncio.wait_for(socket.recv(), 60))
asyncio.run(main(*sys.argv[1:]))
"#;

fn talk(endpoint: &str, texts: &[&str]) -> Vec<String> {
    let mut command = Command::new(tools().join("venv/bin/python"));
    command.args(["-c", TALK, endpoint, &AwsEmulator::shared().port().to_string()]).args(texts);
    let output = command.output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn echo(text: &str) -> Value {
    json!({ "echo": text })
}

fn parsed(answers: &[String]) -> Vec<Value> {
    answers.iter().map(|answer| serde_json::from_str(answer).expect("JSON")).collect()
}

#[test]
fn a_websocket_api_answers_through_its_connections_until_it_is_destroyed() {
    let aws = semantest("socket-story");
    let answer = deploy(&aws);
    let endpoint = answer["endpoint"].as_str().expect("an endpoint").to_owned();
    assert!(endpoint.starts_with("ws://") || endpoint.starts_with("wss://"), "{endpoint}");
    assert_eq!(answer["functions"].as_array().map(Vec::len), Some(3));
    let sent = r#"{"action":"anything","text":"hi"}"#;
    assert_eq!(parsed(&talk(&endpoint, &[sent, "no JSON at all"])), [echo(sent), echo("no JSON at all")]);

    let held = aws.inventory();
    let routes = held["apis"][0]["routes"].as_array().expect("routes");
    let keys: Vec<&Value> = routes.iter().map(|route| &route["key"]).collect();
    assert_eq!(keys, ["$connect", "$default", "$disconnect"]);
    assert!(held["roles"].to_string().contains("execute-api:ManageConnections"));

    aws.calls();
    assert_eq!(deploy(&aws)["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());
    let gone = aws.ok(&[&["destroy", "--yes"][..], &COMPONENT].concat());
    assert_eq!(gone["status"], "removed");
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn a_named_route_reaches_its_function_after_a_deploy_of_its_own() {
    let aws = semantest("socket-named");
    let endpoint = deploy(&aws)["endpoint"].as_str().expect("an endpoint").to_owned();
    aws.calls();
    aws.project.replace(
        "semantest.toml",
        "handler = \"message.handler\"",
        "handler = \"message.handler\"\nroutes = [\"sendMessage\", \"$default\"]",
    );
    let answer = deploy(&aws);
    assert_eq!(changes(&answer)[2], 0, "nothing is replaced");
    assert_eq!(answer["endpoint"], endpoint.as_str());
    let calls = aws.changing_calls();
    assert!(calls.contains(&"apigateway:CreateRoute".into()), "{calls:?}");
    assert!(
        calls.iter().all(|call| call.starts_with("apigateway:") || call == "lambda:AddPermission"),
        "{calls:?}"
    );
    let sent = r#"{"action":"sendMessage","text":"hi"}"#;
    assert_eq!(parsed(&talk(&endpoint, &[sent])), [echo(sent)]);
    aws.ok(&[&["destroy", "--yes"][..], &COMPONENT].concat());
    assert_eq!(aws.inventory(), json!({}));
}
