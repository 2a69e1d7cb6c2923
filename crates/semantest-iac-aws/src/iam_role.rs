//! `aws.iam_role`: what functions and containers run as.

use async_trait::async_trait;
use aws_sdk_iam::types::{Role, Tag};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign};
use crate::ownership::{self, Tags};
use crate::policy_document;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.iam_role";

/// IAM's limit.
const NAME_LIMIT: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    role_name: String,
    path: String,
    /// The service that may assume it: `lambda.amazonaws.com`.
    service: String,
    #[serde(default)]
    tags: Tags,
}

/// The role at `address` that `service` assumes; `part` tells several of one component apart.
pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    address: &str,
    part: &str,
    service: &str,
) -> Resource {
    let mut parts = vec![blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    parts.extend(Some(part).filter(|part| !part.is_empty()));
    let inputs = Inputs {
        region: region.to_owned(),
        role_name: physical_name(&parts, NAME_LIMIT),
        path: path(&blueprint.project),
        service: service.to_owned(),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.replace_on.extend(["role_name".to_owned(), "path".to_owned()]);
    resource
}

/// All roles of a project are under one path: they are listed by it.
fn path(project: &str) -> String {
    format!("/semantest/{}/", physical_name(&[project], NAME_LIMIT))
}

pub(crate) struct IamRole;

#[async_trait]
impl ResourceKind for IamRole {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(name) = name(resource) else { return Ok(None) };
        let Some((role, tags)) = look_up(aws, &name).await? else { return Ok(None) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(None);
        }
        let mut inputs = properties(&json!({
            "role_name": role.role_name(), "path": role.path(), "tags": ownership::of_user(&tags),
        }));
        let service = trusted_service(&role);
        inputs.insert("service".into(), service.unwrap_or_else(|| "(another policy)".into()).into());
        Ok(Some(Observed { id: name, inputs, outputs: outputs(&role) }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        if change.action == ChangeAction::Update
            && let Some((role, tags)) = look_up(aws, &wanted.role_name).await?
        {
            return bring(aws, change, operation, &wanted, (role, tags)).await;
        }
        let created = create(aws, change, operation, &wanted).await;
        let failure = match created {
            Ok(role) => return Ok(applied(&role, false)),
            Err(failure) => failure,
        };
        if !failure.is(&["EntityAlreadyExists"]) {
            return Err(failure.into_error("iam.CreateRole"));
        }
        match look_up(aws, &wanted.role_name).await? {
            Some(there) => bring(aws, change, operation, &wanted, there).await,
            None => Err(failure.into_error("iam.CreateRole").retry_later()),
        }
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(name) = name(resource) else { return Ok(()) };
        let Some((_, tags)) = look_up(aws, &name).await? else { return Ok(()) };
        if !ownership::is_owned(&tags, &resource.tags) {
            return Ok(());
        }
        match delete(aws, &name).await {
            Ok(()) => Ok(()),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) if failure.is(&["DeleteConflict"]) => {
                empty(aws, &name).await?;
                delete(aws, &name).await.map_err(|failure| failure.into_error("iam.DeleteRole"))
            }
            Err(failure) => Err(failure.into_error("iam.DeleteRole")),
        }
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let pages = aws.iam.list_roles().path_prefix(path(&scope.project)).into_paginator().items().send();
        let roles = pages.try_collect().await.map_err(|error| failed("iam.ListRoles", error))?;
        let mut found = Vec::new();
        for role in roles {
            // A list of roles leaves their tags out.
            let Some((role, tags)) = look_up(aws, role.role_name()).await? else { continue };
            if let Some(tags) = ownership::owner_in(&tags, scope) {
                found.push(Discovered { tags, kind: WORD.into(), id: role.role_name().to_owned() });
            }
        }
        Ok(found)
    }
}

fn name(resource: &ResourceHandle) -> Option<String> {
    let of_inputs = resource.inputs.get("role_name").and_then(Value::as_str).map(str::to_owned);
    of_inputs.or_else(|| resource.id.clone())
}

fn outputs(role: &Role) -> semantest_iac_core::domain::deployment::resource::Properties {
    properties(&json!({ "arn": role.arn(), "role_name": role.role_name() }))
}

fn applied(role: &Role, adopted: bool) -> Applied {
    Applied { id: role.role_name().to_owned(), outputs: outputs(role), adopted }
}

async fn look_up(aws: &Clients, name: &str) -> Result<Option<(Role, Tags)>> {
    match aws.iam.get_role().role_name(name).send().await {
        Ok(answer) => Ok(answer.role.map(|role| {
            let tags = role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            let tags = tags.collect();
            (role, tags)
        })),
        Err(error) => match Failure::of(&error) {
            failure if failure.is_not_found() => Ok(None),
            failure => Err(failure.into_error("iam.GetRole")),
        },
    }
}

async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
) -> Result<Role, Failure> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let call = aws.iam.create_role().role_name(&wanted.role_name).path(&wanted.path);
    let call = call.assume_role_policy_document(policy_document::trust(&wanted.service));
    let sent = call.set_tags(Some(iam_tags(&tags))).send().await;
    let answer = sent.map_err(|error| Failure::of(&error))?;
    answer.role.ok_or(Failure::Unknown { timed_out: false, detail: "an answer without a role".into() })
}

