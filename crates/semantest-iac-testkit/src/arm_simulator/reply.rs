//! Answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An answer to be sent.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Reply {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, headers: BTreeMap::new(), body }
    }

    pub fn empty(status: u16) -> Self {
        Self::new(status, Value::Null)
    }

    pub fn with(mut self, header: &str, value: impl Into<String>) -> Self {
        self.headers.insert(header.into(), value.into());
        self
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, json!({ "error": { "code": code, "message": message } }))
            .with("x-ms-failure-cause", "gateway")
    }
}
