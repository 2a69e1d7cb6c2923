//! Adapters of another language pass every suite, if the objects behind them do what is written down.

mod over_json;

use std::sync::Arc;

use over_json::{JsonBus, JsonProvider, JsonSecrets, JsonStore};
use semantest_iac_core::memory::clock::ManualClock;
use semantest_iac_core::memory::event_store::InMemoryEventStore;
use semantest_iac_core::ports::event_store::EventStore;
use semantest_iac_core::ports::provider::{OwnershipTags, Provider, ProviderSettings};
use semantest_iac_foreign::{ForeignEventBus, ForeignEventStore, ForeignProvider, ForeignSecretResolver};
use semantest_iac_testkit as testkit;
use semantest_iac_testkit::world::{World, deploy_with, options};
use serde_json::json;

fn store() -> Arc<dyn EventStore> {
    let store = JsonStore(InMemoryEventStore::new(Arc::new(ManualClock::default())));
    Arc::new(ForeignEventStore::new(Arc::new(store)).expect("a store"))
}

#[tokio::test]
async fn a_foreign_event_store_conforms() {
    testkit::event_store::conforms(store()).await;
}

#[tokio::test]
async fn a_foreign_event_bus_conforms() {
    let bus = ForeignEventBus::new(Arc::<JsonBus>::default()).expect("a bus");
    testkit::event_bus::conforms(&bus).await;
}

#[tokio::test]
async fn a_foreign_provider_conforms() {
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
    let kind = "memory.function".into();
    let sample = testkit::provider::Sample { tags, kind, inputs: inputs(128), updated: inputs(256) };
    let provider = ForeignProvider::new("elsewhere", Arc::<JsonProvider>::default()).expect("a provider");
    testkit::provider::conforms(&provider, &sample).await;
}

#[tokio::test]
async fn a_foreign_secret_resolver_conforms() {
    let pair = |reference: &str, value: &str| (reference.to_owned(), value.to_owned());
    let sample = testkit::secret_resolver::Sample {
        known: pair("memory:known", "canary \"one\" \u{fc}"),
        other: pair("memory:other", "canary two"),
        unknown: "memory:nothing".into(),
    };
    for digests in [true, false] {
        let object = JsonSecrets { digests, ..JsonSecrets::default() };
        for (reference, value) in [&sample.known, &sample.other] {
            object.secrets.set(reference, value);
        }
        let resolver =
            ForeignSecretResolver::new(["memory".to_owned()], Arc::new(object)).expect("a resolver");
        let resolver = if digests { resolver } else { resolver.with_key("a key") };
        testkit::secret_resolver::conforms(&resolver, &sample).await;
    }
}

#[tokio::test]
async fn a_run_over_a_foreign_provider_and_log_is_like_any_other() {
    let world = World::new();
    world.deploy().await;
    let elsewhere = World::new();
    let object = Arc::<JsonProvider>::default();
    object.0.set_default_region("eu-west-1");
    let provider: Arc<dyn Provider> =
        Arc::new(ForeignProvider::new("memory", object.clone()).expect("a provider"));
    assert_eq!(provider.default_region().await.as_deref(), Some("eu-west-1"));
    let findings = provider.diagnose(&ProviderSettings::default()).await.expect("findings");
    assert!(findings[0].ok && findings[0].detail == "eu-west-1", "{findings:?}");
    assert!(provider.functions().is_none(), "it calls no functions");
    let log = store();
    let service = elsewhere.service_with(provider, log.clone(), options(4));
    let answer = deploy_with(&service).await.expect("a run");
    assert_eq!(answer.changes.created, 3, "{answer:?}");
    assert_eq!(object.0.held(), world.provider.held());
    let again = deploy_with(&service).await.expect("a run");
    assert_eq!(again.changes.created, 0, "{again:?}");
    let names = |events: Vec<semantest_iac_core::events::envelope::Envelope>| -> Vec<String> {
        let mut names: Vec<_> = events.iter().map(testkit::world::label).collect();
        names.sort();
        names
    };
    world.deploy().await;
    let here = world.service().history("dev", "orders").await.expect("a history");
    let there = service.history("dev", "orders").await.expect("a history");
    assert_eq!(names(there), names(here));
}
