//! Stacks of Pulumi programs: from the definition to the log, over a provider that tells what happens inside.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::plan::{PropertyChange, StepAction};
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::request::{
    DeploymentRequested, EnvironmentConfigurationRequested, RollbackRequested,
};
use semantest_iac_core::events::resource_change::{ChangeStage, NestedChange};
use semantest_iac_core::memory::provider::InMemoryProvider;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, Provider, ProviderSettings, ResourceHandle, Scope,
    Watch,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_testkit::world::{World, deploy_with, options, request};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Drives stacks that hold one bucket.
#[derive(Default)]
struct Stacks {
    held: InMemoryProvider,
    /// Values of secrets that calls were given.
    seen: Mutex<Vec<String>>,
    fails: Mutex<bool>,
}

fn bucket(stage: ChangeStage) -> NestedChange {
    NestedChange {
        nested_kind: "aws:s3/bucket:Bucket".into(),
        nested_name: "assets".into(),
        action: StepAction::Create,
        stage,
    }
}

#[async_trait]
impl Provider for Stacks {
    fn name(&self) -> &str {
        "memory"
    }

    fn drives_stacks(&self) -> bool {
        true
    }

    fn lower(&self, blueprint: &Blueprint, _settings: &ProviderSettings) -> Result<ResourceGraph> {
        let stack = blueprint.stack.clone().expect("a stack");
        let Ok(Value::Object(mut inputs)) = serde_json::to_value(stack) else { panic!("an object") };
        inputs.insert("name".into(), json!(format!("stack-{}", blueprint.component)));
        let mut resource = Resource::new(format!("stack.{}", blueprint.component), "test.stack", inputs);
        resource.role = Some(ResourceRole::Stack);
        ResourceGraph::new(vec![resource])
    }

    async fn preview(&self, _resource: &ResourceHandle) -> Result<Vec<PropertyChange>> {
        let (property, after) = ("resources.aws:s3/bucket:Bucket::assets".to_owned(), Some(json!({})));
        Ok(vec![PropertyChange { property, before: None, after, known_after_apply: false }])
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        self.held.observe(resource).await
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        self.held.apply(change, operation).await
    }

    async fn apply_watched(&self, change: &Change, operation: &Operation, watch: &Watch) -> Result<Applied> {
        let values = change.secrets.iter().map(|(_, value)| value.reveal().to_owned());
        self.seen.lock().expect("seen").extend(values);
        watch.tell(bucket(ChangeStage::Started));
        tokio::task::yield_now().await;
        if *self.fails.lock().expect("fails") {
            watch.tell(bucket(ChangeStage::Failed));
            return Err(Error::new(ErrorKind::Provider, "test.up", "no such bucket"));
        }
        watch.tell(bucket(ChangeStage::Done));
        let mut applied = self.apply(change, operation).await?;
        applied.outputs.insert("stack_name".into(), json!("production"));
        applied.outputs.insert("outputs".into(), json!({ "url": "http://assets", "token": "[secret]" }));
        Ok(applied)
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        self.held.delete(resource, operation).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        self.held.discover(scope).await
    }
}

fn network() -> Value {
    json!({
        "kind": "pulumi-stack", "code": "infra",
        "config": { "aws:region": "eu-west-1", "net:password": { "secret": "memory:canary" } },
        "environment_variables": { "PULUMI_BACKEND_URL": "file:///${HOME}/state" }
    })
}

fn world(definition: Value) -> (World, Arc<Stacks>) {
    let world = World::new();
    world.project.write_code("infra", b"name: infra");
    world.project.define_component("orders", definition);
    world.secrets.set("memory:canary", "canary-of-the-stack");
    (world, Arc::default())
}

impl Stacks {
    fn service(
        self: &Arc<Self>,
        world: &World,
    ) -> semantest_iac_core::application::service::DeploymentService {
        world.service_with(self.clone(), world.store.clone(), options(4))
    }
}

