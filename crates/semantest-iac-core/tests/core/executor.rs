//! The executor: as parallel as the graph allows, in an order that a crash can be resumed from.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::error::Retry;
use semantest_iac_core::events::Event;
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_testkit::faults::{Fault, Moment};
use semantest_iac_testkit::world::{World, deploy_with, options, request};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

/// A component with `count` functions and one API.
fn wide(world: &World, count: usize) {
    let functions: Map<String, Value> = (0..count)
        .map(|at| {
            let settings = json!({ "handler": "f.f", "routes": [format!("GET /f{at}")] });
            (format!("f{at:03}"), settings)
        })
        .collect();
    let definition =
        json!({ "kind": "rest-api", "code": "orders", "runtime": "python3.12", "functions": functions });
    world.project.define_component("orders", definition);
}

/// Counts calls under way.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Fault for Gauge {
    async fn strike(&self, call: &str, moment: Moment) -> Result<()> {
        if call.starts_with("apply") && moment == Moment::Before {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            // Lets every other call that may begin do so.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test]
async fn as_many_steps_run_at_once_as_the_graph_and_the_bound_allow() {
    for (bound, expected) in [(1, 1), (4, 4), (64, 10)] {
        let world = World::new();
        wide(&world, 10);
        let gauge = Arc::new(Gauge::default());
        let provider = semantest_iac_testkit::faults::FaultyProvider {
            inner: world.provider.clone(),
            fault: gauge.clone(),
        };
        let service = world.service_with(Arc::new(provider), world.store.clone(), options(bound));
        assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Deployed);
        assert_eq!(gauge.most.load(Ordering::SeqCst), expected, "bound {bound}");
    }
}

#[tokio::test]
async fn every_outcome_follows_its_intent_and_every_intent_the_outcomes_it_needs() {
    let world = World::new();
    wide(&world, 10);
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    let mut begun: HashMap<String, bool> = HashMap::new();
    for event in &events {
        match &event.data {
            Event::ResourceChangeStarted(intent) => {
                for needed in &intent.depends_on {
                    assert_eq!(begun.get(needed.as_str()), Some(&true), "{} needs {needed}", intent.address);
                }
                assert!(begun.insert(intent.address.to_string(), false).is_none());
            }
            Event::ResourceCreated(outcome) => {
                assert_eq!(
                    begun.insert(outcome.address.to_string(), true),
                    Some(false),
                    "{}",
                    outcome.address
                );
            }
            _ => {}
        }
    }
    assert_eq!(begun.len(), 11);
}

/// Fails calls by name, so many times each.
struct Failing {
    left: Mutex<HashMap<String, (usize, Error)>>,
    struck: AtomicUsize,
}

impl Failing {
    fn new(failures: &[(&str, usize, Error)]) -> Arc<Self> {
        let left = failures.iter().map(|(call, times, error)| ((*call).to_owned(), (*times, error.clone())));
        Arc::new(Self { left: Mutex::new(left.collect()), struck: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Fault for Failing {
    async fn strike(&self, call: &str, moment: Moment) -> Result<()> {
        let mut left = self.left.lock().expect("no panic");
        match left.get_mut(call) {
            Some((times, error)) if *times > 0 && moment == Moment::Before => {
                *times -= 1;
                self.struck.fetch_add(1, Ordering::SeqCst);
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }
}

fn throttled() -> Error {
    Error::new(ErrorKind::Throttled, "test", "slow down").retry_later()
}

fn broken() -> Error {
    Error::new(ErrorKind::Provider, "test", "broken")
}

#[tokio::test]
async fn a_failed_step_stops_only_what_depends_on_it_and_leaves_the_deployment_resumable() {
    let world = World::new();
    let fault = Failing::new(&[("apply function.create", 1, broken())]);
    let answer = deploy_with(&world.faulty(fault)).await.expect("a run");
    assert_eq!((answer.status, answer.changes.created), (RunStatus::Failed, 1));
    let history = world.history().await;
    assert!(history.contains(&"ResourceCreated function.list".to_owned()), "{history:?}");
    assert!(history.contains(&"ResourceChangeFailed function.create".to_owned()), "{history:?}");
    assert!(!history.iter().any(|label| label.ends_with(" api")), "the API needs both: {history:?}");
    assert_eq!(history.last().map(String::as_str), Some("InfrastructureUpdateFailed"));
    let answer = world.deploy().await;
    assert_eq!((answer.status, answer.version), (RunStatus::Deployed, 1));
    assert_eq!(world.provider.calls().iter().filter(|call| *call == "apply function.list").count(), 1);
}

#[tokio::test]
async fn what_can_pass_is_tried_again_and_what_cannot_is_not() {
    let world = World::new();
    let passing = Failing::new(&[("apply api", 3, throttled())]);
    let answer = deploy_with(&world.faulty(passing.clone())).await.expect("a run");
    assert_eq!((answer.status, passing.struck.load(Ordering::SeqCst)), (RunStatus::Deployed, 3));

    let world = World::new();
    let lasting = Failing::new(&[("apply api", 100, throttled())]);
    let answer = deploy_with(&world.faulty(lasting.clone())).await.expect("a run");
    assert_eq!((answer.status, lasting.struck.load(Ordering::SeqCst)), (RunStatus::Failed, 5));
    let events = world.service().history("dev", "orders").await.expect("a history");
    let failed = events.iter().find_map(|event| match &event.data {
        Event::ResourceChangeFailed(failed) => Some(failed.error.clone()),
        _ => None,
    });
    assert_eq!(failed.expect("a failure").retry, Retry::Exhausted);

    let world = World::new();
    let final_one = Failing::new(&[("apply api", 100, broken())]);
    deploy_with(&world.faulty(final_one.clone())).await.expect("a run");
    assert_eq!(final_one.struck.load(Ordering::SeqCst), 1);
}

/// Cancels when a call is made; the call itself goes on.
struct Cancelling {
    at: &'static str,
    cancel: CancellationToken,
    hang: bool,
}

#[async_trait]
impl Fault for Cancelling {
    async fn strike(&self, call: &str, moment: Moment) -> Result<()> {
        if call == self.at && moment == Moment::Before {
            self.cancel.cancel();
            if self.hang {
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }
}

async fn cancelled(world: &World, hang: bool) -> semantest_iac_core::application::answer::DeployAnswer {
    let cancel = CancellationToken::new();
    let fault = Cancelling { at: "apply function.list", cancel: cancel.clone(), hang };
    let provider = semantest_iac_testkit::faults::FaultyProvider {
        inner: world.provider.clone(),
        fault: Arc::new(fault),
    };
    let mut short = options(16);
    short.executor.grace = Duration::from_millis(1);
    let service = world.service_with(Arc::new(provider), world.store.clone(), short);
    let envelope = service.envelope(request());
    service.deploy(envelope, &request(), &cancel).await.expect("a run")
}

#[tokio::test]
async fn a_cancelled_run_begins_nothing_more_ends_what_is_under_way_and_says_so() {
    let world = World::new();
    let answer = cancelled(&world, false).await;
    let error = answer.error.expect("an error");
    assert_eq!((answer.status, error.kind), (RunStatus::Failed, ErrorKind::Cancelled));
    assert_eq!(answer.changes.created, 2, "the functions were under way, the API was not");
    let events = world.service().history("dev", "orders").await.expect("a history");
    let Some(Event::InfrastructureUpdateFailed(end)) = events.last().map(|event| &event.data) else {
        panic!("the log says how it ended")
    };
    assert!(end.cancelled && end.not_started == 1);
    assert_eq!(world.deploy().await.status, RunStatus::Deployed);
    assert_eq!(world.provider.held().len(), 3);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_given_up_and_looked_up_by_the_next_run() {
    let world = World::new();
    let answer = cancelled(&world, true).await;
    assert_eq!(answer.error.expect("an error").kind, ErrorKind::Cancelled);
    assert_eq!(world.deploy().await.status, RunStatus::Deployed);
    assert!(world.provider.calls().contains(&"observe function.list".to_owned()), "it was looked up first");
}

#[tokio::test]
async fn a_look_that_is_stopped_records_nothing_and_gives_its_lease_back() {
    let world = World::new();
    world.deploy().await;
    world.provider.tamper(|held| drop(held.remove("shop-dev-orders-api")));
    let recorded = world.history().await;
    let cancel = CancellationToken::new();
    let fault = Cancelling { at: "observe function.list", cancel: cancel.clone(), hang: true };
    let stopped = world.faulty(Arc::new(fault)).refresh_unless("dev", "orders", &cancel).await;
    assert_eq!(stopped.expect_err("it is stopped").kind(), ErrorKind::Cancelled);
    assert_eq!(world.history().await, recorded);
    let found = world.service().refresh("dev", "orders").await.expect("nobody holds it");
    assert_eq!(found.drift.len(), 1);
}
