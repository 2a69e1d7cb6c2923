//! Secrets from Key Vault: `azure-keyvault:<vault>/<secret>[/<version>]`, or `azure-keyvault:https://<vault's
//! address>/secrets/<secret>[/<version>]`.

use std::sync::OnceLock;

use azure_core::http::Method;
use semantest_iac_core::ports::secret_resolver::SecretValue;
use semantest_iac_core::{Error, ErrorKind, Result, Retry};

use crate::arm::Body;
use crate::caller::Caller;
use crate::cloud::Cloud;
use crate::config::CallSettings;

/// Scheme of references to Key Vault.
pub const KEY_VAULT: &str = "azure-keyvault";

/// Of Key Vault's data plane.
const API: &str = "7.4";

/// Looks secrets up in Azure. Nothing is called before a secret is asked for.
pub struct AzureSecrets {
    calls: CallSettings,
    caller: OnceLock<Result<Caller>>,
}

impl AzureSecrets {
    /// Secrets, asked for with these settings.
    pub fn new(calls: &CallSettings) -> Self {
        Self { calls: calls.clone(), caller: OnceLock::new() }
    }

    /// The value of `reference`.
    ///
    /// # Errors
    /// `SecretUnresolved`, never with a value.
    pub async fn look_up(&self, reference: &str) -> Result<SecretValue> {
        self.ask(reference).await.map_err(|error| {
            let text = format!("secret `{reference}` has no value: {}", error.message());
            let retry = match error.retry() {
                Retry::Later => Retry::Exhausted,
                other => other,
            };
            let unresolved = Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text);
            unresolved.with("reference", reference).with_retry(retry)
        })
    }

    async fn ask(&self, reference: &str) -> Result<SecretValue> {
        let operation = "keyvault.GetSecret";
        let wrong = |why: &str| Error::new(ErrorKind::SecretUnresolved, operation, why);
        let named = reference.split_once(':').map_or("", |(_, name)| name);
        let place = place(named, self.calls.cloud)
            .ok_or_else(|| wrong("write azure-keyvault:<vault>/<secret>, or the secret's whole address"))?;
        let caller = self.caller.get_or_init(|| Caller::new(&self.calls)).as_ref().map_err(Clone::clone)?;
        let scope = format!("https://{}/.default", self.calls.cloud.key_vault_suffix());
        let vault = caller.service(&place.vault, Some(&scope))?;
        let path = format!("{}?api-version={API}", place.path);
        let answer = vault.send(Method::Get, &path, &[], Body::Nothing).await;
        let answer = answer.map_err(|failure| failure.into_error(operation))?;
        let value = answer.json();
        value["value"].as_str().map(SecretValue::new).ok_or_else(|| wrong("the answer holds no value"))
    }
}

/// Where a secret is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The vault's address.
    pub vault: String,
    /// `/secrets/<name>[/<version>]`.
    pub path: String,
}

/// Reads what stands behind the scheme of a reference. The token goes to Key Vaults of this cloud only, or stays on this
/// machine.
pub(crate) fn place(named: &str, cloud: Cloud) -> Option<Place> {
    let fine = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let (vault, path) = match named.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/')?;
            // Anything else in it could end the host for whoever reads the address, and the token would go elsewhere.
            host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c)).then_some(())?;
            let name = host.split(':').next().unwrap_or_default();
            let of_azure = name.ends_with(&format!(".{}", cloud.key_vault_suffix()));
            let here =
                name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
            ((of_azure && scheme == "https") || here).then_some(())?;
            (format!("{scheme}://{host}"), path.strip_prefix("secrets/")?)
        }
        None => {
            let (vault, path) = named.split_once('/')?;
            fine(&vault).then_some(())?;
            (format!("https://{vault}.{}", cloud.key_vault_suffix()), path)
        }
    };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    (parts.len() <= 2 && parts.iter().all(fine))
        .then(|| Place { vault, path: format!("/secrets/{}", parts.join("/")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_a_vault_of_this_cloud_and_a_secret_in_it() {
        let found =
            |named: &str| place(named, Cloud::Public).map(|place| format!("{}{}", place.vault, place.path));
        assert_eq!(found("shop/db").as_deref(), Some("https://shop.vault.azure.net/secrets/db"));
        assert_eq!(found("shop/db/1f").as_deref(), Some("https://shop.vault.azure.net/secrets/db/1f"));
        let address = "https://shop.vault.azure.net/secrets/db";
        assert_eq!(found(address).as_deref(), Some(address));
        for wrong in [
            "shop",
            "shop/",
            "shop/a/b/c",
            "https://vault.example.com/secrets/db",
            "sh op/db",
            "shop.evil.com/x",
            "https://evil.com#.vault.azure.net/secrets/x",
            "https://evil.com?.vault.azure.net/secrets/x",
            "https://evil.com\\.vault.azure.net/secrets/x",
            "https://evil.com@shop.vault.azure.net/secrets/x",
            "https://localhost:1@evil.com/secrets/x",
            "http://127.0.0.1@evil.com/secrets/x",
        ] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_asked_of_its_vault_and_a_refusal_tells_no_token() {
        use crate::arm::tests::scripted::Script;
        let script = Script::of(vec![
            (200, vec![], serde_json::json!({ "value": "canary-of-a-secret", "id": "x" })),
            (
                403,
                vec![],
                serde_json::json!({ "error": { "code": "Forbidden", "message": "no get permission" } }),
            ),
        ]);
        let settings = CallSettings {
            http_client: Some(script.clone()),
            ..crate::arm::tests::settings("canary-of-a-token")
        };
        let secrets = AzureSecrets::new(&settings);
        let found = secrets.look_up("azure-keyvault:shop/db").await.expect("a value");
        assert_eq!(found.reveal(), "canary-of-a-secret");
        assert!(!format!("{found:?}").contains("canary"));
        assert_eq!(script.asked(), ["GET /secrets/db"]);
        let refused = secrets.look_up("azure-keyvault:shop/db").await.expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::SecretUnresolved);
        assert!(refused.message().contains("no get permission"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("canary"), "{refused:?}");
    }
}
