//! A replica as requests are sent to it: its connections, and how much is under way.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// A connection is not used again after so long: servers close idle ones, mostly after two seconds or more, and a request that is on
/// its way just then is lost.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// One whose last exchange is not over by then is left to itself.
const READY_TIME: Duration = Duration::from_millis(20);

/// The body of a request on its way to a replica.
pub(crate) type RequestBody = Either<Incoming, Empty<Bytes>>;

/// A connection to a replica.
pub(crate) struct Connection {
    pub sender: SendRequest<RequestBody>,
    /// Whether it has carried a request before.
    pub used: bool,
}

/// A replica that takes requests.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    /// Requests and upgraded connections under way.
    under_way: watch::Sender<usize>,
    idle: Mutex<Vec<(Instant, SendRequest<RequestBody>)>>,
    doubt: Notify,
    closed: CancellationToken,
}

/// Counts as under way until dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Upstream>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count -= 1);
    }
}

impl Upstream {
    /// The replica that listens on that port.
    pub fn new(port: u16) -> Arc<Self> {
        Arc::new(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            under_way: watch::Sender::new(0),
            idle: Mutex::default(),
            doubt: Notify::new(),
            closed: CancellationToken::new(),
        })
    }

    /// A request begins.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.send_modify(|count| *count += 1);
        UnderWay(self.clone())
    }

    /// How much is under way.
    pub fn load(&self) -> usize {
        *self.under_way.borrow()
    }

    /// Returns when nothing is under way.
    pub async fn idle(&self) {
        // It fails where the sender is gone, which is here.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Somebody could not reach it: whoever looks after it looks at once.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Returns when somebody could not reach it.
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// It is about to end: what is still under way is cut off.
    pub fn close(&self) {
        self.closed.cancel();
        self.connections().clear();
    }

    /// Returns when what is under way is cut off.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, SendRequest<RequestBody>)>> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A connection: one that has carried a request before, where there is one, else a new one.
    ///
    /// # Errors
    /// Where it cannot be reached.
    pub async fn connection(&self) -> io::Result<Connection> {
        while let Some(mut sender) = self.pooled() {
            if matches!(tokio::time::timeout(READY_TIME, sender.ready()).await, Ok(Ok(()))) {
                return Ok(Connection { sender, used: true });
            }
        }
        self.connect().await
    }

    fn pooled(&self) -> Option<SendRequest<RequestBody>> {
        let mut idle = self.connections();
        idle.retain(|(since, sender)| since.elapsed() < IDLE_TIME && !sender.is_closed());
        idle.pop().map(|(_, sender)| sender)
    }

    /// A new connection.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        Ok(Connection { sender, used: false })
    }

    /// The connection has carried its request and the whole answer.
    pub fn give_back(&self, sender: SendRequest<RequestBody>) {
        if !sender.is_closed() && !self.closed.is_cancelled() {
            self.connections().push((Instant::now(), sender));
        }
    }
}
