//! The host as the provider sees it: found, started, stopped, and what it would restore.

use semantest_iac_core::Result;

use crate::config::LocalConfig;
use crate::control::client::ControlClient;
use crate::control::messages::HostState;
use crate::error::disk;
use crate::host::process;
use crate::host::registry::Registry;

/// How the provider gets at the host.
pub(crate) struct HostLink {
    config: LocalConfig,
    /// One start at a time: several steps of a plan ask for the host at once.
    starting: tokio::sync::Mutex<()>,
}

impl HostLink {
    /// A link to the host of `config`.
    pub fn new(config: LocalConfig) -> Self {
        Self { config, starting: tokio::sync::Mutex::default() }
    }

    /// The running host and what it runs, where one runs.
    pub async fn running(&self) -> Result<Option<(ControlClient, HostState)>> {
        process::answering(&self.config.state_dir).await
    }

    /// The running host and what it runs, started where none runs.
    pub async fn ensure(&self) -> Result<(ControlClient, HostState)> {
        let _one_at_a_time = self.starting.lock().await;
        process::ensure_running(&self.config.state_dir, &self.config.host_command).await
    }

    /// Stops the host, where one runs.
    pub async fn stop(&self) -> Result<bool> {
        process::stop(&self.config.state_dir).await
    }

    /// What a host would restore.
    pub fn kept(&self) -> Result<HostState> {
        let registry = Registry::new(&self.config.state_dir);
        let failed = |error| disk("local.read", &self.config.state_dir, error);
        Ok(HostState {
            functions: registry.functions().map_err(failed)?,
            apis: registry.apis().map_err(failed)?,
        })
    }
}
