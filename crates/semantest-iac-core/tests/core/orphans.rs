//! What carries our tags in a cloud and is not in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use semantest_iac_core::application::answer::{DeployAnswer, RunStatus};
use semantest_iac_core::application::orphans::OrphanAnswer;
use semantest_iac_core::application::service::DeploymentService;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::domain::deployment::status::DeploymentStatus;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::request::{OrphanRemovalRequested, RemovalRequested};
use semantest_iac_core::events::run::{DeploymentPlanned, DeploymentStarted, InfrastructureRemoved};
use semantest_iac_core::memory::provider::Held;
use semantest_iac_core::ports::provider::OwnershipTags;
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_testkit::faults::{Fault, Moment};
use semantest_iac_testkit::given::given;
use semantest_iac_testkit::world::{World, deploy_with, request};
use tokio_util::sync::CancellationToken;

fn removal() -> OrphanRemovalRequested {
    OrphanRemovalRequested {
        component: "orders".into(),
        environment: "dev".into(),
        provider: "memory".into(),
        region: None,
    }
}

async fn remove_with(service: &DeploymentService) -> Result<DeployAnswer> {
    service.remove_orphans(service.envelope(removal()), &removal(), &CancellationToken::new()).await
}

async fn orphans(world: &World) -> Vec<OrphanAnswer> {
    world.service().discover("dev", None, None, None).await.expect("an answer").orphans
}

/// A world whose cloud holds `orders` and whose log is lost.
async fn without_its_log() -> World {
    let before = World::new();
    before.deploy().await;
    let mut after = World::new();
    after.provider = before.provider.clone();
    after
}

/// Puts something of ours beside what is deployed.
fn leave_behind(world: &World, name: &str, address: &str) {
    let tags = OwnershipTags {
        project: "shop".into(),
        environment: "dev".into(),
        component: "orders".into(),
        address: address.into(),
    };
    let (inputs, outputs) = (Properties::new(), Properties::new());
    let held = Held { tags: Some(tags), kind: "memory.function".into(), inputs, outputs };
    world.provider.tamper(|all| drop(all.insert(name.to_owned(), held)));
}

#[tokio::test]
async fn what_the_log_tells_of_is_no_orphan() {
    let world = World::new();
    world.deploy().await;
    let answer = world.service().discover("dev", None, None, None).await.expect("an answer");
    assert_eq!((answer.provider.as_str(), answer.orphans), ("memory", Vec::new()));
}

#[tokio::test]
async fn what_a_lost_log_told_of_is_listed_and_taken_away() {
    let world = without_its_log().await;
    let found = orphans(&world).await;
    let addresses: Vec<&str> = found.iter().map(|one| one.address.as_str()).collect();
    assert_eq!(addresses, ["api", "function.create", "function.list"]);
    assert!(found.iter().all(|one| one.deployment == "shop/dev/orders" && one.place.provider == "memory"));
    let answer = remove_with(&world.service()).await.expect("a run");
    assert_eq!((answer.status, answer.changes.deleted), (RunStatus::Removed, 3));
    assert!(world.provider.held().is_empty());
    assert!(orphans(&world).await.is_empty());
    let history = world.history().await;
    let names: Vec<&str> = history.iter().map(|label| label.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names[..3], ["OrphanRemovalRequested", "DeploymentPlanned", "DeploymentStarted"]);
    assert_eq!(names.last(), Some(&"InfrastructureRemoved"));
    let again = remove_with(&world.service()).await.expect("a run");
    assert_eq!((again.status, world.history().await.len()), (RunStatus::Unchanged, history.len()));
    assert_eq!(world.deploy().await.changes.created, 3);
}

#[tokio::test]
async fn orphans_beside_a_deployment_go_and_nothing_else_changes() {
    let world = World::new();
    world.deploy().await;
    let before = world.provider.held();
    leave_behind(&world, "left-over", "function.gone");
    leave_behind(&world, "second-list", "function.list");
    assert_eq!(orphans(&world).await.len(), 2);
    let calls = world.provider.calls().len();
    let answer = remove_with(&world.service()).await.expect("a run");
    let changes = answer.changes;
    assert_eq!((answer.status, answer.version), (RunStatus::Deployed, 2));
    assert_eq!((changes.deleted, changes.unchanged, changes.total_changes()), (2, 3, 2));
    assert_eq!((world.provider.held(), answer.functions.len()), (before, 2));
    let mut made = world.provider.calls().split_off(calls);
    made.sort();
    assert_eq!(made, ["delete function.gone", "delete function.list"]);
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged);
}

