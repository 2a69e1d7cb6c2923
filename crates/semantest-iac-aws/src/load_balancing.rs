//! What load balancers, target groups and listeners have in common: their names and their tags.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::config::{Builder, Config};
use aws_sdk_elasticloadbalancingv2::types::Tag;
use semantest_iac_core::Result;
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{Discovered, Scope};

use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::ownership::{self, Tags};
use crate::retries::OnlyThrottled;

/// ELB's limit.
const NAME_LIMIT: usize = 32;

/// How many ARNs DescribeTags takes at once.
const TAGS_AT_ONCE: usize = 20;

/// A name that ELB takes: it may not begin or end with `-`, nor begin with `internal-`.
pub(crate) fn name(parts: &[&str]) -> String {
    let name = physical_name(parts, NAME_LIMIT);
    if !name.starts_with('-') && !name.ends_with('-') && !name.starts_with("internal-") {
        return name;
    }
    // `_` makes it end with a digest.
    let inner = parts.join("_");
    physical_name(&["s", &inner, "_"], NAME_LIMIT)
}

/// For creations: ELB promises that a second one with the same settings gives the first, but not every endpoint keeps that,
/// and a look by name, which comes first in each try of ours, is as good.
pub(crate) fn once() -> Builder {
    Config::builder().retry_classifier(OnlyThrottled)
}

pub(crate) fn elb_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags of what has this ARN; nothing where it is gone.
pub(crate) async fn tags_of(aws: &Clients, arn: &str) -> Result<Option<Tags>> {
    match tags_of_each(aws, &[arn.to_owned()]).await {
        Ok(mut found) => Ok(found.remove(arn)),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure.into_error("elasticloadbalancing.DescribeTags")),
    }
}

/// The tags of each.
pub(crate) async fn tags_of_each(aws: &Clients, arns: &[String]) -> Result<HashMap<String, Tags>, Failure> {
    let mut found = HashMap::new();
    for some in arns.chunks(TAGS_AT_ONCE) {
        let call = aws.load_balancing.describe_tags().set_resource_arns(Some(some.to_vec()));
        let answer = call.send().await.map_err(|error| Failure::of(&error))?;
        for one in answer.tag_descriptions() {
            let pair = |tag: &Tag| {
                (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned())
            };
            let tags = one.tags().iter().map(pair).collect();
            found.insert(one.resource_arn().unwrap_or_default().to_owned(), tags);
        }
    }
    Ok(found)
}

/// Those of `arns` that are ours. What goes while it is looked at is nobody's.
pub(crate) async fn owned(
    aws: &Clients,
    kind: &str,
    arns: &[String],
    scope: &Scope,
) -> Result<Vec<Discovered>> {
    let tags = match tags_of_each(aws, arns).await {
        Ok(tags) => tags,
        Err(failure) if failure.is_not_found() => {
            let mut each = HashMap::new();
            for arn in arns {
                each.extend(tags_of(aws, arn).await?.map(|tags| (arn.clone(), tags)));
            }
            each
        }
        Err(failure) => return Err(failure.into_error("elasticloadbalancing.DescribeTags")),
    };
    let mut found: Vec<Discovered> = Vec::new();
    for (arn, tags) in tags {
        if let Some(tags) = ownership::owner_in(&tags, scope) {
            found.push(Discovered { tags, kind: kind.to_owned(), id: arn });
        }
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

/// Brings the user's tags to the wanted ones.
pub(crate) async fn retag(aws: &Clients, arn: &str, there: &Tags, wanted: &Tags) -> Result<()> {
    let (set, gone) = ownership::difference(there, wanted);
    if !set.is_empty() {
        let call = aws.load_balancing.add_tags().resource_arns(arn).set_tags(Some(elb_tags(&set)));
        call.send().await.map_err(|error| failed("elasticloadbalancing.AddTags", error))?;
    }
    if !gone.is_empty() {
        let keys = Some(gone.into_iter().collect());
        let call = aws.load_balancing.remove_tags().resource_arns(arn).set_tag_keys(keys);
        call.send().await.map_err(|error| failed("elasticloadbalancing.RemoveTags", error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn every_name_is_one_that_elb_takes() {
        let long = "a".repeat(40);
        for parts in
            [["shop", "dev", "web"], ["internal", "dev", "web"], ["_x", "dev", "web"], [&long, "a", "b"]]
        {
            let name = name(&parts);
            assert!(name.len() <= 32 && !name.starts_with("internal-"), "{name}");
            assert!(!name.starts_with('-') && !name.ends_with('-'), "{name}");
        }
        assert_eq!(name(&["shop", "dev", "web"]), "shop-dev-web");
        assert!(!name(&["shop", "dev", "web-"]).ends_with('-'));
        assert_ne!(name(&["internal", "a"]), name(&["internal", "b"]));
    }
}
