//! A crash at every event boundary and inside every provider call, for each verb that changes something: the next run
//! ends in the same state as one that was left alone, with no orphan and no duplicate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::application::answer::{DeployAnswer, RunStatus};
use semantest_iac_core::application::service::DeploymentService;
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::events::request::{
    EnvironmentConfigurationRequested, RemovalRequested, RollbackRequested, ScalingRequested, ScalingTarget,
};
use semantest_iac_core::memory::clock::ManualClock;
use semantest_iac_core::memory::provider::Held;
use semantest_iac_sqlite::SqliteStore;
use semantest_iac_testkit::faults::{Fault, Moment};
use semantest_iac_testkit::world::{World, deploy_with, orders};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Never returns from the n-th moment on: what was under way then is lost, as in a crash.
struct Crash {
    at: usize,
    seen: AtomicUsize,
    crashed: Notify,
}

impl Crash {
    fn at(at: usize) -> Arc<Self> {
        Arc::new(Self { at, seen: AtomicUsize::new(0), crashed: Notify::new() })
    }
}

#[async_trait]
impl Fault for Crash {
    async fn strike(&self, _call: &str, _moment: Moment) -> Result<()> {
        if self.seen.fetch_add(1, Ordering::SeqCst) >= self.at {
            self.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    FirstDeploy,
    Update,
    Rollback,
    Scale,
    Configure,
    Destroy,
}

/// What has happened before the verb.
async fn prepare(world: &World, verb: Verb) {
    if matches!(verb, Verb::FirstDeploy) {
        return;
    }
    world.deploy().await;
    match verb {
        Verb::Update => change(world),
        Verb::Rollback => {
            change(world);
            world.deploy().await;
        }
        _ => {}
    }
}

/// One function is made anew, one is taken away, one is added, the API changes.
fn change(world: &World) {
    world.project.write_code("orders", b"version two");
    let mut definition = orders();
    definition["functions"] = json!({
        "list": { "handler": "orders.list_all", "routes": ["GET /orders"], "runtime": "python3.13" },
        "remove": { "handler": "orders.remove", "routes": ["DELETE /orders"] }
    });
    world.project.define_component("orders", definition);
}

async fn carry_out(service: &DeploymentService, verb: Verb) -> Result<DeployAnswer> {
    let go = CancellationToken::new();
    let (component, environment) = ("orders".to_owned(), "dev".to_owned());
    match verb {
        Verb::FirstDeploy | Verb::Update => deploy_with(service).await,
        Verb::Rollback => {
            let request = RollbackRequested { component, environment, version: Some(1) };
            service.rollback(service.envelope(request.clone()), &request, &go).await
        }
        Verb::Scale => {
            let target = ScalingTarget { reserved_concurrency: Some(3), ..Default::default() };
            let request = ScalingRequested { component, environment, function: None, target };
            service.scale(service.envelope(request.clone()), &request, &go).await
        }
        Verb::Configure => {
            let variables = [("LEVEL".to_owned(), SettingValue::Plain("debug".into()))].into();
            let (unset, tags) = (Vec::new(), BTreeMap::new());
            let request =
                EnvironmentConfigurationRequested { component, environment, variables, unset, tags };
            service.configure(service.envelope(request.clone()), &request, &go).await
        }
        Verb::Destroy => {
            let request = RemovalRequested { component, environment };
            service.remove(service.envelope(request.clone()), &request, &go).await
        }
    }
}

/// Carries out `verb` until the crash; `false` where it came to its end before.
async fn crash(world: &World, verb: Verb, at: usize) -> bool {
    let fault = Crash::at(at);
    let service = world.faulty(fault.clone());
    let crashed = tokio::select! {
        ended = carry_out(&service, verb) => {
            ended.expect("nothing but a crash ends it early");
            false
        }
        () = fault.crashed.notified() => true,
    };
    world.let_leases_expire();
    crashed
}

/// What there is in the end: in the cloud, and in the log.
async fn end_state(world: &World) -> (BTreeMap<String, Held>, Value) {
    let status = world.service().status(Some("dev"), Some("orders")).await.expect("a status");
    let deployment = &status.deployments[0];
    let log = json!({
        "status": deployment.status, "version": deployment.version, "endpoint": deployment.endpoint,
        "resources": deployment.resources, "functions": deployment.functions,
    });
    (world.provider.held(), log)
}

async fn walk(make: impl Fn() -> World, verb: Verb, at_least: usize) {
    let undisturbed = make();
    prepare(&undisturbed, verb).await;
    carry_out(&undisturbed.service(), verb).await.expect("a run");
    let wanted = end_state(&undisturbed).await;
    let mut points = 0;
    loop {
        let world = make();
        prepare(&world, verb).await;
        if !crash(&world, verb, points).await {
            break;
        }
        if points % 3 == 1 {
            // Two crashes in a row, the second somewhere else.
            crash(&world, verb, points / 2).await;
        }
        let answer = carry_out(&world.service(), verb).await.expect("the next run begins");
        assert_ne!(answer.status, RunStatus::Failed, "{verb:?}, crash {points}: {:?}", answer.error);
        let reached = end_state(&world).await;
        assert_eq!(reached.0, wanted.0, "{verb:?}, crash {points}: the cloud");
        assert_eq!(reached.1, wanted.1, "{verb:?}, crash {points}: the log");
        points += 1;
    }
    assert!(points >= at_least, "{verb:?}: only {points} points were found");
}

const VERBS: [(Verb, usize); 6] = [
    (Verb::FirstDeploy, 14),
    (Verb::Update, 14),
    (Verb::Rollback, 14),
    (Verb::Scale, 10),
    (Verb::Configure, 10),
    (Verb::Destroy, 14),
];

#[tokio::test]
async fn in_memory_every_crash_point_of_every_verb_is_resumed() {
    for (verb, at_least) in VERBS {
        walk(World::new, verb, at_least).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_sqlite_every_crash_point_of_every_verb_is_resumed() {
    let folders = tempfile::tempdir().expect("a folder");
    let count = AtomicUsize::new(0);
    let make = || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let store = Arc::new(SqliteStore::open(folders.path().join(number.to_string())).expect("a store"));
        let clock =
            Arc::new(ManualClock::new(semantest_iac::ports::clock::Timestamp::now(), Duration::from_secs(5)));
        World::over(clock, store.clone(), store.clone(), store)
    };
    for (verb, at_least) in VERBS {
        walk(make, verb, at_least).await;
    }
}
