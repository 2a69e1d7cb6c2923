//! Bodies of answers on their way from a replica to a client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;

use crate::balancer::upstream::{RequestBody, UnderWay, Upstream};

/// An answer of ours, or a replica's as it comes.
pub(crate) enum Passed {
    Own(Full<Bytes>),
    Replica(Streamed),
}

/// What a replica sends. Where it has come to its end, its connection may carry another request.
pub(crate) struct Streamed {
    body: Incoming,
    ended: bool,
    connection: Option<(Arc<Upstream>, SendRequest<RequestBody>)>,
    _under_way: UnderWay,
}

impl Streamed {
    /// The body of an answer that came over `sender`.
    pub fn new(
        body: Incoming,
        upstream: Arc<Upstream>,
        sender: SendRequest<RequestBody>,
        under_way: UnderWay,
    ) -> Self {
        Self { body, ended: false, connection: Some((upstream, sender)), _under_way: under_way }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if let Some((upstream, sender)) = self.connection.take()
            && (self.ended || self.body.is_end_stream())
        {
            upstream.give_back(sender);
        }
    }
}

impl From<Full<Bytes>> for Passed {
    fn from(body: Full<Bytes>) -> Self {
        Self::Own(body)
    }
}

impl Body for Passed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|none| match none {}))),
            Self::Replica(streamed) => {
                let frame = ready!(Pin::new(&mut streamed.body).poll_frame(context));
                streamed.ended |= frame.is_none();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Replica(streamed) => streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Replica(streamed) => streamed.body.size_hint(),
        }
    }
}
