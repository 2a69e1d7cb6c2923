//! PUT, PATCH, GET and DELETE of one resource.

use serde_json::{Value, json};

use super::fault::Fault;
use super::reply::Reply;
use super::resource_types::{GROUP, ResourceType, Style, named, parent_of, type_of};
use super::{Delay, State};

/// A call of one resource.
pub(super) struct Target<'a> {
    pub kind: &'static ResourceType,
    /// As sent.
    pub id: &'a str,
    /// In small letters.
    pub key: String,
    /// `http://…/subscriptions/<id>/providers/<namespace>/locations/<location>`: where operations are looked at.
    pub place: String,
}

/// What the rules say about how an accepted operation goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    pub ends: Option<(String, String, String)>,
    pub elsewhere: Option<String>,
    pub unknown: u32,
}

impl Course {
    pub fn of(fault: Option<&Fault>) -> Self {
        match fault {
            Some(Fault::Ends { status, code, message }) => {
                Self { ends: Some((status.clone(), code.clone(), message.clone())), ..Self::default() }
            }
            Some(Fault::PollsElsewhere(host)) => Self { elsewhere: Some(host.clone()), ..Self::default() },
            Some(Fault::PollsUnknown(looks)) => Self { unknown: *looks, ..Self::default() },
            _ => Self::default(),
        }
    }

    fn is_plain(&self) -> bool {
        self.ends.is_none() && self.elsewhere.is_none() && self.unknown == 0
    }
}

impl State {
    pub(super) fn get(&mut self, target: &Target<'_>) -> Reply {
        self.look_at(&target.key);
        if target.kind.name == "Microsoft.Web/sites/config" {
            return self.site_config(target);
        }
        if target.kind.name.ends_with("/blobServices") {
            return Reply::new(
                200,
                json!({ "id": target.id, "name": "default", "type": target.kind.name, "properties": {} }),
            );
        }
        match self.resources.get(&target.key) {
            Some(resource) => Reply::new(200, Self::told(target.kind, resource)),
            None => not_found(target),
        }
    }

    pub(super) fn put(&mut self, target: &Target<'_>, body: &Value, course: &Course) -> Reply {
        if let Some(refusal) = self.refuses(target, body) {
            return refusal;
        }
        if target.kind.name == "Microsoft.Web/sites/config" {
            return self.put_site_config(target, body);
        }
        let before = self.resources.get(&target.key).cloned();
        let whole = self.completed(target.kind, target.id, body, before.as_ref());
        let status = if before.is_some() { 200 } else { target.kind.created };
        let style = target.kind.put;
        if style == Style::AtOnce || (self.delay == Delay::None && course.is_plain()) {
            self.resources.insert(target.key.clone(), whole.clone());
            return Reply::new(status, Self::told(target.kind, &whole));
        }
        let mut making = whole.clone();
        if target.kind.done.is_some() {
            let word = match style {
                Style::State(word) => word,
                _ => target.kind.making,
            };
            making["properties"]["provisioningState"] = word.into();
        }
        self.resources.insert(target.key.clone(), making.clone());
        let name = self.begin(&target.key, Some(whole), course.ends.clone(), course.unknown);
        let told = Self::told(target.kind, &making);
        let reply = match style {
            Style::Location { with_body: false } => Reply::empty(202),
            Style::Location { .. } => Reply::new(202, told),
            Style::Operation if target.kind.name == "Microsoft.Web/sites" => Reply::new(202, told),
            _ => Reply::new(status, told),
        };
        self.watched(reply, style, &name, course.elsewhere.as_ref().unwrap_or(&target.place))
    }

    pub(super) fn patch(&mut self, target: &Target<'_>, body: &Value) -> Reply {
        self.look_at(&target.key);
        if self.is_busy(&target.key) {
            return busy(target.kind);
        }
        if target.kind.name == "Microsoft.Web/sites/config" {
            let mut whole = self.site_config(target).body;
            merge(&mut whole, body);
            return self.put_site_config(target, &whole);
        }
        let Some(before) = self.resources.get(&target.key).cloned() else { return not_found(target) };
        let mut sent = before.clone();
        merge(&mut sent, body);
        // Tags are replaced as a whole.
        if body["tags"].is_object() {
            sent["tags"] = body["tags"].clone();
        }
        let whole = self.completed(target.kind, target.id, &sent, Some(&before));
        self.resources.insert(target.key.clone(), whole.clone());
        Reply::new(200, Self::told(target.kind, &whole))
    }

