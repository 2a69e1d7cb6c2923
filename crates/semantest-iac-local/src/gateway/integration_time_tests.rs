//! A WebSocket API whose functions take longer than it waits for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

use crate::gateway::websocket_api::WebsocketApi;
use crate::host::definition::WebsocketApiDefinition;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused, Invoker};

/// A function that ends when it is told to.
struct Slow {
    release: CancellationToken,
    ended: Semaphore,
    given_up: Mutex<CancellationToken>,
}

impl Slow {
    fn is_given_up(&self) -> bool {
        self.given_up.lock().expect("a token").is_cancelled()
    }
}

#[async_trait]
impl Invoker for Slow {
    async fn invoke(&self, _: &str, invocation: Invocation) -> Result<InvocationOutcome, InvocationRefused> {
        *self.given_up.lock().expect("a token") = invocation.given_up;
        self.release.cancelled().await;
        self.ended.add_permits(1);
        Ok(InvocationOutcome::Success { request_id: "1".into(), payload: Bytes::from_static(b"{}") })
    }

    fn generation(&self, _: &str) -> u64 {
        0
    }

    fn log(&self, _: &str, _: &str, _: &str) {}
}

/// Opens a connection to an API with one route.
async fn connect(route: &str) -> (Result<WebSocketStream<TcpStream>, Error>, Arc<Slow>) {
    let definition: WebsocketApiDefinition = serde_json::from_value(json!({
        "id": "a", "name": "a", "stage": "dev", "route_selection_expression": "$request.body.action",
        "tags": { "project": "p", "environment": "e", "component": "c", "address": "a" },
        "routes": [{ "route_key": route, "function": "slow" }],
    }))
    .expect("a definition");
    let slow = Arc::new(Slow {
        release: CancellationToken::new(),
        ended: Semaphore::new(0),
        given_up: Mutex::default(),
    });
    let (_, definition) = watch::channel(Arc::new(definition));
    let api =
        WebsocketApi::new(definition, slow.clone(), CancellationToken::new(), Duration::from_millis(50));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(api.serve(listener, None));
    let stream = TcpStream::connect(address).await.expect("the gateway answers");
    let opened = client_async(format!("ws://{address}/dev"), stream).await;
    (opened.map(|(socket, _)| socket), slow)
}

async fn goes_on(slow: &Slow) {
    slow.release.cancel();
    slow.ended.acquire().await.expect("it comes to its end").forget();
}

#[tokio::test]
async fn a_handshake_whose_function_takes_too_long_fails_and_the_function_goes_on() {
    let (opened, slow) = connect("$connect").await;
    let Err(Error::Http(answer)) = opened else { panic!("{opened:?}") };
    assert_eq!(answer.status(), 504);
    assert!(slow.is_given_up(), "had it not begun, it never would");
    goes_on(&slow).await;
}

#[tokio::test]
async fn a_message_whose_function_takes_too_long_is_answered_and_the_function_goes_on() {
    let (opened, slow) = connect("$default").await;
    let mut socket = opened.expect("a connection");
    socket.send(Message::text("hello")).await.expect("a message");
    let answer = socket.next().await.expect("an answer").expect("a message");
    let answer: Value = serde_json::from_str(answer.to_text().expect("text")).expect("JSON");
    assert_eq!(answer["message"], "Endpoint request timed out");
    assert!(slow.is_given_up(), "had it not begun, it never would");
    assert!(answer["connectionId"].is_string() && answer["requestId"].is_string(), "{answer}");
    goes_on(&slow).await;
}

#[tokio::test]
async fn a_function_that_is_told_of_the_end_runs_however_long_it_has_to_wait() {
    let (opened, slow) = connect("$disconnect").await;
    let mut socket = opened.expect("a connection");
    socket.close(None).await.expect("closed");
    // Long after the gateway's time.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!slow.is_given_up());
    goes_on(&slow).await;
}
