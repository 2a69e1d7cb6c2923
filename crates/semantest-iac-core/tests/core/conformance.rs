//! The in-memory adapters pass every suite first.

use std::sync::Arc;

use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::checkpoints::InMemoryCheckpoints;
use semantest_iac_core::memory::clock::ManualClock;
use semantest_iac_core::memory::event_bus::InProcessBus;
use semantest_iac_core::memory::event_store::InMemoryEventStore;
use semantest_iac_core::memory::lease_store::InMemoryLeaseStore;
use semantest_iac_core::memory::provider::InMemoryProvider;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::provider::OwnershipTags;
use semantest_iac_testkit as testkit;
use serde_json::json;

#[tokio::test]
async fn the_event_store_in_memory_conforms() {
    let store = InMemoryEventStore::new(Arc::new(ManualClock::default()));
    testkit::event_store::conforms(Arc::new(store)).await;
}

#[tokio::test]
async fn the_leases_in_memory_conform() {
    testkit::lease_store::conforms(&InMemoryLeaseStore::default()).await;
}

#[tokio::test]
async fn the_checkpoints_in_memory_conform() {
    testkit::checkpoints::conforms(&InMemoryCheckpoints::default()).await;
}

#[tokio::test]
async fn the_artifacts_in_memory_conform() {
    testkit::artifact_store::conforms(&InMemoryArtifactStore::default()).await;
}

#[tokio::test]
async fn the_in_process_bus_conforms() {
    testkit::event_bus::conforms(&InProcessBus::default()).await;
}

#[tokio::test]
async fn the_provider_in_memory_conforms() {
    let tags = OwnershipTags {
        project: "shop".into(),
        environment: "dev".into(),
        component: "rest-api".into(),
        address: "function.rest-api".into(),
    };
    let inputs = |memory: u32| {
        let inputs = json!({ "name": "shop-dev-rest-api", "memory_mb": memory, "package": "abc",
            "environment_variables": { "PASSWORD": { "secret": "memory:canary" } } });
        inputs.as_object().expect("an object").clone()
    };
    let sample = testkit::provider::Sample {
        tags,
        kind: "memory.function".into(),
        inputs: inputs(128),
        updated: inputs(256),
    };
    testkit::provider::conforms(&InMemoryProvider::default(), &sample).await;
}

#[tokio::test]
async fn the_secrets_in_memory_conform() {
    let pair = |reference: &str, value: &str| (reference.to_owned(), value.to_owned());
    let sample = testkit::secret_resolver::Sample {
        known: pair("memory:known", "canary one"),
        other: pair("memory:other", "canary two"),
        unknown: "memory:nothing".into(),
    };
    let secrets = InMemorySecrets::default();
    for (reference, value) in [&sample.known, &sample.other] {
        secrets.set(reference, value);
    }
    testkit::secret_resolver::conforms(&secrets, &sample).await;
}
