//! The provider on a simulated Azure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use semantest_iac_azure::{AzureConfig, AzureProvider, CallSettings, Pauses, StaticToken};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::planner;
use semantest_iac_core::domain::deployment::property_diff::diff_properties;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Resource, substitute};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Operation, OwnershipTags, Provider, ProviderSettings, ResourceHandle,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};
use semantest_iac_testkit::arm_simulator::{ArmSimulator, LOCATION, SUBSCRIPTION, TOKEN};
use serde_json::{Value, json};

/// A simulated Azure; what was called is written to a file of the test's name in `SEMANTEST_AZURE_CALLS`, where that is set:
/// Microsoft's validator judges it there.
pub struct Azure(ArmSimulator);

impl Azure {
    pub fn start() -> Self {
        Self(ArmSimulator::start())
    }
}

impl Deref for Azure {
    type Target = ArmSimulator;

    fn deref(&self) -> &ArmSimulator {
        &self.0
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os("SEMANTEST_AZURE_CALLS").map(PathBuf::from) else { return };
        let test = std::thread::current().name().unwrap_or("unnamed").replace("::", "-");
        // One test may have several.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let written = self.0.write_calls(&folder.join(format!("{test}-{number}.jsonl")));
        if !std::thread::panicking() {
            written.expect("the calls are written");
        }
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The secret that blueprints refer to as `memory:password`.
pub const PASSWORD: &str = "correct-horse-battery";

/// All calls to `url`.
pub fn calls(url: &str) -> CallSettings {
    CallSettings {
        endpoint: Some(url.to_owned()),
        subscription: Some(SUBSCRIPTION.into()),
        location: Some(LOCATION.into()),
        credential: Some(Arc::new(StaticToken::new(TOKEN))),
        attempt_timeout: Duration::from_secs(10),
        pauses: Pauses { first: Duration::from_millis(5), longest: Duration::from_millis(20) },
        ..CallSettings::default()
    }
}

/// A package with one file.
pub fn zipped(code: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("index.mjs", zip::write::SimpleFileOptions::default()).expect("an entry");
    zip.write_all(code.as_bytes()).expect("content");
    zip.finish().expect("a zip").into_inner()
}

/// A provider with packages and secrets of its own.
pub struct Cloud {
    pub provider: AzureProvider,
    pub artifacts: Arc<InMemoryArtifactStore>,
    pub secrets: Arc<InMemorySecrets>,
}

impl Cloud {
    /// A provider whose calls all go to `url`.
    pub fn at(url: &str) -> Self {
        Self::with(url, None)
    }

    /// A provider whose calls go to `url`, but those for logs.
    pub fn logging(url: &str, logs: &str) -> Self {
        Self::with(url, Some(logs.to_owned()))
    }

    fn with(url: &str, log_analytics: Option<String>) -> Self {
        let (artifacts, secrets) =
            (Arc::<InMemoryArtifactStore>::default(), Arc::<InMemorySecrets>::default());
        let calls = CallSettings { log_analytics, ..calls(url) };
        let config = AzureConfig { artifacts: artifacts.clone(), secrets: secrets.clone(), calls };
        Self { provider: AzureProvider::new(config), artifacts, secrets }
    }

    /// The address of a package with one file.
    pub async fn package(&self, code: &str) -> String {
        self.artifacts.put(zipped(code)).await.expect("put")
    }

    /// A resource group that is there already, for what needs one.
    pub async fn group(&self, project: &str) {
        let inputs = json!({ "region": LOCATION, "name": format!("{project}-group"), "tags": {} });
        self.made(project, "resource_group", "azure.resource_group", properties(inputs)).await;
    }

    /// Something in that group that is there already.
    pub async fn beside(&self, project: &str, address: &str, kind: &str, inputs: Value) -> Applied {
        let group = format!("{project}-group");
        let mut whole = properties(json!({
            "region": LOCATION, "resource_group": group, "name": format!("{project}-{address}").replace('_', "-"),
            "tags": {}, "workspace": format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{project}-workspace"
            ),
            "customer_id": "00000000-0000-4000-8000-00000000000a",
        }));
        whole.extend(properties(inputs));
        self.made(project, address, kind, whole).await
    }

    async fn made(&self, project: &str, address: &str, kind: &str, inputs: Properties) -> Applied {
        let mut owner = tags(project, address);
        // In nobody's scope.
        owner.environment = "beside".into();
        let outputs = Properties::new();
        let resource = ResourceHandle { tags: owner, kind: kind.into(), inputs, id: None, outputs };
        self.apply(ChangeAction::Create, resource, None, BTreeSet::new()).await
    }

    pub async fn apply(
        &self,
        action: ChangeAction,
        resource: ResourceHandle,
        previous_inputs: Option<Properties>,
        changed: BTreeSet<String>,
    ) -> Applied {
        let mut secrets = ResolvedSecrets::default();
        secrets.insert("memory:password", SecretValue::new(PASSWORD));
        let id = format!("op-{}-{action:?}", resource.tags.address);
        let change = Change { action, resource, previous_inputs, changed, secrets };
        let address = change.resource.tags.address.clone();
        let applied = self.provider.apply(&change, &Operation { id, attempt: 1 }).await;
        applied.unwrap_or_else(|error| panic!("{address}: {error:?}"))
    }

    /// The graph of `blueprint`.
    pub fn lower(&self, blueprint: &Blueprint) -> ResourceGraph {
        let settings = ProviderSettings { region: Some(LOCATION.into()) };
        self.provider.lower(blueprint, &settings).expect("a graph")
    }

    /// The digest that stands beside a reference to [`PASSWORD`].
    pub async fn digest(&self) -> String {
        self.secrets.digest(&SecretValue::new(PASSWORD)).await.expect("a digest")
    }
}

/// What a deployment has brought about, step by step.
pub struct Deployed<'a> {
    cloud: &'a Cloud,
    blueprint: Blueprint,
    pub resources: BTreeMap<Address, (Resource, Applied)>,
}

