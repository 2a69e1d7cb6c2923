//! Secrets: references in, values in memory only.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, Result};

/// Secrets shorter than this are not looked for in messages: every message would lose its letters.
const SHORTEST_REDACTED: usize = 4;

/// A resolved secret. Prints as `[secret]`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value: only for the call that needs it, never for a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Resolved secrets by reference. Prints the references only.
#[derive(Clone, Default)]
pub struct ResolvedSecrets(BTreeMap<String, SecretValue>);

impl ResolvedSecrets {
    /// Adds a value.
    pub fn insert(&mut self, reference: impl Into<String>, value: SecretValue) {
        self.0.insert(reference.into(), value);
    }

    /// The value of `reference`.
    pub fn get(&self, reference: &str) -> Option<&SecretValue> {
        self.0.get(reference)
    }

    /// References with values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretValue)> {
        self.0.iter().map(|(reference, value)| (reference.as_str(), value))
    }

    /// `error` without any of the values: whoever was sent one may repeat it. Where that takes something away, the causes
    /// go too, since they say it again.
    pub fn redacted(&self, error: Error) -> Error {
        let said = error.to_record().message;
        let clean = self.cleaned(&said);
        if clean == said && error.context().iter().all(|(_, value)| self.cleaned(value) == *value) {
            return error;
        }
        let bare = Error::new(error.kind(), error.operation(), clean).with_retry(error.retry());
        error.context().iter().fold(bare, |bare, (key, value)| bare.with(key, self.cleaned(value)))
    }

    /// `text` without any of the values.
    pub fn cleaned(&self, text: &str) -> String {
        let long = |value: &&str| value.len() >= SHORTEST_REDACTED;
        self.0.values().map(SecretValue::reveal).filter(long).fold(text.to_owned(), |text, value| {
            let quoted = serde_json::Value::from(value).to_string();
            text.replace(value, "[secret]").replace(quoted.trim_matches('"'), "[secret]")
        })
    }
}

impl fmt::Debug for ResolvedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Resolves references such as `env:DB_PASSWORD`.
#[async_trait]
pub trait SecretResolver: Send + Sync {
    /// The schemes it understands, e.g. `["env", "file"]`.
    fn schemes(&self) -> Vec<String>;

    /// The value of `reference` (`<scheme>:<rest>`).
    ///
    /// # Errors
    /// `SecretUnresolved`, naming the reference and what to do, never a value.
    async fn resolve(&self, reference: &str) -> Result<SecretValue>;

    /// As [`Self::resolve`], for something in `region`: a reference that names no region means this one.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    async fn resolve_in(&self, reference: &str, region: Option<&str>) -> Result<SecretValue> {
        let _ = region;
        self.resolve(reference).await
    }

    /// HMAC-SHA-256 (hex) of a value under this project's own key: tells whether a secret changed without
    /// telling what it is.
    async fn digest(&self, value: &SecretValue) -> Result<String>;
}