    pub(super) fn delete(&mut self, target: &Target<'_>, course: &Course) -> Reply {
        self.look_at(&target.key);
        if !self.resources.contains_key(&target.key) {
            return if target.kind.name == GROUP { not_found(target) } else { Reply::empty(204) };
        }
        if self.is_busy(&target.key) {
            return busy(target.kind);
        }
        if let Some(user) = self.used_by(&target.key) {
            let text = format!("'{}' cannot be deleted: '{user}' uses it.", target.id);
            return Reply::error(409, "InUse", &text);
        }
        let style = target.kind.delete;
        if style == Style::AtOnce || (self.delay == Delay::None && course.is_plain()) {
            self.remove_tree(&target.key);
            return Reply::empty(200);
        }
        if let Some(resource) = self.resources.get_mut(&target.key)
            && target.kind.done.is_some()
        {
            resource["properties"]["provisioningState"] = "Deleting".into();
        }
        let name = self.begin(&target.key, None, course.ends.clone(), course.unknown);
        self.watched(Reply::empty(202), style, &name, course.elsewhere.as_ref().unwrap_or(&target.place))
    }

    /// Why a PUT cannot be.
    fn refuses(&mut self, target: &Target<'_>, body: &Value) -> Option<Reply> {
        self.look_at(&target.key);
        if self.is_busy(&target.key) {
            return Some(busy(target.kind));
        }
        if let Some(missing) = self.missing_parent(&target.key) {
            return Some(missing);
        }
        let name = target.key.rsplit('/').next().unwrap_or_default();
        let is_new = !self.resources.contains_key(&target.key);
        let elsewhere = || {
            let mut others = self.resources.keys();
            others.any(|id| {
                *id != target.key && type_of(id) == type_of(&target.key) && id.ends_with(&format!("/{name}"))
            })
        };
        if is_new && target.kind.global && (self.taken.contains(name) || elsewhere()) {
            return Some(match target.kind.name {
                "Microsoft.Storage/storageAccounts" => Reply::error(
                    409,
                    "StorageAccountAlreadyTaken",
                    &format!("The storage account named {name} is already taken."),
                ),
                "Microsoft.Web/sites" => {
                    Reply::error(409, "Conflict", &format!("Website with given name {name} already exists."))
                }
                _ => Reply::error(409, "NameAlreadyExists", &format!("The name {name} is already in use.")),
            });
        }
        let well_named = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if target.kind.name == "Microsoft.Storage/storageAccounts"
            && !(well_named && (3..=24).contains(&name.len()))
        {
            let text =
                format!("{name} is not a valid storage account name: 3 to 24 lower-case letters and digits.");
            return Some(Reply::error(400, "AccountNameInvalid", &text));
        }
        self.bad_tags(body).or_else(|| self.missing_dependency(body))
    }

    fn bad_tags(&self, body: &Value) -> Option<Reply> {
        let tags = body["tags"].as_object()?;
        let wrong = tags.iter().find(|(key, value)| {
            key.len() > 512
                || key.contains(['<', '>', '%', '&', '\\', '?', '/'])
                || value.as_str().is_none_or(|text| text.len() > 256)
        });
        let text = match wrong {
            Some((key, _)) => format!("The tag '{key}' is not valid."),
            None if tags.len() > 50 => "More than 50 tags.".to_owned(),
            None => return None,
        };
        Some(Reply::error(400, "InvalidTagNameCharacters", &text))
    }

    fn missing_parent(&self, key: &str) -> Option<Reply> {
        let parent = parent_of(key)?;
        if parent.ends_with("/blobservices/default") {
            return self.missing_parent(&parent);
        }
        if self.resources.contains_key(&parent) && !self.is_busy(&parent) {
            return None;
        }
        let is_group = type_of(&parent).is_some_and(|kind| kind.eq_ignore_ascii_case(GROUP));
        let name = parent.rsplit('/').next().unwrap_or_default();
        Some(match is_group {
            true => Reply::error(
                404,
                "ResourceGroupNotFound",
                &format!("Resource group '{name}' could not be found."),
            ),
            false => {
                let text = format!(
                    "Can not perform requested operation on nested resource. Parent resource '{name}' not found."
                );
                Reply::error(404, "ParentResourceNotFound", &text)
            }
        })
    }

