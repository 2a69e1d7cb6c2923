//! A container service through the provider's port, without the command line: lowered, applied in order, looked at, changed,
//! taken away. Runs where `AWS_ENDPOINT_URL` names an emulator (and `AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING` one that has
//! that service, where the first has not).

use std::collections::BTreeMap;
use std::sync::Arc;

use semantest_iac_aws::{AwsConfig, AwsProvider, CallSettings};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{
    Address, Properties, Reference, Resource, substitute,
};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::provider::{
    Change, ChangeAction, Operation, OwnershipTags, Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretValue};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";

/// What a log would know: the id, inputs and outputs of each resource.
type State = BTreeMap<Address, (String, Properties, Properties)>;

struct World {
    provider: AwsProvider,
    project: String,
    state: State,
    /// Ids of operations.
    operations: u32,
}

impl World {
    fn new(project: &str) -> Option<Self> {
        if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
            eprintln!("AWS_ENDPOINT_URL names no emulator: nothing is tried");
            return None;
        }
        let calls = CallSettings { keep_to_quotas: false, ..CallSettings::default() };
        let artifacts = Arc::<InMemoryArtifactStore>::default();
        let config = AwsConfig { artifacts, secrets: Arc::<InMemorySecrets>::default(), calls };
        let (provider, project) = (AwsProvider::new(config), project.to_owned());
        Some(Self { provider, project, state: State::new(), operations: 0 })
    }

    fn blueprint(&self, changes: &Value) -> Blueprint {
        let mut service = json!({
            "image": "registry.example/worker:1.4", "port": 8080, "cpu": 0.25, "memory_mb": 512,
            "replicas": { "min": 1, "max": 4, "target_cpu_percent": 60 },
            "environment_variables": { "A": "b", "PASSWORD": { "secret": "memory:password" } },
        });
        for (key, value) in changes.as_object().expect("an object") {
            service[key] = value.clone();
        }
        let port = service["port"].clone();
        let blueprint = json!({
            "project": self.project, "environment": "dev", "component": "worker", "kind": "container-service",
            "service": service, "tags": { "team": "one" },
            "load_balancer": { "listen_port": 80, "target_port": port, "health_check_path": "/health" },
        });
        serde_json::from_value(blueprint).expect("a blueprint")
    }

    fn graph(&self, changes: &Value) -> ResourceGraph {
        let settings = ProviderSettings { region: Some(REGION.into()) };
        self.provider.lower(&self.blueprint(changes), &settings).expect("it can be lowered")
    }

    fn handle(&self, resource: &Resource) -> ResourceHandle {
        let known = self.state.get(&resource.address);
        ResourceHandle {
            tags: OwnershipTags {
                project: self.project.clone(),
                environment: "dev".into(),
                component: "worker".into(),
                address: resource.address.clone(),
            },
            kind: resource.kind.clone(),
            inputs: self.substituted(resource),
            id: known.map(|(id, ..)| id.clone()),
            outputs: known.map(|(_, _, outputs)| outputs.clone()).unwrap_or_default(),
        }
    }

    fn substituted(&self, resource: &Resource) -> Properties {
        let output = |reference: &Reference| {
            let (id, _, outputs) = self.state.get(&reference.address)?;
            if reference.output == "id" {
                Some(id.clone().into())
            } else {
                outputs.get(&reference.output).cloned()
            }
        };
        substitute(&resource.inputs, &output).unwrap_or_else(|missing| panic!("{missing:?}"))
    }

    /// Brings everything to `changes`, each step twice, as after a lost answer; says what was changed.
    async fn deploy(&mut self, changes: &Value) -> Vec<String> {
        let mut changed = Vec::new();
        for resource in in_order(&self.graph(changes)) {
            let handle = self.handle(&resource);
            let previous = self.state.get(&resource.address).map(|(_, inputs, _)| inputs.clone());
            if previous.as_ref() == Some(&handle.inputs) {
                continue;
            }
            let action = match &previous {
                None => ChangeAction::Create,
                Some(before) => {
                    let replaced =
                        resource.replace_on.iter().any(|key| before.get(key) != handle.inputs.get(key));
                    if replaced { ChangeAction::Replace } else { ChangeAction::Update }
                }
            };
            let differs = |key: &&String| {
                previous.as_ref().is_some_and(|before| before.get(*key) != handle.inputs.get(*key))
            };
            let mut secrets = ResolvedSecrets::default();
            secrets.insert("memory:password", SecretValue::new("hunter2hunter2"));
            let change = Change {
                action,
                changed: handle.inputs.keys().filter(differs).cloned().collect(),
                resource: handle.clone(),
                previous_inputs: previous,
                secrets,
            };
            self.operations += 1;
            let operation = Operation { id: format!("{}-{}", self.project, self.operations), attempt: 1 };
            let applied = self.provider.apply(&change, &operation).await;
            let applied = applied.unwrap_or_else(|error| panic!("{}: {error}", resource.address));
            let again = self.provider.apply(&change, &operation).await.expect("once more");
            assert_eq!((&applied.id, &applied.outputs), (&again.id, &again.outputs), "{}", resource.address);
            changed.push(resource.address.to_string());
            self.state.insert(resource.address, (applied.id, handle.inputs, applied.outputs));
        }
        changed
    }

    /// What is there is what was asked for.
    async fn check(&self, changes: &Value) {
        for resource in in_order(&self.graph(changes)) {
            let handle = self.handle(&resource);
            let seen = self.provider.observe(&handle).await;
            let seen = seen.unwrap_or_else(|error| panic!("{}: {error}", resource.address));
            let seen = seen.unwrap_or_else(|| panic!("{} is not there", resource.address));
            assert_eq!(Some(&seen.id), handle.id.as_ref(), "{}", resource.address);
            for (key, value) in &seen.inputs {
                assert_eq!(Some(value), handle.inputs.get(key), "{} {key}", resource.address);
            }
        }
    }

    async fn discover(&self) -> Vec<(Address, String, String)> {
        let scope = Scope {
            project: self.project.clone(),
            environment: "dev".into(),
            component: None,
            region: Some(REGION.into()),
        };
        let found = self.provider.discover(&scope).await.expect("discover");
        let mut found: Vec<_> = found.into_iter().map(|one| (one.tags.address, one.kind, one.id)).collect();
        found.sort();
        found
    }

    /// Takes everything away, each twice. With `by_id_only`, as orphans are.
    async fn destroy(&mut self, changes: &Value, by_id_only: bool) {
        let operation = Operation { id: format!("{}-end", self.project), attempt: 1 };
        for resource in in_order(&self.graph(changes)).into_iter().rev() {
            let mut handle = self.handle(&resource);
            let is_part = ["aws.scaling_target", "aws.scaling_policy", "aws.iam_role_policy"];
            if by_id_only && !is_part.contains(&resource.kind.as_str()) {
                handle.inputs.retain(|key, _| key == "region");
            }
            for _ in 0..2 {
                let gone = self.provider.delete(&handle, &operation).await;
                gone.unwrap_or_else(|error| panic!("{}: {error}", resource.address));
            }
            assert!(
                self.provider.observe(&self.handle(&resource)).await.expect("observe").is_none(),
                "{}",
                resource.address
            );
        }
        self.state.clear();
        assert_eq!(self.discover().await, [], "nothing is left");
    }
}

