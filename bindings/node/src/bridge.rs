//! The queue of an environment, as JavaScript sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use semantest_iac::foreign::deliver;
use semantest_iac::{Error, ErrorKind};

use crate::answer::{Answer, answer};
use crate::errors::{Thrown, refused};
use crate::queue::{Job, Queue, Settled, Wake};

/// Weak: that somebody may be called keeps no process alive.
type Waker = ThreadsafeFunction<(), UnknownReturnValue, (), napi::Status, false, true>;

/// The one function of JavaScript that is held here.
struct Function(Mutex<Waker>);

impl Function {
    fn waker(&self) -> MutexGuard<'_, Waker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is recommended instead, a function that is not weak, would keep the process alive until it was collected.
    #[expect(deprecated)]
    fn keep_alive(&self, env: &Env, alive: bool) -> napi::Result<()> {
        if alive { self.waker().refer(env) } else { self.waker().unref(env) }
    }
}

impl Wake for Arc<Function> {
    fn wake(&self) {
        // With a callback, what the function throws is ours to pass over; without one, it would end the process.
        self.waker().call_with_return_value((), ThreadsafeFunctionCallMode::NonBlocking, |_, _| Ok(()));
    }
}

/// What JavaScript has to do: see `Job` in native.d.cts.
#[napi(object, object_from_js = false)]
pub struct NativeJob {
    /// 0 done, 1 call, 2 abort, 3 forget.
    pub kind: u32,
    /// Number of the call, or of what was thrown.
    pub call: i64,
    /// Who is called.
    pub target: i64,
    /// JSON.
    pub text: Option<String>,
}

impl From<Job> for NativeJob {
    fn from(job: Job) -> Self {
        match job {
            Job::Done { call, text } => Self { kind: 0, call, target: 0, text: Some(text) },
            Job::Call { call, target, text } => Self { kind: 1, call, target, text: Some(text) },
            Job::Abort { call } => Self { kind: 2, call, target: 0, text: None },
            Job::Forget { thrown } => Self { kind: 3, call: thrown, target: 0, text: None },
        }
    }
}

/// The queue of one environment. `wake` is called when there is something to drain.
#[napi]
pub struct Bridge {
    pub(crate) queue: Arc<Queue>,
    function: Arc<Function>,
}

#[napi]
impl Bridge {
    /// `wake` must not wait and should not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, wake: Waker) -> napi::Result<Self> {
        let function = Arc::new(Function(Mutex::new(wake)));
        let queue = Queue::new(Box::new(function.clone()));
        // Where the environment is ended from outside, nobody says `close`.
        env.add_env_cleanup_hook(Arc::downgrade(&queue), |queue| {
            if let Some(queue) = queue.upgrade() {
                queue.end();
            }
        })?;
        Ok(Self { queue, function })
    }

    /// Takes what is queued.
    #[napi(catch_unwind)]
    pub fn drain(&self) -> Vec<NativeJob> {
        self.queue.take().into_iter().map(NativeJob::from).collect()
    }

    /// Answers a call: JSON, and the number of what was thrown. What is no JSON counts as an answer that cannot be read.
    #[napi(catch_unwind)]
    pub fn settle(&self, call: i64, outcome: String, thrown: Option<i64>) {
        let thrown = thrown.map(|number| Thrown::new(&self.queue, number));
        self.queue.settle(call, Settled { outcome, thrown });
    }

    /// Keeps the process alive until `release`.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env) -> napi::Result<()> {
        self.function.keep_alive(&env, true)
    }

    /// Lets the process end. Once for any number of `hold`.
    #[napi(catch_unwind)]
    pub fn release(&self, env: Env) -> napi::Result<()> {
        self.function.keep_alive(&env, false)
    }

    /// Has a handler that Rust lent handle an event: CloudEvents JSON.
    #[napi(catch_unwind)]
    pub fn deliver(&self, call: i64, handler: i64, event: String) -> napi::Result<()> {
        let lent = self.queue.lent(handler).ok_or_else(|| {
            let text = "this handler is not subscribed any more";
            refused(&Error::new(ErrorKind::NotFound, "event_bus.deliver", text))
        })?;
        answer(&self.queue, call, async move {
            let event = serde_json::from_str(&event).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, "event_bus.deliver", format!("this is no event: {error}"))
            })?;
            deliver(lent.as_ref(), event).await.map(|()| Answer::nothing())
        })
    }

    /// A handler that Rust lent is not used any more.
    #[napi(catch_unwind)]
    pub fn give_back(&self, handler: i64) {
        self.queue.take_back(handler);
    }

    /// What is under way is asked to end in order, and waited for up to ten seconds. Nothing is done afterwards. Twice is
    /// harmless.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.queue.end();
    }
}
