//! Calls of Azure in one subscription.

use std::sync::Arc;

use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::secret_resolver::SecretResolver;
use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use crate::arm::ArmClient;
use crate::caller::Caller;
use crate::config::{AzureConfig, CallSettings};
use crate::settings_files;

/// Of the list of subscriptions.
pub(crate) const SUBSCRIPTIONS_API: &str = "2022-12-01";

/// Calls of Azure.
pub(crate) struct Clients {
    /// Azure Resource Manager.
    pub arm: ArmClient,
    /// Other services.
    pub caller: Caller,
    /// Where packages come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Makes digests of secrets.
    pub secrets: Arc<dyn SecretResolver>,
    subscription: OnceCell<String>,
}

impl Clients {
    /// Nothing is called before it is needed.
    ///
    /// # Errors
    /// `InvalidInput` for an endpoint that cannot be called.
    pub fn new(config: &AzureConfig) -> Result<Self> {
        let caller = Caller::new(&config.calls)?;
        let given = caller.settings.endpoint.as_deref();
        let endpoint = given.unwrap_or(caller.settings.cloud.resource_manager());
        let rest = caller.service(endpoint, Some(&caller.manager_scope()))?;
        let arm = ArmClient::new(rest, caller.settings.clone());
        let subscription = OnceCell::new_with(caller.settings.subscription.clone());
        let (artifacts, secrets) = (config.artifacts.clone(), config.secrets.clone());
        Ok(Self { arm, caller, artifacts, secrets, subscription })
    }

    /// How calls are made.
    pub fn settings(&self) -> &CallSettings {
        &self.caller.settings
    }

    /// Where logs are asked for.
    pub fn log_analytics(&self) -> &str {
        let cloud = self.settings().cloud.log_analytics();
        self.settings().log_analytics.as_deref().unwrap_or(cloud)
    }

    /// The subscription's id; looked for once.
    ///
    /// # Errors
    /// `InvalidInput` where there is none or several, saying what to set.
    pub async fn subscription(&self) -> Result<&str> {
        self.subscription.get_or_try_init(|| self.find_subscription()).await.map(String::as_str)
    }

    async fn find_subscription(&self) -> Result<String> {
        if let Some(default) = settings_files::default_subscription(self.settings().cloud) {
            return Ok(default);
        }
        let all = self.arm.list("/subscriptions", SUBSCRIPTIONS_API).await?;
        let usable = all.iter().filter(|one| one["state"].as_str().is_none_or(|state| state == "Enabled"));
        let ids: Vec<&str> = usable.filter_map(|one| one["subscriptionId"].as_str()).collect();
        match ids.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => Err(no_subscription("this identity sees none".into())),
            several => {
                let few = several.iter().take(5).copied().collect::<Vec<_>>().join(", ");
                Err(no_subscription(format!("this identity sees {} ({few})", several.len())))
            }
        }
    }

    /// `path` (`/resourceGroups/…`) in the subscription.
    pub async fn path(&self, path: &str) -> Result<String> {
        Ok(format!("/subscriptions/{}{path}", self.subscription().await?))
    }
}

fn no_subscription(found: String) -> Error {
    let text = format!(
        "no Azure subscription: {found}; set AZURE_SUBSCRIPTION_ID, or choose one (az account set --subscription …)"
    );
    Error::new(ErrorKind::InvalidInput, "azure.subscription", text)
}
