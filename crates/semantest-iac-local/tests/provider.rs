//! The local provider, with a real host in a process of its own.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use semantest_iac_core::ErrorKind;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, InvokeRequest, LogQuery, Operation, OwnershipTags, Provider,
    ProviderSettings, ResourceHandle,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};
use semantest_iac_local::{LocalConfig, LocalProvider, Workloads};
use semantest_iac_testkit::provider::{Sample, conforms};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const CODE: &str = "import os\ndef handler(event, context):\n    print('called')\n    return [event, os.environ.get('PASSWORD')]\n";

/// `local_host`, which `cargo test` builds beside the tests.
fn host_program() -> PathBuf {
    let own = std::env::current_exe().expect("this test");
    let target = own.parent().and_then(|deps| deps.parent()).expect("target folder");
    let program = target.join("examples/local_host");
    assert!(program.exists(), "build the examples too: cargo test -p semantest-iac-local");
    program
}

struct Machine {
    folder: tempfile::TempDir,
    provider: LocalProvider,
    secrets: Arc<InMemorySecrets>,
    package: String,
    digest: String,
}

impl Machine {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let artifacts = Arc::new(InMemoryArtifactStore::default());
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("app.py", zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(CODE.as_bytes()).expect("content");
        let package = artifacts.put(zip.finish().expect("a zip").into_inner()).await.expect("put");
        let state_dir = folder.path().join("local");
        let host_command = vec![host_program().into_os_string(), state_dir.clone().into_os_string()];
        let secrets = Arc::<InMemorySecrets>::default();
        let digest = secrets.digest(&SecretValue::new("resolved")).await.expect("a digest");
        let config = LocalConfig { state_dir, host_command, artifacts, secrets: secrets.clone() };
        Self { folder, provider: LocalProvider::new(config), secrets, package, digest }
    }

    fn function(&self, memory: u32) -> Properties {
        let inputs = json!({
            "function_name": "shop-dev-rest-api", "runtime": "python3.11", "handler": "app.handler",
            "memory_mb": memory, "timeout_s": 10, "package": self.package, "region": "us-east-1",
            "environment_variables": { "PASSWORD": { "secret": "memory:canary", "digest": self.digest } },
        });
        inputs.as_object().expect("an object").clone()
    }

    fn change(&self, kind: &str, address: &str, inputs: Properties) -> Change {
        let mut secrets = ResolvedSecrets::default();
        secrets.insert("memory:canary", SecretValue::new("resolved"));
        let resource = ResourceHandle {
            tags: tags(address),
            kind: kind.into(),
            inputs,
            id: None,
            outputs: Properties::new(),
        };
        let (previous_inputs, changed) = (None, Default::default());
        Change { action: ChangeAction::Create, resource, previous_inputs, changed, secrets }
    }

    async fn apply(&self, change: &Change) -> Applied {
        let operation = Operation { id: "1".into(), attempt: 1 };
        self.provider.apply(change, &operation).await.expect("applied")
    }

    async fn deployed_function(&self) -> ResourceHandle {
        let change = self.change("local.function", "function.rest-api", self.function(256));
        let applied = self.apply(&change).await;
        ResourceHandle { id: Some(applied.id), outputs: applied.outputs, ..change.resource }
    }

    async fn seen(&self, function: &ResourceHandle) -> Properties {
        self.provider.observe(function).await.expect("a look").expect("it is there").inputs
    }

    async fn invoke(&self, function: &ResourceHandle) -> Value {
        let access = self.provider.functions().expect("functions can be called");
        let payload = RawValue::from_string("\"hello\"".into()).expect("JSON");
        let request = InvokeRequest { function: function.clone(), payload };
        let answer = access.invoke(&request).await.expect("an answer");
        serde_json::from_str(answer.payload.get()).expect("JSON")
    }

    fn host_process(&self) -> Option<u64> {
        let text = std::fs::read(self.folder.path().join("local/host.json")).ok()?;
        serde_json::from_slice::<Value>(&text).ok()?["pid"].as_u64()
    }
}

fn functions<'a>(names: &[&'a str]) -> Workloads<'a> {
    Workloads { functions: names.to_vec(), services: Vec::new() }
}

fn tags(address: &str) -> OwnershipTags {
    OwnershipTags {
        project: "shop".into(),
        environment: "dev".into(),
        component: "rest-api".into(),
        address: address.into(),
    }
}

