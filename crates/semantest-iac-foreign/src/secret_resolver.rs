//! A secret resolver of another language.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::memory::secret_resolver::keyed_digest;
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::caller::{Caller, bounded, described};
use crate::foreign_object::{Argument, ForeignObject};

/// Longest digest, in bytes: it is recorded with every change.
const DIGEST_LIMIT: usize = 256;

/// An object of another language as a secret resolver.
pub struct ForeignSecretResolver {
    caller: Caller,
    schemes: BTreeSet<String>,
    key: Option<Vec<u8>>,
}

impl ForeignSecretResolver {
    /// Resolves references of `schemes` with `object`.
    ///
    /// # Errors
    /// `InvalidInput` for no scheme or one that is none, and for an object without `resolve`.
    pub fn new(schemes: impl IntoIterator<Item = String>, object: Arc<dyn ForeignObject>) -> Result<Self> {
        let schemes: BTreeSet<String> = schemes.into_iter().collect();
        if schemes.is_empty() {
            let text = "a secret resolver needs a scheme, such as `vault` for `vault:path/of/secret`";
            return Err(Error::new(ErrorKind::InvalidInput, "secret_resolver", text));
        }
        schemes.iter().try_for_each(|scheme| check_name("a scheme of secrets", scheme))?;
        let caller = Caller::new(object, "secret_resolver", ErrorKind::SecretUnresolved, &["resolve"])?;
        Ok(Self { caller, schemes, key: None })
    }

    /// Makes digests with `key` where the object has no method for it. In a project they are made with the project's key.
    pub fn with_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }
}

fn unresolved(reference: &str, why: &str) -> Error {
    let text = format!("secret `{}` has no value: {why}", bounded(reference));
    Error::new(ErrorKind::SecretUnresolved, "secret_resolver.resolve", text)
        .with("reference", bounded(reference))
}

#[async_trait]
impl SecretResolver for ForeignSecretResolver {
    fn schemes(&self) -> Vec<String> {
        self.schemes.iter().cloned().collect()
    }

    async fn resolve(&self, reference: &str) -> Result<SecretValue> {
        self.resolve_in(reference, None).await
    }

    async fn resolve_in(&self, reference: &str, region: Option<&str>) -> Result<SecretValue> {
        if !reference.split_once(':').is_some_and(|(scheme, _)| self.schemes.contains(scheme)) {
            let known: Vec<&str> = self.schemes.iter().map(String::as_str).collect();
            return Err(unresolved(reference, &format!("its scheme is none of {}", known.join(", "))));
        }
        let arguments = vec![Argument::of(reference), Argument::of(region)];
        let answer = self.caller.answer("resolve", arguments).await;
        match answer.map_err(|error| named(error, reference))? {
            Value::String(value) => Ok(SecretValue::new(value)),
            Value::Null => Err(unresolved(reference, "its resolver does not know it")),
            other => {
                let error = self.caller.refuse("resolve", described(&other), "the secret's value as text");
                Err(error.with("reference", bounded(reference)))
            }
        }
    }

    async fn digest(&self, value: &SecretValue) -> Result<String> {
        if !self.caller.has("digest") {
            let text = "this secret resolver makes no digests: give it a method `digest`, or a key";
            let key = self.key.as_ref().map(|key| keyed_digest(key, value));
            return key.ok_or_else(|| Error::new(ErrorKind::Unsupported, "secret_resolver.digest", text));
        }
        let mut told = ResolvedSecrets::default();
        told.insert("", value.clone());
        let answer = self.caller.answer("digest", vec![Argument::of(value.reveal())]).await;
        match answer.map_err(|error| told.redacted(error))? {
            Value::String(text) if is_digest(&text, value) => Ok(text),
            other => {
                let expected = "a digest of the value, as text of 1 to 256 bytes that does not show it";
                Err(self.caller.refuse("digest", described(&other), expected))
            }
        }
    }
}

/// Digests are recorded: neither a book nor the secret itself.
fn is_digest(text: &str, value: &SecretValue) -> bool {
    let shows = !value.reveal().is_empty() && text.contains(value.reveal());
    // One letter or two stand in every digest.
    let shows = shows && (value.reveal().len() > 3 || text == value.reveal());
    (1..=DIGEST_LIMIT).contains(&text.len()) && !shows
}

/// `error` with the reference, where it does not say it.
fn named(error: Error, reference: &str) -> Error {
    match error.context().iter().any(|(key, _)| key == "reference") {
        true => error,
        false => error.with("reference", bounded(reference)),
    }
}
