//! One open WebSocket: messages in, messages out, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;

use crate::gateway::websocket_api::{MESSAGE_LIMIT, NoAnswer, WebsocketApi};
use crate::gateway::websocket_event::{self, ConnectionInfo};
use crate::http_server::linger;

/// Largest frame, in bytes (API Gateway quotas).
const FRAME_LIMIT: usize = 32 * 1024;
/// A silent connection is closed after this long (API Gateway quotas).
const IDLE_TIME: Duration = Duration::from_secs(600);
/// Every connection is closed after this long (API Gateway quotas).
const LIFE_TIME: Duration = Duration::from_secs(7200);
/// So many messages of one connection are handled at once; they have no order, as on AWS.
const PARALLEL: usize = 16;
/// A client that takes nothing in for this long is given up; whoever sends to it hears so.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// A client that does not finish closing is left after this long.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// A message to the client, and whom to tell that it was written.
type Outgoing = (Bytes, oneshot::Sender<()>);

/// A connection, as `@connections` sees it.
pub(crate) struct Connection {
    pub info: ConnectionInfo,
    outgoing: mpsc::Sender<Outgoing>,
    closing: CancellationToken,
    open: CancellationToken,
    last_active: AtomicI64,
}

impl Connection {
    /// A connection whose handshake is under way, and what is to be sent over it.
    pub fn new(info: ConnectionInfo) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let (outgoing, receiver) = mpsc::channel(64);
        let last_active = AtomicI64::new(info.connected_at.as_millisecond());
        let (closing, open) = (CancellationToken::new(), CancellationToken::new());
        (Arc::new(Self { info, outgoing, closing, open, last_active }), receiver)
    }

    /// Whether the handshake is done and the end has not come.
    pub fn is_open(&self) -> bool {
        self.open.is_cancelled() && !self.closing.is_cancelled()
    }

    /// Sends a message; returns when it is written, or `false` where the connection has ended.
    pub async fn send(&self, message: Bytes) -> bool {
        let (written, done) = oneshot::channel();
        self.outgoing.send((message, written)).await.is_ok() && done.await.is_ok()
    }

    /// Closes it.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// When something was last sent or received.
    pub fn last_active(&self) -> Timestamp {
        Timestamp::from_millisecond(self.last_active.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Returns when nothing has been sent or received for too long.
    async fn silence(&self) {
        loop {
            let silent = Timestamp::now().as_millisecond() - self.last_active.load(Ordering::Relaxed);
            let silent = Duration::from_millis(silent.try_into().unwrap_or_default());
            if silent >= IDLE_TIME {
                return;
            }
            tokio::time::sleep(IDLE_TIME - silent).await;
        }
    }

    fn touch(&self) {
        self.last_active.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How a connection comes to its end.
enum End {
    /// The client has closed it.
    Theirs(u16, String),
    /// We close it.
    Ours(CloseCode, &'static str),
    /// Nothing can be said to the client any more.
    Lost,
}

/// Runs a connection from its handshake to its `$disconnect`.
pub(crate) async fn run(
    api: Arc<WebsocketApi>,
    connection: Arc<Connection>,
    upgrade: OnUpgrade,
    outgoing: mpsc::Receiver<Outgoing>,
) {
    if let Ok(upgraded) = upgrade.await {
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MESSAGE_LIMIT);
        config.max_frame_size = Some(FRAME_LIMIT);
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        connection.open.cancel();
        let (status, reason) = talk(&api, &connection, socket, outgoing).await;
        connection.close();
        api.forget(&connection.info.id);
        let definition = api.definition();
        if let Some(function) = definition.function("$disconnect") {
            let info = &connection.info;
            let (context, _) = websocket_event::context(&definition, info, "$disconnect", "DISCONNECT");
            let event = websocket_event::disconnect(&definition, context, info, status, &reason);
            api.notify(function, event).await;
        }
    }
    api.forget(&connection.info.id);
}

/// Passes messages both ways until the connection ends; how it ended.
async fn talk(
    api: &Arc<WebsocketApi>,
    connection: &Arc<Connection>,
    socket: Socket,
    outgoing: mpsc::Receiver<Outgoing>,
) -> (u16, String) {
    let (mut sink, mut stream) = socket.split();
    // Side by side: handlers that occupy every slot of the reading side wait for what they send to be written.
    let end = tokio::select! {
        end = read(api, connection, &mut stream) => end,
        end = write(connection, &mut sink, outgoing) => end,
        () = connection.closing.cancelled() => End::Ours(CloseCode::Normal, "Connection Closed Normally"),
        () = api.shutdown.cancelled() => End::Ours(CloseCode::Away, "Going away"),
        () = connection.silence() => End::Ours(CloseCode::Away, "Idle timeout"),
        () = tokio::time::sleep(LIFE_TIME) => End::Ours(CloseCode::Away, "Going away"),
    };
    match (end, sink.reunite(stream)) {
        (End::Ours(code, reason), Ok(socket)) => {
            close(socket, CloseFrame { code, reason: reason.into() }).await;
            (code.into(), reason.to_owned())
        }
        (End::Theirs(code, reason), Ok(mut socket)) => {
            // Tungstenite has the answering close frame ready: flush it.
            let _ = tokio::time::timeout(CLOSE_TIME, socket.flush()).await;
            (code, reason)
        }
        _ => (1006, "Connection Closed Abnormally".to_owned()),
    }
}

async fn close(mut socket: Socket, frame: CloseFrame) {
    let ending = async {
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    let _ = tokio::time::timeout(CLOSE_TIME, ending).await;
    linger(socket.into_inner()).await;
}

/// Takes messages in, each handled beside the others of its connection.
async fn read(
    api: &Arc<WebsocketApi>,
    connection: &Arc<Connection>,
    stream: &mut SplitStream<Socket>,
) -> End {
    let slots = Arc::new(Semaphore::new(PARALLEL));
    loop {
        // Reading no further slows the client down instead of piling up its messages.
        let slot = slots.clone().acquire_owned().await.ok();
        let message = loop {
            let received = stream.next().await;
            connection.touch();
            match received {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => break message,
                Some(Ok(Message::Close(None))) => return End::Theirs(1005, String::new()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return End::Theirs(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return end_after(&error),
                None => return End::Lost,
            }
        };
        let (api, connection) = (api.clone(), connection.clone());
        tokio::spawn(async move {
            receive(&api, &connection, message).await;
            drop(slot);
        });
    }
}

/// RFC 6455, section 7.4.1.
fn end_after(error: &SocketError) -> End {
    match error {
        SocketError::Capacity(_) => End::Ours(CloseCode::Size, "Message too long"),
        SocketError::Utf8(_) => End::Ours(CloseCode::Invalid, "Invalid UTF-8"),
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Lost,
        SocketError::Protocol(_) => End::Ours(CloseCode::Protocol, "Protocol error"),
        _ => End::Lost,
    }
}

/// Sends messages out.
async fn write(
    connection: &Connection,
    sink: &mut SplitSink<Socket, Message>,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> End {
    while let Some((message, written)) = outgoing.recv().await {
        let message = match String::from_utf8(message.to_vec()) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(message),
        };
        match tokio::time::timeout(WRITE_TIME, sink.send(message)).await {
            Ok(Ok(())) => connection.touch(),
            Ok(Err(_)) | Err(_) => return End::Lost,
        }
        let _ = written.send(());
    }
    End::Lost
}

/// Handles one message.
async fn receive(api: &WebsocketApi, connection: &Connection, message: Message) {
    let definition = api.definition();
    let route = websocket_event::route_of(&definition, &message.clone().into_data());
    let key = route.unwrap_or("$default");
    let (context, request_id) = websocket_event::context(&definition, &connection.info, key, "MESSAGE");
    let trouble = match route.and_then(|route| definition.function(route)) {
        _ if !api.admits(&definition) => Some("Too Many Requests"),
        None => Some("Forbidden"),
        // What the function returns goes nowhere: there is no route response.
        Some(function) => {
            let event = websocket_event::message(&definition, context, &message);
            api.invoke(function, event).await.err().map(NoAnswer::message)
        }
    };
    if let Some(message) = trouble {
        let id = &connection.info.id;
        let text = json!({ "message": message, "connectionId": id, "requestId": request_id }).to_string();
        connection.send(Bytes::from(text)).await;
    }
}
