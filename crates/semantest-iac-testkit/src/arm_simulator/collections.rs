//! Lists: subscriptions, groups, resources, providers; page by page.

use serde_json::{Value, json};

use super::outputs::uuid_of;
use super::reply::Reply;
use super::resource_types::{TYPES, named, namespaces, type_of};
use super::{SUBSCRIPTION, State};

/// A question for a list.
pub(super) struct Question<'a> {
    /// In small letters, split at slashes.
    pub segments: Vec<&'a str>,
    pub path: &'a str,
    pub query: &'a [(String, String)],
    pub origin: &'a str,
}

impl Question<'_> {
    fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl State {
    /// The answer, where the path is one of a list.
    pub(super) fn listed(&mut self, question: &Question<'_>) -> Option<Reply> {
        let items = match question.segments.as_slice() {
            ["subscriptions"] => vec![subscription()],
            ["subscriptions", _] => return Some(Reply::new(200, subscription())),
            ["subscriptions", _, "resourcegroups"] => self.groups(question),
            ["subscriptions", _, "resources"] => self.resources_under("", question),
            ["subscriptions", _, "resourcegroups", _, "resources"] => {
                let group = question.path.to_ascii_lowercase();
                let group = group.trim_end_matches("/resources").to_owned();
                self.resources.get(&group)?;
                self.resources_under(&group, question)
            }
            ["subscriptions", _, "providers"] => {
                let mut known: Vec<&str> = namespaces().collect();
                known.sort_unstable();
                known.dedup();
                known.into_iter().map(|namespace| self.provider(namespace)).collect()
            }
            ["subscriptions", _, "providers", "microsoft.authorization", "permissions"] => {
                vec![
                    json!({ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"], "dataActions": [], "notDataActions": [] }),
                ]
            }
            ["subscriptions", _, "providers", namespace] => {
                let known = namespaces().find(|one| one.eq_ignore_ascii_case(namespace))?;
                self.register_on(known);
                return Some(Reply::new(200, self.provider(known)));
            }
            ["subscriptions", _, "resourcegroups", _, "providers", _, rest @ ..] if rest.len() % 2 == 1 => {
                self.of_type(question)?
            }
            _ => return None,
        };
        Some(self.paged(items, question))
    }

    fn groups(&self, question: &Question<'_>) -> Vec<Value> {
        let of_subscription =
            |id: &&String| type_of(id).is_some_and(|kind| kind == "microsoft.resources/resourcegroups");
        let groups = self.resources.iter().filter(|(id, _)| of_subscription(id)).map(|(_, group)| group);
        groups.filter(|group| passes(group, question.asked("$filter"))).cloned().collect()
    }

    fn resources_under(&self, group: &str, question: &Question<'_>) -> Vec<Value> {
        let tracked = self.resources.iter().filter_map(|(id, resource)| {
            let kind = named(&type_of(id)?)?;
            (kind.tracked && id.starts_with(group)).then_some(resource)
        });
        let tracked = tracked.filter(|resource| passes(resource, question.asked("$filter")));
        tracked
            .map(|resource| {
                let keys = ["id", "name", "type", "location", "tags", "kind"];
                let part = |key: &&str| {
                    (!resource[*key].is_null()).then(|| ((*key).to_owned(), resource[*key].clone()))
                };
                Value::Object(keys.iter().filter_map(part).collect())
            })
            .collect()
    }

    fn of_type(&self, question: &Question<'_>) -> Option<Vec<Value>> {
        let prefix = format!("{}/", question.path.to_ascii_lowercase());
        let kind = named(&type_of(&format!("{prefix}x"))?)?;
        let children = self
            .resources
            .iter()
            .filter(|(id, _)| id.strip_prefix(&prefix).is_some_and(|name| !name.contains('/')));
        Some(children.map(|(_, resource)| Self::told(kind, resource)).collect())
    }

    fn provider(&self, namespace: &str) -> Value {
        let key = namespace.to_ascii_lowercase();
        let state = match (self.registered.contains(&key), self.registering.contains_key(&key)) {
            (true, _) => "Registered",
            (false, true) => "Registering",
            (false, false) => "NotRegistered",
        };
        let of_it =
            TYPES.iter().filter_map(|one| Some((one.name.strip_prefix(namespace)?.strip_prefix('/')?, one)));
        let types: Vec<Value> = of_it.map(|(name, one)| json!({ "resourceType": name, "locations": ["West Europe"], "apiVersions": one.apis })).collect();
        json!({
            "id": format!("/subscriptions/{SUBSCRIPTION}/providers/{namespace}"), "namespace": namespace,
            "registrationPolicy": "RegistrationRequired", "registrationState": state, "resourceTypes": types,
        })
    }

    /// Registration takes a look or two.
    fn register_on(&mut self, namespace: &str) {
        let key = namespace.to_ascii_lowercase();
        let Some(left) = self.registering.get_mut(&key) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.registering.remove(&key);
            self.registered.insert(key);
        }
    }

    /// Begins the registration of a provider.
    pub(super) fn register(&mut self, namespace: &str) -> Option<Reply> {
        let known = namespaces().find(|one| one.eq_ignore_ascii_case(namespace))?;
        if !self.registered.contains(&known.to_ascii_lowercase()) {
            self.registering.insert(known.to_ascii_lowercase(), 2);
        }
        Some(Reply::new(200, self.provider(known)))
    }

    fn paged(&self, items: Vec<Value>, question: &Question<'_>) -> Reply {
        let from: usize = question.asked("$skiptoken").and_then(|text| text.parse().ok()).unwrap_or(0);
        let page: Vec<Value> = items.iter().skip(from).take(self.page).cloned().collect();
        let next = from + page.len();
        let mut body = json!({ "value": page });
        if next < items.len() {
            let kept = question.query.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("$skiptoken"));
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let query =
                kept.fold(String::new(), |text, (key, value)| format!("{text}{key}={}&", encode(value)));
            body["nextLink"] =
                format!("{}{}?{query}$skiptoken={next}", question.origin, question.path).into();
        }
        Reply::new(200, body)
    }
}

fn subscription() -> Value {
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}"), "subscriptionId": SUBSCRIPTION, "tenantId": uuid_of("tenant"),
        "displayName": "Simulated", "state": "Enabled",
    })
}

/// Filters by a tag and its value, as far as they are asked for.
fn passes(resource: &Value, filter: Option<&str>) -> bool {
    let Some(filter) = filter else { return true };
    let quoted: Vec<String> = filter
        .replace("''", "\u{0}")
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(|part| part.replace('\u{0}', "'"))
        .collect();
    match (quoted.as_slice(), filter.contains("tagName")) {
        ([name, value], true) => resource["tags"][name.as_str()] == *value.as_str(),
        ([name], true) => !resource["tags"][name.as_str()].is_null(),
        _ => true,
    }
}