#[tokio::test]
async fn functions_conform() {
    let machine = Machine::new().await;
    let sample = Sample {
        tags: tags("function.rest-api"),
        kind: "local.function".into(),
        inputs: machine.function(256),
        updated: machine.function(512),
    };
    conforms(&machine.provider, &sample).await;
    assert_eq!(machine.host_process(), None, "with nothing left the host has ended");
}

#[tokio::test]
async fn apis_of_both_kinds_conform() {
    for kind in ["local.http_api", "local.websocket_api"] {
        let machine = Machine::new().await;
        let inputs = |key: &str| {
            let mut inputs = json!({ "api_id": "api1", "name": "shop-dev-rest-api",
                "routes": [{ "route_key": key, "function": "shop-dev-rest-api" }] });
            if kind == "local.websocket_api" {
                inputs["stage"] = json!("dev");
            }
            inputs.as_object().expect("an object").clone()
        };
        let (inputs, updated) = (inputs("$default"), inputs("$connect"));
        let sample = Sample { tags: tags("api"), kind: kind.into(), inputs, updated };
        conforms(&machine.provider, &sample).await;
    }
}

/// A service that needs no package.
fn service(memory: u32, variable: &str) -> Properties {
    let command = ["sh", "-c", "exec python3 -m http.server --bind 127.0.0.1 $PORT"];
    let inputs = json!({
        "service_name": "shop-dev-web", "command": command, "cpu": 0.25, "memory_mb": memory, "min_replicas": 1,
        "max_replicas": 2, "health_check_path": "/", "environment_variables": { "VARIABLE": variable },
    });
    inputs.as_object().expect("an object").clone()
}

#[tokio::test]
async fn container_services_conform() {
    // With and without new replicas.
    for updated in [service(256, "one"), service(128, "another")] {
        let machine = Machine::new().await;
        let (tags, kind) = (tags("service"), "local.container_service".into());
        let sample = Sample { tags, kind, inputs: service(128, "one"), updated };
        conforms(&machine.provider, &sample).await;
        assert_eq!(machine.host_process(), None, "with nothing left the host has ended");
    }
}

#[tokio::test]
async fn load_balancers_conform() {
    let machine = Machine::new().await;
    let inputs = |service: &str| {
        let inputs = json!({ "name": "shop-dev-web", "service": service });
        inputs.as_object().expect("an object").clone()
    };
    let (tags, kind) = (tags("load_balancer"), "local.load_balancer".into());
    let sample = Sample { tags, kind, inputs: inputs("shop-dev-web"), updated: inputs("shop-dev-other") };
    conforms(&machine.provider, &sample).await;
}

#[tokio::test]
async fn a_killed_host_leaves_no_worker_and_comes_back_with_its_functions() {
    let machine = Machine::new().await;
    let function = machine.deployed_function().await;
    assert_eq!(machine.invoke(&function).await, json!(["hello", "resolved"]));
    let host = machine.host_process().expect("it runs");
    let workers: Vec<String> = std::fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().into_string().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit(") ").next()?.split(' ').nth(1)?.to_owned();
            (parent == host.to_string()).then_some(pid)
        })
        .collect();
    assert!(!workers.is_empty(), "a function that was called has a worker");
    let killed = std::process::Command::new("kill").args(["-9", &host.to_string()]).status();
    assert!(killed.expect("kill").success());
    let deadline = Instant::now() + Duration::from_secs(10);
    while workers.iter().any(|pid| is_alive(pid)) {
        assert!(Instant::now() < deadline, "workers outlive their host: {workers:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    machine.secrets.set("memory:canary", "resolved");
    assert_eq!(machine.seen(&function).await["memory_mb"], 256);
    assert_eq!(machine.invoke(&function).await, json!(["hello", "resolved"]), "secrets are resolved anew");
    assert!(machine.provider.stop_host().await.expect("stopped"));
    assert!(!machine.provider.stop_host().await.expect("nothing to stop"));
}

/// A zombie is no life.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| !"ZX".contains(state))
}

