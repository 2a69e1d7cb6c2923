//! What lives the same life in ARM: it is looked at, made or changed by a PUT, carries our tags, and is deleted by its id.
//! A kind says what it is asked to be and how it is found; the rest is here.

use async_trait::async_trait;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Observed, Operation, OwnershipTags, ResourceHandle,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::clients::Clients;
use crate::error::foreign;
use crate::names;
use crate::ownership::{self, Tags};
use crate::resource_kind::ResourceKind;

/// A kind of resource that ARM keeps tags for. Its inputs have `region`, `resource_group`, `name` and `tags`, and what is its
/// own.
#[async_trait]
pub(crate) trait Tracked: Send + Sync {
    /// The word in plans.
    const WORD: &'static str;
    /// ARM's: `Microsoft.Web/sites`.
    const ARM_TYPE: &'static str;
    /// Of its resource provider.
    const API_VERSION: &'static str;
    /// In messages: `storage account`.
    const NOUN: &'static str;
    /// What a deletion says beside the version: `?force=true`.
    const DELETION: &'static str = "";

    /// What it is asked to be, without its location and tags; `there` is what there is of it.
    async fn body(&self, azure: &Clients, change: &Change, there: Option<&Value>) -> Result<Value>;

    /// As found, under the names of the inputs; region, name and tags are looked after.
    async fn inputs(&self, azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties>;

    /// What others may refer to.
    fn outputs(&self, azure: &Clients, id: &str, found: &Value) -> Properties;

    /// Waits for what a finished call has only begun.
    async fn settled(&self, _azure: &Clients, _id: &str, found: Value) -> Result<Value> {
        Ok(found)
    }

    /// Refuses a deletion that would take more away than what is ours.
    async fn may_go(&self, _azure: &Clients, _id: &str, _resource: &ResourceHandle) -> Result<()> {
        Ok(())
    }
}

/// The id that a resource has or will have.
///
/// # Errors
/// `InvalidInput` where neither its id nor its inputs tell.
pub(crate) async fn id_of<K: Tracked>(azure: &Clients, resource: &ResourceHandle) -> Result<String> {
    if let Some(id) = resource.id.as_ref().filter(|id| id.starts_with("/subscriptions/")) {
        return Ok(id.clone());
    }
    let text = |key: &str| resource.inputs.get(key).and_then(Value::as_str);
    let path = match (text("resource_group"), text("name")) {
        (None, Some(name)) if K::ARM_TYPE == crate::resource_group::ARM_TYPE => {
            format!("resourceGroups/{name}")
        }
        (Some(group), Some(name)) => format!("resourceGroups/{group}/providers/{}/{name}", K::ARM_TYPE),
        _ => {
            let text = format!("{} `{}` has neither an id nor a name", K::WORD, resource.tags.address);
            return Err(Error::new(ErrorKind::InvalidInput, "azure.read", text));
        }
    };
    let path = names::put_in(azure, &path).await?;
    Ok(format!("/subscriptions/{}/{path}", azure.subscription().await?))
}

#[async_trait]
impl<K: Tracked> ResourceKind for K {
    fn word(&self) -> &'static str {
        K::WORD
    }

    fn arm_type(&self) -> Option<&'static str> {
        Some(K::ARM_TYPE)
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let id = id_of::<K>(azure, resource).await?;
        let Some(found) = azure.arm.get(&id, K::API_VERSION).await? else { return Ok(None) };
        let tags = ownership::tags_of(&found);
        if !ownership::is_owned(&tags, &resource.tags) || is_going(&found) {
            return Ok(None);
        }
        let mut inputs = self.inputs(azure, resource, &found).await?;
        inputs.insert("tags".into(), json!(ownership::of_user(&tags)));
        for key in ["name", "resource_group"] {
            // It was found by them.
            if let Some(asked) = resource.inputs.get(key) {
                inputs.insert(key.into(), asked.clone());
            }
        }
        if let Some(region) = region(resource, &found) {
            inputs.insert("region".into(), region);
        }
        Ok(Some(Observed { outputs: self.outputs(azure, &id, &found), id, inputs }))
    }

    async fn apply(&self, azure: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let id = id_of::<K>(azure, &named_anew(change)).await?;
        let mut there = azure.arm.get(&id, K::API_VERSION).await?;
        let mut tags = there.as_ref().map(ownership::tags_of).unwrap_or_default();
        if there.is_some() && !ownership::is_owned(&tags, &change.resource.tags) {
            return Err(foreign(K::NOUN, name_in(&id)));
        }
        let made_by_us = ownership::is_made_by(&tags, operation);
        if there.is_some() && change.action == ChangeAction::Replace && !made_by_us {
            // Its name is fixed, so the new one can be made only where the old one was.
            delete_it::<K>(azure, &id, operation).await?;
            (there, tags) = (None, Tags::new());
        }
        let body = self.body(azure, change, there.as_ref()).await?;
        let body = with_tags(body, change, operation, there.is_some().then_some(&tags));
        let made = azure.arm.put(&id, K::API_VERSION, &body, operation).await;
        let made = made.map_err(|error| error.with("name", name_in(&id)))?;
        let made = self.settled(azure, &id, made).await?;
        let adopted = there.is_some() && change.resource.id.is_none() && !made_by_us;
        Ok(Applied { outputs: self.outputs(azure, &id, &made), id, adopted })
    }

    async fn delete(&self, azure: &Clients, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        let id = id_of::<K>(azure, resource).await?;
        match azure.arm.get(&id, K::API_VERSION).await? {
            Some(found) if ownership::is_owned(&ownership::tags_of(&found), &resource.tags) => {}
            _ => return Ok(()),
        }
        self.may_go(azure, &id, resource).await?;
        delete_it::<K>(azure, &id, operation).await
    }
}

