//! Secrets: in the provider's hands, and in nobody else's.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::application::service::DeploymentService;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::memory::provider::InMemoryProvider;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::{SecretResolver, SecretValue};
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_testkit::world::{World, deploy_with, options, orders, request};
use serde_json::json;

const CANARY: &str = "canary-2c1d77e0";

fn with_secret() -> World {
    let world = World::new();
    let mut definition = orders();
    definition["environment_variables"] = json!({ "PASSWORD": { "secret": "memory:password" } });
    world.project.define_component("orders", definition);
    world
}

/// Everything the log holds, as text.
async fn log(world: &World) -> String {
    let events = world.store.read_all(0, usize::MAX).await.expect("the log");
    events.iter().map(|event| String::from_utf8_lossy(&event.json).into_owned()).collect()
}

/// Sees what a provider is given; fails every call with everything it knows.
struct Gossip {
    inner: Arc<InMemoryProvider>,
    revealed: Mutex<Vec<String>>,
    debugged: Mutex<String>,
}

#[async_trait]
impl Provider for Gossip {
    fn name(&self) -> &str {
        "memory"
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        self.inner.lower(blueprint, settings)
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        self.inner.observe(resource).await
    }

    async fn apply(&self, change: &Change, _operation: &Operation) -> Result<Applied> {
        let values = change.secrets.iter().map(|(_, value)| value.reveal().to_owned());
        self.revealed.lock().expect("no panic").extend(values);
        self.debugged.lock().expect("no panic").push_str(&format!("{change:?}"));
        Err(Error::new(ErrorKind::Provider, "gossip", format!("could not apply {change:?}")))
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        self.inner.delete(resource, operation).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        self.inner.discover(scope).await
    }
}

#[tokio::test]
async fn a_provider_gets_the_value_and_no_event_answer_or_debug_output_does() {
    let world = with_secret();
    world.secrets.set("memory:password", CANARY);
    let gossip = Arc::new(Gossip {
        inner: world.provider.clone(),
        revealed: Mutex::default(),
        debugged: Mutex::default(),
    });
    let service = world.service_with(gossip.clone(), world.store.clone(), options(16));
    let plan = service.plan(&request()).await.expect("a plan");
    let answer = deploy_with(&service).await.expect("a run");
    assert_eq!(answer.status, RunStatus::Failed);
    assert!(gossip.revealed.lock().expect("no panic").contains(&CANARY.to_owned()), "it got the value");
    let said =
        format!("{plan:?}{answer:?}{}{}", log(&world).await, gossip.debugged.lock().expect("no panic"));
    assert!(said.contains("memory:password"), "the reference is no secret");
    assert!(!said.contains(CANARY), "{said}");
}

#[tokio::test]
async fn another_value_is_a_change_and_the_same_value_is_none() {
    let world = with_secret();
    world.secrets.set("memory:password", CANARY);
    assert_eq!(world.deploy().await.status, RunStatus::Deployed);
    assert_eq!(world.deploy().await.status, RunStatus::Unchanged);
    world.secrets.set("memory:password", "another");
    assert_eq!(world.deploy().await.changes.updated, 2);
    assert!(!log(&world).await.contains(CANARY));
}

#[tokio::test]
async fn a_secret_without_a_value_stops_a_deploy_before_it_begins_and_no_plan() {
    let world = with_secret();
    let error = deploy_with(&world.service()).await.expect_err("no value");
    assert_eq!(error.kind(), ErrorKind::SecretUnresolved);
    assert!(error.message().contains("memory:password"), "{error}");
    assert!(world.provider.calls().is_empty() && log(&world).await.is_empty());
    assert_eq!(world.service().plan(&request()).await.expect("a plan").changes.created, 3);
    world.secrets.set("memory:password", CANARY);
    world.deploy().await;
    let plan = world.service().plan(&request()).await.expect("a plan");
    assert_eq!(plan.changes.unchanged, 3);
}

/// Notes which region each secret is asked for in.
struct Regional(Mutex<Vec<Option<String>>>);

#[async_trait]
impl SecretResolver for Regional {
    fn schemes(&self) -> Vec<String> {
        vec!["memory".into()]
    }

    async fn resolve(&self, _reference: &str) -> Result<SecretValue> {
        Ok(SecretValue::new("value"))
    }

    async fn resolve_in(&self, reference: &str, region: Option<&str>) -> Result<SecretValue> {
        self.0.lock().expect("no panic").push(region.map(str::to_owned));
        self.resolve(reference).await
    }

    async fn digest(&self, _value: &SecretValue) -> Result<String> {
        Ok("digest".into())
    }
}

#[tokio::test]
async fn a_secret_is_looked_up_in_the_region_of_the_deployment() {
    let world = with_secret();
    world.provider.set_default_region("eu-west-1");
    let resolver = Arc::new(Regional(Mutex::default()));
    let mut ports = world.service().ports().clone();
    ports.secrets = resolver.clone();
    let service = DeploymentService::new(ports, options(1));
    deploy_with(&service).await.expect("a run");
    assert_eq!(*resolver.0.lock().expect("no panic"), vec![Some("eu-west-1".to_owned())]);
}
