//! What JavaScript answers a call with.

use std::collections::BTreeMap;

use semantest_iac::{Error, ErrorKind, Result, Retry};
use serde::Deserialize;
use serde_json::Value;

use crate::queue::{Ended, Settled};

/// Who was called, for messages and for errors that do not say what they are.
pub(crate) struct Called {
    /// `handler.handle`, `provider.apply`
    pub operation: String,
    /// "handler `announce`"
    pub what: String,
    /// What an error of its own counts as.
    pub kind: ErrorKind,
    /// What it is when nobody is there to be called.
    pub unreachable: ErrorKind,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    ok: Value,
    error: Option<Failure>,
}

/// An error's record, as far as it is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    kind: Value,
    message: String,
    operation: String,
    context: BTreeMap<String, Value>,
    retry: Value,
}

impl Called {
    /// The value that was answered.
    ///
    /// # Errors
    /// What was thrown instead; that the answer cannot be read; that there was none.
    pub fn read(&self, answered: Result<Settled, Ended>) -> Result<Value> {
        let Settled { outcome, thrown } = answered.map_err(|Ended| {
            let text = format!("{} cannot be called: its JavaScript thread has ended", self.what);
            Error::new(self.unreachable, &self.operation, text)
        })?;
        let outcome: Outcome = serde_json::from_str(&outcome).map_err(|_| {
            let text = format!(
                "{} returned what is no JSON: it holds itself, a BigInt or so, or is nested too deeply",
                self.what
            );
            Error::new(self.kind, &self.operation, text)
        })?;
        match outcome.error {
            None => Ok(outcome.ok),
            Some(failure) => {
                let error = self.error(failure);
                Err(thrown.into_iter().fold(error, Error::caused_by))
            }
        }
    }

    fn error(&self, failure: Failure) -> Error {
        let kind = serde_json::from_value(failure.kind).unwrap_or(self.kind);
        let operation = if failure.operation.is_empty() { &self.operation } else { &failure.operation };
        let error = Error::new(kind, operation, failure.message);
        let retry = serde_json::from_value::<Retry>(failure.retry).ok();
        let error = retry.into_iter().fold(error, Error::with_retry);
        failure.context.into_iter().fold(error, |error, (key, value)| match value {
            Value::String(text) => error.with(key, text),
            other => error.with(key, other),
        })
    }
}
