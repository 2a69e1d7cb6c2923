//! Calls methods and judges what they answer.

use std::fmt::Display;
use std::sync::Arc;

use semantest_iac_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::foreign_object::{Argument, ForeignObject};

/// Most characters that an error shows of a name from outside.
const SHOWN: usize = 120;

/// An object in its role.
pub(crate) struct Caller {
    object: Arc<dyn ForeignObject>,
    role: &'static str,
    name: Option<String>,
    kind: ErrorKind,
}

impl Caller {
    /// `object` as `role`; wrong answers are errors of `kind`.
    ///
    /// # Errors
    /// `InvalidInput` naming the methods that it lacks.
    pub(crate) fn new(
        object: Arc<dyn ForeignObject>,
        role: &'static str,
        kind: ErrorKind,
        required: &[&str],
    ) -> Result<Self> {
        let missing: Vec<&str> = required.iter().copied().filter(|method| !object.has(method)).collect();
        if missing.is_empty() {
            return Ok(Self { object, role, name: None, kind });
        }
        let text = format!(
            "this is no {}: it lacks {}; it needs {}",
            role.replace('_', " "),
            missing.join(", "),
            required.join(", ")
        );
        Err(Error::new(ErrorKind::InvalidInput, role, text).with("missing", missing.join(", ")))
    }

    /// The same under a name, for messages.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.role)
    }

    pub(crate) fn has(&self, method: &str) -> bool {
        self.object.has(method)
    }

    /// Calls `method`; the answer has to be a `T`, which is `expected` in words.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: Vec<Argument>,
        expected: &str,
    ) -> Result<T> {
        self.read(method, self.answer(method, arguments).await?, expected)
    }

    /// Calls `method`; what it answers is for the caller to judge.
    pub(crate) async fn answer(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        self.object.call(method, arguments).await
    }

    /// Calls a pure method on the spot.
    pub(crate) fn answer_at_once(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        self.object.call_blocking(method, arguments)
    }

    /// Takes `answer` for a `T`.
    pub(crate) fn read<T: DeserializeOwned>(&self, method: &str, answer: Value, expected: &str) -> Result<T> {
        let what = described(&answer);
        serde_path_to_error::deserialize(answer).map_err(|error| {
            let path = error.path().to_string();
            // Serde's other messages show the value.
            let said = error.inner().to_string();
            let said = ["missing field", "unknown field"]
                .iter()
                .any(|start| said.starts_with(start))
                .then_some(said);
            let at = (path != ".").then(|| format!("at `{}`", bounded(&path)));
            let detail: Vec<String> = at.into_iter().chain(said.map(|said| bounded(&said))).collect();
            match detail.is_empty() {
                true => self.refuse(method, what, expected),
                false => self.refuse(method, format!("{what} ({})", detail.join(": ")), expected),
            }
        })
    }

    /// The error for an answer that is `what` instead of what was expected.
    pub(crate) fn refuse(&self, method: &str, what: impl Display, expected: impl Display) -> Error {
        let operation = format!("{}.{method}", self.role);
        let of = self.name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        let text = format!("{operation}{of} returned {what}: expected {expected}");
        Error::new(self.kind, operation, text)
    }
}

/// What a value is, without saying which.
pub(crate) fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// As much of `text` as belongs in a message.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
