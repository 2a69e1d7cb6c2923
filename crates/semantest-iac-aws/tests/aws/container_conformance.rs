//! The kinds that a container service is made of live through the provider port's conformance suite, on an emulated AWS.
//! Listeners and services are listed by what they are in, so theirs is the whole life in `container_service.rs`.

use crate::emulated::{Cloud, REGION, properties, tags};
use semantest_iac_testkit::aws_emulator::AwsEmulator;
use semantest_iac_testkit::provider::{Sample, conforms};
use serde_json::{Value, json};

/// The default network of the emulator.
const VPC: &str = "vpc-00000001";

async fn conform(project: &str, address: &str, kind: &str, inputs: Value, changes: Value) {
    let mut updated = properties(inputs.clone());
    updated.extend(properties(changes));
    let sample =
        Sample { tags: tags(project, address), kind: kind.into(), inputs: properties(inputs), updated };
    conforms(&Cloud::at(&AwsEmulator::shared().url()).provider, &sample).await;
}

fn rule(port: u16, from: &str) -> Value {
    json!({ "protocol": "tcp", "from_port": port, "to_port": port, "from": from })
}

#[tokio::test]
async fn security_groups_conform() {
    let inputs = json!({
        "region": REGION, "group_name": "conform-group", "description": "conform", "subnets": [],
        "ingress": [rule(80, "0.0.0.0/0")], "tags": { "team": "one" },
    });
    let changes =
        json!({ "ingress": [rule(80, "10.0.0.0/8"), rule(443, "0.0.0.0/0")], "tags": { "more": "x" } });
    conform("conform-group", "service.security_group", "aws.security_group", inputs, changes).await;
}

#[tokio::test]
async fn load_balancers_conform() {
    let inputs = json!({
        "region": REGION, "load_balancer_name": "conform-balancer", "subnets": [], "security_groups": ["sg-1"],
        "listen_port": 80, "tags": { "team": "one" },
    });
    let changes = json!({ "security_groups": ["sg-2"], "tags": { "team": "two" } });
    conform("conform-balancer", "load_balancer", "aws.load_balancer", inputs, changes).await;
}

#[tokio::test]
async fn target_groups_conform() {
    let inputs = json!({
        "region": REGION, "target_group_name": "conform-targets", "vpc_id": VPC, "port": 8080,
        "health_check_path": "/", "deregistration_delay_s": 30, "tags": {},
    });
    let changes =
        json!({ "health_check_path": "/health", "deregistration_delay_s": 10, "tags": { "a": "b" } });
    conform("conform-targets", "target_group", "aws.target_group", inputs, changes).await;
}

#[tokio::test]
async fn clusters_conform() {
    let inputs = json!({ "region": REGION, "cluster_name": "conform-cluster", "tags": { "team": "one" } });
    conform("conform-cluster", "cluster", "aws.ecs_cluster", inputs, json!({ "tags": { "team": "two" } }))
        .await;
}

#[tokio::test]
async fn task_definitions_conform() {
    let digest = Cloud::at("http://127.0.0.1:9").digest().await;
    let inputs = json!({
        "region": REGION, "family": "conform-task", "image": "registry.example/worker:1", "port": 8080,
        "cpu_units": 256, "memory_mb": 512, "execution_role": "arn:aws:iam::123456789012:role/execution",
        "task_role": "arn:aws:iam::123456789012:role/task", "log_group": "/ecs/conform-task", "tags": {},
        "environment_variables": { "A": "b", "PASSWORD": { "secret": "memory:canary", "digest": digest } },
    });
    let changes = json!({
        "image": "registry.example/worker:2", "command": ["serve", "--now"], "port": 9090, "cpu_units": 512,
        "memory_mb": 1024, "environment_variables": {}, "tags": { "team": "two" },
    });
    conform("conform-task", "task_definition", "aws.task_definition", inputs, changes).await;
}
