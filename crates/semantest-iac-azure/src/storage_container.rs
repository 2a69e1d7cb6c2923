//! `azure.storage_container`: the container that packages are kept in. It is part of its storage account and goes with it.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::resource_kind::{ResourceKind, properties};
use crate::storage_account;
use crate::tracked::text;

pub(crate) const WORD: &str = "azure.storage_container";
pub(crate) const ADDRESS: &str = "storage.container";

/// What the container is called.
const NAME: &str = "packages";

pub(crate) fn lower(region: &str) -> Resource {
    let account = storage_account::ADDRESS.into();
    let inputs = json!({
        "region": region, "account": Reference::text(&account, "id"),
        "blob_endpoint": Reference::text(&account, "blob_endpoint"), "name": NAME, "public_access": "None",
    });
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.replace_on.extend(["account", "name"].map(str::to_owned));
    resource
}

pub(crate) struct StorageContainer;

#[async_trait]
impl ResourceKind for StorageContainer {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let id = id(resource)?;
        let Some(found) = azure.arm.get(&id, storage_account::API_VERSION).await? else { return Ok(None) };
        let mut inputs = resource.inputs.clone();
        inputs.remove("public_access");
        if let Some(access) = found["properties"]["publicAccess"].as_str() {
            inputs.insert("public_access".into(), access.into());
        }
        Ok(Some(Observed { id, inputs, outputs: outputs(resource)? }))
    }

    async fn apply(&self, azure: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let id = id(&change.resource)?;
        let body = json!({ "properties": { "publicAccess": change.resource.inputs.get("public_access") } });
        azure.arm.put(&id, storage_account::API_VERSION, &body, operation).await?;
        Ok(Applied { id, outputs: outputs(&change.resource)?, adopted: false })
    }

    /// It goes with its account, which is deleted next.
    async fn delete(
        &self,
        _azure: &Clients,
        _resource: &ResourceHandle,
        _operation: &Operation,
    ) -> Result<()> {
        Ok(())
    }
}

fn id(resource: &ResourceHandle) -> Result<String> {
    let (account, name) = (text(resource, "account")?, text(resource, "name")?);
    Ok(format!("{account}/blobServices/default/containers/{name}"))
}

/// Where its blobs are.
fn outputs(resource: &ResourceHandle) -> Result<Properties> {
    let (endpoint, name) = (text(resource, "blob_endpoint")?, text(resource, "name")?);
    let url = Value::from(format!("{}/{name}", endpoint.trim_end_matches('/')));
    Ok(properties(&json!({ "url": url })))
}
