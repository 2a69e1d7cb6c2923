//! `azure.container_environment`: what container apps run in. Their logs go to the workspace.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{Change, NOTICE, ResourceHandle};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::names;
use crate::resource_group;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, name_in, put_asked, same_id, text};
use crate::workspace;

pub(crate) const WORD: &str = "azure.container_environment";
pub(crate) const ADDRESS: &str = "container_environment";

/// The environment, in `subnet` where one is given.
pub(crate) fn lower(blueprint: &Blueprint, region: &str, subnet: Option<&str>) -> Resource {
    let workspace = workspace::ADDRESS.into();
    let mut own = json!({
        "workspace": Reference::text(&workspace, "id"), "customer_id": Reference::text(&workspace, "customer_id"),
    });
    if let Some(subnet) = subnet {
        own["subnet"] = subnet.into();
    }
    let name = names::in_group(blueprint, 60);
    let mut resource = resource_group::member(blueprint, region, ADDRESS, WORD, name, own);
    resource.replace_on.insert("subnet".into());
    resource
}

pub(crate) struct ContainerEnvironment;

#[async_trait]
impl Tracked for ContainerEnvironment {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.App/managedEnvironments";
    const API_VERSION: &'static str = "2024-03-01";
    const NOUN: &'static str = "container environment";

    async fn body(&self, azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let mut settings = json!({
            "appLogsConfiguration": logs(azure, change).await?,
            // Paid by use, in the kind of environment that can have machines of one's own, too.
            "workloadProfiles": [{ "name": "Consumption", "workloadProfileType": "Consumption" }],
        });
        if let Some(subnet) = change.resource.inputs.get("subnet") {
            settings["vnetConfiguration"] = json!({ "infrastructureSubnetId": subnet });
        }
        Ok(json!({ "properties": settings }))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let settings = &found["properties"];
        let mut inputs = Properties::new();
        let logs = &settings["appLogsConfiguration"]["logAnalyticsConfiguration"];
        put_asked(&mut inputs, asked, "customer_id", logs["customerId"].clone());
        let subnet = same_id(asked, "subnet", &settings["vnetConfiguration"]["infrastructureSubnetId"]);
        put_asked(&mut inputs, asked, "subnet", subnet);
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, _found: &Value) -> Properties {
        properties(&json!({ "id": id }))
    }
}

/// Where the logs of containers go.
async fn logs(azure: &Clients, change: &Change) -> Result<Value> {
    let workspace = text(&change.resource, "workspace")?;
    let Some(key) = workspace::shared_key(azure, workspace).await? else {
        tracing::warn!(
            target: NOTICE,
            "workspace `{}` gives no key out: logs of containers go to Azure Monitor, and nowhere without its settings",
            name_in(workspace)
        );
        return Ok(json!({ "destination": "azure-monitor" }));
    };
    Ok(json!({
        "destination": "log-analytics",
        "logAnalyticsConfiguration": { "customerId": text(&change.resource, "customer_id")?, "sharedKey": key },
    }))
}
