//! A container service through the provider's port, without the command line, on an emulated AWS: lowered, applied in order,
//! looked at, changed, taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::emulated::{Cloud, REGION};
use futures::future::join_all;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{
    Address, Properties, Reference, Resource, substitute,
};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Operation, OwnershipTags, Provider, ProviderSettings, ResourceHandle,
    Scope,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretValue};
use semantest_iac_core::{Result, Retry};
use semantest_iac_testkit::aws_emulator::AwsEmulator;
use semantest_iac_testkit::fault_proxy::{Fault, FaultProxy, Rule, Which};
use serde_json::{Value, json};

/// What a log would know: the id, inputs and outputs of each resource.
type State = BTreeMap<Address, (String, Properties, Properties)>;

struct World {
    cloud: Cloud,
    proxy: FaultProxy,
    project: String,
    state: State,
    /// How many operations there were.
    operations: u32,
}

impl World {
    fn new(project: &str) -> Self {
        let proxy = FaultProxy::start(&AwsEmulator::shared().url());
        proxy.send_to("application-autoscaling", &AwsEmulator::shared().scaling_url());
        let (cloud, project) = (Cloud::at(proxy.url()), project.to_owned());
        Self { cloud, proxy, project, state: State::new(), operations: 0 }
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
        self.cloud.provider.lower(&self.blueprint(changes), &settings).expect("it can be lowered")
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
            let applied = self.apply(&change, &operation).await;
            let applied = applied.unwrap_or_else(|error| panic!("{}: {error}", resource.address));
            let again = self.apply(&change, &operation).await.expect("once more");
            assert_eq!((&applied.id, &applied.outputs), (&again.id, &again.outputs), "{}", resource.address);
            changed.push(resource.address.to_string());
            self.state.insert(resource.address, (applied.id, handle.inputs, applied.outputs));
        }
        changed
    }

    /// Applies it, again where that is worth it.
    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        let mut attempt = 1;
        loop {
            let operation = Operation { attempt, ..operation.clone() };
            match self.cloud.provider.apply(change, &operation).await {
                Err(error) if error.retry() == Retry::Later && attempt < 4 => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    /// What is there is what was asked for.
    async fn check(&self, changes: &Value) {
        for resource in in_order(&self.graph(changes)) {
            let handle = self.handle(&resource);
            let seen = self.cloud.provider.observe(&handle).await;
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
        let found = self.cloud.provider.discover(&scope).await.expect("discover");
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
                let gone = self.cloud.provider.delete(&handle, &operation).await;
                gone.unwrap_or_else(|error| panic!("{}: {error}", resource.address));
            }
            assert!(
                self.cloud.provider.observe(&self.handle(&resource)).await.expect("observe").is_none(),
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
    let mut world = World::new("port-life");
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
    let mut world = World::new("port-orphans");
    let one = json!({ "replicas": { "min": 1, "max": 1 } });
    world.deploy(&one).await;
    world.destroy(&one, true).await;
}

#[tokio::test]
async fn what_is_somebody_elses_is_left_alone() {
    let mut world = World::new("port-foreign");
    let one = json!({ "replicas": { "min": 1, "max": 1 } });
    world.deploy(&one).await;
    let operation = Operation { id: "other".into(), attempt: 1 };
    for resource in in_order(&world.graph(&one)) {
        if resource.kind == "aws.iam_role_policy" {
            continue;
        }
        let mut theirs = world.handle(&resource);
        theirs.tags.component = "somebody-elses".into();
        assert!(
            world.cloud.provider.observe(&theirs).await.expect("observe").is_none(),
            "{}",
            resource.address
        );
        world.cloud.provider.delete(&theirs, &operation).await.expect("left alone");
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
        let error = world.cloud.provider.apply(&change, &operation).await.expect_err("it is not theirs");
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

/// What is written differs by what the emulator numbers itself.
async fn made_with(rule: Option<Rule>, number: usize) -> Vec<(Address, String)> {
    let mut world = World::new(&format!("port-fault-{number:02}"));
    let one = json!({});
    if let Some(rule) = &rule {
        world.proxy.inject(rule.clone());
    }
    world.deploy(&one).await;
    let struck = world.proxy.calls().iter().any(|call| call.fault.is_some());
    assert_eq!(struck, rule.is_some(), "{rule:?}");
    world.proxy.calm();
    world.check(&one).await;
    let found = world.discover().await.into_iter().map(|(address, kind, _)| (address, kind)).collect();
    world.destroy(&one, false).await;
    found
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    let wanted = made_with(None, 0).await;
    let creates = [
        "ec2:CreateSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup",
        "elasticloadbalancing:CreateListener",
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
    ];
    let faults = [Fault::ResetAfterwards, Fault::Throttle];
    let all = creates.iter().flat_map(|call| faults.iter().map(move |fault| (call, fault)));
    let all = all.enumerate().map(|(number, (call, fault))| {
        let rule = Rule::new(*call, Which::Nth(1), fault.clone());
        async move { (call, fault, made_with(Some(rule), number + 1).await) }
    });
    for (call, fault, found) in join_all(all).await {
        assert_eq!(found, wanted, "{call} {fault:?}");
    }
}

#[tokio::test]
async fn what_is_only_early_is_waited_for() {
    let refuse = |code, message| Fault::Refuse { status: 400, code, message };
    let early = [
        (
            "ecs:CreateCluster",
            refuse("InvalidParameterException", "Unable to assume the service linked role."),
        ),
        ("ecs:RegisterTaskDefinition", refuse("ClientException", "Role is not valid")),
        (
            "ecs:CreateService",
            refuse(
                "InvalidParameterException",
                "The target group with targetGroupArn arn:x does not have an associated load balancer.",
            ),
        ),
        (
            "ec2:AuthorizeSecurityGroupIngress",
            refuse("InvalidGroup.NotFound", "The security group 'sg-1' does not exist"),
        ),
        (
            "application-autoscaling:RegisterScalableTarget",
            refuse("ValidationException", "ECS service doesn't exist: service/x/y"),
        ),
    ];
    let wanted = made_with(None, 90).await;
    for (number, (call, fault)) in early.into_iter().enumerate() {
        let rule = Rule::new(call, Which::First(2), fault);
        assert_eq!(made_with(Some(rule), 91 + number).await, wanted, "{call}");
    }
}

#[tokio::test]
async fn a_security_group_is_let_go_of_in_its_own_time() {
    let mut world = World::new("port-interfaces");
    let one = json!({});
    world.deploy(&one).await;
    let held = Fault::Refuse {
        status: 400,
        code: "DependencyViolation",
        message: "resource sg-1 has a dependent object",
    };
    world.proxy.inject(Rule::new("ec2:DeleteSecurityGroup", Which::First(3), held));
    let used = Fault::Refuse {
        status: 400,
        code: "ResourceInUse",
        message: "Target group is currently in use by a listener or a rule",
    };
    world.proxy.inject(Rule::new("elasticloadbalancing:DeleteTargetGroup", Which::First(2), used));
    world.destroy(&one, false).await;
}
