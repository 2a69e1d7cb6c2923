//! What the provider works with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::HttpClient;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::secret_resolver::SecretResolver;

use crate::cloud::Cloud;
use crate::credentials::StaticToken;

/// Settings of [`AzureProvider`](crate::AzureProvider).
#[derive(Clone)]
pub struct AzureConfig {
    /// Where packages come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Makes the digests by which a look at a function tells whether its secrets are the ones it was given.
    pub secrets: Arc<dyn SecretResolver>,
    /// How calls are made.
    pub calls: CallSettings,
}

/// How calls are made.
#[derive(Clone)]
pub struct CallSettings {
    /// Which Azure: public, US government, China. Default: what `AZURE_CLOUD_NAME` or `AZURE_ENVIRONMENT` says.
    pub cloud: Cloud,
    /// Another address of Azure Resource Manager than the cloud's: an emulator's, a private one. `http` on the loopback
    /// interface only.
    pub endpoint: Option<String>,
    /// Another address of Log Analytics than the cloud's.
    pub log_analytics: Option<String>,
    /// The subscription's id. Default: `AZURE_SUBSCRIPTION_ID`, then the Azure command line's default, then the only one there
    /// is.
    pub subscription: Option<String>,
    /// Where environments name no region: `AZURE_DEFAULTS_LOCATION` or `AZURE_LOCATION`, then the Azure command line's.
    pub location: Option<String>,
    /// Credentials. Default: environment, workload identity, the Azure command line, managed identity.
    pub credential: Option<Arc<dyn TokenCredential>>,
    /// Another HTTP client than the built-in one: a recording one, a proxy's.
    pub http_client: Option<Arc<dyn HttpClient>>,
    /// A call that is not answered within this time is given up and made again. Large uploads get more.
    pub attempt_timeout: Duration,
    /// What Azure has accepted and not done within this time is given up on; it may still get done.
    pub operation_timeout: Duration,
    /// Between looks at what Azure is doing, where Azure itself does not say how long to wait.
    pub pauses: Pauses,
    /// Whether resource providers that the subscription has not used yet are registered. Off where that is somebody else's.
    pub register_providers: bool,
}

/// How long to wait between looks, the first time and at most; each wait is a quarter longer than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// The first wait.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            cloud: Cloud::default(),
            endpoint: None,
            log_analytics: None,
            subscription: None,
            location: None,
            credential: None,
            http_client: None,
            // App Service answers some calls only when it is done.
            attempt_timeout: Duration::from_secs(100),
            operation_timeout: Duration::from_secs(30 * 60),
            pauses: Pauses { first: Duration::from_millis(200), longest: Duration::from_secs(3) },
            register_providers: true,
        }
    }
}

impl CallSettings {
    /// Defaults, changed by `SEMANTEST_AZURE_ENDPOINT`, `SEMANTEST_AZURE_LOGS_ENDPOINT`, `SEMANTEST_AZURE_TOKEN`,
    /// `SEMANTEST_AZURE_TIMEOUT_S` (one call), `SEMANTEST_AZURE_OPERATION_TIMEOUT_S` (what Azure accepts and does later), `SEMANTEST_AZURE_REGISTER=off`, and by the
    /// variables that Microsoft's tools know: `AZURE_CLOUD_NAME` or `AZURE_ENVIRONMENT` (else what `az cloud set` chose), `AZURE_SUBSCRIPTION_ID`,
    /// `AZURE_DEFAULTS_LOCATION` or `AZURE_LOCATION`.
    pub fn from_environment() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let seconds = |name: &str| set(name).and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let defaults = Self::default();
        let token = set("SEMANTEST_AZURE_TOKEN").map(StaticToken::new);
        Self {
            cloud: Cloud::from_environment(),
            endpoint: set("SEMANTEST_AZURE_ENDPOINT"),
            log_analytics: set("SEMANTEST_AZURE_LOGS_ENDPOINT"),
            subscription: set("AZURE_SUBSCRIPTION_ID"),
            location: set("AZURE_DEFAULTS_LOCATION").or_else(|| set("AZURE_LOCATION")),
            credential: token.map(|token| Arc::new(token) as Arc<dyn TokenCredential>),
            attempt_timeout: seconds("SEMANTEST_AZURE_TIMEOUT_S").unwrap_or(defaults.attempt_timeout),
            operation_timeout: seconds("SEMANTEST_AZURE_OPERATION_TIMEOUT_S")
                .unwrap_or(defaults.operation_timeout),
            register_providers: set("SEMANTEST_AZURE_REGISTER").as_deref() != Some("off"),
            ..defaults
        }
    }
}

impl fmt::Debug for CallSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSettings")
            .field("cloud", &self.cloud)
            .field("endpoint", &self.endpoint)
            .field("subscription", &self.subscription)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AzureConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureConfig").field("calls", &self.calls).finish_non_exhaustive()
    }
}
