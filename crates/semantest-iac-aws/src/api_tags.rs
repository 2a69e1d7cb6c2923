//! Tags of APIs and stages.

use semantest_iac_core::Result;

use crate::clients::Clients;
use crate::error::failed;
use crate::ownership::{self, Tags};

/// The tags of `path` (`/apis/<id>`). What a description shows is believed where it is as wanted; where it is not, the tags
/// themselves are asked for, since descriptions can lag behind.
pub(crate) async fn current(
    aws: &Clients,
    path: &str,
    shown: Option<std::collections::HashMap<String, String>>,
    wanted: Option<&Tags>,
) -> Result<Tags> {
    let shown: Tags = shown.unwrap_or_default().into_iter().collect();
    if wanted.is_none_or(|wanted| ownership::of_user(&shown) == *wanted) {
        return Ok(shown);
    }
    let sent = aws.apigateway.get_tags().resource_arn(arn(aws, path).await?).send().await;
    let asked: Tags = match sent {
        Ok(answer) => answer.tags.unwrap_or_default().into_iter().collect(),
        Err(error) => return Err(failed("apigateway.GetTags", error)),
    };
    // Without those of its making this is no whole answer.
    if ownership::owner_of(&asked).is_some() {
        return Ok(asked);
    }
    Ok(shown.into_iter().chain(asked).collect())
}

/// Changes the user's tags of `path` from `there` to `wanted`; says whether that took a call.
pub(crate) async fn bring(aws: &Clients, path: &str, there: &Tags, wanted: &Tags) -> Result<bool> {
    let (set, gone) = ownership::difference(there, wanted);
    if set.is_empty() && gone.is_empty() {
        return Ok(false);
    }
    let arn = arn(aws, path).await?;
    if !set.is_empty() {
        let call = aws.apigateway.tag_resource().resource_arn(&arn).set_tags(Some(set.into_iter().collect()));
        call.send().await.map_err(|error| failed("apigateway.TagResource", error))?;
    }
    if !gone.is_empty() {
        let keys = Some(gone.into_iter().collect());
        let call = aws.apigateway.untag_resource().resource_arn(&arn).set_tag_keys(keys);
        call.send().await.map_err(|error| failed("apigateway.UntagResource", error))?;
    }
    Ok(true)
}

async fn arn(aws: &Clients, path: &str) -> Result<String> {
    aws.expand(&format!("arn:${{partition}}:apigateway:${{region}}::{path}")).await
}