/// The resources, each after what it needs.
fn in_order(graph: &ResourceGraph) -> Vec<Resource> {
    let mut left: Vec<Resource> = graph.iter().cloned().collect();
    let mut done: Vec<Resource> = Vec::new();
    while !left.is_empty() {
        let is_done = |address: &Address| done.iter().any(|one| one.address == *address);
        let at = left.iter().position(|resource| {
            let references = resource.references();
            resource.depends_on.iter().all(is_done) && references.iter().all(|one| is_done(&one.address))
        });
        done.push(left.remove(at.expect("no cycle")));
    }
    done
}

#[tokio::test]
async fn a_container_service_lives_and_ends() {
    let Some(mut world) = World::new("port-life") else { return };
    let first = json!({});
    assert_eq!(world.deploy(&first).await.len(), 14);
    world.check(&first).await;
    assert_eq!(world.deploy(&first).await, [] as [String; 0]);
    let kinds: Vec<_> = world.discover().await.into_iter().map(|(_, kind, _)| kind).collect();
    assert_eq!(kinds.len(), 11, "all that carry tags: {kinds:?}");

    let image = json!({ "image": "registry.example/worker:1.5" });
    assert_eq!(world.deploy(&image).await, ["task_definition", "service"]);
    world.check(&image).await;

    let scaled = json!({ "image": "registry.example/worker:1.5", "replicas": { "min": 2, "max": 6, "target_cpu_percent": 60 } });
    let mut changed = world.deploy(&scaled).await;
    changed.sort();
    assert_eq!(changed, ["scaling_target", "service"]);
    world.check(&scaled).await;

    let moved = json!({ "port": 9090, "replicas": { "min": 2, "max": 6, "target_cpu_percent": 60 } });
    world.deploy(&moved).await;
    world.check(&moved).await;
    let groups = world.discover().await.into_iter().filter(|(_, kind, _)| kind == "aws.target_group").count();
    assert_eq!(groups, 1, "the group of the earlier port is gone");
    world.destroy(&moved, false).await;
}

#[tokio::test]
async fn orphans_go_by_their_ids() {
    let Some(mut world) = World::new("port-orphans") else { return };
    let one = json!({ "replicas": { "min": 1, "max": 1 } });
    world.deploy(&one).await;
    world.destroy(&one, true).await;
}

#[tokio::test]
async fn what_is_somebody_elses_is_left_alone() {
    let Some(mut world) = World::new("port-foreign") else { return };
    let one = json!({ "replicas": { "min": 1, "max": 1 } });
    world.deploy(&one).await;
    let operation = Operation { id: "other".into(), attempt: 1 };
    for resource in in_order(&world.graph(&one)) {
        if resource.kind == "aws.iam_role_policy" {
            continue;
        }
        let mut theirs = world.handle(&resource);
        theirs.tags.component = "somebody-elses".into();
        assert!(world.provider.observe(&theirs).await.expect("observe").is_none(), "{}", resource.address);
        world.provider.delete(&theirs, &operation).await.expect("left alone");
        theirs.id = None;
        theirs.outputs = Properties::new();
        let mut secrets = ResolvedSecrets::default();
        secrets.insert("memory:password", SecretValue::new("hunter2hunter2"));
        let change = Change {
            action: ChangeAction::Create,
            resource: theirs,
            previous_inputs: None,
            changed: Default::default(),
            secrets,
        };
        let error = world.provider.apply(&change, &operation).await.expect_err("it is not theirs");
        assert_eq!(
            error.kind(),
            semantest_iac_core::ErrorKind::AlreadyExists,
            "{}: {error}",
            resource.address
        );
    }
    world.check(&one).await;
    world.destroy(&one, false).await;
}
