//! What the provider works with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::secret_resolver::SecretResolver;

/// Settings of [`AwsProvider`](crate::AwsProvider).
#[derive(Clone)]
pub struct AwsConfig {
    /// Where packages come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Makes the digests by which a look at a function tells whether its secrets are the ones it was given.
    pub secrets: Arc<dyn SecretResolver>,
    /// How calls are made.
    pub calls: CallSettings,
}

/// How calls are made.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// Credentials, endpoint and default region. Default: as the AWS command line finds them (environment, profile, SSO,
    /// roles, what the machine is given).
    pub sdk: Option<SdkConfig>,
    /// Another HTTP client than the built-in one: an embedded emulator's, a recording one.
    pub http_client: Option<SharedHttpClient>,
    /// Whether calls keep to the documented rates of each service. Off only where nothing limits them: an emulator.
    pub keep_to_quotas: bool,
    /// A call that is not answered within this time is given up and, where that is safe, made again. Large uploads and
    /// direct invocations get more.
    pub attempt_timeout: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self { sdk: None, http_client: None, keep_to_quotas: true, attempt_timeout: Duration::from_secs(20) }
    }
}

impl CallSettings {
    /// Defaults, changed by `SEMANTEST_AWS_QUOTAS=off` and `SEMANTEST_AWS_TIMEOUT_S=<seconds>`.
    pub fn from_environment() -> Self {
        let defaults = Self::default();
        let seconds = std::env::var("SEMANTEST_AWS_TIMEOUT_S").ok().and_then(|text| text.parse().ok());
        Self {
            keep_to_quotas: std::env::var("SEMANTEST_AWS_QUOTAS").as_deref() != Ok("off"),
            attempt_timeout: seconds.map_or(defaults.attempt_timeout, Duration::from_secs),
            ..defaults
        }
    }
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig").field("calls", &self.calls).finish_non_exhaustive()
    }
}
