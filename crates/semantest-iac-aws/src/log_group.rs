//! `aws.log_group`: where what functions, containers and APIs say is kept, and for how long.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::discovery::prefix_of;
use crate::error::{Failure, failed, foreign, gone, seen};
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.log_group";

/// Where a component says nothing of it.
const DEFAULT_RETENTION_DAYS: u32 = 30;

/// What log groups of ours begin with.
const PREFIXES: [&str; 3] = ["/aws/lambda/", "/aws/apigateway/", "/ecs/"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    log_group_name: String,
    retention_days: u32,
    #[serde(default)]
    tags: Tags,
}

pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    address: String,
    name: String,
    retention_days: Option<u32>,
) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        log_group_name: name,
        retention_days: retention_days.unwrap_or(DEFAULT_RETENTION_DAYS),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.insert("log_group_name".into());
    resource
}

pub(crate) struct LogGroup;

#[async_trait]
impl ResourceKind for LogGroup {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(name) = name(resource) else { return Ok(None) };
        let Some(tags) = tags_of(aws, &name).await?.filter(|tags| ownership::is_owned(tags, &resource.tags))
        else {
            return Ok(None);
        };
        let listed = aws.logs.describe_log_groups().log_group_name_prefix(&name).send().await;
        let listed = listed.map_err(|error| failed("logs.DescribeLogGroups", error))?;
        let group = listed.log_groups().iter().find(|group| group.log_group_name() == Some(name.as_str()));
        Ok(group.map(|group| {
            let inputs = json!({
                "log_group_name": name, "retention_days": group.retention_in_days().unwrap_or(0),
                "tags": ownership::of_user(&tags),
            });
            Observed { id: name.clone(), inputs: properties(&inputs), outputs: outputs(&name) }
        }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let name = &wanted.log_group_name;
        let mut made = false;
        if change.action != ChangeAction::Update {
            let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
            let call =
                aws.logs.create_log_group().log_group_name(name).set_tags(Some(tags.into_iter().collect()));
            match call.send().await.map_err(|error| Failure::of(&error)) {
                Ok(_) => made = true,
                Err(failure) if failure.is(&["ResourceAlreadyExists"]) => {}
                Err(failure) => return Err(failure.into_error("logs.CreateLogGroup")),
            }
        }
        let adopted = if made { false } else { self.bring(aws, change, operation, &wanted).await? };
        if made || change.action != ChangeAction::Update || change.changed.contains("retention_days") {
            let days = i32::try_from(wanted.retention_days).unwrap_or(i32::MAX);
            let call = aws.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
            call.send().await.map_err(|error| match Failure::of(&error) {
                // What was made a moment ago is not seen everywhere yet.
                failure if failure.is_not_found() => {
                    failure.into_error("logs.PutRetentionPolicy").retry_later()
                }
                failure => failure.into_error("logs.PutRetentionPolicy"),
            })?;
        }
        Ok(Applied { id: name.clone(), outputs: outputs(name), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(name) = name(resource) else { return Ok(()) };
        match tags_of(aws, &name).await? {
            Some(tags) if ownership::is_owned(&tags, &resource.tags) => {}
            _ => return Ok(()),
        }
        gone("logs.DeleteLogGroup", aws.logs.delete_log_group().log_group_name(&name).send().await)
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let mut found = Vec::new();
        for prefix in PREFIXES {
            let prefix = format!("{prefix}{}", prefix_of(&scope.project));
            let pages = aws.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().items();
            let groups = pages.send().try_collect().await;
            for group in groups.map_err(|error| failed("logs.DescribeLogGroups", error))? {
                let name = group.log_group_name().unwrap_or_default().to_owned();
                let Some(tags) = tags_of(aws, &name).await? else { continue };
                if let Some(tags) = ownership::owner_in(&tags, scope) {
                    found.push(Discovered { tags, kind: WORD.into(), id: name });
                }
            }
        }
        Ok(found)
    }
}

impl LogGroup {
    /// Brings the tags of a group that is there to what is wanted; says whether it is adopted.
    async fn bring(
        &self,
        aws: &Clients,
        change: &Change,
        operation: &Operation,
        wanted: &Inputs,
    ) -> Result<bool> {
        let name = &wanted.log_group_name;
        let Some(tags) = tags_of(aws, name).await? else {
            // Deleted in between: made anew by another try.
            let gone = Failure::Unknown { timed_out: false, detail: format!("log group `{name}` is gone") };
            return Err(gone.into_error("logs.ListTagsForResource"));
        };
        if !ownership::is_owned(&tags, &change.resource.tags) {
            let error = foreign("log group", name);
            let text = format!(
                "{}. Lambda makes such a group by itself when a function is called that has none: one that is left over from \
                 before can be deleted",
                error.message()
            );
            return Err(Error::new(error.kind(), error.operation(), text).with("name", name));
        }
        let (set, gone) = ownership::difference(&tags, &wanted.tags);
        let arn = arn(aws, name).await?;
        if !set.is_empty() {
            let call = aws.logs.tag_resource().resource_arn(&arn).set_tags(Some(set.into_iter().collect()));
            call.send().await.map_err(|error| failed("logs.TagResource", error))?;
        }
        if !gone.is_empty() {
            let call =
                aws.logs.untag_resource().resource_arn(&arn).set_tag_keys(Some(gone.into_iter().collect()));
            call.send().await.map_err(|error| failed("logs.UntagResource", error))?;
        }
        Ok(change.resource.id.is_none() && !ownership::is_made_by(&tags, operation))
    }
}

fn name(resource: &ResourceHandle) -> Option<String> {
    let of_inputs = resource.inputs.get("log_group_name").and_then(Value::as_str).map(str::to_owned);
    of_inputs.or_else(|| resource.id.clone())
}

fn outputs(name: &str) -> Properties {
    properties(&json!({ "log_group_name": name }))
}

async fn arn(aws: &Clients, name: &str) -> Result<String> {
    aws.expand(&format!("arn:${{partition}}:logs:${{region}}:${{account}}:log-group:{name}")).await
}

/// The tags of a log group, or nothing where there is none.
async fn tags_of(aws: &Clients, name: &str) -> Result<Option<Tags>> {
    let arn = arn(aws, name).await?;
    let answer =
        seen("logs.ListTagsForResource", aws.logs.list_tags_for_resource().resource_arn(arn).send().await)?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}
