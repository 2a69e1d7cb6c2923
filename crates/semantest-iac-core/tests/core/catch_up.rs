//! Durable consumers: every event, in order, at least once, across restarts.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac_core::application::catch_up::CatchUp;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::memory::checkpoints::InMemoryCheckpoints;
use semantest_iac_core::ports::event_bus::{EventFilter, EventHandler};
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_testkit::world::World;
use tokio_util::sync::CancellationToken;

/// Keeps what it gets; stops after so many; fails as it is told.
struct Consumer {
    seen: Mutex<Vec<String>>,
    failures: Mutex<Vec<Error>>,
    enough: usize,
    cancel: CancellationToken,
}

#[async_trait]
impl EventHandler for Consumer {
    fn name(&self) -> &str {
        "consumer"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        if let Some(failure) = self.failures.lock().expect("no panic").pop() {
            return Err(failure);
        }
        let mut seen = self.seen.lock().expect("no panic");
        seen.push(event.name().to_owned());
        if seen.len() == self.enough {
            self.cancel.cancel();
        }
        Ok(())
    }
}

async fn consume(
    world: &World,
    checkpoints: &Arc<InMemoryCheckpoints>,
    filter: EventFilter,
    enough: usize,
    failures: Vec<Error>,
) -> (Result<()>, Vec<String>) {
    let cancel = CancellationToken::new();
    let consumer = Arc::new(Consumer {
        seen: Mutex::default(),
        failures: Mutex::new(failures),
        enough,
        cancel: cancel.clone(),
    });
    let subscription = CatchUp {
        store: world.store.clone(),
        checkpoints: checkpoints.clone(),
        clock: world.clock.clone(),
        filter,
        handler: consumer.clone(),
    };
    let ended = subscription.run(&cancel).await;
    let seen = consumer.seen.lock().expect("no panic").clone();
    (ended, seen)
}

#[tokio::test]
async fn a_restarted_consumer_goes_on_where_it_was() {
    let world = World::new();
    world.deploy().await;
    let checkpoints = Arc::default();
    let (ended, first) = consume(&world, &checkpoints, EventFilter::all(), 5, Vec::new()).await;
    ended.expect("it was stopped");
    let (ended, second) = consume(&world, &checkpoints, EventFilter::all(), 9, Vec::new()).await;
    ended.expect("it was stopped");
    let names: Vec<String> = world
        .history()
        .await
        .iter()
        .map(|label| label.split(' ').next().expect("a name").to_owned())
        .collect();
    let seen: Vec<String> = first.iter().chain(&second).cloned().collect();
    // The event it was stopped at is delivered again: at least once.
    assert_eq!(first, names[..5]);
    assert_eq!(second, names[4..]);
    assert_eq!(seen.len(), names.len() + 1);
}

#[tokio::test]
async fn only_what_is_wanted_is_delivered_and_the_rest_is_passed_over_for_good() {
    let world = World::new();
    world.deploy().await;
    let checkpoints = Arc::default();
    let filter = EventFilter::names(["FunctionDeployed"]);
    let (ended, seen) = consume(&world, &checkpoints, filter, 2, Vec::new()).await;
    ended.expect("it was stopped");
    assert_eq!(seen, ["FunctionDeployed", "FunctionDeployed"]);
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_first_the_next_time() {
    let world = World::new();
    world.deploy().await;
    let checkpoints = Arc::default();
    let passing = || Error::new(ErrorKind::Unavailable, "consumer", "not now").retry_later();
    let (ended, seen) =
        consume(&world, &checkpoints, EventFilter::all(), 1, vec![passing(), passing()]).await;
    ended.expect("it was stopped");
    assert_eq!(seen, ["DeploymentRequested"]);
    let lasting = Error::new(ErrorKind::HandlerFailed, "consumer", "broken");
    let (ended, seen) = consume(&world, &checkpoints, EventFilter::all(), 1, vec![lasting]).await;
    assert_eq!(ended.expect_err("it failed").kind(), ErrorKind::HandlerFailed);
    assert!(seen.is_empty());
    let (_, seen) = consume(&world, &checkpoints, EventFilter::all(), 1, Vec::new()).await;
    assert_eq!(seen, ["DeploymentRequested"], "nothing was skipped");
}
