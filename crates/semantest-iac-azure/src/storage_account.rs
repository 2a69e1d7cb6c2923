//! `azure.storage_account`: where a function app keeps what it works with, and its package. No blob of it is public.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::names;
use crate::resource_group;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, put_asked};

pub(crate) const WORD: &str = "azure.storage_account";
pub(crate) const ADDRESS: &str = "storage";
pub(crate) const API_VERSION: &str = "2023-05-01";

/// Inputs and what ARM calls them.
const SETTINGS: [(&str, &str); 3] = [
    ("public_blobs", "allowBlobPublicAccess"),
    ("https_only", "supportsHttpsTrafficOnly"),
    ("minimum_tls", "minimumTlsVersion"),
];

pub(crate) fn lower(blueprint: &Blueprint, region: &str) -> Resource {
    let own = json!({
        "sku": "Standard_LRS", "public_blobs": false, "https_only": true, "minimum_tls": "TLS1_2",
    });
    let name = names::storage_account(blueprint, region);
    resource_group::member(blueprint, region, ADDRESS, WORD, name, own)
}

pub(crate) struct StorageAccount;

#[async_trait]
impl Tracked for StorageAccount {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.Storage/storageAccounts";
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "storage account";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let inputs = &change.resource.inputs;
        let mut settings = properties(&json!({
            "allowSharedKeyAccess": true, "allowCrossTenantReplication": false,
        }));
        for (key, of_arm) in SETTINGS {
            settings.insert(of_arm.into(), inputs.get(key).cloned().unwrap_or_default());
        }
        Ok(json!({ "kind": "StorageV2", "sku": { "name": inputs.get("sku") }, "properties": settings }))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let mut inputs = properties(&json!({ "sku": found["sku"]["name"] }));
        for (key, of_arm) in SETTINGS {
            put_asked(&mut inputs, asked, key, found["properties"][of_arm].clone());
        }
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, found: &Value) -> Properties {
        properties(&json!({ "id": id, "blob_endpoint": found["properties"]["primaryEndpoints"]["blob"] }))
    }
}
