//! Our tags: whose a resource is, and which operation made it.
//!
//! Azure takes no `<>%&\?/` in a tag's name, and does not tell capital letters from small ones there.

use std::collections::BTreeMap;

use semantest_iac_core::domain::deployment::resource::Address;
use semantest_iac_core::ports::provider::{Operation, OwnershipTags, Scope};
use serde_json::Value;

pub(crate) const PROJECT: &str = "semantest:project";
const ENVIRONMENT: &str = "semantest:environment";
const COMPONENT: &str = "semantest:component";
const ADDRESS: &str = "semantest:address";
/// By this a creation whose answer was lost finds its own.
const OPERATION: &str = "semantest:operation";

/// What all tags of ours begin with.
pub(crate) const PREFIX: &str = "semantest:";

/// What tags begin with that Azure's services set for themselves.
const OF_AZURE: [&str; 2] = ["hidden-", "ms-resource-usage"];

pub(crate) type Tags = BTreeMap<String, String>;

/// What a resource is tagged with when it is made: ours and the user's.
pub(crate) fn tags(owner: &OwnershipTags, operation: &Operation, user: &Tags) -> Tags {
    let mut all = user.clone();
    all.insert(PROJECT.into(), owner.project.clone());
    all.insert(ENVIRONMENT.into(), owner.environment.clone());
    all.insert(COMPONENT.into(), owner.component.clone());
    all.insert(ADDRESS.into(), owner.address.as_str().to_owned());
    all.insert(OPERATION.into(), operation.id.clone());
    all
}

/// What a resource that is there is tagged with from now on: the operation that made it stays the one that did, what
/// Azure's services set stays set.
pub(crate) fn retagged(there: &Tags, owner: &OwnershipTags, operation: &Operation, user: &Tags) -> Tags {
    let mut all = tags(owner, operation, user);
    let kept = there.iter().filter(|(key, _)| key.as_str() == OPERATION || is_of_azure(key));
    all.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    all
}

/// The tags in ARM's answer about a resource.
pub(crate) fn tags_of(resource: &Value) -> Tags {
    let tags = resource["tags"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    tags.map(|(key, value)| (as_ours(key), text(value))).collect()
}

/// Tag names may come back in other letters than they were sent: ours are known in any.
fn as_ours(key: &str) -> String {
    let known = [PROJECT, ENVIRONMENT, COMPONENT, ADDRESS, OPERATION];
    known.iter().find(|one| one.eq_ignore_ascii_case(key)).map_or_else(|| key.to_owned(), |one| (*one).into())
}

/// Whether what carries `tags` is `owner`'s.
pub(crate) fn is_owned(tags: &Tags, owner: &OwnershipTags) -> bool {
    owner_of(tags).as_ref() == Some(owner)
}

/// Whether `operation` made what carries `tags`.
pub(crate) fn is_made_by(tags: &Tags, operation: &Operation) -> bool {
    tags.get(OPERATION) == Some(&operation.id)
}

/// Whose it is, where it is anybody's.
pub(crate) fn owner_of(tags: &Tags) -> Option<OwnershipTags> {
    Some(OwnershipTags {
        project: tags.get(PROJECT)?.clone(),
        environment: tags.get(ENVIRONMENT)?.clone(),
        component: tags.get(COMPONENT)?.clone(),
        address: Address::from(tags.get(ADDRESS)?.as_str()),
    })
}

/// Whose it is, where that is within `scope`.
pub(crate) fn owner_in(tags: &Tags, scope: &Scope) -> Option<OwnershipTags> {
    owner_of(tags).filter(|owner| {
        owner.project == scope.project
            && owner.environment == scope.environment
            && scope.component.as_ref().is_none_or(|component| *component == owner.component)
    })
}

/// The user's own among `tags`. What Azure's services set is nobody's.
pub(crate) fn of_user(tags: &Tags) -> Tags {
    let own = tags.iter().filter(|(key, _)| !key.starts_with(PREFIX) && !is_of_azure(key));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn is_of_azure(key: &str) -> bool {
    OF_AZURE.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_tags_are_known_in_whatever_letters_they_come_back() {
        let tags = tags_of(&json!({ "tags": {
            "Semantest:Project": "shop", "semantest:environment": "dev", "SEMANTEST:COMPONENT": "rest-api",
            "semantest:address": "plan", "Team": "one", "hidden-link: /app-insights": "x",
        }}));
        assert_eq!(owner_of(&tags).expect("ours").project, "shop");
        assert_eq!(of_user(&tags), Tags::from([("Team".into(), "one".into())]));
    }
}
