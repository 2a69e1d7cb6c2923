//! `azure.web_pubsub`: holds the connections of a websocket component's clients.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::names;
use crate::resource_group;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, put_asked};

pub(crate) const WORD: &str = "azure.web_pubsub";
pub(crate) const ADDRESS: &str = "web_pubsub";
pub(crate) const API_VERSION: &str = "2024-03-01";

/// Inputs and what ARM calls them.
const SETTINGS: [(&str, &str); 3] = [
    ("public_network_access", "publicNetworkAccess"),
    ("local_auth_disabled", "disableLocalAuth"),
    ("aad_auth_disabled", "disableAadAuth"),
];

pub(crate) fn lower(blueprint: &Blueprint, region: &str) -> Resource {
    // The free tier holds 20 connections and no more.
    let own = json!({
        "sku": "Standard_S1", "capacity": 1, "public_network_access": "Enabled", "local_auth_disabled": false,
        "aad_auth_disabled": false,
    });
    // Services are known to the whole world by their names.
    let name = names::unique(blueprint, region, 63);
    resource_group::member(blueprint, region, ADDRESS, WORD, name, own)
}

/// By which functions send to who is connected, and by which what comes from the service is known to come from it.
///
/// # Errors
/// `Unavailable` where the service is not there yet, and those of the call.
pub(crate) async fn connection_string(azure: &Clients, id: &str) -> Result<String> {
    let keys = azure.arm.post(&format!("{id}/listKeys"), API_VERSION, None, None).await?;
    let text = keys["primaryConnectionString"].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| {
        let text = "the Web PubSub service shows no key to this identity";
        Error::new(ErrorKind::PermissionDenied, "azure.web_pubsub", text)
    })
}

pub(crate) struct WebPubSub;

#[async_trait]
impl Tracked for WebPubSub {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.SignalRService/webPubSub";
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "Web PubSub service";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let inputs = &change.resource.inputs;
        let mut settings = Properties::new();
        for (key, of_arm) in SETTINGS {
            settings.extend(inputs.get(key).map(|value| (of_arm.to_owned(), value.clone())));
        }
        Ok(json!({
            "kind": "WebPubSub", "sku": { "name": inputs.get("sku"), "capacity": inputs.get("capacity") },
            "properties": settings,
        }))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let mut inputs = Properties::new();
        put_asked(&mut inputs, asked, "sku", found["sku"]["name"].clone());
        put_asked(&mut inputs, asked, "capacity", found["sku"]["capacity"].clone());
        for (key, of_arm) in SETTINGS {
            put_asked(&mut inputs, asked, key, found["properties"][of_arm].clone());
        }
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, found: &Value) -> Properties {
        properties(&json!({ "id": id, "host": found["properties"]["hostName"] }))
    }
}
