//! Bodies of a function URL's answers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};

use crate::runtime::invocation::{InvocationOutcome, ResponseStream};

/// An answer held in memory, or one that comes as its function writes it.
pub(crate) enum UrlBody {
    Whole(Full<Bytes>),
    Written(Written),
}

/// What a function writes. Where it fails, the body breaks off, so that a client sees that something is missing.
pub(crate) struct Written {
    first: Bytes,
    parts: mpsc::Receiver<Bytes>,
    end: oneshot::Receiver<InvocationOutcome>,
    /// Whether what was given before the end has had the time to be sent.
    sent: bool,
}

impl UrlBody {
    /// What comes of `stream`, after `first`, which has come of it already.
    pub fn written(first: Bytes, stream: ResponseStream) -> Self {
        Self::Written(Written { first, parts: stream.parts, end: stream.end, sent: false })
    }
}

impl From<Full<Bytes>> for UrlBody {
    fn from(body: Full<Bytes>) -> Self {
        Self::Whole(body)
    }
}

impl Body for UrlBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|none| match none {}))),
            Self::Written(written) => written.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Written(_) => SizeHint::default(),
        }
    }
}

impl Written {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        if let Some(part) = ready!(self.parts.poll_recv(context)) {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let ended = ready!(Pin::new(&mut self.end).poll(context));
        if ended.is_ok_and(|outcome| outcome.is_success()) {
            return Poll::Ready(None);
        }
        // An error ends the connection at once, and with it what waits to be sent: that goes first.
        if !std::mem::replace(&mut self.sent, true) {
            let (gone, again) = oneshot::channel();
            self.end = again;
            drop(gone);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("the function failed in the middle of its response"))))
    }
}