    /// Other resources that `body` names have to be there, and done.
    fn missing_dependency(&self, body: &Value) -> Option<Reply> {
        let named = DEPENDENCIES.iter().filter_map(|place| body.pointer(place)?.as_str());
        let missing = named
            .map(str::to_ascii_lowercase)
            .find(|id| !self.resources.contains_key(id) || self.is_busy(id))?;
        let text = format!("'{missing}' is not there, or not done yet.");
        Some(Reply::error(400, "InvalidDependency", &text))
    }

    /// What depends on a resource that is to go.
    fn used_by(&self, key: &str) -> Option<String> {
        let uses = |resource: &Value| {
            let named = DEPENDENCIES
                .iter()
                .filter(|place| !place.ends_with("WorkspaceResourceId"))
                .filter_map(|place| resource.pointer(place)?.as_str());
            named.into_iter().any(|id| id.eq_ignore_ascii_case(key))
        };
        self.resources.iter().find(|(_, resource)| uses(resource)).map(|(id, _)| id.clone())
    }

    /// Takes a resource and all in it away.
    pub(super) fn remove_tree(&mut self, key: &str) {
        let inside = format!("{key}/");
        let keep = |id: &String| id != key && !id.starts_with(&inside);
        self.resources.retain(|id, _| keep(id));
        self.documents.retain(|id, _| keep(id));
    }

    fn site_config(&self, target: &Target<'_>) -> Reply {
        let site = parent_of(&target.key).and_then(|site| self.resources.get(&site));
        match (site, target.key.ends_with("/config/web")) {
            (Some(site), true) => {
                let settings = site["properties"]["siteConfig"].clone();
                let settings = if settings.is_object() { settings } else { json!({}) };
                Reply::new(
                    200,
                    json!({ "id": target.id, "name": "web", "type": target.kind.name, "properties": settings }),
                )
            }
            _ => not_found(target),
        }
    }

    fn put_site_config(&mut self, target: &Target<'_>, body: &Value) -> Reply {
        let Some(site) = parent_of(&target.key) else { return not_found(target) };
        let name = target.key.rsplit('/').next().unwrap_or_default().to_owned();
        let properties = body["properties"].clone();
        let properties = if properties.is_object() { properties } else { json!({}) };
        let answer =
            json!({ "id": target.id, "name": name, "type": target.kind.name, "properties": properties });
        match name.as_str() {
            "web" => {
                let Some(site) = self.resources.get_mut(&site) else { return not_found(target) };
                site["properties"]["siteConfig"] = properties;
            }
            _ => drop(self.documents.insert(target.key.clone(), answer.clone())),
        }
        Reply::new(200, answer)
    }
}

/// Where bodies name resources that they need.
const DEPENDENCIES: [&str; 4] = [
    "/properties/serverFarmId",
    "/properties/WorkspaceResourceId",
    "/properties/environmentId",
    "/properties/managedEnvironmentId",
];

fn not_found(target: &Target<'_>) -> Reply {
    if target.kind.name == GROUP {
        let name = target.id.rsplit('/').next().unwrap_or_default();
        return Reply::error(
            404,
            "ResourceGroupNotFound",
            &format!("Resource group '{name}' could not be found."),
        );
    }
    Reply::error(404, "ResourceNotFound", &format!("The Resource '{}' was not found.", target.id))
}

fn busy(kind: &ResourceType) -> Reply {
    let code = match kind.name {
        "Microsoft.App/containerApps" => "ContainerAppOperationInProgress",
        GROUP => "ResourceGroupBeingDeleted",
        _ => "Conflict",
    };
    Reply::error(409, code, "Another operation on this resource is in progress.")
}

/// JSON merge patch (RFC 7396).
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let Some(into) = into.as_object_mut() else { return };
    for (key, value) in patch {
        match value {
            Value::Null => drop(into.remove(key)),
            value => merge(into.entry(key.clone()).or_insert(Value::Null), value),
        }
    }
}

/// What the path of a call is the id of, where it is one of a resource that the simulator knows.
pub(super) fn target<'a>(path: &'a str, origin: &str) -> Option<Target<'a>> {
    let key = path.to_ascii_lowercase();
    let kind = named(&type_of(&key)?)?;
    let (namespace, _) = kind.name.split_once('/')?;
    let subscription = path.split('/').nth(2)?;
    let place = format!("{origin}/subscriptions/{subscription}/providers/{namespace}/locations/westeurope");
    Some(Target { kind, id: path, key, place })
}
