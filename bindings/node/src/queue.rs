//! What has to be done in JavaScript, queued for the thread of one environment (the main thread, or a worker).
//!
//! Any thread pushes; the environment is woken and takes all that is queued. Whoever pushes a call waits for its answer
//! on the other side of a channel.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use semantest_iac::ports::event_bus::EventHandler;
use semantest_iac::{CancellationToken, Error, ErrorKind};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::errors::Thrown;
use crate::numbers::{INEXACT, loses_digits};
use crate::runtime;

/// The longest text that JavaScript can hold, in UTF-16 units; in UTF-8 no text has fewer bytes than that.
const LONGEST: usize = 0x1fff_ffe8;
/// The longest that the environment's end waits for what is under way.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// One thing to do in JavaScript.
#[derive(Debug)]
pub(crate) enum Job {
    /// A call of JavaScript's has ended: JSON.
    Done { call: i64, text: String },
    /// `target` is asked for an answer.
    Call { call: i64, target: i64, text: String },
    /// Nobody waits for this call's answer any more.
    Abort { call: i64 },
    /// What was thrown under this number is not needed any more.
    Forget { thrown: i64 },
}

/// Has the environment come and look.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

/// The environment has ended, or is about to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended;

/// What JavaScript answers a call with.
pub(crate) struct Settled {
    /// JSON.
    pub outcome: String,
    /// What it threw.
    pub thrown: Option<Thrown>,
}

/// The queue of one environment. Threads of ours hold it.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Whether the environment was woken and has not come yet.
    armed: AtomicBool,
    wake: Box<dyn Wake>,
    /// What was begun for this environment.
    pub calls: TaskTracker,
    /// Asks all of it to end in order.
    pub stop: CancellationToken,
}

#[derive(Default)]
struct State {
    ended: bool,
    jobs: Vec<Job>,
    /// Who waits for the answer to which call.
    waiting: HashMap<i64, oneshot::Sender<Settled>>,
    /// Handlers of ours that a bus in JavaScript was given.
    handlers: HashMap<i64, Arc<dyn EventHandler>>,
    last: i64,
}

impl State {
    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }
}

impl Queue {
    pub fn new(wake: Box<dyn Wake>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            armed: AtomicBool::new(false),
            wake,
            calls: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job. After the environment's end there is nobody to do it, and nobody who waits for it.
    pub fn push(&self, job: Job) {
        let mut state = self.state();
        if !state.ended {
            state.jobs.push(job);
            drop(state);
            self.wake();
        }
    }

    /// Queues a job that can wait until the environment comes for another one.
    pub fn leave(&self, job: Job) {
        let mut state = self.state();
        if !state.ended {
            state.jobs.push(job);
        }
    }

    fn wake(&self) {
        if !self.armed.swap(true, Ordering::AcqRel) {
            self.wake.wake();
        }
    }

    /// The environment has come: takes what is queued.
    pub fn take(&self) -> Vec<Job> {
        self.armed.store(false, Ordering::Release);
        let mut state = self.state();
        let State { jobs, waiting, .. } = &mut *state;
        let mut jobs = std::mem::take(jobs);
        // Given up before it began.
        jobs.retain(|job| !matches!(job, Job::Call { call, .. } if !waiting.contains_key(call)));
        jobs
    }

    /// Asks `target` in JavaScript and waits for what it answers.
    ///
    /// # Errors
    /// [`Ended`] where nobody is there to answer.
    pub async fn call(self: &Arc<Self>, target: i64, text: String) -> Result<Settled, Ended> {
        if text.len() > LONGEST {
            return Ok(Settled { outcome: too_long(), thrown: None });
        }
        let (answer, answered) = oneshot::channel();
        let call = {
            let mut state = self.state();
            if state.ended {
                return Err(Ended);
            }
            let call = state.next();
            state.waiting.insert(call, answer);
            state.jobs.push(Job::Call { call, target, text });
            call
        };
        let _left = Leaving { queue: self, call };
        self.wake();
        answered.await.map_err(|_| Ended)
    }

    /// JavaScript's answer to a call. One that nobody waits for is passed over.
    pub fn settle(&self, call: i64, answer: Settled) {
        let waits = self.state().waiting.remove(&call);
        if let Some(waits) = waits {
            let _ = waits.send(answer);
        }
    }

    /// A number that stands for `handler` in JavaScript, until it is forgotten.
    pub fn lend(&self, handler: Arc<dyn EventHandler>) -> i64 {
        let mut state = self.state();
        let number = state.next();
        if !state.ended {
            state.handlers.insert(number, handler);
        }
        number
    }

    /// The handler that was lent under `number`.
    pub fn lent(&self, number: i64) -> Option<Arc<dyn EventHandler>> {
        self.state().handlers.get(&number).cloned()
    }

    /// JavaScript will not use that number again.
    pub fn take_back(&self, number: i64) {
        let handler = self.state().handlers.remove(&number);
        // What it holds may want the queue.
        drop(handler);
    }

    /// Whether the environment has ended.
    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// The environment ends: calls of ours get no answer, those of its own are asked to end in order, and are waited for
    /// a while. Twice is harmless.
    pub fn end(&self) {
        let (jobs, waiting, handlers) = {
            let mut state = self.state();
            state.ended = true;
            let State { jobs, waiting, handlers, .. } = &mut *state;
            (std::mem::take(jobs), std::mem::take(waiting), std::mem::take(handlers))
        };
        drop((jobs, waiting, handlers));
        self.stop.cancel();
        self.calls.close();
        runtime::wait_for(&self.calls, LAST_WAIT);
    }
}

/// Whoever waits for a call, until it was answered.
struct Leaving<'a> {
    queue: &'a Queue,
    call: i64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if self.queue.state().waiting.remove(&self.call).is_some() {
            self.queue.push(Job::Abort { call: self.call });
        }
    }
}

/// What is done instead of handing over a text that JavaScript cannot hold.
pub(crate) fn bounded(text: String) -> String {
    match text.len() > LONGEST {
        true => too_long(),
        false if loses_digits(&text) => {
            unfit(&format!("the answer cannot be handed to JavaScript: {INEXACT}"))
        }
        false => text,
    }
}

fn too_long() -> String {
    unfit("more than 512 MB at once cannot be handed to JavaScript: ask for less")
}

fn unfit(why: &str) -> String {
    let record = Error::new(ErrorKind::Unsupported, "node.call", why).to_record();
    serde_json::json!({ "error": record }).to_string()
}
