//! What a worker prints: lines in its function's log, each under the invocation that printed it. And what a replica does.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::runtime::function_log::FunctionLog;

/// A line longer than this is broken, in bytes (AWS Lambda does so with 256 KB).
const LONGEST_LINE: usize = 256 * 1024;
/// So much is read at once, in bytes.
const CHUNK: usize = 8 * 1024;
/// So often in a row: together as much as a pipe may hold, 1 MB (pipe(7)). A child of the worker may print without end.
const CHUNKS: usize = 128;

/// So many lines of a replica are remembered, for whoever asks why it ended.
const REMEMBERED: usize = 20;

/// Reads a worker's standard output and standard error.
pub(crate) struct Output {
    log: Arc<FunctionLog>,
    /// The invocation that lines belong to; kept after its end for lines that come late.
    request_id: Mutex<Option<String>>,
    /// Whether anything has come since that invocation began.
    printed: AtomicBool,
    pipes: Mutex<Vec<Arc<Pipe>>>,
    replica: Option<Replica>,
}

/// Whose lines they are, where no invocation has them.
struct Replica {
    number: u32,
    /// The last lines.
    recent: Mutex<VecDeque<String>>,
}

struct Pipe {
    receiver: pipe::Receiver,
    /// A line whose end has not come yet.
    partial: Mutex<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Output {
    /// Writes to `log`.
    pub fn new(log: Arc<FunctionLog>) -> Arc<Self> {
        Self::with(log, None)
    }

    /// Writes lines of the replica with that number to `log`, and remembers the last ones.
    pub fn of_replica(log: Arc<FunctionLog>, number: u32) -> Arc<Self> {
        Self::with(log, Some(Replica { number, recent: Mutex::default() }))
    }

    fn with(log: Arc<FunctionLog>, replica: Option<Replica>) -> Arc<Self> {
        Arc::new(Self {
            log,
            request_id: Mutex::default(),
            printed: AtomicBool::new(false),
            pipes: Mutex::default(),
            replica,
        })
    }

    /// The last lines of a replica, oldest first.
    pub fn recent(&self) -> Vec<String> {
        self.end();
        self.replica.iter().flat_map(|replica| lock(&replica.recent).clone()).collect()
    }

    /// Follows what `child` prints; the tasks end with its pipes.
    pub fn follow(self: &Arc<Self>, child: &mut Child) -> io::Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        let stdout = child.stdout.take().map(|output| output.into_owned_fd());
        let stderr = child.stderr.take().map(|output| output.into_owned_fd());
        for descriptor in [stdout, stderr].into_iter().flatten() {
            let receiver = pipe::Receiver::from_owned_fd(descriptor?)?;
            let pipe = Arc::new(Pipe { receiver, partial: Mutex::default() });
            lock(&self.pipes).push(pipe.clone());
            let output = self.clone();
            tasks.spawn(async move {
                while pipe.receiver.readable().await.is_ok() {
                    if !output.read(&pipe, |chunk| pipe.receiver.try_read(chunk)) {
                        break;
                    }
                }
                output.flush(&pipe);
            });
        }
        Ok(tasks)
    }

    /// What is printed from here on belongs to this invocation.
    pub fn begin(&self, request_id: &str) {
        self.catch_up();
        *lock(&self.request_id) = Some(request_id.to_owned());
        self.printed.store(false, Ordering::Relaxed);
    }

    /// Whether the worker has printed anything since the invocation began, or since its own start before the first.
    pub fn printed(&self) -> bool {
        self.catch_up();
        self.printed.load(Ordering::Relaxed)
            || lock(&self.pipes).iter().any(|pipe| !lock(&pipe.partial).is_empty())
    }

    /// Everything the invocation has printed is in the log, the end of an unfinished line included.
    pub fn end(&self) {
        self.catch_up();
        for pipe in lock(&self.pipes).iter() {
            self.flush(pipe);
        }
    }

    /// Reads what the pipes hold at this moment: the tasks may not have come to it yet. Past tokio, whose `try_read`
    /// finds nothing before its driver has heard of it.
    fn catch_up(&self) {
        for pipe in lock(&self.pipes).iter() {
            self.read(pipe, |chunk| Ok(rustix::io::read(&pipe.receiver, chunk)?));
        }
    }

    /// Reads for as long as there is something, within bounds; `false` at the end of the pipe.
    fn read(&self, pipe: &Pipe, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> bool {
        let mut partial = lock(&pipe.partial);
        let mut chunk = [0; CHUNK];
        for _ in 0..CHUNKS {
            match read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    partial.extend_from_slice(&chunk[..count]);
                    self.write_lines(&mut partial);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn write_lines(&self, partial: &mut Vec<u8>) {
        let whole = match partial.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if partial.len() > LONGEST_LINE => partial.len(),
            None => return,
        };
        self.write(&partial[..whole]);
        partial.drain(..whole);
    }

    fn flush(&self, pipe: &Pipe) {
        let mut partial = lock(&pipe.partial);
        if !partial.is_empty() {
            self.write(&partial);
            partial.clear();
        }
    }

    fn write(&self, text: &[u8]) {
        self.printed.store(true, Ordering::Relaxed);
        let text = String::from_utf8_lossy(text);
        // Clients of AWS fold a traceback into one line with carriage returns.
        let lines: Vec<&str> = text
            .strip_suffix('\n')
            .unwrap_or(&text)
            .split('\n')
            .flat_map(|line| line.trim_end_matches('\r').split('\r'))
            .collect();
        let request_id = lock(&self.request_id);
        self.log.write_lines(request_id.as_deref(), self.replica.as_ref().map(|one| one.number), &lines);
        let Some(replica) = &self.replica else { return };
        let mut recent = lock(&replica.recent);
        recent.extend(lines.into_iter().map(str::to_owned));
        let surplus = recent.len().saturating_sub(REMEMBERED);
        recent.drain(..surplus);
    }
}
