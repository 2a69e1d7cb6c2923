//! Finding what is ours in a subscription: all of it is in resource groups of ours, one for each component.

use futures::future::try_join_all;
use semantest_iac_core::Result;
use semantest_iac_core::ports::provider::{Discovered, Scope};
use serde_json::Value;

use crate::clients::Clients;
use crate::kinds::KINDS;
use crate::ownership::{PROJECT, owner_in, owner_of, tags_of};
use crate::resource_group::{API_VERSION, ARM_TYPE};

/// Everything that carries our tags within `scope`.
pub(crate) async fn discover(azure: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
    let groups = groups(azure, scope).await?;
    let inside = try_join_all(groups.iter().map(|group| resources_in(azure, group))).await?;
    let mut found: Vec<Discovered> =
        groups.iter().filter_map(|group| discovered(group, ARM_TYPE, scope)).collect();
    for resource in inside.iter().flatten() {
        let arm_type = resource["type"].as_str().unwrap_or_default();
        found.extend(discovered(resource, arm_type, scope));
    }
    Ok(found)
}

/// The project's resource groups.
async fn groups(azure: &Clients, scope: &Scope) -> Result<Vec<Value>> {
    let quoted = scope.project.replace('\'', "''");
    let filter = format!("tagName eq '{PROJECT}' and tagValue eq '{quoted}'");
    let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
    let path = azure.path(&format!("/resourceGroups?$filter={filter}")).await?;
    let mut groups = azure.arm.list(&path, API_VERSION).await?;
    for group in &mut groups {
        // Lists by tag may leave the tags themselves out.
        if !group["tags"].is_object()
            && let Some(id) = group["id"].as_str().map(str::to_owned)
            && let Some(whole) = azure.arm.get(&id, API_VERSION).await?
        {
            *group = whole;
        }
    }
    groups.retain(|group| owner_of(&tags_of(group)).is_some_and(|owner| owner.project == scope.project));
    Ok(groups)
}

async fn resources_in(azure: &Clients, group: &Value) -> Result<Vec<Value>> {
    let Some(id) = group["id"].as_str() else { return Ok(Vec::new()) };
    match azure.arm.list(&format!("{id}/resources"), API_VERSION).await {
        // Deleted a moment ago.
        Err(error) if error.kind() == semantest_iac_core::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn discovered(resource: &Value, arm_type: &str, scope: &Scope) -> Option<Discovered> {
    let is_of = |one: &&str| one.eq_ignore_ascii_case(arm_type);
    let kind = KINDS.iter().find(|kind| kind.arm_type().as_ref().is_some_and(is_of))?;
    Some(Discovered {
        tags: owner_in(&tags_of(resource), scope)?,
        kind: kind.word().to_owned(),
        id: resource["id"].as_str()?.to_owned(),
    })
}
