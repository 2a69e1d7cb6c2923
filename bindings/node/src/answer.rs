//! Calls of JavaScript's: begun at once, answered through the queue.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use semantest_iac::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::errors::{refused, told};
use crate::queue::{Job, Queue, bounded};
use crate::runtime;

/// What a call is answered with, as JSON; with the errors that it tells of, which hold what JavaScript threw.
pub(crate) struct Answer {
    text: String,
    _errors: Vec<Error>,
}

impl Answer {
    /// `null`.
    pub fn nothing() -> Self {
        Self::json("null".to_owned())
    }

    /// What is JSON already.
    pub fn json(text: String) -> Self {
        Self { text, _errors: Vec::new() }
    }

    /// Anything that can be JSON.
    pub fn of(value: &impl Serialize) -> Self {
        // Serialising plain data with text as keys cannot fail.
        Self::json(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    /// The same, that tells of `errors`.
    pub fn telling_of(self, errors: Vec<Error>) -> Self {
        Self { _errors: errors, ..self }
    }
}

/// Has `work` done to its end, whether or not somebody waits, and answers `call` with what comes of it.
///
/// # Errors
/// Where it cannot be begun; `call` is not answered then.
pub(crate) fn answer(
    queue: &Arc<Queue>,
    call: i64,
    work: impl Future<Output = Result<Answer>> + Send + 'static,
) -> napi::Result<()> {
    if queue.has_ended() {
        let text = "the JavaScript thread that asks is ending: no more calls are taken";
        return Err(refused(&Error::new(ErrorKind::Unavailable, "node.call", text)));
    }
    let on = queue.clone();
    let work = async move {
        let outcome =
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(defect(&*panic)));
        let text = match &outcome {
            Ok(answer) => format!("{{\"ok\":{}}}", answer.text),
            Err(error) => format!("{{\"error\":{}}}", told(&on, error)),
        };
        on.push(Job::Done { call, text: bounded(text) });
        // Only now: what was thrown may be forgotten once it was told of.
        drop(outcome);
    };
    runtime::spawn(queue, work).map_err(|error| refused(&error))
}

fn defect(panic: &(dyn Any + Send)) -> Error {
    Error::new(ErrorKind::Internal, "node.call", format!("a defect of semantest-iac: {}", said(panic)))
}

/// What a panic says.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
