//! Who calls Azure, and by which HTTP client: what every service's calls have in common.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{HttpClient, RetryOptions};
use semantest_iac_core::Result;
use serde_json::Value;

use crate::arm::RestClient;
use crate::config::CallSettings;
use crate::credentials::{FoundCredential, KeptTokens};
use crate::error::{Failure, words};
use crate::http_client::http_client;
use crate::retries::Retries;

/// No function runs for longer, with time for its app to start.
const LONGEST_FUNCTION: Duration = Duration::from_secs(960);

/// Who calls.
pub(crate) struct Caller {
    /// How calls are made.
    pub settings: CallSettings,
    http: Arc<dyn HttpClient>,
    credential: Arc<dyn TokenCredential>,
    found: Option<Arc<KeptTokens<FoundCredential>>>,
}

impl Caller {
    /// Nothing is called before it is needed.
    ///
    /// # Errors
    /// `Internal` where TLS cannot be set up.
    pub fn new(settings: &CallSettings) -> Result<Self> {
        let settings = settings.clone();
        let http = http_client(&settings)?;
        if let Some(credential) = settings.credential.clone() {
            return Ok(Self { settings, http, credential, found: None });
        }
        let found = Arc::new(KeptTokens::of(FoundCredential::new(settings.cloud, http.clone())));
        Ok(Self { settings, http, credential: found.clone(), found: Some(found) })
    }

    /// Calls of the service at `endpoint`, with tokens for `scope` (`https://vault.azure.net/.default`), or with none where
    /// calls are signed otherwise (SAS). Nothing goes to any other origin.
    ///
    /// # Errors
    /// `InvalidInput` for an address that secrets may not go to.
    pub fn service(&self, endpoint: &str, scope: Option<&str>) -> Result<RestClient> {
        let authorization = scope.map(|scope| (self.credential.clone(), scope.to_owned()));
        let retry = RetryOptions::custom(Arc::new(Retries::new(self.settings.pauses)));
        RestClient::new(endpoint, self.http.clone(), authorization, retry)
    }

    /// One call of the service at `endpoint` that is not made again, and may take as long as a function does.
    ///
    /// # Errors
    /// As [`Self::service`].
    pub fn once(&self, endpoint: &str) -> Result<RestClient> {
        let settings = CallSettings { attempt_timeout: LONGEST_FUNCTION, ..self.settings.clone() };
        RestClient::new(endpoint, http_client(&settings)?, None, RetryOptions::none())
    }

    /// What tokens for Azure Resource Manager are asked for.
    pub fn manager_scope(&self) -> String {
        format!("{}/.default", self.settings.cloud.resource_manager())
    }

    /// What says who we are: `Azure command line (az login)`. Known once there was a token.
    pub fn credential_source(&self) -> &'static str {
        match &self.found {
            Some(found) => found.inner.source().unwrap_or("nothing yet"),
            None => "the credential that was given",
        }
    }

    /// The claims of the token: who it is for. Nothing of its signature.
    ///
    /// # Errors
    /// `Unauthenticated` where there is no token.
    pub async fn token_claims(&self) -> Result<Value> {
        let token = self.credential.get_token(&[self.manager_scope().as_str()], None).await;
        let token = token.map_err(|error| Failure::NoToken { detail: words(&error) }.into_error("token"))?;
        Ok(claims(token.token.secret()))
    }
}

fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
