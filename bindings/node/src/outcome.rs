//! What JavaScript answers a call with.

use semantest_iac::{Error, ErrorKind, Result, Retry};
use serde::Deserialize;
use serde_json::Value;

use crate::numbers::{INEXACT, loses_digits};
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
    #[serde(default)]
    error: Value,
}

/// An error's record, as far as it is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    kind: Value,
    message: String,
    operation: String,
    context: Value,
    retry: Value,
}

impl Called {
    /// Judges what it is to be called with: JSON.
    ///
    /// # Errors
    /// `Unsupported` where JavaScript would round a number in it.
    pub fn check(&self, request: &str) -> Result<()> {
        if !loses_digits(request) {
            return Ok(());
        }
        let text = format!("{} cannot be called with what it is to have: {INEXACT}", self.what);
        Err(Error::new(ErrorKind::Unsupported, &self.operation, text))
    }

    /// The value that was answered.
    ///
    /// # Errors
    /// What was thrown instead; that the answer cannot be read; that there was none.
    pub fn read(&self, answered: Result<Settled, Ended>) -> Result<Value> {
        let Settled { outcome, thrown } = answered.map_err(|Ended| {
            let text = format!("{} cannot be called: its JavaScript thread has ended", self.what);
            Error::new(self.unreachable, &self.operation, text)
        })?;
        let error = match serde_json::from_str::<Outcome>(&outcome) {
            Ok(Outcome { ok, error }) if error.is_null() && thrown.is_none() => return Ok(ok),
            Ok(Outcome { error, .. }) => self.error(serde_json::from_value(error).unwrap_or_default()),
            Err(_) => self.unreadable(thrown.is_some()),
        };
        Err(thrown.into_iter().fold(error, Error::caused_by))
    }

    fn unreadable(&self, thrown: bool) -> Error {
        let text = match thrown {
            true => format!("{} threw what cannot be told of in JSON", self.what),
            false => format!(
                "{} returned what is no JSON: it holds itself, a BigInt or so, half a surrogate pair, or is nested too \
                 deeply",
                self.what
            ),
        };
        Error::new(self.kind, &self.operation, text)
    }

    fn error(&self, told: Failure) -> Error {
        let kind = serde_json::from_value(told.kind).unwrap_or(self.kind);
        let operation = if told.operation.is_empty() { &self.operation } else { &told.operation };
        let message = if told.message.is_empty() { format!("{} failed", self.what) } else { told.message };
        let error = Error::new(kind, operation, message);
        let retry = serde_json::from_value::<Retry>(told.retry).ok();
        let error = retry.into_iter().fold(error, Error::with_retry);
        let Value::Object(facts) = told.context else { return error };
        facts.into_iter().fold(error, |error, (key, value)| match value {
            Value::String(text) => error.with(key, text),
            other => error.with(key, other),
        })
    }
}
