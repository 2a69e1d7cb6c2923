//! The provider: AWS, service by service.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures::future::join_all;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Finding, FunctionAccess, NOTICE, Observed, Operation,
    Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::clients::Clients;
use crate::config::AwsConfig;
use crate::http_client::http_client;
use crate::kinds::KINDS;
use crate::lower::lower;
use crate::resource_kind::ResourceKind;

/// Deploys components to AWS.
pub struct AwsProvider {
    config: AwsConfig,
    http: OnceLock<SharedHttpClient>,
    regions: Mutex<HashMap<String, Arc<Clients>>>,
}

impl AwsProvider {
    /// A provider; nothing is read or called before it is needed.
    pub fn new(config: AwsConfig) -> Self {
        Self { config, http: OnceLock::new(), regions: Mutex::default() }
    }

    /// The clients of `region`, made when first needed.
    pub(crate) async fn clients(&self, region: &str) -> Arc<Clients> {
        let mut regions = self.regions.lock().await;
        if let Some(clients) = regions.get(region) {
            return clients.clone();
        }
        let (artifacts, secrets) = (self.config.artifacts.clone(), self.config.secrets.clone());
        let http = self.http.get_or_init(|| http_client(&self.config.calls)).clone();
        let given = self.config.calls.sdk.as_ref();
        let clients = Clients::new(region.to_owned(), http, artifacts, secrets, given).await;
        let clients = Arc::new(clients);
        regions.insert(region.to_owned(), clients.clone());
        clients
    }

    /// The clients of the region that a resource is in.
    pub(crate) async fn clients_of(&self, resource: &ResourceHandle) -> Result<Arc<Clients>> {
        let region = resource.inputs.get("region").and_then(Value::as_str).map(str::to_owned);
        self.clients_in(region.as_deref()).await
    }

    /// The clients of `region`, or else of the one this machine is set up for.
    pub(crate) async fn clients_in(&self, region: Option<&str>) -> Result<Arc<Clients>> {
        let region = match region {
            Some(region) => Some(region.to_owned()),
            None => self.default_region().await,
        };
        let region = region.ok_or_else(|| {
            let text = "no AWS region: set AWS_REGION, or the profile's region";
            Error::new(ErrorKind::InvalidInput, "aws.region", text)
        })?;
        Ok(self.clients(&region).await)
    }
}

/// What a replacement has taken the place of, and has to go.
fn replaced(change: &Change, now: &Applied) -> Option<ResourceHandle> {
    let there = change.resource.id.as_ref().filter(|old| **old != now.id);
    let old = there.filter(|_| change.action == ChangeAction::Replace)?;
    Some(ResourceHandle {
        id: Some(old.clone()),
        inputs: change.previous_inputs.clone().unwrap_or_default(),
        ..change.resource.clone()
    })
}

/// The region this machine is set up for: as the AWS command line finds it.
pub(crate) async fn default_region(given: Option<&SdkConfig>) -> Option<String> {
    if let Some(given) = given {
        return given.region().map(|region| region.as_ref().to_owned());
    }
    let environment = EnvironmentVariableRegionProvider::new();
    let profile = ProfileFileRegionProvider::new();
    let region = RegionProviderChain::first_try(environment).or_else(profile).region().await;
    region.map(|region| region.as_ref().to_owned()).filter(|region| !region.is_empty())
}

fn kind(word: &str) -> Result<&'static dyn ResourceKind> {
    KINDS.iter().copied().find(|kind| kind.word() == word).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "aws.read", format!("`aws` has no resources of kind `{word}`"))
    })
}

#[async_trait]
impl Provider for AwsProvider {
    fn name(&self) -> &str {
        "aws"
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        let graph = lower(blueprint, settings)?;
        if blueprint.service.as_ref().is_some_and(|service| service.package.is_some()) {
            let text = "code: without effect on AWS, its containers hold what is in the `image`";
            tracing::warn!(target: NOTICE, "  {}: {text}", blueprint.component);
        }
        Ok(graph)
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let aws = self.clients_of(resource).await?;
        kind(&resource.kind)?.observe(&aws, resource).await
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        let aws = self.clients_of(&change.resource).await?;
        let kind = kind(&change.resource.kind)?;
        let applied = kind.apply(&aws, change, operation).await;
        let applied = applied.map_err(|error| change.secrets.redacted(error))?;
        if let Some(old) = replaced(change, &applied).filter(|_| !kind.is_left_to_its_users()) {
            kind.delete(&aws, &old).await?;
        }
        Ok(applied)
    }

    async fn delete(&self, resource: &ResourceHandle, _operation: &Operation) -> Result<()> {
        let aws = self.clients_of(resource).await?;
        kind(&resource.kind)?.delete(&aws, resource).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        let aws = self.clients_in(scope.region.as_deref()).await?;
        let looks = join_all(KINDS.iter().map(|kind| kind.discover(&aws, scope))).await;
        let mut all = Vec::new();
        for (kind, found) in KINDS.iter().zip(looks) {
            match found {
                Ok(found) => all.extend(found),
                // Who deploys functions only may not be allowed to look at containers.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    tracing::info!(target: NOTICE, "{} was not looked for: {}", kind.word(), error.message());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn default_region(&self) -> Option<String> {
        default_region(self.config.calls.sdk.as_ref()).await
    }

    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        crate::diagnosis::diagnose(self, settings).await
    }

    fn functions(&self) -> Option<&dyn FunctionAccess> {
        Some(self)
    }
}