/// Brings a role that is there to what is wanted.
async fn bring(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    (role, tags): (Role, Tags),
) -> Result<Applied> {
    if !ownership::is_owned(&tags, &change.resource.tags) {
        return Err(foreign("role", &wanted.role_name));
    }
    let name = &wanted.role_name;
    if trusted_service(&role).as_deref() != Some(&wanted.service) {
        let document = policy_document::trust(&wanted.service);
        let call = aws.iam.update_assume_role_policy().role_name(name).policy_document(document);
        call.send().await.map_err(|error| failed("iam.UpdateAssumeRolePolicy", error))?;
    }
    let (set, gone) = ownership::difference(&tags, &wanted.tags);
    if !set.is_empty() {
        let call = aws.iam.tag_role().role_name(name).set_tags(Some(iam_tags(&set)));
        call.send().await.map_err(|error| failed("iam.TagRole", error))?;
    }
    if !gone.is_empty() {
        let call = aws.iam.untag_role().role_name(name).set_tag_keys(Some(gone.into_iter().collect()));
        call.send().await.map_err(|error| failed("iam.UntagRole", error))?;
    }
    let adopted = change.resource.id.is_none() && !ownership::is_made_by(&tags, operation);
    Ok(applied(&role, adopted))
}

async fn delete(aws: &Clients, name: &str) -> Result<(), Failure> {
    let sent = aws.iam.delete_role().role_name(name).send().await;
    sent.map(drop).map_err(|error| Failure::of(&error))
}

/// Takes the policies of a role away: it cannot go before them.
async fn empty(aws: &Clients, name: &str) -> Result<()> {
    let inline = aws.iam.list_role_policies().role_name(name).send().await;
    let inline = inline.map_err(|error| failed("iam.ListRolePolicies", error))?;
    for policy in inline.policy_names() {
        let sent = aws.iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
        sent.map_err(|error| failed("iam.DeleteRolePolicy", error))?;
    }
    let attached = aws.iam.list_attached_role_policies().role_name(name).send().await;
    let attached = attached.map_err(|error| failed("iam.ListAttachedRolePolicies", error))?;
    for policy in attached.attached_policies() {
        let arn = policy.policy_arn().unwrap_or_default();
        let sent = aws.iam.detach_role_policy().role_name(name).policy_arn(arn).send().await;
        sent.map_err(|error| failed("iam.DetachRolePolicy", error))?;
    }
    Ok(())
}

/// The service that may assume `role`, where that is all its trust policy says.
fn trusted_service(role: &Role) -> Option<String> {
    let found = policy_document::read(role.assume_role_policy_document()?)?;
    let service = found.pointer("/Statement/0/Principal/Service")?.as_str()?.to_owned();
    let ours: Value = serde_json::from_str(&policy_document::trust(&service)).ok()?;
    policy_document::same(&found, &ours).then_some(service)
}

fn iam_tags(tags: &Tags) -> Vec<Tag> {
    let all = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    all.filter_map(Result::ok).collect()
}
