//! Errors of the core as JSON, and what JavaScript throws as errors of the core.

use std::fmt;
use std::sync::Arc;

use semantest_iac::{Error, ErrorRecord};
use serde::Serialize;

use crate::queue::{Job, Queue};

/// Something that JavaScript threw, on its way through the core: there it is kept under a number, until this is dropped.
pub(crate) struct Thrown {
    queue: Arc<Queue>,
    number: i64,
}

impl Thrown {
    /// What the environment of `queue` keeps under `number`.
    pub fn new(queue: &Arc<Queue>, number: i64) -> Self {
        Self { queue: queue.clone(), number }
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        self.queue.leave(Job::Forget { thrown: self.number });
    }
}

impl fmt::Debug for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something that JavaScript threw")
    }
}

impl fmt::Display for Thrown {
    /// What it says stands in the error already.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

impl std::error::Error for Thrown {}

/// An error as JavaScript is told of it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    record: ErrorRecord,
    /// The number of what was thrown, where that is what it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    thrown: Option<i64>,
}

/// `error` as JSON, for the environment of `queue`: its record, with `thrown` where something of that environment is
/// behind it.
pub(crate) fn told(queue: &Arc<Queue>, error: &Error) -> String {
    let mut thrown = None;
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let known = error.downcast_ref::<Thrown>().filter(|thrown| Arc::ptr_eq(&thrown.queue, queue));
        thrown = thrown.or(known.map(|thrown| thrown.number));
        cause = error.source();
    }
    json(&Told { record: error.to_record(), thrown })
}

/// The exception for a call that cannot be begun: its message is the error's record as JSON.
pub(crate) fn refused(error: &Error) -> napi::Error {
    napi::Error::from_reason(json(&error.to_record()))
}

fn json(value: &impl Serialize) -> String {
    // Serialising plain data with text as keys cannot fail.
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}
