//! Every kind of resource that carries tags lives through the provider port's conformance suite, on a simulated Azure.

use crate::simulated::{Azure, Cloud, properties, tags};
use semantest_iac_core::ports::secret_resolver::{SecretResolver, SecretValue};
use semantest_iac_testkit::arm_simulator::{Delay, LOCATION};
use semantest_iac_testkit::provider::{Sample, conforms};
use serde_json::{Value, json};

/// What a sample needs, as kind and inputs, and what of it the sample is told: the id under that name.
struct Needs(&'static str, &'static str, Value, &'static str);

fn workspace() -> Needs {
    let inputs = json!({ "sku": "PerGB2018", "retention_days": 30 });
    Needs("workspace", "azure.workspace", inputs, "workspace")
}

/// Runs the suite on `inputs`, and `changes` laid over them, with operations that take a while.
async fn conform(project: &str, address: &str, kind: &str, inputs: Value, changes: Value) {
    conform_with(&[], project, address, kind, inputs, changes).await;
}

async fn conform_with(
    needs: &[Needs],
    project: &str,
    address: &str,
    kind: &str,
    inputs: Value,
    changes: Value,
) {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(2));
    let cloud = Cloud::at(azure.url());
    cloud.group(project).await;
    let mut whole = properties(json!({
        "region": LOCATION, "resource_group": format!("{project}-group"), "name": format!("{project}${{unique}}"),
    }));
    whole.extend(properties(inputs));
    for Needs(address, kind, inputs, told) in needs {
        let applied = cloud.beside(project, address, kind, inputs.clone()).await;
        whole.insert((*told).to_owned(), applied.id.into());
    }
    let mut updated = whole.clone();
    updated.extend(properties(changes));
    let sample = Sample { tags: tags(project, address), kind: kind.into(), inputs: whole, updated };
    conforms(&cloud.provider, &sample).await;
}

#[tokio::test]
async fn resource_groups_conform() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(2));
    let inputs =
        properties(json!({ "region": LOCATION, "name": "conform-groups-dev", "tags": { "a": "b" } }));
    let mut updated = inputs.clone();
    updated.insert("tags".into(), json!({ "a": "c", "more": "x" }));
    let tags = tags("conform-groups", "resource_group");
    let sample = Sample { tags, kind: "azure.resource_group".into(), inputs, updated };
    conforms(&Cloud::at(azure.url()).provider, &sample).await;
}

#[tokio::test]
async fn storage_accounts_conform() {
    let inputs = json!({
        "name": "stconform${unique}", "sku": "Standard_LRS", "public_blobs": false, "https_only": true,
        "minimum_tls": "TLS1_2", "tags": { "a": "b" },
    });
    let changes = json!({ "minimum_tls": "TLS1_3", "tags": {} });
    conform("conform-storage", "storage", "azure.storage_account", inputs, changes).await;
}

#[tokio::test]
async fn workspaces_conform() {
    let inputs = json!({ "name": "conform-logs", "sku": "PerGB2018", "retention_days": 30, "tags": {} });
    let changes = json!({ "retention_days": 90, "tags": { "a": "b" } });
    conform("conform-logs", "workspace", "azure.workspace", inputs, changes).await;
}

#[tokio::test]
async fn plans_conform() {
    let inputs =
        json!({ "sku": "EP1", "tier": "ElasticPremium", "capacity": 1, "most_machines": 20, "tags": {} });
    let changes = json!({ "capacity": 2, "most_machines": 30, "tags": { "a": "b" } });
    conform("conform-plan", "plan", "azure.plan", inputs, changes).await;
}

#[tokio::test]
async fn web_pubsub_services_conform() {
    let inputs = json!({
        "name": "conform-pubsub-${unique}", "sku": "Standard_S1", "capacity": 1, "public_network_access": "Enabled",
        "local_auth_disabled": false, "aad_auth_disabled": false, "tags": {},
    });
    let changes = json!({ "capacity": 2, "tags": { "a": "b" } });
    conform("conform-pubsub", "web_pubsub", "azure.web_pubsub", inputs, changes).await;
}

#[tokio::test]
async fn application_insights_components_conform() {
    let (inputs, changes) = (json!({ "tags": {} }), json!({ "tags": { "a": "b" } }));
    let (project, kind) = ("conform-insights", "azure.application_insights");
    conform_with(&[workspace()], project, "insights", kind, inputs, changes).await;
}

#[tokio::test]
async fn function_apps_conform() {
    let plan = Needs("plan", "azure.plan", json!({ "sku": "Y1", "tier": "Dynamic" }), "plan");
    let inputs = json!({
        "hosting": "consumption", "runtime": "nodejs20.x", "identity": "SystemAssigned", "https_only": true, "ftps": "Disabled", "minimum_tls": "1.2",
        "cors": { "origins": ["https://example.com"], "credentials": false }, "most_instances": 10, "tags": { "a": "b" },
    });
    let changes = json!({
        "runtime": "python3.12", "cors": { "origins": ["*"], "credentials": false }, "most_instances": 20, "tags": {},
    });
    conform_with(&[plan], "conform-app", "function_app", "azure.function_app", inputs, changes).await;
}

#[tokio::test]
async fn container_environments_conform() {
    let inputs = json!({ "customer_id": "00000000-0000-4000-8000-00000000000a", "tags": {} });
    let changes = json!({ "tags": { "a": "b" } });
    let (address, kind) = ("container_environment", "azure.container_environment");
    conform_with(&[workspace()], "conform-environment", address, kind, inputs, changes).await;
}

#[tokio::test]
async fn container_apps_conform() {
    let digest =
        Cloud::at("http://127.0.0.1:9").secrets.digest(&SecretValue::new("canary-of-the-testkit")).await;
    let secret = json!({ "secret": "memory:canary", "digest": digest.expect("a digest") });
    let environment = Needs("container_environment", "azure.container_environment", json!({}), "environment");
    let inputs = json!({
        "name": "conform-container", "image": "registry.example/worker:1", "port": 8080, "external": true, "cpu": 0.25,
        "memory": "0.5Gi", "min_replicas": 1, "max_replicas": 4, "target_cpu_percent": 60, "health_check_path": "/health",
        "environment_variables": { "PLAIN": "x", "PASSWORD": secret }, "tags": {},
    });
    let changes = json!({
        "image": "registry.example/worker:2", "max_replicas": 8, "environment_variables": { "PASSWORD": secret },
        "tags": { "a": "b" },
    });
    let kind = "azure.container_app";
    conform_with(&[workspace(), environment], "conform-container", "service", kind, inputs, changes).await;
}
