//! Waiting for a container service: for its replicas to run what is wanted, and for its end.

use std::time::Duration;

use aws_sdk_ecs::types::{DeploymentRolloutState, DesiredStatus, Service, ServiceField};
use semantest_iac_core::ports::provider::NOTICE;
use semantest_iac_core::{Error, ErrorKind, Result, Retry};
use tokio::time::Instant;

use crate::clients::Clients;
use crate::container_service::Inputs;
use crate::error::{Failure, failed};
use crate::patience::Patience;

/// How long a rollout may take.
const ROLLOUT: Duration = Duration::from_secs(600);

/// Where ECS does not say that a rollout is complete, replicas that have run this long are taken to be well.
const SETTLED: Duration = Duration::from_secs(180);

/// Without a single task or event after this long, nothing runs tasks here.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// How long replicas may take to end: connections are drained first.
const DRAINED: Duration = Duration::from_secs(900);

/// How many services DescribeServices takes at once.
const AT_ONCE: usize = 10;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceName {
    /// Name or ARN.
    pub cluster: String,
    pub service: String,
}

impl ServiceName {
    /// `arn:aws:ecs:<region>:<account>:service/<cluster>/<service>`.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let (_, path) = arn.split_once(":service/")?;
        let (cluster, service) = path.split_once('/')?;
        Some(Self { cluster: cluster.to_owned(), service: service.to_owned() })
    }
}

/// The service, with its tags; a deleted one is shown for a while as inactive, which is as good as gone.
pub(crate) async fn look_up(aws: &Clients, name: &ServiceName) -> Result<Option<Service>> {
    Ok(describe(aws, &name.cluster, vec![name.service.clone()]).await?.into_iter().next())
}

async fn describe(aws: &Clients, cluster: &str, services: Vec<String>) -> Result<Vec<Service>> {
    let call = aws.ecs.describe_services().cluster(cluster).set_services(Some(services));
    match call.include(ServiceField::Tags).send().await.map_err(|error| Failure::of(&error)) {
        Ok(answer) => {
            let mut services = answer.services.unwrap_or_default();
            services.retain(|service| service.status() != Some("INACTIVE"));
            Ok(services)
        }
        Err(failure) if failure.is_not_found() => Ok(Vec::new()),
        Err(failure) => Err(failure.into_error("ecs.DescribeServices")),
    }
}

/// All services in a cluster.
pub(crate) async fn in_cluster(aws: &Clients, cluster: &str) -> Result<Vec<Service>> {
    let pages = aws.ecs.list_services().cluster(cluster).into_paginator().items().send();
    let arns = pages.try_collect().await.map_err(|error| failed("ecs.ListServices", error))?;
    let mut found = Vec::new();
    for some in arns.chunks(AT_ONCE) {
        found.extend(describe(aws, cluster, some.to_vec()).await?);
    }
    Ok(found)
}

/// The service, or nothing, once it is not on its way out any more.
pub(crate) async fn settled(aws: &Clients, name: &ServiceName) -> Result<Option<Service>> {
    let mut patience = drained(name);
    loop {
        match look_up(aws, name).await? {
            Some(service) if service.status() == Some("DRAINING") => patience.pause().await?,
            other => return Ok(other),
        }
    }
}

fn drained(name: &ServiceName) -> Patience {
    let patience = Patience::new(format!("the replicas of service `{}` to end", name.service), DRAINED);
    patience.pauses(Duration::from_millis(500), Duration::from_secs(5))
}

/// How far a rollout is.
#[derive(Debug, PartialEq)]
enum Progress {
    Done,
    /// Replicas run; whether they are well is not yet said.
    Running,
    UnderWay,
    Failed(String),
}

