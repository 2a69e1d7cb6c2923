//! `azure.application_insights`: takes in what the functions of an app say and how they do, and keeps it in the workspace.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::names;
use crate::resource_group;
use crate::resource_kind::properties;
use crate::tracked::{Tracked, put_asked, same_id};
use crate::workspace;

pub(crate) const WORD: &str = "azure.application_insights";
pub(crate) const ADDRESS: &str = "insights";
const API_VERSION: &str = "2020-02-02";

pub(crate) fn lower(blueprint: &Blueprint, region: &str) -> Resource {
    let own = json!({ "workspace": Reference::text(&workspace::ADDRESS.into(), "id") });
    let name = names::in_group(blueprint, 200);
    resource_group::member(blueprint, region, ADDRESS, WORD, name, own)
}

/// What an app is told so that it finds the component. It is read when it is needed and kept nowhere of ours.
///
/// # Errors
/// `Unavailable` where the component is not there, and those of the call.
pub(crate) async fn connection_string(azure: &Clients, id: &str) -> Result<String> {
    let found = azure.arm.get(id, API_VERSION).await?.unwrap_or_default();
    let text = |key: &str| found["properties"][key].as_str().filter(|text| !text.is_empty());
    let whole = text("ConnectionString").map(str::to_owned);
    // The older form.
    let key = || text("InstrumentationKey").map(|key| format!("InstrumentationKey={key}"));
    whole.or_else(key).ok_or_else(|| {
        let text = "the Application Insights component is not there or not ready";
        Error::new(ErrorKind::Unavailable, "azure.application_insights", text).retry_later()
    })
}

pub(crate) struct ApplicationInsights;

#[async_trait]
impl Tracked for ApplicationInsights {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.Insights/components";
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "Application Insights component";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        Ok(json!({ "kind": "web", "properties": {
            "Application_Type": "web", "WorkspaceResourceId": change.resource.inputs.get("workspace"),
            "IngestionMode": "LogAnalytics",
        }}))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let mut inputs = Properties::new();
        let workspace = same_id(asked, "workspace", &found["properties"]["WorkspaceResourceId"]);
        put_asked(&mut inputs, asked, "workspace", workspace);
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, _found: &Value) -> Properties {
        properties(&json!({ "id": id }))
    }
}
