//! `azure.workspace`: a Log Analytics workspace, where what functions and containers say is kept, and for how long.

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

pub(crate) const WORD: &str = "azure.workspace";
pub(crate) const ADDRESS: &str = "workspace";
pub(crate) const ARM_TYPE: &str = "Microsoft.OperationalInsights/workspaces";

/// Keys were never moved to a newer version.
const KEYS_API_VERSION: &str = "2020-08-01";

/// Log Analytics keeps logs no shorter and, for queries, no longer. Source: its documentation, "Data retention".
pub(crate) const LEAST_DAYS: u32 = 30;
const MOST_DAYS: u32 = 730;
/// Two years, counted by who counts leap years.
const TWO_YEARS: u32 = 731;

/// The workspace; asked to keep logs for fewer days than it can, it keeps them for the fewest, and [`notices`](crate::notices)
/// says so.
///
/// # Errors
/// `InvalidInput` where logs are to be kept for longer than they can.
pub(crate) fn lower(blueprint: &Blueprint, region: &str, retention_days: Option<u32>) -> Result<Resource> {
    let days = retention_days.unwrap_or(LEAST_DAYS).max(LEAST_DAYS);
    if days > TWO_YEARS {
        let text =
            format!("log_retention_days {days}: Log Analytics keeps logs for {MOST_DAYS} days at most");
        let error = Error::new(ErrorKind::InvalidInput, "azure.lower", text);
        return Err(error.with("field", "log_retention_days"));
    }
    let own = json!({ "sku": "PerGB2018", "retention_days": days.min(MOST_DAYS) });
    let name = names::in_group(blueprint, 63);
    Ok(resource_group::member(blueprint, region, ADDRESS, WORD, name, own))
}

/// The key by which a container environment writes to the workspace; nothing where this Azure gives none out.
///
/// # Errors
/// Those of the call.
pub(crate) async fn shared_key(azure: &Clients, id: &str) -> Result<Option<String>> {
    match azure.arm.post(&format!("{id}/sharedKeys"), KEYS_API_VERSION, None, None).await {
        Ok(keys) => Ok(keys["primarySharedKey"].as_str().filter(|key| !key.is_empty()).map(str::to_owned)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) struct Workspace;

#[async_trait]
impl Tracked for Workspace {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = ARM_TYPE;
    const API_VERSION: &'static str = "2023-09-01";
    const NOUN: &'static str = "Log Analytics workspace";
    /// Without this it is kept for two weeks, and one of the same name brings it back.
    const DELETION: &'static str = "?force=true";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let inputs = &change.resource.inputs;
        Ok(json!({ "properties": {
            "sku": { "name": inputs.get("sku") }, "retentionInDays": inputs.get("retention_days"),
        }}))
    }

    async fn inputs(&self, _azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let mut inputs = Properties::new();
        let (asked_sku, sku) = (asked.inputs.get("sku"), &found["properties"]["sku"]["name"]);
        // It comes back in other letters than it was sent.
        let same = asked_sku.and_then(Value::as_str).zip(sku.as_str());
        let sku = match same.filter(|(one, other)| one.eq_ignore_ascii_case(other)) {
            Some((one, _)) => one.into(),
            None => sku.clone(),
        };
        put_asked(&mut inputs, asked, "sku", sku);
        put_asked(&mut inputs, asked, "retention_days", found["properties"]["retentionInDays"].clone());
        Ok(inputs)
    }

    fn outputs(&self, _azure: &Clients, id: &str, found: &Value) -> Properties {
        properties(&json!({ "id": id, "customer_id": found["properties"]["customerId"] }))
    }
}