fn progress(service: &Service, task_definition: &str) -> Progress {
    let is_failed = |state: Option<&DeploymentRolloutState>| state == Some(&DeploymentRolloutState::Failed);
    let mut ours = service.deployments().iter().filter(|one| one.task_definition() == Some(task_definition));
    if let Some(failed) = ours.find(|one| is_failed(one.rollout_state())) {
        return Progress::Failed(failed.rollout_state_reason().unwrap_or_default().to_owned());
    }
    // An answer that is older than the change.
    if service.task_definition() != Some(task_definition) {
        return Progress::UnderWay;
    }
    let primary = service.deployments().iter().find(|one| one.status() == Some("PRIMARY"));
    let Some(primary) = primary else { return Progress::UnderWay };
    let alone = service.deployments().len() == 1 && service.running_count() == service.desired_count();
    match primary.rollout_state() {
        Some(DeploymentRolloutState::Completed) => Progress::Done,
        None if alone => Progress::Done,
        _ if alone => Progress::Running,
        _ => Progress::UnderWay,
    }
}

/// Waits until the replicas run what is wanted.
///
/// # Errors
/// `Provider` where ECS has given the rollout up, `Timeout`; both say what to look at.
pub(crate) async fn steady(aws: &Clients, name: &ServiceName, wanted: &Inputs) -> Result<Service> {
    let patience = Patience::new(format!("the replicas of service `{}` to run", name.service), ROLLOUT);
    let mut patience = patience.pauses(Duration::from_millis(500), Duration::from_secs(5));
    let mut running_since: Option<Instant> = None;
    let (begun, mut looked) = (Instant::now(), false);
    loop {
        let found = look_up(aws, name).await?;
        let progress = found.as_ref().map(|found| progress(found, &wanted.task_definition));
        running_since = match &progress {
            Some(Progress::Running) => running_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        match (found, progress) {
            (Some(found), Some(Progress::Done)) => return Ok(found),
            (Some(found), Some(Progress::Running))
                if running_since.is_some_and(|since| since.elapsed() > SETTLED) =>
            {
                return Ok(found);
            }
            (Some(found), Some(Progress::Failed(why))) => {
                let text = format!("ECS gave up the rollout of service `{}`: {why}", name.service);
                return Err(told(aws, name, wanted, Some(&found), ErrorKind::Provider, text).await);
            }
            (found, _) => {
                let look_now = begun.elapsed() > SIGN_OF_LIFE && !std::mem::replace(&mut looked, true);
                if look_now
                    && let Some(found) = found.as_ref().filter(|found| found.events().is_empty())
                    && starts_nothing(aws, name).await?
                {
                    tracing::info!(target: NOTICE, "  service `{}`: nothing runs tasks here", name.service);
                    return Ok(found.clone());
                }
                if patience.pause().await.is_err() {
                    let text = format!("waited {} s for service `{}`", ROLLOUT.as_secs(), name.service);
                    let error = told(aws, name, wanted, found.as_ref(), ErrorKind::Timeout, text).await;
                    return Err(error.with_retry(Retry::Exhausted));
                }
            }
        }
    }
}

/// Whether ECS has not begun a single task, nor tried and failed to: where nothing runs tasks (an emulator), waiting for them
/// has no end.
async fn starts_nothing(aws: &Clients, name: &ServiceName) -> Result<bool> {
    for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let call = aws.ecs.list_tasks().cluster(&name.cluster).service_name(&name.service);
        let tasks =
            call.desired_status(status).send().await.map_err(|error| failed("ecs.ListTasks", error))?;
        if !tasks.task_arns().is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An error that says how things are and what to look at.
async fn told(
    aws: &Clients,
    name: &ServiceName,
    wanted: &Inputs,
    found: Option<&Service>,
    kind: ErrorKind,
    mut text: String,
) -> Error {
    if let Some(found) = found {
        text.push_str(&format!("; {} of {} replicas run", found.running_count(), found.desired_count()));
        if let Some(said) = found.events().first().and_then(|event| event.message()) {
            text.push_str(&format!("; its last event: {said}"));
        }
    }
    if let Some(why) = stopped(aws, name).await {
        text.push_str(&format!("; a replica stopped: {why}"));
    }
    let cluster = name.cluster.rsplit('/').next().unwrap_or_default();
    text.push_str(&format!(
        "; look at log group {} and at `aws ecs describe-services --cluster {cluster} --services {}`, then deploy again",
        wanted.log_group, name.service
    ));
    Error::new(kind, "aws.container_service", text).with("service", &name.service)
}

/// Why a replica stopped, where one has. This only helps to explain: what goes wrong here is passed over.
async fn stopped(aws: &Clients, name: &ServiceName) -> Option<String> {
    let call = aws.ecs.list_tasks().cluster(&name.cluster).service_name(&name.service);
    let listed = call.desired_status(DesiredStatus::Stopped).max_results(1).send().await.ok()?;
    let task = listed.task_arns().first()?;
    let told = aws.ecs.describe_tasks().cluster(&name.cluster).tasks(task).send().await.ok()?;
    let task = told.tasks().first()?;
    let of_container = task.containers().iter().find_map(|one| match (one.reason(), one.exit_code()) {
        (Some(reason), _) => Some(reason.to_owned()),
        (None, Some(code)) => Some(format!("exit code {code}")),
        (None, None) => None,
    });
    let both = task.stopped_reason().map(str::to_owned).into_iter().chain(of_container);
    Some(both.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
}

/// Ends all replicas and takes the service away.
pub(crate) async fn remove(aws: &Clients, name: &ServiceName, found: Service) -> Result<()> {
    if found.status() == Some("ACTIVE") {
        let call = aws.ecs.update_service().cluster(&name.cluster).service(&name.service).desired_count(0);
        match call.send().await.map_err(|error| Failure::of(&error)) {
            Ok(_) => {}
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into_error("ecs.UpdateService")),
        }
        let call = aws.ecs.delete_service().cluster(&name.cluster).service(&name.service).force(true);
        match call.send().await.map_err(|error| Failure::of(&error)) {
            Ok(_) => {}
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into_error("ecs.DeleteService")),
        }
    }
    let mut patience = drained(name);
    while look_up(aws, name).await?.is_some() {
        patience.pause().await?;
    }
    Ok(())
}

/// Also where it has gone between the look and the call.
fn is_gone(failure: &Failure) -> bool {
    failure.is_not_found() || failure.is(&["ServiceNotActiveException"])
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Deployment;

    use super::*;

    fn service(states: &[(&str, &str, Option<DeploymentRolloutState>)], running: i32) -> Service {
        let deployments = states.iter().map(|(status, task, state)| {
            Deployment::builder()
                .status(*status)
                .task_definition(*task)
                .set_rollout_state(state.clone())
                .build()
        });
        let deployments: Vec<_> = deployments.collect();
        let service = Service::builder().task_definition(states[0].1).set_deployments(Some(deployments));
        service.running_count(running).desired_count(2).build()
    }

    #[test]
    fn a_rollout_is_done_when_ecs_says_so_or_says_nothing_and_all_run() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        let done = service(&[("PRIMARY", "new", Some(Completed))], 0);
        assert_eq!(progress(&done, "new"), Progress::Done);
        assert_eq!(progress(&service(&[("PRIMARY", "new", None)], 2), "new"), Progress::Done);
        assert_eq!(progress(&service(&[("PRIMARY", "new", None)], 1), "new"), Progress::UnderWay);
        assert_eq!(progress(&service(&[("PRIMARY", "new", Some(InProgress))], 2), "new"), Progress::Running);
        let moving = service(&[("PRIMARY", "new", Some(InProgress)), ("ACTIVE", "old", Some(Completed))], 2);
        assert_eq!(progress(&moving, "new"), Progress::UnderWay);
        // An answer that is older than the change.
        assert_eq!(progress(&service(&[("PRIMARY", "old", Some(Completed))], 2), "new"), Progress::UnderWay);
        let back = service(&[("PRIMARY", "old", Some(InProgress)), ("ACTIVE", "new", Some(Failed))], 2);
        assert_eq!(progress(&back, "new"), Progress::Failed(String::new()));
    }

    #[test]
    fn an_arn_tells_cluster_and_service() {
        let name = ServiceName::of_arn("arn:aws:ecs:eu-west-1:1:service/shop/web").expect("both are in it");
        assert_eq!((name.cluster.as_str(), name.service.as_str()), ("shop", "web"));
        assert_eq!(ServiceName::of_arn("arn:aws:ecs:eu-west-1:1:service/web"), None);
    }
}
