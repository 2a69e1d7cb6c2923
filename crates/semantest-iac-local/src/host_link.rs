//! The host as the provider sees it: found, started, stopped, and what it would restore.

use semantest_iac_core::{Error, Result};

use crate::config::LocalConfig;
use crate::control::client::ControlClient;
use crate::control::messages::{HostState, LackingSecret, PutSecrets};
use crate::error::disk;
use crate::host::process;
use crate::host::registry::Registry;
use crate::host::serving::Serving;

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
        match process::answering(&self.config.state_dir).await? {
            Some((client, state)) => self.supplied(client, state).await.map(Some),
            None => Ok(None),
        }
    }

    /// The running host and what it runs, started where none runs.
    pub async fn ensure(&self) -> Result<(ControlClient, HostState)> {
        let _one_at_a_time = self.starting.lock().await;
        let found = process::ensure_running(&self.config.state_dir, &self.config.host_command).await?;
        self.supplied(found.0, found.1).await
    }

    /// Hands the host the secrets it lacks, as far as they are known here and are those that were deployed: another
    /// value is for a deployment to bring.
    async fn supplied(&self, client: ControlClient, state: HostState) -> Result<(ControlClient, HostState)> {
        let mut found = PutSecrets::default();
        for LackingSecret { function, secret, digest } in &state.lacking {
            let Ok(value) = self.config.secrets.resolve(secret).await else { continue };
            if digest.is_some() && self.config.secrets.digest(&value).await.ok() != *digest {
                continue;
            }
            let values = found.0.entry(function.clone()).or_default();
            values.0.insert(secret.clone(), value.reveal().to_owned());
        }
        if found.0.is_empty() {
            return Ok((client, state));
        }
        client.put_secrets(&found).await?;
        let state = client.state().await?;
        Ok((client, state))
    }

    /// What the running host serves, without asking it; nothing where none runs.
    pub fn serving(&self) -> Option<Serving> {
        Serving::read(&self.config.state_dir)
    }

    /// Stops the host, where one runs.
    pub async fn stop(&self) -> Result<bool> {
        process::stop(&self.config.state_dir).await
    }

    /// Whether a host would have nothing to restore, not even something damaged to take away.
    pub fn keeps_nothing(&self) -> Result<bool> {
        Registry::new(&self.config.state_dir).is_empty().map_err(|error| self.unreadable(error))
    }

    /// What a host would restore.
    pub fn kept(&self) -> Result<HostState> {
        let registry = Registry::new(&self.config.state_dir);
        Ok(HostState {
            functions: registry.functions().map_err(|error| self.unreadable(error))?,
            apis: registry.apis().map_err(|error| self.unreadable(error))?,
            services: registry.services().map_err(|error| self.unreadable(error))?,
            lacking: Vec::new(),
            inspected: Vec::new(),
            memory_limits: String::new(),
        })
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        disk("local.read", &self.config.state_dir, error)
    }
}