impl<'a> Deployed<'a> {
    /// Everything of `blueprint`, in order.
    pub async fn new(cloud: &'a Cloud, blueprint: Blueprint) -> Self {
        let graph = cloud.lower(&blueprint);
        let mut deployed = Self { cloud, blueprint, resources: BTreeMap::new() };
        for step in planner::plan(&graph, &Default::default()).steps {
            let resource = graph.get(&step.address).expect("of the plan").clone();
            let handle = deployed.handle(&resource, None);
            let applied = cloud.apply(ChangeAction::Create, handle, None, BTreeSet::new()).await;
            deployed.resources.insert(step.address, (resource, applied));
        }
        deployed
    }

    fn handle(&self, resource: &Resource, applied: Option<&Applied>) -> ResourceHandle {
        let look_up = |reference: &semantest_iac_core::domain::deployment::resource::Reference| {
            self.resources.get(&reference.address)?.1.outputs.get(&reference.output).cloned()
        };
        ResourceHandle {
            tags: OwnershipTags {
                project: self.blueprint.project.clone(),
                environment: self.blueprint.environment.clone(),
                component: self.blueprint.component.clone(),
                address: resource.address.clone(),
            },
            kind: resource.kind.clone(),
            inputs: substitute(&resource.inputs, &look_up).expect("every output is there"),
            id: applied.map(|applied| applied.id.clone()),
            outputs: applied.map(|applied| applied.outputs.clone()).unwrap_or_default(),
        }
    }

    /// The resource at `address` as the provider is told of it.
    pub fn at(&self, address: &str) -> ResourceHandle {
        let (resource, applied) = &self.resources[&Address::from(address)];
        self.handle(resource, Some(applied))
    }

    pub fn output(&self, address: &str, name: &str) -> String {
        let value = &self.resources[&Address::from(address)].1.outputs[name];
        value.as_str().unwrap_or_default().to_owned()
    }

    /// What differs between the log and the cloud, as `address: property`.
    pub async fn drift(&self) -> Vec<String> {
        let mut found = Vec::new();
        for address in self.resources.keys() {
            let handle = self.at(address.as_str());
            let Some(seen) = self.cloud.provider.observe(&handle).await.expect("observed") else {
                found.push(format!("{address}: missing"));
                continue;
            };
            let common = |from: &Properties, other: &Properties| -> Properties {
                let both = from.iter().filter(|(key, _)| other.contains_key(*key));
                both.map(|(key, value)| (key.clone(), value.clone())).collect()
            };
            for (logged, seen) in [(&handle.inputs, &seen.inputs), (&handle.outputs, &seen.outputs)] {
                let diff = diff_properties(&common(logged, seen), &common(seen, logged));
                found.extend(diff.iter().map(|change| format!("{address}: {}", change.property)));
            }
        }
        found
    }

    /// Brings the resource at `address` back, as the plan after a drift does.
    pub async fn repair(&mut self, address: &str, property: &str) {
        let handle = self.at(address);
        let (previous, changed) = (handle.inputs.clone(), BTreeSet::from([property.to_owned()]));
        let applied = self.cloud.apply(ChangeAction::Update, handle, Some(previous), changed).await;
        self.resources.get_mut(&Address::from(address)).expect("of the graph").1 = applied;
    }

