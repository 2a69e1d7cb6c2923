//! What clusters, task definitions and services have in common: their tags, and what ECS says when it is asked too early.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::types::Tag;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::names::physical_name;

use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::ownership::{self, Tags};
use crate::retries::OnlyThrottled;

/// ECS's limit on the names of clusters, families and services.
const NAME_LIMIT: usize = 255;

/// What a component's cluster, family and service are called.
pub(crate) fn name(blueprint: &Blueprint) -> String {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    physical_name(&parts, NAME_LIMIT)
}

pub(crate) fn ecs_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub(crate) fn tags_in(tags: &[Tag]) -> Tags {
    let pair =
        |tag: &Tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned());
    tags.iter().map(pair).collect()
}

/// Brings the user's tags to the wanted ones.
pub(crate) async fn retag(aws: &Clients, arn: &str, there: &Tags, wanted: &Tags) -> Result<()> {
    let (set, gone) = ownership::difference(there, wanted);
    if !set.is_empty() {
        let call = aws.ecs.tag_resource().resource_arn(arn).set_tags(Some(ecs_tags(&set)));
        call.send().await.map_err(|error| failed("ecs.TagResource", error))?;
    }
    if !gone.is_empty() {
        let call = aws.ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(gone.into_iter().collect()));
        call.send().await.map_err(|error| failed("ecs.UntagResource", error))?;
    }
    Ok(())
}

/// For calls that must not be repeated blindly: what they make has no name by which a second one would be noticed.
pub(crate) fn once() -> Builder {
    aws_sdk_ecs::config::Config::builder().retry_classifier(OnlyThrottled)
}

/// What ECS answers while it has not yet heard of a role, of its own role in this account, or of the listener: it is only
/// early.
pub(crate) fn is_early(failure: &Failure) -> bool {
    let codes = ["InvalidParameterException", "ClientException"];
    [
        "Unable to assume the service linked role",
        "unable to assume the service linked role",
        "service linked role exists",
        "Unable to assume role",
        "unable to assume the role",
        "Role is not valid",
        "does not have an associated load balancer",
    ]
    .iter()
    .any(|words| codes.iter().any(|code| failure.says(code, words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_early_is_told_from_what_is_wrong() {
        let refused = |code: &str, message: &str| Failure::Refused {
            status: 400,
            code: code.into(),
            message: message.into(),
        };
        let words = "The target group with targetGroupArn arn:x does not have an associated load balancer.";
        assert!(is_early(&refused("InvalidParameterException", words)));
        assert!(is_early(&refused("ClientException", "Role is not valid")));
        assert!(!is_early(&refused("InvalidParameterException", "Invalid subnet")));
    }
}
