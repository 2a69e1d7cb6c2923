//! The revisions of a task definition: found, registered, taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, KeyValuePair, LogConfiguration, LogDriver, NetworkMode, PortMapping,
    SortOrder, Tag, TaskDefinition, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus,
    TransportProtocol,
};
use semantest_iac_core::ports::provider::{Change, OwnershipTags};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::clients::Clients;
use crate::containers::{self, ecs_tags, tags_in};
use crate::environment_variables;
use crate::error::{Failure, failed};
use crate::ownership::{self, Tags};
use crate::patience::Patience;
use crate::task_definition::{CONTAINER, Inputs};

/// IAM tells the rest of AWS of a new role in its own time.
const ROLE_PROPAGATION: Duration = Duration::from_secs(300);

/// A revision as found. `Debug` is left out: it holds the values of secrets.
#[derive(Clone, Default)]
pub(crate) struct Revision {
    pub arn: String,
    pub family: String,
    pub number: i32,
    pub image: String,
    pub command: Vec<String>,
    pub port: Option<i32>,
    pub cpu_units: Option<u32>,
    pub memory_mb: Option<u32>,
    pub variables: BTreeMap<String, String>,
    pub execution_role: String,
    pub task_role: String,
    pub log_group: Option<String>,
    pub tags: Tags,
}

impl Revision {
    fn of(found: &TaskDefinition, tags: &[Tag]) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        let empty = ContainerDefinition::builder().build();
        let container = found.container_definitions().first().unwrap_or(&empty);
        let variables = container.environment().iter().map(|pair| (text(pair.name()), text(pair.value())));
        let log_options = container.log_configuration().and_then(|log| log.options());
        Self {
            arn: text(found.task_definition_arn()),
            family: text(found.family()),
            number: found.revision(),
            image: text(container.image()),
            command: container.command().to_vec(),
            port: container.port_mappings().first().and_then(|port| port.container_port()),
            cpu_units: number(found.cpu()),
            memory_mb: number(found.memory()),
            variables: variables.collect(),
            execution_role: text(found.execution_role_arn()),
            task_role: text(found.task_role_arn()),
            log_group: log_options.and_then(|options| options.get("awslogs-group")).cloned(),
            tags: tags_in(tags),
        }
    }

    /// The ARN without the revision: what stays the same.
    pub fn family_arn(&self) -> String {
        self.arn.strip_suffix(&format!(":{}", self.number)).unwrap_or(&self.arn).to_owned()
    }
}

/// The newest revisions in force of `family`, the newest first, at most `count`.
pub(crate) async fn newest(aws: &Clients, family: &str, count: usize) -> Result<Vec<Revision>> {
    let mut found = Vec::new();
    for arn in arns(aws, family).await?.into_iter().take(count) {
        found.extend(describe(aws, &arn).await?);
    }
    Ok(found)
}

/// The ARNs of all revisions in force of `family`, the newest first.
async fn arns(aws: &Clients, family: &str) -> Result<Vec<String>> {
    let call = aws.ecs.list_task_definitions().family_prefix(family).status(TaskDefinitionStatus::Active);
    let pages = call.sort(SortOrder::Desc).into_paginator().items().send();
    let all = pages.try_collect().await.map_err(|error| failed("ecs.ListTaskDefinitions", error))?;
    let mut all: Vec<(u64, String)> =
        all.into_iter().filter_map(|arn| Some((number_in(&arn, family)?, arn))).collect();
    all.sort_by(|one, other| other.cmp(one));
    Ok(all.into_iter().map(|(_, arn)| arn).collect())
}

/// The revision in `…:task-definition/<family>:<revision>`, where it is of that family.
fn number_in(arn: &str, family: &str) -> Option<u64> {
    let (head, number) = arn.rsplit_once(':')?;
    (head.rsplit('/').next()? == family).then(|| number.parse().ok())?
}

async fn describe(aws: &Clients, arn: &str) -> Result<Option<Revision>> {
    let call = aws.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(DescribeTaskDefinitionOutput { task_definition: Some(found), tags, .. }) => {
            Ok(Some(Revision::of(&found, &tags.unwrap_or_default())))
        }
        Ok(_) => Ok(None),
        Err(failure) if is_gone(&failure) => Ok(None),
        Err(failure) => Err(failure.into_error("ecs.DescribeTaskDefinition")),
    }
}

fn is_gone(failure: &Failure) -> bool {
    failure.is_not_found() || failure.says("ClientException", "Unable to describe task definition")
}