#[tokio::test]
async fn drift_is_not_brought_back_by_the_way() {
    let world = World::new();
    world.deploy().await;
    world.provider.tamper(|all| {
        let list = all.get_mut("shop-dev-orders-list").expect("a function");
        list.inputs.insert("memory_mb".into(), 4096.into());
    });
    world.service().refresh("dev", "orders").await.expect("a look");
    leave_behind(&world, "left-over", "function.gone");
    let answer = remove_with(&world.service()).await.expect("a run");
    assert_eq!((answer.changes.deleted, answer.changes.total_changes()), (1, 1));
    let status = world.service().status(Some("dev"), None).await.expect("a status");
    let drifted = status.deployments[0].resources.iter().filter(|one| one.state == "drifted").count();
    assert_eq!(drifted, 1, "the log knows of it still");
    assert!(world.deploy().await.changes.updated >= 1, "the next deploy brings it back");
}

#[tokio::test]
async fn a_removed_deployment_stays_removed() {
    let world = World::new();
    world.deploy().await;
    world.destroy().await;
    leave_behind(&world, "left-over", "function.gone");
    let answer = remove_with(&world.service()).await.expect("a run");
    assert_eq!((answer.status, answer.version, answer.changes.deleted), (RunStatus::Removed, 1, 1));
    let status = world.service().status(Some("dev"), None).await.expect("a status");
    assert_eq!(status.deployments[0].status, "removed");
}

#[tokio::test]
async fn the_region_where_it_was_found_goes_with_it() {
    let world = without_its_log().await;
    world.provider.set_default_region("eu-west-1");
    let found = orphans(&world).await;
    assert!(found.iter().all(|one| one.place.region.as_deref() == Some("eu-west-1")), "{found:?}");
    remove_with(&world.service()).await.expect("a run");
    let events = world.service().history("dev", "orders").await.expect("a history");
    let regions = events.iter().filter_map(|event| match &event.data {
        Event::ResourceChangeStarted(intent) => intent.inputs.get("region"),
        _ => None,
    });
    assert!(regions.into_iter().all(|region| region == "eu-west-1"));
}

#[tokio::test]
async fn an_unfinished_run_comes_first() {
    let world = World::new();
    let crashed = world.faulty(Arc::new(Crash::after(6)));
    deploy_with(&crashed).await.expect_err("a crash");
    world.let_leases_expire();
    let refused = remove_with(&world.service()).await.expect_err("unfinished");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.message().contains("deploy or destroy it first"), "{refused}");
    let made = world.provider.held().len();
    assert!(orphans(&world).await.is_empty(), "what was begun ({made} made) is in the log");
}

#[tokio::test]
async fn a_deployment_on_another_provider_keeps_its_place() {
    let world = World::new();
    world.deploy().await;
    let mut ports = world.service().ports().clone();
    ports.providers.insert("other".into(), world.provider.clone());
    let service = DeploymentService::new(ports, semantest_iac_testkit::world::options(1));
    let request = OrphanRemovalRequested { provider: "other".into(), ..removal() };
    let envelope = service.envelope(request.clone());
    let refused = service.remove_orphans(envelope, &request, &CancellationToken::new()).await;
    assert!(refused.expect_err("refused").message().contains("is on provider `memory`"));
}

#[tokio::test]
async fn a_published_request_is_carried_out() {
    let world = without_its_log().await;
    let service = world.service();
    let published = service.publish(service.envelope(removal()), &CancellationToken::new()).await;
    assert_eq!(published.expect("an answer").result.expect("a run").changes.deleted, 3);
}

/// Everything fails from some call on.
struct Crash {
    left: AtomicUsize,
}

impl Crash {
    fn after(calls: usize) -> Self {
        Self { left: AtomicUsize::new(calls) }
    }
}

#[async_trait]
impl Fault for Crash {
    async fn strike(&self, _call: &str, _moment: Moment) -> Result<()> {
        let more = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(ErrorKind::Internal, "test.crash", "crashed")),
        }
    }
}