#[tokio::test]
async fn what_happens_inside_a_stack_is_recorded_between_its_intent_and_its_outcome() {
    let (world, stacks) = world(network());
    let service = stacks.service(&world);
    assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Deployed);
    let events = service.history("dev", "orders").await.expect("a history");
    let names: Vec<&str> = events.iter().map(|event| event.name()).collect();
    let expected = [
        "DeploymentRequested",
        "DeploymentPlanned",
        "DeploymentStarted",
        "ResourceChangeStarted",
        "NestedResourceChanged",
        "NestedResourceChanged",
        "ResourceCreated",
        "StackDeployed",
        "InfrastructureUpdated",
    ];
    assert_eq!(names, expected);
    let Event::StackDeployed(deployed) = &events[7].data else { panic!("{:?}", events[7]) };
    assert_eq!(
        (deployed.stack_name.as_str(), &deployed.outputs["url"]),
        ("production", &json!("http://assets"))
    );
    let (Event::NestedResourceChanged(first), Event::NestedResourceChanged(second)) =
        (&events[4].data, &events[5].data)
    else {
        panic!("{names:?}")
    };
    assert_eq!((first.change.stage, second.change.stage), (ChangeStage::Started, ChangeStage::Done));
    assert_eq!(first.address.as_str(), "stack.orders");
    assert_eq!(*stacks.seen.lock().expect("seen"), ["canary-of-the-stack"]);
    let log =
        format!("{events:?}{}", events.iter().map(|event| event.to_value().to_string()).collect::<String>());
    assert!(!log.contains("canary-of-the-stack"), "a secret is in the log");
}

#[tokio::test]
async fn the_stack_is_the_environments_unless_another_is_named_and_a_plan_shows_what_is_inside() {
    let (world, stacks) = world(network());
    let service = stacks.service(&world);
    let plan = service.plan(&request()).await.expect("a plan");
    let find = |property: &str| plan.steps[0].diff.iter().find(|change| change.property == property);
    assert_eq!(find("stack").and_then(|change| change.after.clone()), Some(json!("dev")));
    assert!(find("resources.aws:s3/bucket:Bucket::assets").is_some(), "{plan:?}");
    let anew = service.plan_anew(&request()).await.expect("a plan");
    assert!(anew.steps[0].diff.iter().all(|change| !change.property.starts_with("resources.")), "{anew:?}");
    deploy_with(&service).await.expect("a run");
    assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Unchanged);
    world.project.write_code("infra", b"name: infra\ndescription: another");
    assert_eq!(deploy_with(&service).await.expect("a run").changes.updated, 1, "another program is a change");
    world.secrets.set("memory:canary", "another-canary");
    assert_eq!(deploy_with(&service).await.expect("a run").changes.updated, 1, "another secret is a change");
}

#[tokio::test]
async fn a_stack_that_fails_fails_the_run_and_the_next_run_goes_on() {
    let (world, stacks) = world(network());
    *stacks.fails.lock().expect("fails") = true;
    let service = stacks.service(&world);
    assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Failed);
    let events = service.history("dev", "orders").await.expect("a history");
    let names: Vec<&str> = events.iter().map(|event| event.name()).collect();
    let last = [
        "NestedResourceChanged",
        "NestedResourceChanged",
        "ResourceChangeFailed",
        "InfrastructureUpdateFailed",
    ];
    assert_eq!(names[names.len() - 4..], last);
    *stacks.fails.lock().expect("fails") = false;
    assert_eq!(deploy_with(&service).await.expect("a run").status, RunStatus::Deployed);
}