/// Families in force whose names begin as those of `project` do.
pub(crate) async fn families(aws: &Clients, project: &str) -> Result<Vec<String>> {
    let prefix = crate::discovery::prefix_of(project);
    let call = aws.ecs.list_task_definition_families().family_prefix(prefix);
    let pages = call.status(TaskDefinitionFamilyStatus::Active).into_paginator().items().send();
    pages.try_collect().await.map_err(|error| failed("ecs.ListTaskDefinitionFamilies", error))
}

/// Registers a new revision. There is no token by which a second registration would be known as the same: the SDK does not
/// repeat it, and whoever tries again looks for this operation's tag first.
pub(crate) async fn register(
    aws: &Clients,
    change: &Change,
    wanted: &Inputs,
    tags: Tags,
) -> Result<Revision> {
    let mut patience =
        Patience::new(format!("role `{}` to be assumable by ECS", wanted.task_role), ROLE_PROPAGATION)
            .pauses(Duration::from_secs(1), Duration::from_secs(5));
    loop {
        let call = aws.ecs.register_task_definition().family(&wanted.family);
        let call = call.network_mode(NetworkMode::Awsvpc).requires_compatibilities(Compatibility::Fargate);
        let call = call.cpu(wanted.cpu_units.to_string()).memory(wanted.memory_mb.to_string());
        let call = call.execution_role_arn(&wanted.execution_role).task_role_arn(&wanted.task_role);
        let call = call.container_definitions(container(change, wanted)?);
        let call = call.set_tags(Some(ecs_tags(&tags))).customize().config_override(containers::once());
        match call.send().await.map_err(|error| Failure::of(&error)) {
            Ok(answer) => {
                let made = answer.task_definition.ok_or_else(no_definition)?;
                return Ok(Revision { tags, ..Revision::of(&made, &[]) });
            }
            Err(failure) if containers::is_early(&failure) => patience.pause().await?,
            Err(failure) => return Err(failure.into_error("ecs.RegisterTaskDefinition")),
        }
    }
}

fn no_definition() -> Error {
    let text = "ecs.RegisterTaskDefinition gave an answer without a task definition";
    Error::new(ErrorKind::Unavailable, "aws.ecs.RegisterTaskDefinition", text).retry_later()
}

fn container(change: &Change, wanted: &Inputs) -> Result<ContainerDefinition> {
    let variables: BTreeMap<String, String> =
        environment_variables::values(change, &wanted.environment_variables)?;
    let variables = variables.into_iter();
    let variables = variables.map(|(name, value)| KeyValuePair::builder().name(name).value(value).build());
    let port = PortMapping::builder().container_port(wanted.port.into()).protocol(TransportProtocol::Tcp);
    let log = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
    let log = log.options("awslogs-group", &wanted.log_group).options("awslogs-region", &wanted.region);
    let log = log.options("awslogs-stream-prefix", CONTAINER).build().map_err(|error| {
        Error::new(ErrorKind::Internal, "aws.task_definition", format!("log configuration: {error}"))
    })?;
    let container = ContainerDefinition::builder().name(CONTAINER).image(&wanted.image).essential(true);
    let container = container.port_mappings(port.build()).log_configuration(log);
    Ok(container.set_command(wanted.command.clone()).set_environment(Some(variables.collect())).build())
}

/// Takes `owner`'s revisions of `family` out of force, but the one that is in use.
pub(crate) async fn deregister(
    aws: &Clients,
    family: &str,
    owner: &OwnershipTags,
    in_use: Option<&str>,
) -> Result<()> {
    for arn in arns(aws, family).await?.into_iter().filter(|arn| Some(arn.as_str()) != in_use) {
        let Some(revision) = describe(aws, &arn).await? else { continue };
        if !ownership::is_owned(&revision.tags, owner) {
            continue;
        }
        let sent = aws.ecs.deregister_task_definition().task_definition(&arn).send().await;
        match sent.map_err(|error| Failure::of(&error)) {
            Ok(_) => {}
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into_error("ecs.DeregisterTaskDefinition")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_of_other_families_are_passed_over() {
        let arn = "arn:aws:ecs:eu-west-1:1:task-definition/shop-dev-web:12";
        assert_eq!(number_in(arn, "shop-dev-web"), Some(12));
        assert_eq!(number_in(arn, "shop-dev"), None);
    }

    #[test]
    fn a_family_keeps_its_arn_whatever_the_revision() {
        let arn = "arn:aws:ecs:eu-west-1:1:task-definition/shop:3".to_owned();
        let revision = Revision { arn, number: 3, ..Revision::default() };
        assert_eq!(revision.family_arn(), "arn:aws:ecs:eu-west-1:1:task-definition/shop");
    }
}