/// Crashes a removal of orphans at every moment; `resume` is what follows.
async fn crash_everywhere(make: impl AsyncFn() -> World, resume: impl AsyncFn(&World)) {
    for calls in 0.. {
        assert!(calls < 100, "it ends at some time");
        let world = make().await;
        let crashed = remove_with(&world.faulty(Arc::new(Crash::after(calls)))).await.is_err();
        world.let_leases_expire();
        resume(&world).await;
        assert!(orphans(&world).await.is_empty(), "after {calls} calls");
        if !crashed {
            assert!(calls > 6, "the crashes were everywhere");
            return;
        }
    }
}

#[tokio::test]
async fn after_a_crash_at_any_moment_the_same_command_ends_it() {
    let beside = async || {
        let world = World::new();
        world.deploy().await;
        leave_behind(&world, "left-over", "function.gone");
        leave_behind(&world, "second-list", "function.list");
        world
    };
    crash_everywhere(beside, async |world| {
        remove_with(&world.service()).await.expect("a run");
        assert_eq!(world.provider.held().len(), 3);
        assert_eq!(world.deploy().await.status, RunStatus::Unchanged);
    })
    .await;
    crash_everywhere(without_its_log, async |world| {
        remove_with(&world.service()).await.expect("a run");
        assert!(world.provider.held().is_empty());
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_at_any_moment_the_next_deploy_or_destroy_ends_it() {
    let beside = async || {
        let world = World::new();
        world.deploy().await;
        leave_behind(&world, "left-over", "function.gone");
        world
    };
    // What was never put into the log stays an orphan until it is asked for again.
    crash_everywhere(beside, async |world| {
        assert_ne!(deploy_with(&world.service()).await.expect("a run").status, RunStatus::Failed);
        let known = world.history().await.iter().any(|label| label.starts_with("ResourceCreated orphan."));
        assert_eq!(world.provider.held().len(), if known { 3 } else { 4 });
        remove_with(&world.service()).await.expect("a run");
    })
    .await;
    crash_everywhere(without_its_log, async |world| {
        world.destroy().await;
        remove_with(&world.service()).await.expect("a run");
        assert!(world.provider.held().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_an_interrupted_run_was_to_take_away_is_listed_until_it_is_gone() {
    let world = without_its_log().await;
    // Found, recorded, and gone from the cloud before that could be recorded.
    let crash = Crash::after(10);
    remove_with(&world.faulty(Arc::new(crash))).await.expect_err("a crash");
    world.let_leases_expire();
    world.provider.tamper(|all| all.clear());
    assert_eq!(orphans(&world).await.len(), 3);
    assert_eq!(remove_with(&world.service()).await.expect("a run").status, RunStatus::Removed);
    assert!(orphans(&world).await.is_empty());
}

#[test]
fn a_request_for_orphans_is_an_update_where_something_is_in_place_and_a_removal_where_nothing_is() {
    let absent = given([]).when(removal()).then();
    assert_eq!((absent.status, absent.only_orphans), (DeploymentStatus::RemovalRequested, true));
    let planned: Event = DeploymentPlanned {
        provider: "memory".into(),
        region: None,
        version: 0,
        blueprint: None,
        changes: Default::default(),
        steps: Vec::new(),
    }
    .into();
    let started: Event = DeploymentStarted { version: 0, owner: "test".into(), lease_token: 1 }.into();
    let going: Event = RemovalRequested { component: "orders".into(), environment: "dev".into() }.into();
    let unfinished = vec![going.clone(), planned.clone(), started.clone()];
    assert_eq!(given(unfinished).when(removal()).then_refused().kind(), ErrorKind::InvalidInput);
    let done = InfrastructureRemoved {
        component: "orders".into(),
        environment: "dev".into(),
        provider: "memory".into(),
        changes: Default::default(),
    };
    let removed = given([going, planned.clone(), started.clone(), done.into()]).when(removal()).then();
    assert_eq!(removed.status, DeploymentStatus::RemovalRequested);
    let resumed = given([removal().into(), planned, started]).when(removal()).then();
    assert_eq!(resumed.status, DeploymentStatus::RemovalRequested);
    let other = given([Event::from(removal())]).when(request()).then();
    assert!(!other.only_orphans);
}
