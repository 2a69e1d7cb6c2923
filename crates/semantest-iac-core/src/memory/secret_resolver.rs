//! Secrets from a table.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::secret_resolver::{SecretResolver, SecretValue};

/// HMAC-SHA-256 (hex) of a secret under `key`.
pub fn keyed_digest(key: &[u8], value: &SecretValue) -> String {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(value.reveal().as_bytes());
            hex::encode(mac.finalize().into_bytes())
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    }
}

/// Knows what it is told; scheme `memory`.
#[derive(Default)]
pub struct InMemorySecrets {
    values: Mutex<BTreeMap<String, SecretValue>>,
}

impl InMemorySecrets {
    /// Makes `reference` resolve to `value` from now on.
    pub fn set(&self, reference: impl Into<String>, value: impl Into<String>) {
        let mut values = self.values.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        values.insert(reference.into(), SecretValue::new(value));
    }
}

#[async_trait]
impl SecretResolver for InMemorySecrets {
    fn schemes(&self) -> Vec<String> {
        vec!["memory".into()]
    }

    async fn resolve(&self, reference: &str) -> Result<SecretValue> {
        let values = self.values.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        values.get(reference).cloned().ok_or_else(|| {
            let text = format!("secret `{reference}` is not known");
            Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text).with("reference", reference)
        })
    }

    async fn digest(&self, value: &SecretValue) -> Result<String> {
        Ok(keyed_digest(b"in-memory", value))
    }
}