    /// Goes on to another blueprint of the same component.
    pub async fn change_to(&mut self, blueprint: Blueprint) -> Vec<String> {
        let graph = self.cloud.lower(&blueprint);
        let before: BTreeMap<Address, ResourceHandle> =
            self.resources.keys().map(|address| (address.clone(), self.at(address.as_str()))).collect();
        let mut done = Vec::new();
        for step in planner::plan(&graph, &Default::default()).steps {
            let wanted = graph.get(&step.address).expect("of the plan").clone();
            let known = self.resources.get(&step.address).map(|(_, applied)| applied.clone());
            let handle = self.handle(&wanted, known.as_ref());
            let previous = before.get(&step.address).map(|handle| handle.inputs.clone());
            if previous.as_ref() == Some(&handle.inputs) {
                continue;
            }
            let keys = handle.inputs.keys().filter(|key| {
                previous.as_ref().and_then(|previous| previous.get(*key)) != handle.inputs.get(*key)
            });
            let changed = keys.cloned().collect();
            let action = if previous.is_some() { ChangeAction::Update } else { ChangeAction::Create };
            let applied = self.cloud.apply(action, handle, previous, changed).await;
            self.resources.insert(step.address.clone(), (wanted, applied));
            done.push(step.address.to_string());
        }
        self.blueprint = blueprint;
        done
    }

    /// Takes everything away, users first.
    pub async fn remove(&self) {
        let graph = self.cloud.lower(&self.blueprint);
        let order: Vec<Address> =
            planner::plan(&graph, &Default::default()).steps.into_iter().map(|step| step.address).collect();
        for address in order.iter().rev() {
            let operation = Operation { id: format!("remove-{address}"), attempt: 1 };
            let handle = self.at(address.as_str());
            let gone = self.cloud.provider.delete(&handle, &operation).await;
            gone.unwrap_or_else(|error| panic!("{address}: {error:?}"));
        }
    }
}

pub fn function(role: &str, package: &str, changes: Value) -> Value {
    let mut function = json!({
        "role": role, "package": package, "runtime": "nodejs20.x", "handler": "index.handler", "memory_mb": 256,
        "timeout_s": 10,
    });
    for (key, value) in changes.as_object().expect("an object") {
        function[key] = value.clone();
    }
    function
}

pub fn blueprint(project: &str, kind: &str, parts: Value) -> Blueprint {
    let mut whole = json!({ "project": project, "environment": "dev", "component": kind, "kind": kind });
    for (key, value) in parts.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).expect("a blueprint")
}

/// A rest-api of two functions with a secret.
pub async fn rest_api(cloud: &Cloud, code: &str) -> Blueprint {
    let package = cloud.package(code).await;
    let secret = json!({ "secret": "memory:password", "digest": cloud.digest().await });
    let variables = json!({ "API_VERSION": "v1", "DB_PASSWORD": secret });
    let functions = [
        function("create", &package, json!({ "environment_variables": variables })),
        function("list", &package, json!({})),
    ];
    let routes = [("GET /orders", "list"), ("POST /orders", "create")];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let cors = json!({ "allow_origins": ["https://example.com"], "allow_credentials": true });
    let api = json!({ "protocol": "http", "routes": routes, "cors": cors });
    let parts = json!({ "functions": functions, "api": api, "tags": { "team": "one" } });
    blueprint("shop", "rest-api", parts)
}

/// A websocket of three functions.
pub async fn websocket(cloud: &Cloud) -> Blueprint {
    let package = cloud.package("export const handler = async () => ({ statusCode: 200 });").await;
    let functions = ["connect", "disconnect", "message"].map(|role| function(role, &package, json!({})));
    let routes = [("$connect", "connect"), ("$default", "message"), ("$disconnect", "disconnect")];
    let routes = routes.map(|(key, function)| json!({ "route_key": key, "function": function }));
    let parts = json!({ "functions": functions, "api": { "protocol": "websocket", "routes": routes } });
    blueprint("shop", "websocket", parts)
}

/// A container service with a secret.
pub async fn container_service(cloud: &Cloud) -> Blueprint {
    let secret = json!({ "secret": "memory:password", "digest": cloud.digest().await });
    let parts = json!({
        "service": {
            "image": "registry.example/worker:1.4", "port": 8080, "cpu": 0.25, "memory_mb": 700,
            "replicas": { "min": 1, "max": 4, "target_cpu_percent": 60 }, "command": ["serve"],
            "environment_variables": { "A": "b", "PASSWORD": secret },
        },
        "load_balancer": { "listen_port": 80, "target_port": 8080, "health_check_path": "/health" },
    });
    blueprint("shop", "container-service", parts)
}

pub fn tags(project: &str, address: &str) -> OwnershipTags {
    OwnershipTags {
        project: project.into(),
        environment: "dev".into(),
        component: "rest-api".into(),
        address: address.into(),
    }
}

pub fn properties(value: Value) -> Properties {
    value.as_object().expect("an object").clone()
}

/// Everything that was sent and answered, as text.
pub fn ids_under(azure: &ArmSimulator, group: &str) -> Vec<String> {
    azure.ids().into_iter().filter(|id| id.contains(&format!("/resourcegroups/{group}"))).collect()
}
