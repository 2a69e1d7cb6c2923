//! `azure.plan`: what a function app runs on.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Resource};
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::hosting::Hosting;
use crate::names;
use crate::resource_group;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, put_asked};

pub(crate) const WORD: &str = "azure.plan";

/// Where the plan of that kind is. Each kind has an address of its own: an app that goes to another kind is made anew on the
/// new plan before the old one, which nobody may take away from under an app, is deleted.
pub(crate) fn address(hosting: HostingPlan) -> Address {
    format!("plan.{}", hosting.as_str()).as_str().into()
}

/// Most machines of a Premium plan, where nothing else is asked for.
const PREMIUM_MACHINES: u32 = 20;

pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    hosting: HostingPlan,
    ready: Option<u32>,
) -> Resource {
    let (sku, tier) = hosting.sku();
    let mut own = json!({ "sku": sku, "tier": tier });
    if hosting == HostingPlan::Premium {
        own["capacity"] = ready.unwrap_or(1).max(1).into();
        own["most_machines"] = PREMIUM_MACHINES.max(ready.unwrap_or(1)).into();
    }
    // So is its name.
    let name = names::in_group(blueprint, 60 - sku.len() - 1);
    let name = format!("{name}-{}", sku.to_ascii_lowercase());
    let mut resource = resource_group::member(blueprint, region, address(hosting).as_str(), WORD, name, own);
    resource.replace_on.insert("tier".into());
    resource
}

pub(crate) struct Plan;

#[async_trait]
impl Tracked for Plan {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.Web/serverfarms";
    const API_VERSION: &'static str = "2023-12-01";
    const NOUN: &'static str = "App Service plan";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let inputs = &change.resource.inputs;
        let mut sku = json!({ "name": inputs.get("sku"), "tier": inputs.get("tier") });
        // Linux.
        let mut settings = json!({ "reserved": true });
        if let Some(capacity) = inputs.get("capacity") {
            sku["capacity"] = capacity.clone();
        }
        let mut kind = "functionapp,linux";
        if let Some(most) = inputs.get("most_machines") {
            kind = "elastic,linux";
            settings["elasticScaleEnabled"] = true.into();
            settings["maximumElasticWorkerCount"] = most.clone();
        }
        Ok(json!({ "kind": kind, "sku": sku, "properties": settings }))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let mut inputs = Properties::new();
        for (key, value) in [
            ("sku", &found["sku"]["name"]),
            ("tier", &found["sku"]["tier"]),
            ("capacity", &found["sku"]["capacity"]),
            ("most_machines", &found["properties"]["maximumElasticWorkerCount"]),
        ] {
            put_asked(&mut inputs, asked, key, value.clone());
        }
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, _found: &Value) -> Properties {
        properties(&json!({ "id": id }))
    }
}