#[tokio::test]
async fn starting_at_once_starts_one_host() {
    let machine = Machine::new().await;
    let function = machine.deployed_function().await;
    machine.provider.stop_host().await.expect("stopped");
    let again = LocalProvider::new(LocalConfig {
        state_dir: machine.folder.path().join("local"),
        host_command: vec![
            host_program().into_os_string(),
            machine.folder.path().join("local").into_os_string(),
        ],
        artifacts: Arc::new(InMemoryArtifactStore::default()),
        secrets: Arc::<InMemorySecrets>::default(),
    });
    machine.secrets.set("memory:canary", "resolved");
    let name = functions(&["shop-dev-rest-api"]);
    let (one, other) = tokio::join!(machine.provider.holds(&name, &[]), again.holds(&name, &[]));
    one.expect("a host");
    other.expect("a host");
    assert_eq!(machine.invoke(&function).await[0], "hello");
    assert!(machine.provider.stop_host().await.expect("stopped"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!machine.provider.stop_host().await.expect("there was only one"));
}

#[tokio::test]
async fn a_host_that_was_started_anew_gets_its_secrets_from_whoever_knows_them() {
    let machine = Machine::new().await;
    let function = machine.deployed_function().await;
    assert_eq!(machine.seen(&function).await, function.inputs);
    machine.provider.stop_host().await.expect("stopped");
    let said = machine.invoke(&function).await;
    let message = said["errorMessage"].as_str().expect("words");
    assert!(message.contains("memory:canary") && message.contains("deploy again"), "{message}");
    assert_eq!(machine.seen(&function).await["environment_variables"], json!({}), "it shows what it lacks");
    let provider = &machine.provider;
    let held = async |name: &str| provider.holds(&functions(&[name]), &[]).await;
    assert!(!held("shop-dev-rest-api").await.expect("a look"), "it cannot run");

    machine.secrets.set("memory:canary", "another");
    assert_eq!(machine.seen(&function).await["environment_variables"], json!({}), "that is not the one");
    machine.secrets.set("memory:canary", "resolved");
    assert_eq!(machine.seen(&function).await, function.inputs);
    assert_eq!(machine.invoke(&function).await, json!(["hello", "resolved"]));
    assert!(held("shop-dev-rest-api").await.expect("a look"));
    assert!(!held("other").await.expect("a look"));
    machine.provider.stop_host().await.expect("stopped");
}

#[tokio::test]
async fn a_package_that_is_not_whole_counts_as_gone_and_is_unpacked_again() {
    let machine = Machine::new().await;
    let function = machine.deployed_function().await;
    let packages = machine.folder.path().join("local/packages");
    let (code, list) = (packages.join(&machine.package), packages.join(format!("{}.files", machine.package)));
    let damages: [(&str, &dyn Fn()); 5] = [
        ("the folder is gone", &|| std::fs::remove_dir_all(&code).expect("removed")),
        ("a file is gone", &|| std::fs::remove_file(code.join("app.py")).expect("removed")),
        ("a file is cut", &|| std::fs::write(code.join("app.py"), "").expect("cut")),
        ("it was never finished", &|| std::fs::remove_file(&list).expect("removed")),
        ("a file has its place", &|| {
            std::fs::remove_dir_all(&code).expect("removed");
            std::fs::write(&code, "").expect("written");
        }),
    ];
    for (damage, make) in damages {
        make();
        assert_eq!(machine.provider.observe(&function).await.expect("a look"), None, "{damage}");
        let change = machine.change("local.function", "function.rest-api", machine.function(256));
        machine.apply(&change).await;
        assert_eq!(machine.seen(&function).await, function.inputs, "{damage}");
        assert_eq!(machine.invoke(&function).await, json!(["hello", "resolved"]), "{damage}");
    }
    let left: Vec<_> = std::fs::read_dir(&packages).expect("packages").collect();
    assert_eq!(left.len(), 2, "nothing else is left: {left:?}");
    machine.provider.stop_host().await.expect("stopped");
}

#[tokio::test]
async fn functions_of_one_package_are_applied_at_once() {
    for _ in 0..5 {
        let machine = Machine::new().await;
        let names: Vec<String> = (0..6).map(|number| format!("shop-dev-rest-api-{number}")).collect();
        let changes: Vec<Change> = names
            .iter()
            .map(|name| {
                let mut inputs = machine.function(256);
                inputs.insert("function_name".into(), json!(name));
                machine.change("local.function", name, inputs)
            })
            .collect();
        let operation = Operation { id: "1".into(), attempt: 1 };
        let applied = changes.iter().map(|change| machine.provider.apply(change, &operation));
        futures::future::try_join_all(applied).await.expect("all are applied");
        assert!(
            machine
                .provider
                .holds(&functions(&names.iter().map(String::as_str).collect::<Vec<_>>()), &[])
                .await
                .expect("a look")
        );
        machine.provider.stop_host().await.expect("stopped");
    }
}

#[tokio::test]
async fn a_damaged_definition_counts_as_gone_and_keeps_nothing_else_from_running() {
    for make in [
        |path: &Path| std::fs::write(path, "").expect("written"),
        |path: &Path| std::fs::write(path, r#"{"name": "shop"#).expect("written"),
        |path: &Path| {
            std::fs::remove_file(path).expect("removed");
            std::fs::create_dir(path).expect("a folder");
        },
    ] {
        let machine = Machine::new().await;
        let function = machine.deployed_function().await;
        let api = json!({ "api_id": "api1", "name": "shop-dev-rest-api",
            "routes": [{ "route_key": "$default", "function": "shop-dev-rest-api" }] });
        let api = api.as_object().expect("an object").clone();
        let api = machine.change("local.http_api", "api", api);
        let applied = machine.apply(&api).await;
        let functions = machine.folder.path().join("local/functions");
        let definition = functions.join("shop-dev-rest-api.json");

        machine.provider.stop_host().await.expect("stopped");
        make(&definition);
        let seen = machine.provider.observe(&api.resource).await.expect("a look").expect("it is there");
        assert_eq!(seen.outputs, applied.outputs, "the other one runs");
        assert_eq!(machine.provider.observe(&function).await.expect("a look"), None);
        let log = std::fs::read_to_string(machine.folder.path().join("local/host.log")).expect("a log");
        assert!(log.contains("shop-dev-rest-api.json is damaged"), "{log}");
        machine.deployed_function().await;
        assert_eq!(machine.invoke(&function).await, json!(["hello", "resolved"]), "it is brought back");

        make(&definition);
        machine.deployed_function().await;
        machine.provider.stop_host().await.expect("stopped");
        make(&definition);
        let operation = Operation { id: "2".into(), attempt: 1 };
        machine.provider.delete(&function, &operation).await.expect("deleted");
        machine.provider.delete(&api.resource, &operation).await.expect("deleted");
        assert_eq!(std::fs::read_dir(&functions).expect("a folder").count(), 0, "nothing is left of it");
        assert_eq!(machine.host_process(), None, "with nothing left the host has ended");
    }
}

#[tokio::test]
async fn logs_are_read_on_from_where_they_were_left() {
    let machine = Machine::new().await;
    let function = machine.deployed_function().await;
    machine.invoke(&function).await;
    let access = machine.provider.functions().expect("functions can be called");
    let query = |cursor: Option<String>, wait: u64| LogQuery {
        function: function.clone(),
        cursor,
        since: None,
        limit: 100,
        wait: Duration::from_millis(wait),
    };
    let first = access.logs(&query(None, 0)).await.expect("a page");
    assert!(first.lines.iter().any(|line| line.message == "called"), "{:?}", first.lines);
    assert!(access.logs(&query(Some(first.cursor.clone()), 0)).await.expect("a page").lines.is_empty());
    machine.invoke(&function).await;
    let next = access.logs(&query(Some(first.cursor), 5000)).await.expect("a page");
    assert!(next.lines[0].message.starts_with("START"), "{:?}", next.lines);
    let refused = access.logs(&query(Some("nonsense".into()), 0)).await.expect_err("no cursor");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    machine.provider.stop_host().await.expect("stopped");
}

#[tokio::test]
async fn lowering_is_pure_and_refuses_what_cannot_run_here() {
    let machine = Machine::new().await;
    let blueprint = |runtime: &str| -> Blueprint {
        let blueprint = json!({
            "project": "shop", "environment": "dev", "component": "rest-api", "kind": "rest-api",
            "functions": [{ "role": "rest-api", "package": "00", "runtime": runtime, "handler": "a.b",
                            "memory_mb": 128, "timeout_s": 3, "scaling": {} }],
            "api": { "protocol": "http", "routes": [{ "route_key": "$default", "function": "rest-api" }] }
        });
        serde_json::from_value(blueprint).expect("a blueprint")
    };
    let settings = ProviderSettings::default();
    let lower = |runtime: &str| machine.provider.lower(&blueprint(runtime), &settings);
    let graph = lower("python3.12").expect("a graph");
    assert_eq!(graph, lower("python3.12").expect("the same graph"));
    assert_eq!(graph.len(), 2);
    for runtime in ["ruby3.3", "python2.7", "nodejs", ""] {
        let error = lower(runtime).expect_err(runtime);
        assert!(error.message().contains("python3"), "{runtime}: {error}");
    }
    assert!(!machine.folder.path().join("local").exists(), "nothing is made");
}
