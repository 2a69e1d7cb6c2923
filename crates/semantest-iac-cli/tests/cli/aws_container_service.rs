//! A container behind a load balancer on AWS.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::aws::projects::worker;
use crate::aws::{boto3, comparable, eventually, get};
use serde_json::json;

/// A server that answers every request the same, for as long as the tests run; its port.
fn replica() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwork";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// What ECS does when a container runs: its address becomes a target.
const REGISTER: &str = r#"
balancing = boto3.client("elbv2")
found = balancing.describe_target_groups()["TargetGroups"]
described = balancing.describe_tags(ResourceArns=[group["TargetGroupArn"] for group in found])["TagDescriptions"]
[ours] = [one["ResourceArn"] for one in described if any(tag["Value"] == sys.argv[1] for tag in one["Tags"])]
balancing.register_targets(TargetGroupArn=ours, Targets=[{"Id": "127.0.0.1", "Port": int(sys.argv[2])}])
"#;

#[test]
fn a_container_runs_behind_a_load_balancer_scales_and_ends() {
    let aws = worker("worker-story");
    let answer = aws.ok(&["deploy"]);
    assert_eq!(answer["status"], "deployed");
    let held = aws.inventory();
    for (kind, count) in [
        ("clusters", 1),
        ("services", 1),
        ("task_definitions", 1),
        ("load_balancers", 1),
        ("target_groups", 1),
        ("log_groups", 1),
        ("scaling", 1),
    ] {
        assert_eq!(held[kind].as_array().map(Vec::len), Some(count), "{kind}: {held:#}");
    }
    assert_eq!(held["scaling"][0]["bounds"], json!([1, 4]));
    assert_eq!(held["services"][0]["launchType"], "FARGATE");
    let container = &held["task_definitions"][0]["containerDefinitions"][0];
    assert_eq!(container["image"], "registry.example/worker:1.4");
    assert_eq!(container["portMappings"][0]["containerPort"], 8080);

    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    boto3(REGISTER, &["worker-story", &replica().to_string()]);
    eventually("the load balancer", || (get(endpoint, "/") == (200, "work".into())).then_some(()));

    aws.calls();
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());
    aws.ok(&["scale", "--min", "2", "--max", "6"]);
    let scaled = aws.inventory();
    assert_eq!(scaled["scaling"][0]["bounds"], json!([2, 6]));

    aws.project.replace("semantest.toml", "worker:1.4", "worker:1.5");
    aws.ok(&["deploy"]);
    let updated = aws.inventory();
    let definitions = updated["task_definitions"].as_array().expect("definitions");
    assert!(
        definitions
            .iter()
            .any(|one| one["containerDefinitions"][0]["image"] == "registry.example/worker:1.5")
    );
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));

    assert_eq!(aws.ok(&["destroy", "--yes"])["status"], "removed");
    assert_eq!(aws.inventory(), json!({}), "nothing is left");
    assert_eq!(aws.ok(&["destroy", "--yes"])["status"], "unchanged");
}

/// Changes by hand: the wanted count, the bounds, a rule of a security group, the health check.
const BY_HAND: &str = r#"
containers, scaling = boto3.client("ecs"), boto3.client("application-autoscaling")
network, balancing = boto3.client("ec2"), boto3.client("elbv2")
[cluster] = [arn for arn in containers.list_clusters()["clusterArns"] if sys.argv[1] in arn]
[service] = containers.list_services(cluster=cluster)["serviceArns"]
[target] = [one for one in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
            if sys.argv[1] in one["ResourceId"]]
scaling.register_scalable_target(ServiceNamespace="ecs", ResourceId=target["ResourceId"],
    ScalableDimension=target["ScalableDimension"], MinCapacity=3, MaxCapacity=9)
[group] = [one for one in balancing.describe_target_groups()["TargetGroups"] if sys.argv[1] in one["TargetGroupName"]]
balancing.modify_target_group(TargetGroupArn=group["TargetGroupArn"], HealthCheckPath="/by-hand")
containers.tag_resource(resourceArn=cluster, tags=[{"key": "team", "value": "nobody"}])
"#;

#[test]
fn drift_of_a_container_service_is_found_and_mended() {
    let aws = worker("worker-drift");
    aws.ok(&["deploy"]);
    let undisturbed = aws.inventory();
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));
    boto3(BY_HAND, &["worker-drift"]);
    let found = aws.ok(&["refresh"])["drift"].to_string();
    for property in ["min", "max", "health_check", "tags"] {
        assert!(found.contains(property), "{property}: {found}");
    }
    assert_eq!(aws.ok(&["deploy"])["status"], "deployed");
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));
    assert_eq!(comparable(&aws.inventory()), comparable(&undisturbed));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}
