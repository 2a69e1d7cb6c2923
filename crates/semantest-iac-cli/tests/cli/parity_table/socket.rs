//! The steps of a WebSocket client.

use std::net::TcpStream;
use std::time::Duration;

use semantest_iac_testkit::http_exchange::send;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, client};

use super::subject::{Endpoint, bytes, told};

/// So long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client, and the connection that it has open.
pub struct Client {
    endpoint: Endpoint,
    socket: Option<WebSocket<TcpStream>>,
    /// The connection's id, from the last event that came back.
    id: String,
}

impl Client {
    /// Without a connection.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, socket: None, id: String::new() }
    }

    /// Does one step and tells what came of it.
    pub fn step(&mut self, step: &Value) -> Value {
        if step["open"].is_object() {
            return self.open(&step["open"]);
        }
        if !step["send"].is_null() {
            return self.send(&step["send"]);
        }
        if step["receive"] == true {
            return self.receive();
        }
        if let Some(close) = step["close"].as_array() {
            let code = close[0].as_u64().and_then(|code| u16::try_from(code).ok()).expect("a code");
            let frame =
                CloseFrame { code: CloseCode::from(code), reason: close[1].as_str().expect("words").into() };
            let socket = self.socket.as_mut().expect("an open connection");
            socket.close(Some(frame)).expect("it closes");
            // To the end: the gateway's own close frame.
            while socket.read().is_ok() {}
            return Value::Null;
        }
        if let Some(method) = step["connections"].as_str() {
            return self.connections(method, step);
        }
        self.until(step["until"].as_str().expect("a step that is known"))
    }

    fn open(&mut self, how: &Value) -> Value {
        let query = how["query"].as_str().map(|query| format!("?{query}")).unwrap_or_default();
        let stage = if self.endpoint.stage.is_empty() { "/" } else { &self.endpoint.stage };
        let url = format!("ws://127.0.0.1:{}{stage}{query}", self.endpoint.port);
        let mut request = url.into_client_request().expect("a request");
        for pair in how["headers"].as_array().into_iter().flatten() {
            let name: HeaderName = pair[0].as_str().and_then(|name| name.parse().ok()).expect("a name");
            let value: HeaderValue = pair[1].as_str().and_then(|value| value.parse().ok()).expect("a value");
            request.headers_mut().append(name, value);
        }
        let stream = TcpStream::connect(("127.0.0.1", self.endpoint.port)).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        match client(request, stream) {
            Ok((socket, response)) => {
                self.socket = Some(socket);
                shook(&response)
            }
            Err(HandshakeError::Failure(Error::Http(response))) => shook(&response),
            Err(error) => json!({ "failed": error.to_string() }),
        }
    }

    fn send(&mut self, what: &Value) -> Value {
        let socket = self.socket.as_mut().expect("an open connection");
        let sent = match (what.as_str(), what["frame"].as_u64()) {
            (Some(text), _) => socket.send(Message::text(text)),
            (None, None) => socket.send(Message::text(String::from_utf8(bytes(what)).expect("text"))),
            (None, Some(size)) => in_frames(socket, what, usize::try_from(size).expect("a size")),
        };
        // The gateway may have closed in the middle: what comes next tells.
        json!(sent.is_ok())
    }

    fn receive(&mut self) -> Value {
        let socket = self.socket.as_mut().expect("an open connection");
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    let event: Value = serde_json::from_str(&text).unwrap_or_default();
                    if let Some(id) = event["requestContext"]["connectionId"].as_str() {
                        self.id = id.to_owned();
                    }
                    return json!({ "text": text.as_str(), "json": event });
                }
                Ok(Message::Close(frame)) => {
                    return json!({ "closed": frame.map_or(1005, |frame| u16::from(frame.code)) });
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    return json!({ "nothing": true });
                }
                Err(_) => return json!({ "closed": 1006 }),
            }
        }
    }

    /// A command of `@connections` about this connection, or the `id` that the step names.
    fn connections(&self, method: &str, step: &Value) -> Value {
        let id = step["id"].as_str().unwrap_or(&self.id).replace('=', "%3D").replace('/', "%2F");
        let word = if step["encoded"] == true { "%40connections" } else { "@connections" };
        let target = format!("{}/{word}/{id}", self.endpoint.stage);
        told(&send(self.endpoint.port, method, &target, &[], &bytes(&step["body"])))
    }

    /// Asks over another connection until the function has seen an event of this kind about this one.
    fn until(&mut self, kind: &str) -> Value {
        let id = self.id.clone();
        self.open(&json!({}));
        for _ in 0..50 {
            self.send(&json!(json!({ "tell": kind }).to_string()));
            let came = self.receive();
            if came["json"]["requestContext"]["connectionId"] == id.as_str() {
                return came["json"].clone();
            }
            if came["text"].is_null() {
                return came;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Value::Null
    }
}

fn shook<T>(response: &Response<T>) -> Value {
    let mut headers = json!({});
    for (name, value) in response.headers() {
        headers[name.as_str()] = json!(String::from_utf8_lossy(value.as_bytes()));
    }
    json!({ "status": response.status().as_u16(), "headers": headers })
}

/// One message in frames of at most `size` bytes. With `tell` it is the JSON that asks the function for that, filled up.
fn in_frames(socket: &mut WebSocket<TcpStream>, what: &Value, size: usize) -> Result<(), Error> {
    let mut message = bytes(what);
    if let Some(tell) = what["tell"].as_str() {
        let length = message.len();
        message = json!({ "tell": tell, "filling": "x".repeat(length) }).to_string().into_bytes();
    }
    let parts = message.chunks(size).count();
    for (number, part) in message.chunks(size).enumerate() {
        let kind = if number == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(part.to_vec(), OpCode::Data(kind), number + 1 == parts);
        socket.send(Message::Frame(frame))?;
    }
    Ok(())
}
