//! The provider: Azure, resource by resource.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Finding, FunctionAccess, NOTICE, Observed, Operation,
    Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use std::sync::OnceLock;

use crate::clients::Clients;
use crate::config::AzureConfig;
use crate::kinds::KINDS;
use crate::notices;
use crate::resource_kind::ResourceKind;
use crate::settings_files;

/// Deploys components to Azure.
pub struct AzureProvider {
    config: AzureConfig,
    clients: OnceLock<Result<Clients>>,
}

impl AzureProvider {
    /// A provider; nothing is read or called before it is needed.
    pub fn new(config: AzureConfig) -> Self {
        Self { config, clients: OnceLock::new() }
    }

    /// Calls of Azure, made ready when first needed.
    pub(crate) fn clients(&self) -> Result<&Clients> {
        self.clients.get_or_init(|| Clients::new(&self.config)).as_ref().map_err(Clone::clone)
    }
}

/// What a replacement has taken the place of, and has to go.
fn replaced(change: &Change, now: &Applied) -> Option<ResourceHandle> {
    let there = change.resource.id.as_ref().filter(|old| !old.eq_ignore_ascii_case(&now.id));
    let old = there.filter(|_| change.action == ChangeAction::Replace)?;
    Some(ResourceHandle {
        id: Some(old.clone()),
        inputs: change.previous_inputs.clone().unwrap_or_default(),
        ..change.resource.clone()
    })
}

fn kind(word: &str) -> Result<&'static dyn ResourceKind> {
    KINDS.iter().copied().find(|kind| kind.word() == word).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "azure.read", format!("`azure` has no resources of kind `{word}`"))
    })
}

#[async_trait]
impl Provider for AzureProvider {
    fn name(&self) -> &str {
        "azure"
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        let graph = crate::lower::lower(blueprint, settings)?;
        for notice in notices::of(blueprint) {
            tracing::warn!(target: NOTICE, "  {}: {notice}", blueprint.component);
        }
        Ok(graph)
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        kind(&resource.kind)?.observe(self.clients()?, resource).await
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        let azure = self.clients()?;
        let kind = kind(&change.resource.kind)?;
        let applied = kind.apply(azure, change, operation).await;
        let applied = applied.map_err(|error| change.secrets.redacted(error))?;
        if let Some(old) = replaced(change, &applied) {
            kind.delete(azure, &old, operation).await?;
        }
        Ok(applied)
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        kind(&resource.kind)?.delete(self.clients()?, resource, operation).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        crate::discovery::discover(self.clients()?, scope).await
    }

    async fn default_region(&self) -> Option<String> {
        self.config.calls.location.clone().or_else(settings_files::default_location)
    }

    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        crate::diagnosis::diagnose(self, settings).await
    }

    fn functions(&self) -> Option<&dyn FunctionAccess> {
        Some(self)
    }
}
