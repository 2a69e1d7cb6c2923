//! The writer thread: everything that waits is committed together, once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rusqlite::Connection;
use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::sync::{Notify, oneshot};

use crate::error::sqlite;
use crate::gate::{Gate, last_writer};
use crate::schema;

/// At most this many requests in one transaction.
const GROUP: usize = 512;
/// The write-ahead log is moved into the database beyond so many pages (4 MB). It then begins anew in the same file:
/// overwriting what is there is what makes a commit cheap, a file that grows costs its sync half as much again.
const CHECKPOINT_PAGES: i64 = 1024;
/// How many transactions pass between two looks at its length.
const LOOK_EACH: u64 = 32;
/// How long a request may wait before it is begun.
const PATIENCE: Duration = Duration::from_secs(30);

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const ABANDONED: u8 = 2;

/// Answers a request once it is known whether the commit went through.
type Reply = Box<dyn FnOnce(Option<Error>) + Send>;

/// What a request did: whether to keep it, and how to answer.
type Done = (bool, Reply);

/// Does a request, or, given an error in the place of a connection, answers with that.
type Run = Box<dyn FnOnce(Result<&Connection>) -> Done + Send>;

struct Job {
    state: Arc<AtomicU8>,
    run: Run,
}

/// Hands requests to the writer thread, which ends when this is dropped.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
    path: PathBuf,
    commits: Arc<AtomicU64>,
    at_the_gate: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread; the database is opened, created or migrated with the first request.
    pub fn start(path: &Path, grown: Arc<Notify>) -> Result<Self> {
        let gate = Gate::open(&lock_path(path))?;
        let (jobs, waiting) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let at_the_gate = Arc::new(AtomicBool::new(false));
        let mut worker = Worker {
            connection: None,
            gate,
            path: path.to_owned(),
            commits: commits.clone(),
            at_the_gate: at_the_gate.clone(),
            grown,
        };
        let thread = std::thread::Builder::new()
            .name("semantest-writer".into())
            .spawn(move || worker.work(&waiting))
            .map_err(crate::error::file("store.open", path))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), path: path.to_owned(), commits, at_the_gate })
    }

    /// How many transactions were committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs `request` inside the next transaction and answers when it is durable. A request that fails leaves no
    /// trace and does not disturb the others of its transaction.
    pub async fn write<T: Send + 'static>(
        &self,
        request: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |connection: Result<&Connection>| -> Done {
            let result = connection.and_then(request);
            let keep = result.is_ok();
            let reply = move |failed: Option<Error>| {
                let result = match failed {
                    Some(error) if result.is_ok() => Err(error),
                    _ => result,
                };
                // The asker may have gone away; what was written stays written.
                let _ = answer.send(result);
            };
            (keep, Box::new(reply))
        });
        let state = Arc::new(AtomicU8::new(QUEUED));
        let job = Job { state: state.clone(), run };
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(stopped)?;
        let mut answered = answered;
        if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut answered).await {
            return answer.unwrap_or_else(|_| Err(stopped()));
        }
        if state.compare_exchange(QUEUED, ABANDONED, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            return Err(busy(&self.path));
        }
        // Begun: its outcome is worth waiting for.
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        // Everyone who asked has had an answer. A thread that waits for another process holds nothing, and may wait long.
        if let Some(thread) = self.thread.take()
            && !self.at_the_gate.load(Ordering::SeqCst)
        {
            let _ = thread.join();
        }
    }
}

struct Worker {
    connection: Option<Connection>,
    gate: Gate,
    path: PathBuf,
    commits: Arc<AtomicU64>,
    at_the_gate: Arc<AtomicBool>,
    grown: Arc<Notify>,
}

impl Worker {
    fn work(&mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            // Waiting for the gate lets more requests gather.
            self.at_the_gate.store(true, Ordering::SeqCst);
            let entered = self.gate.enter();
            self.at_the_gate.store(false, Ordering::SeqCst);
            let entered = entered.and_then(|()| self.open());
            group.extend(waiting.try_iter().take(GROUP - 1));
            let replies = match (entered, &self.connection) {
                (Ok(()), Some(connection)) => self.commit(connection, group),
                (Ok(()), None) => Vec::new(),
                (Err(error), _) => refuse(group, &error),
            };
            self.grown.notify_waiters();
            for (reply, failed) in replies {
                reply(failed);
            }
            if self.commits.load(Ordering::Relaxed).is_multiple_of(LOOK_EACH) {
                self.checkpoint();
            }
            self.gate.leave();
        }
    }

    /// Inside the gate: two that create or migrate at once would get in each other's way.
    fn open(&mut self) -> Result<()> {
        if self.connection.is_none() {
            self.connection = Some(open(&self.path)?);
        }
        Ok(())
    }

    fn commit(&self, connection: &Connection, group: Vec<Job>) -> Vec<(Reply, Option<Error>)> {
        let failed = sqlite("store.write", &self.path);
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            return refuse(group, &failed(error));
        }
        let mut replies: Vec<Reply> = Vec::with_capacity(group.len());
        let (mut keep_any, mut broken) = (false, Ok(()));
        for job in group {
            if job.state.compare_exchange(QUEUED, RUNNING, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            broken = broken.and_then(|()| connection.execute_batch("SAVEPOINT request"));
            let (keep, reply) = (job.run)(Ok(connection));
            let end = if keep { "RELEASE request" } else { "ROLLBACK TO request; RELEASE request" };
            broken = broken.and_then(|()| connection.execute_batch(end));
            keep_any |= keep;
            replies.push(reply);
        }
        let end = if keep_any { "COMMIT" } else { "ROLLBACK" };
        let ended = broken.and_then(|()| connection.execute_batch(end)).map_err(failed);
        if ended.is_err() && !connection.is_autocommit() {
            // Nothing of this group is kept, and everyone is told so.
            let _ = connection.execute_batch("ROLLBACK");
        }
        if keep_any && ended.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        replies.into_iter().map(|reply| (reply, ended.as_ref().err().cloned())).collect()
    }

    /// Moves the write-ahead log into the database where it has become long. A failure loses nothing: the next one
    /// takes it up, and SQLite itself when the last connection is closed.
    fn checkpoint(&self) {
        let Some(connection) = &self.connection else { return };
        let pages = |how: &str| -> rusqlite::Result<i64> {
            let left = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?);
            connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], left)
        };
        if pages("NOOP").is_ok_and(|left| left > CHECKPOINT_PAGES) {
            let _ = pages("PASSIVE");
        }
    }
}

fn refuse(group: Vec<Job>, error: &Error) -> Vec<(Reply, Option<Error>)> {
    group.into_iter().map(|job| ((job.run)(Err(error.clone())).1, None)).collect()
}

fn open(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path).map_err(sqlite("store.open", path))?;
    schema::configure(&connection, path)?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// Brings a file of an earlier version up to date, in its turn.
pub(crate) fn upgrade(path: &Path) -> Result<()> {
    let mut gate = Gate::open(&lock_path(path))?;
    gate.enter()?;
    let opened = open(path);
    gate.leave();
    opened.map(drop)
}

/// The gate's file.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn busy(path: &Path) -> Error {
    let text = format!(
        "{} is being written to by {} for more than {} seconds; wait for it to end, or end it",
        path.display(),
        last_writer(&lock_path(path)),
        PATIENCE.as_secs()
    );
    Error::new(ErrorKind::Storage, "store.write", text).retry_later().with("file", path.display())
}

fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "store.write", "the writer has stopped")
}