async fn delete_it<K: Tracked>(azure: &Clients, id: &str, operation: &Operation) -> Result<()> {
    azure.arm.delete(&format!("{id}{}", K::DELETION), K::API_VERSION, operation).await
}

/// The resource by what it is to be called: a replacement may have another name than what it replaces.
fn named_anew(change: &Change) -> ResourceHandle {
    let id = change.resource.id.clone().filter(|_| change.action != ChangeAction::Replace);
    ResourceHandle { id, ..change.resource.clone() }
}

fn with_tags(body: Value, change: &Change, operation: &Operation, there: Option<&Tags>) -> Value {
    let user: Tags = change
        .resource
        .inputs
        .get("tags")
        .and_then(|tags| serde_json::from_value(tags.clone()).ok())
        .unwrap_or_default();
    let owner = &change.resource.tags;
    let tags = match there {
        Some(there) => ownership::retagged(there, owner, operation, &user),
        None => ownership::tags(owner, operation, &user),
    };
    let mut whole = Map::new();
    whole.insert("location".into(), change.resource.inputs.get("region").cloned().unwrap_or_default());
    whole.insert("tags".into(), json!(tags));
    if let Value::Object(body) = body {
        whole.extend(body);
    }
    Value::Object(whole)
}

/// Whether somebody has begun to take it away.
fn is_going(found: &Value) -> bool {
    found["properties"]["provisioningState"]
        .as_str()
        .is_some_and(|state| state.eq_ignore_ascii_case("deleting"))
}

/// Regions come back by their display name from some: `West Europe` is `westeurope`.
fn region(asked: &ResourceHandle, found: &Value) -> Option<Value> {
    let found = found["location"].as_str()?;
    let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    match asked.inputs.get("region") {
        Some(asked) if asked.as_str().map(plain) == Some(plain(found)) => Some(asked.clone()),
        _ => Some(plain(found).into()),
    }
}

/// Whether what carries `tags` is of the same component as `owner`.
pub(crate) fn is_of_component(tags: &Tags, owner: &OwnershipTags) -> bool {
    ownership::owner_of(tags).is_some_and(|whose| {
        (&whose.project, &whose.environment, &whose.component)
            == (&owner.project, &owner.environment, &owner.component)
    })
}

/// The last part of an id.
pub(crate) fn name_in(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A text of the inputs.
///
/// # Errors
/// `InvalidInput` where it is not there.
pub(crate) fn text<'a>(resource: &'a ResourceHandle, key: &str) -> Result<&'a str> {
    resource.inputs.get(key).and_then(Value::as_str).ok_or_else(|| {
        let text = format!("{} `{}` has no `{key}`", resource.kind, resource.tags.address);
        Error::new(ErrorKind::InvalidInput, "azure.read", text)
    })
}

/// `found` under `key`, as it was asked for where it is the same id in other letters.
pub(crate) fn same_id(asked: &ResourceHandle, key: &str, found: &Value) -> Value {
    let asked = asked.inputs.get(key);
    match (asked.and_then(Value::as_str), found.as_str()) {
        (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => one.into(),
        _ => found.clone(),
    }
}

/// As [`put_asked`], of what is always told: where it is not, it is gone.
pub(crate) fn put_told(inputs: &mut Properties, asked: &ResourceHandle, key: &str, found: Value) {
    if asked.inputs.contains_key(key) {
        inputs.insert(key.into(), found);
    }
}

/// Puts `found` under `key`, where it can be read and was asked for.
pub(crate) fn put_asked(inputs: &mut Properties, asked: &ResourceHandle, key: &str, found: Value) {
    if !found.is_null() && asked.inputs.contains_key(key) {
        inputs.insert(key.into(), found);
    }
}
