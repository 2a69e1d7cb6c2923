//! `azure.resource_group`: holds all that a component has in one region, and nothing else.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::names;
use crate::ownership;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, is_of_component, name_in};

pub(crate) const WORD: &str = "azure.resource_group";
pub(crate) const ADDRESS: &str = "resource_group";
pub(crate) const ARM_TYPE: &str = "Microsoft.Resources/resourceGroups";
pub(crate) const API_VERSION: &str = "2024-03-01";

/// What Azure puts beside an Application Insights component by itself.
const OF_AZURE: [&str; 2] =
    ["microsoft.alertsmanagement/smartdetectoralertrules", "microsoft.insights/actiongroups"];

pub(crate) fn lower(blueprint: &Blueprint, region: &str) -> Resource {
    let inputs = json!({
        "region": region, "name": names::resource_group(blueprint, region), "tags": blueprint.tags,
    });
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.replace_on.insert("name".into());
    resource
}

/// The inputs of what is in the group, and which of them cannot be changed in place.
pub(crate) fn member(
    blueprint: &Blueprint,
    region: &str,
    address: &str,
    word: &str,
    name: String,
    own: Value,
) -> Resource {
    let mut inputs = properties(&json!({
        "region": region, "resource_group": names::resource_group(blueprint, region), "name": name,
        "tags": blueprint.tags,
    }));
    inputs.extend(properties(&own));
    let mut resource = Resource::new(address, word, inputs);
    resource.depends_on.insert(ADDRESS.into());
    resource.replace_on.extend(["region", "resource_group", "name"].map(str::to_owned));
    resource
}

pub(crate) struct ResourceGroup;

#[async_trait]
impl Tracked for ResourceGroup {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = ARM_TYPE;
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "resource group";

    async fn body(&self, _azure: &Clients, _change: &Change, _there: Option<&Value>) -> Result<Value> {
        Ok(json!({}))
    }

    async fn inputs(&self, _azure: &Clients, _asked: &ResourceHandle, _found: &Value) -> Result<Properties> {
        Ok(Properties::new())
    }

    fn outputs(&self, _azure: &Clients, id: &str, _found: &Value) -> Properties {
        properties(&json!({ "id": id, "name": name_in(id) }))
    }

    /// With a group goes all that is in it: somebody else's things stay, and so does the group.
    async fn may_go(&self, azure: &Clients, id: &str, resource: &ResourceHandle) -> Result<()> {
        let all = azure.arm.list(&format!("{id}/resources"), API_VERSION).await?;
        let is_ours = |one: &&Value| {
            let kind = one["type"].as_str().unwrap_or_default().to_ascii_lowercase();
            is_of_component(&ownership::tags_of(one), &resource.tags) || OF_AZURE.contains(&kind.as_str())
        };
        let others: Vec<&str> =
            all.iter().filter(|one| !is_ours(one)).filter_map(|one| one["name"].as_str()).collect();
        if others.is_empty() {
            return Ok(());
        }
        let text = format!(
            "resource group `{}` holds what is not this deployment's: {}; move or delete that, then try again",
            name_in(id),
            others.join(", ")
        );
        Err(Error::new(ErrorKind::Provider, "azure.delete", text).with("name", name_in(id)))
    }
}
