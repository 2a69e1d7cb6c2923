//! Secrets of a Pulumi program: held in memory, and known to the log by a reference only.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use semantest_iac::ports::secret_resolver::{SecretResolver, SecretValue};
use semantest_iac::{Error, ErrorKind, Result};

/// Scheme of the references.
const SCHEME: &str = "pulumi";

/// What Pulumi handed over in this process, for one project.
#[derive(Default)]
pub(crate) struct PulumiSecrets(Mutex<HashMap<String, SecretValue>>);

/// The reference to the secret at `path` of the configuration of a component.
pub(crate) fn reference(environment: &str, component: &str, path: &str) -> String {
    format!("{SCHEME}:{environment}/{component}/{path}")
}

impl PulumiSecrets {
    /// Holds `values` by reference.
    pub fn hold(&self, values: impl IntoIterator<Item = (String, SecretValue)>) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(values);
    }
}

#[async_trait]
impl SecretResolver for PulumiSecrets {
    fn schemes(&self) -> Vec<String> {
        vec![SCHEME.to_owned()]
    }

    async fn resolve(&self, reference: &str) -> Result<SecretValue> {
        let held = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        held.get(reference).cloned().ok_or_else(|| {
            let text =
                format!("secret `{reference}` is a Pulumi program's and was not given: run `pulumi up`");
            Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text).with("reference", reference)
        })
    }

    /// Never asked for: digests are made with the project's own key.
    async fn digest(&self, _value: &SecretValue) -> Result<String> {
        let text = "secrets of Pulumi have no digest of their own";
        Err(Error::new(ErrorKind::Internal, "secret.digest", text))
    }
}
