//! A response on its way from the host to a command: parts as they come, and then how it ended.
//!
//! Each frame is a letter (`d`: a part, `e`: the end), the length of what follows (four bytes, the highest first), and that.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use semantest_iac_core::ports::provider::PartSink;

use crate::control::messages::StreamEnd;
use crate::runtime::invocation::{InvocationOutcome, Streamed};

const PART: u8 = b'd';
const END: u8 = b'e';
/// Letter and length.
const HEAD: usize = 5;
/// Largest frame that is read, in bytes: a part of a response, or the end with its log.
const LIMIT: usize = 64 * 1024 * 1024;
/// What a response is that a runtime gives whole.
const WHOLE_TYPE: &str = "application/json";

/// An answer of the control API: whole, or in frames.
pub(crate) struct Frames(UnsyncBoxBody<Bytes, Infallible>);

impl From<Full<Bytes>> for Frames {
    fn from(body: Full<Bytes>) -> Self {
        Self(body.boxed_unsync())
    }
}

impl Frames {
    /// What comes of `streamed`; `end` tells of how it ended, by the response's type and the outcome.
    pub fn of(
        streamed: Streamed,
        end: impl FnOnce(String, InvocationOutcome) -> StreamEnd + Send + 'static,
    ) -> Self {
        let frames: BoxStream<'static, Bytes> = match streamed {
            Streamed::Whole(outcome) => {
                let part = match &outcome {
                    InvocationOutcome::Success { payload, .. } => Some(frame(PART, payload)),
                    InvocationOutcome::FunctionError { .. } => None,
                };
                let end = encoded(&end(WHOLE_TYPE.to_owned(), outcome));
                stream::iter(part.into_iter().chain([end])).boxed()
            }
            Streamed::Begun(response) => {
                let (content_type, ended) = (response.content_type, response.end);
                let parts = stream::unfold(response.parts, |mut parts| async move {
                    parts.recv().await.map(|part| (frame(PART, &part), parts))
                });
                // Where the end never comes, the answer breaks off: the host has ended.
                let last = stream::once(ended).filter_map(async |outcome| outcome.ok());
                let mut end = Some(end);
                let last = last.filter_map(move |outcome| {
                    let told = end.take().map(|end| encoded(&end(content_type.clone(), outcome)));
                    std::future::ready(told)
                });
                parts.chain(last).boxed()
            }
        };
        Self(StreamBody::new(frames.map(|frame| Ok(Frame::data(frame)))).boxed_unsync())
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn encoded(end: &StreamEnd) -> Bytes {
    frame(END, &serde_json::to_vec(end).unwrap_or_default())
}

fn frame(letter: u8, content: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + content.len());
    frame.put_u8(letter);
    frame.put_u32(u32::try_from(content.len()).unwrap_or(u32::MAX));
    frame.put_slice(content);
    frame.freeze()
}

/// Passes the parts in `body` on to `parts`, and gives the end.
///
/// # Errors
/// Where it breaks off, or is not understood.
pub(crate) async fn read(
    mut body: Incoming,
    parts: PartSink<'_>,
) -> Result<StreamEnd, Box<dyn std::error::Error + Send + Sync>> {
    let mut seen = BytesMut::new();
    loop {
        while let Some((letter, content)) = take(&mut seen)? {
            match letter {
                PART => parts(&content),
                _ => return Ok(serde_json::from_slice(&content)?),
            }
        }
        match body.frame().await {
            Some(frame) => seen.extend(frame?.into_data()),
            None => return Err("its answer broke off".into()),
        }
    }
}

/// The first frame, where it is whole.
fn take(seen: &mut BytesMut) -> Result<Option<(u8, Bytes)>, Box<dyn std::error::Error + Send + Sync>> {
    if seen.len() < HEAD {
        return Ok(None);
    }
    let length = usize::try_from((&seen[1..HEAD]).get_u32())?;
    if length > LIMIT {
        return Err("its answer is not understood".into());
    }
    if seen.len() < HEAD + length {
        return Ok(None);
    }
    let mut frame = seen.split_to(HEAD + length).freeze();
    Ok(Some((frame.get_u8(), frame.split_off(HEAD - 1))))
}
