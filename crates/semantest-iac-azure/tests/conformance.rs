//! Every kind of resource that carries tags lives through the provider port's conformance suite, on a simulated Azure.

mod simulated;

use semantest_iac_testkit::arm_simulator::{Delay, LOCATION};
use semantest_iac_testkit::provider::{Sample, conforms};
use serde_json::{Value, json};
use simulated::{Azure, Cloud, properties, tags};

/// Runs the suite on `inputs`, and `changes` laid over them, with operations that take a while.
async fn conform(project: &str, address: &str, kind: &str, inputs: Value, changes: Value) {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(2));
    let cloud = Cloud::at(azure.url());
    cloud.group(project).await;
    let mut whole = properties(json!({
        "region": LOCATION, "resource_group": format!("{project}-group"), "name": format!("{project}${{unique}}"),
    }));
    whole.extend(properties(inputs));
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
