//! `azure.package`: the function app's code, as a blob that is named after what it is made of. It goes with its storage
//! account.

use std::collections::BTreeMap;

use async_trait::async_trait;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use semantest_iac_core::{ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::function_package;
use crate::package_description::PackageDescription;
use crate::resource_kind::{ResourceKind, properties, read};
use crate::storage_access::StorageAccess;
use crate::{storage_account, storage_container};

pub(crate) const WORD: &str = "azure.package";
pub(crate) const ADDRESS: &str = "package";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// Id of the storage account.
    account: String,
    /// Address of the container.
    container: String,
    /// What the blob is called.
    blob: String,
    /// What it is made of.
    description: PackageDescription,
}

pub(crate) fn lower(region: &str, description: PackageDescription) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        account: Reference::text(&storage_account::ADDRESS.into(), "id"),
        container: Reference::text(&storage_container::ADDRESS.into(), "url"),
        blob: description.blob_name(&function_package::shim_digest()),
        description,
    };
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.volatile_outputs.insert("blob".into());
    resource
}

pub(crate) struct Package;

#[async_trait]
impl ResourceKind for Package {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        if azure.arm.get(&asked.account, storage_account::API_VERSION).await?.is_none() {
            return Ok(None);
        }
        let access = match StorageAccess::of(azure, &asked.account, &asked.container).await {
            // Taken away a moment ago.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            access => access?,
        };
        let is_there = access.has(azure, &asked.blob).await?;
        let inputs = properties(&json!({ "container": asked.container, "blob": asked.blob }));
        Ok(is_there.then(|| Observed { id: id(&asked), inputs, outputs: outputs(&asked) }))
    }

    async fn apply(&self, azure: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let access = StorageAccess::of(azure, &wanted.account, &wanted.container).await?;
        if !access.has(azure, &wanted.blob).await? {
            let mut zips = BTreeMap::new();
            for package in wanted.description.packages() {
                zips.insert(package.to_owned(), azure.artifacts.get(package).await?);
            }
            let zip = function_package::wrap(&wanted.description, &zips)?;
            tracing::info!("uploading {} kB of package `{}`", zip.len() / 1000, wanted.blob);
            access.upload(azure, &wanted.blob, zip).await?;
        }
        let last = last(change, &wanted);
        clean_up(azure, change, &wanted, &access, last.as_deref()).await;
        let mut outputs = outputs(&wanted);
        outputs.extend(last.map(|last| ("previous".to_owned(), last.into())));
        Ok(Applied { id: id(&wanted), outputs, adopted: false })
    }

    /// It goes with its account, which is deleted soon after.
    async fn delete(
        &self,
        _azure: &Clients,
        _resource: &ResourceHandle,
        _operation: &Operation,
    ) -> Result<()> {
        Ok(())
    }
}

/// The package that runs until the app has the new one.
fn last(change: &Change, wanted: &Inputs) -> Option<String> {
    let text = |from: &Properties, key: &str| from.get(key).and_then(Value::as_str).map(str::to_owned);
    let last = change.previous_inputs.as_ref().and_then(|inputs| text(inputs, "blob"));
    last.filter(|last| *last != wanted.blob).or_else(|| text(&change.resource.outputs, "previous"))
}

/// Takes away the package before the last. What cannot be taken away goes with the account.
async fn clean_up(
    azure: &Clients,
    change: &Change,
    wanted: &Inputs,
    access: &StorageAccess,
    last: Option<&str>,
) {
    let before = change.resource.outputs.get("previous").and_then(Value::as_str);
    let Some(before) = before.filter(|before| *before != wanted.blob && Some(*before) != last) else {
        return;
    };
    if let Err(error) = access.remove(azure, before).await {
        tracing::debug!(blob = before, %error, "left for later");
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}/{}", inputs.container, inputs.blob)
}

fn outputs(inputs: &Inputs) -> Properties {
    properties(&json!({ "blob": inputs.blob }))
}
