//! An HTTP API that is asked more than it takes.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::http_api::serve;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker};

struct Answers;

#[async_trait]
impl Invoker for Answers {
    async fn invoke(&self, _: &str, _: Invocation) -> Result<InvocationOutcome, InvocationRefused> {
        Ok(InvocationOutcome::Success { request_id: "1".into(), payload: Bytes::from_static(b"{}") })
    }

    fn generation(&self, _: &str) -> u64 {
        0
    }

    fn log(&self, _: &str, _: &str, _: &str) {}
}

#[tokio::test]
async fn requests_beyond_the_burst_are_answered_429_and_not_passed_on() {
    let definition = serde_json::from_value(json!({
        "id": "a", "name": "a", "routes": [{ "route_key": "$default", "function": "f" }],
        "tags": { "project": "p", "environment": "e", "component": "c", "address": "a" },
        "throttling": { "rate": 0.000_001, "burst": 2 },
    }))
    .expect("a definition");
    let (_sender, definition) = watch::channel(Arc::new(definition));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(definition, listener, Arc::new(Answers), CancellationToken::new()));
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.expect("the gateway answers");
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answers.push(answer);
    }
    let statuses = answers.iter().map(|answer| &answer[9..12]).collect::<Vec<_>>();
    assert_eq!(statuses, ["200", "200", "429"]);
    assert!(answers[2].ends_with(r#"{"message":"Too Many Requests"}"#), "{}", answers[2]);
}
