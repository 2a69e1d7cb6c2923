//! One open WebSocket: messages in, messages out, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;

use crate::gateway::websocket_api::{MESSAGE_LIMIT, WebsocketApi};
use crate::gateway::websocket_event::{self, ConnectionInfo};

/// Largest frame, in bytes (API Gateway quotas).
const FRAME_LIMIT: usize = 32 * 1024;
/// A silent connection is closed after this long (API Gateway quotas).
const IDLE_TIME: Duration = Duration::from_secs(600);
/// Every connection is closed after this long (API Gateway quotas).
const LIFE_TIME: Duration = Duration::from_secs(7200);
/// So many messages of one connection are handled at once; they have no order, as on AWS.
const PARALLEL: usize = 16;
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

    fn touch(&self) {
        self.last_active.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

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
        if let Some(function) = api.function("$disconnect") {
            let (context, _) =
                websocket_event::context(&api.definition, &connection.info, "$disconnect", "DISCONNECT");
            api.invoke(function, websocket_event::disconnect(context, status, &reason)).await;
        }
    }
    api.forget(&connection.info.id);
}

/// Passes messages both ways until the connection ends; how it ended.
async fn talk(
    api: &Arc<WebsocketApi>,
    connection: &Arc<Connection>,
    mut socket: Socket,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> (u16, String) {
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let end_of_life = tokio::time::sleep(LIFE_TIME);
    let mut end_of_life = std::pin::pin!(end_of_life);
    loop {
        let idle = tokio::time::sleep(IDLE_TIME);
        tokio::select! {
            received = socket.next() => match received {
                Some(Ok(Message::Text(text))) => receive(api, connection, &slots, text.to_string()).await,
                Some(Ok(Message::Binary(bytes))) => {
                    receive(api, connection, &slots, String::from_utf8_lossy(&bytes).into_owned()).await;
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (u16::from(frame.code), frame.reason.to_string())
                    });
                    // Tungstenite has the answering close frame ready: flush it.
                    let _ = socket.flush().await;
                    return (code, reason);
                }
                Some(Ok(_)) => {}
                Some(Err(SocketError::Capacity(_))) => {
                    return close(socket, CloseCode::Size, "Message too long").await;
                }
                Some(Err(_)) | None => return (1006, "Connection Closed Abnormally".into()),
            },
            Some((message, written)) = outgoing.recv() => {
                let message = match String::from_utf8(message.to_vec()) {
                    Ok(text) => Message::text(text),
                    Err(_) => Message::binary(message),
                };
                if socket.send(message).await.is_err() {
                    return (1006, "Connection Closed Abnormally".into());
                }
                let _ = written.send(());
            },
            () = connection.closing.cancelled() => {
                return close(socket, CloseCode::Normal, "Connection Closed Normally").await;
            }
            () = api.shutdown.cancelled() => return close(socket, CloseCode::Away, "Going away").await,
            () = idle => return close(socket, CloseCode::Away, "Idle timeout").await,
            () = end_of_life.as_mut() => return close(socket, CloseCode::Away, "Going away").await,
        }
        connection.touch();
    }
}

async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) -> (u16, String) {
    let frame = CloseFrame { code, reason: reason.into() };
    let ending = async {
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    let _ = tokio::time::timeout(CLOSE_TIME, ending).await;
    (u16::from(code), reason.to_owned())
}

/// Handles one message beside the others of its connection.
async fn receive(
    api: &Arc<WebsocketApi>,
    connection: &Arc<Connection>,
    slots: &Arc<Semaphore>,
    body: String,
) {
    // Waiting here slows the client down instead of piling up its messages.
    let Ok(slot) = slots.clone().acquire_owned().await else { return };
    let (api, connection) = (api.clone(), connection.clone());
    tokio::spawn(async move {
        let route = websocket_event::route_of(&api.definition, &body);
        let key = route.unwrap_or("$default");
        let (context, request_id) =
            websocket_event::context(&api.definition, &connection.info, key, "MESSAGE");
        let trouble = match route.and_then(|route| api.function(route)) {
            None => Some("Forbidden"),
            // What the function returns goes nowhere: there is no route response.
            Some(function) => match api.invoke(function, websocket_event::message(context, &body)).await {
                Some(_) => None,
                None => Some("Internal server error"),
            },
        };
        if let Some(message) = trouble {
            let id = &connection.info.id;
            let text = json!({ "message": message, "connectionId": id, "requestId": request_id }).to_string();
            connection.send(Bytes::from(text)).await;
        }
        drop(slot);
    });
}