#[tokio::test]
async fn a_version_is_gone_back_to_only_with_the_program_of_then() {
    let (world, stacks) = world(network());
    let service = stacks.service(&world);
    deploy_with(&service).await.expect("a run");
    world.project.write_code("infra", b"name: infra\ndescription: another");
    deploy_with(&service).await.expect("a run");
    let back = RollbackRequested { component: "orders".into(), environment: "dev".into(), version: Some(1) };
    let (envelope, cancel) = (service.envelope(back.clone()), CancellationToken::new());
    let refused = service.rollback(envelope.clone(), &back, &cancel).await.expect_err("another program");
    assert!(refused.message().contains("`infra`"), "{refused}");
    let settings = EnvironmentConfigurationRequested {
        component: "orders".into(),
        environment: "dev".into(),
        variables: [(
            "LEVEL".to_owned(),
            semantest_iac_core::domain::environment::SettingValue::Plain("1".into()),
        )]
        .into(),
        unset: Vec::new(),
        tags: [].into(),
    };
    let configured = service.configure(service.envelope(settings.clone()), &settings, &cancel).await;
    assert_eq!(configured.expect("the program is as deployed").changes.updated, 1);
    world.project.write_code("infra", b"name: infra");
    service.rollback(service.envelope(back.clone()), &back, &cancel).await.expect("the program of then");
}

#[tokio::test]
async fn a_provider_that_drives_no_stacks_refuses_one_and_says_where_it_can_go() {
    let (world, _) = world(network());
    let refused = deploy_with(&world.service()).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.message().contains("provider = \"pulumi\""), "{refused}");
    assert!(world.service().history("dev", "orders").await.is_err(), "nothing was begun");
}

#[tokio::test]
async fn a_stack_that_cannot_be_is_refused_at_its_key_before_anything_is_begun() {
    let cases = [
        ("code", Value::Null, "Pulumi.yaml"),
        ("stack", json!("--yes"), "no name of a stack"),
        ("config", json!({ "a:b:c": "x" }), "namespace:name"),
        ("config", json!({ "a": { "secret": "nowhere:x" } }), "nowhere"),
        ("memory_mb", json!(512), "`memory_mb` means nothing for a pulumi-stack"),
        ("tags", json!({ "a": "b" }), "`tags` means nothing"),
        ("stak", json!("production"), "did you mean `stack`"),
    ];
    for (key, value, said) in cases {
        let mut definition = network();
        match value {
            Value::Null => drop(definition.as_object_mut().expect("an object").remove(key)),
            value => definition[key] = value,
        }
        let (world, stacks) = world(definition);
        let refused = deploy_with(&stacks.service(&world)).await.expect_err(key);
        assert!(refused.message().contains(said), "{key}: {refused}");
    }
    for (definition, key) in [
        (json!({ "kind": "rest-api", "code": "infra", "stack": "x" }), "stack"),
        (json!({ "kind": "container-service", "image": "x", "config": { "a": "b" } }), "config"),
    ] {
        let (world, stacks) = world(definition);
        let refused = deploy_with(&stacks.service(&world)).await.expect_err(key);
        assert!(refused.message().contains(&format!("`{key}` means nothing")), "{refused}");
    }
}

#[tokio::test]
async fn the_requests_configuration_is_laid_over_the_stacks() {
    let (world, stacks) = world(network());
    let service = stacks.service(&world);
    let configuration = json!({ "config": { "aws:region": "us-east-1" }, "stack": "blue" });
    let asked = DeploymentRequested {
        configuration: configuration.as_object().cloned().unwrap_or_else(Properties::new),
        ..request()
    };
    service.deploy(service.envelope(asked.clone()), &asked, &CancellationToken::new()).await.expect("a run");
    let held = stacks.held.held();
    let inputs = &held["stack-orders"].inputs;
    assert_eq!((&inputs["stack"], &inputs["config"]["aws:region"]), (&json!("blue"), &json!("us-east-1")));
    assert_eq!(inputs["config"]["net:password"]["secret"], "memory:canary");
    assert_eq!(inputs["environment_variables"]["PULUMI_BACKEND_URL"], "file:///${HOME}/state");
}
