//! The connection that our own bootstraps have to the Runtime API: two pipes that they inherit.
//!
//! Nobody else can reach them, and they cost less than TCP. What is sent over them is HTTP all the same.

use std::io::{self, IoSlice};
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use command_fds::{CommandFdExt, FdMapping};
use tokio::io::{AsyncRead, AsyncWrite, Join, ReadBuf};
use tokio::net::unix::pipe;
use tokio::process::Command;

/// The variable that names a bootstrap's ends: where it reads, where it writes. It takes it away.
const VARIABLE: &str = "SEMANTEST_RUNTIME_PIPES";
/// The descriptors that they have there.
const READS: i32 = 3;
const WRITES: i32 = 4;

/// So many bytes a pipe is to hold: 6 MB are to go through it in a few pieces.
#[cfg(target_os = "linux")]
const PIPE_SIZE: usize = 1024 * 1024;

/// The host's ends.
pub(crate) type Link = Join<pipe::Receiver, pipe::Sender>;

/// A connection whose other ends `command` inherits.
pub(crate) fn inherited_by(command: &mut Command) -> io::Result<Link> {
    let (theirs_to_read, ours_to_write) = io::pipe()?;
    let (ours_to_read, theirs_to_write) = io::pipe()?;
    let mappings = vec![
        FdMapping { parent_fd: theirs_to_read.into(), child_fd: READS },
        FdMapping { parent_fd: theirs_to_write.into(), child_fd: WRITES },
    ];
    command.env(VARIABLE, format!("{READS},{WRITES}")).fd_mappings(mappings).map_err(io::Error::other)?;
    #[cfg(target_os = "linux")]
    for pipe in [ours_to_read.as_fd(), ours_to_write.as_fd()] {
        // Where there may be no more, they stay as they are.
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_SIZE);
    }
    let reads = pipe::Receiver::from_owned_fd(ours_to_read.into())?;
    Ok(tokio::io::join(reads, pipe::Sender::from_owned_fd(ours_to_write.into())?))
}

/// Whether what is written is kept for the moment.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<AtomicBool>);

impl Hold {
    pub fn set(&self, holds: bool) {
        self.0.store(holds, Ordering::Relaxed);
    }

    fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream that keeps what is written while its [`Hold`] says so, and sends it with what comes next: a worker is not
/// woken only to hear that its answer has come.
pub(crate) struct Holding<S> {
    stream: S,
    hold: Hold,
    kept: Vec<u8>,
    /// How much of `kept` is sent.
    sent: usize,
}

impl<S> Holding<S> {
    pub fn new(stream: S, hold: Hold) -> Self {
        Self { stream, hold, kept: Vec::new(), sent: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Holding<S> {
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.kept.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.kept[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        self.sent = 0;
        match self.kept.capacity() > 64 * 1024 {
            true => self.kept = Vec::new(),
            false => self.kept.clear(),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Holding<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.hold.holds() && this.kept.is_empty() {
            return Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        }
        parts.iter().for_each(|part| this.kept.extend_from_slice(part));
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.hold.holds() {
            return Poll::Ready(Ok(()));
        }
        ready!(this.send(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.send(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Holding<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_is_held_is_sent_with_what_comes_next_and_in_order() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let hold = Hold::default();
        let mut stream = Holding::new(ours, hold.clone());
        hold.set(true);
        stream.write_all(b"accepted, ").await.expect("kept");
        stream.flush().await.expect("kept");
        let mut early = [0];
        let nothing = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(nothing, theirs.read(&mut early)).await.is_err(), "nothing is sent yet");
        hold.set(false);
        let reader = tokio::spawn(async move {
            let mut all = String::new();
            theirs.read_to_string(&mut all).await.map(|_| all)
        });
        stream.write_all(b"the next event, ").await.expect("sent");
        stream.flush().await.expect("sent");
        stream.write_all(b"and one more").await.expect("sent");
        stream.shutdown().await.expect("sent");
        drop(stream);
        let all = reader.await.expect("a reader").expect("text");
        assert_eq!(all, "accepted, the next event, and one more");
    }
}
