//! Which Azure: where its services are, and for whom tokens are asked.

use crate::settings_files;

/// One of the Azures there are. Each has its own addresses and its own directory of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// Everybody's.
    #[default]
    Public,
    /// The United States government's.
    UsGovernment,
    /// China's, run by 21Vianet.
    China,
}

impl Cloud {
    /// What `AZURE_CLOUD_NAME` (the command line's) or `AZURE_ENVIRONMENT` (the SDKs') says, or else `az cloud set` did; public
    /// where nobody says. A name that is none counts as not said; `doctor` tells of it.
    pub fn from_environment() -> Self {
        Self::said().and_then(|name| Self::named(&name)).unwrap_or_default()
    }

    /// The name of a cloud that is set up and that there is none of.
    pub(crate) fn unknown() -> Option<String> {
        Self::said().filter(|name| Self::named(name).is_none())
    }

    fn said() -> Option<String> {
        let set = |name: &str| std::env::var(name).ok().filter(|name| !name.trim().is_empty());
        set("AZURE_CLOUD_NAME").or_else(|| set("AZURE_ENVIRONMENT")).or_else(settings_files::default_cloud)
    }

    /// By the names that Microsoft's tools use: `AzureCloud`, `AzureUSGovernment`, `AzureChinaCloud` and the like.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "azurecloud" | "azurepubliccloud" | "azurepublic" | "public" => Some(Self::Public),
            "azureusgovernment" | "azureusgovernmentcloud" | "azuregovernment" | "usgovernment" => {
                Some(Self::UsGovernment)
            }
            "azurechinacloud" | "azurechina" | "china" => Some(Self::China),
            _ => None,
        }
    }

    /// Azure Resource Manager.
    pub(crate) fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// What names of Key Vaults end with.
    pub(crate) fn key_vault_suffix(self) -> &'static str {
        match self {
            Self::Public => "vault.azure.net",
            Self::UsGovernment => "vault.usgovcloudapi.net",
            Self::China => "vault.azure.cn",
        }
    }

    /// What addresses of storage end with.
    pub(crate) fn storage_suffix(self) -> &'static str {
        match self {
            Self::Public => "core.windows.net",
            Self::UsGovernment => "core.usgovcloudapi.net",
            Self::China => "core.chinacloudapi.cn",
        }
    }

    /// Where logs are asked for.
    pub(crate) fn log_analytics(self) -> &'static str {
        match self {
            Self::Public => "https://api.loganalytics.io",
            Self::UsGovernment => "https://api.loganalytics.us",
            Self::China => "https://api.loganalytics.azure.cn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cloud;

    #[test]
    fn clouds_go_by_the_names_that_microsofts_tools_use() {
        assert_eq!(Cloud::named("AzureCloud"), Some(Cloud::Public));
        assert_eq!(Cloud::named("AzureUSGovernment"), Some(Cloud::UsGovernment));
        assert_eq!(Cloud::named("AzureChinaCloud"), Some(Cloud::China));
        assert_eq!(Cloud::named("AzureMoon"), None);
    }
}
