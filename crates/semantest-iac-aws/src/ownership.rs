//! Our tags: whose a resource is, and which operation made it.

use std::collections::{BTreeMap, BTreeSet};

use semantest_iac_core::domain::deployment::resource::Address;
use semantest_iac_core::ports::provider::{Operation, OwnershipTags, Scope};

const PROJECT: &str = "semantest:project";
const ENVIRONMENT: &str = "semantest:environment";
const COMPONENT: &str = "semantest:component";
pub(crate) const ADDRESS: &str = "semantest:address";
/// By this a creation whose answer was lost finds its own.
const OPERATION: &str = "semantest:operation";

/// What all tags of ours begin with.
pub(crate) const PREFIX: &str = "semantest:";

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

/// Our tags as a text, for what has a description and no tags.
pub(crate) fn description(owner: &OwnershipTags, operation: &Operation) -> String {
    let OwnershipTags { project, environment, component, address } = owner;
    format!("{PREFIX}{project}/{environment}/{component}/{} {}", address.as_str(), operation.id)
}

/// The tags in such a text; none where it is another's.
pub(crate) fn described(text: &str) -> Tags {
    let Some((owner, operation)) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once(' ')) else {
        return Tags::new();
    };
    let parts: Vec<&str> = owner.split('/').collect();
    let [project, environment, component, address] = parts.as_slice() else { return Tags::new() };
    let keys = [PROJECT, ENVIRONMENT, COMPONENT, ADDRESS, OPERATION];
    let values = [*project, *environment, *component, *address, operation];
    keys.into_iter().zip(values).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
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

/// The user's own among `tags`. What AWS itself adds (`aws:…`) is nobody's.
pub(crate) fn of_user(tags: &Tags) -> Tags {
    let own = tags.iter().filter(|(key, _)| !key.starts_with(PREFIX) && !key.starts_with("aws:"));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// From the user's tags there are to the wanted ones: which to set, which to take away.
pub(crate) fn difference(there: &Tags, wanted: &Tags) -> (Tags, BTreeSet<String>) {
    let there = of_user(there);
    let set = wanted.iter().filter(|(key, value)| there.get(*key) != Some(*value));
    let gone = there.keys().filter(|key| !wanted.contains_key(*key));
    (set.map(|(key, value)| (key.clone(), value.clone())).collect(), gone.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_tells_what_tags_would() {
        let owner = OwnershipTags {
            project: "shop".into(),
            environment: "dev".into(),
            component: "api".into(),
            address: "layer.layers--common".into(),
        };
        let operation = Operation { id: "0198-op".into(), attempt: 1 };
        let tags = described(&description(&owner, &operation));
        assert!(is_owned(&tags, &owner) && is_made_by(&tags, &operation), "{tags:?}");
        for text in
            ["", "tools of the whole company", "semantest:", "semantest:a/b/c x", "semantest:a/b/c/d/e x"]
        {
            assert_eq!(owner_of(&described(text)), None, "{text}");
        }
    }
}
