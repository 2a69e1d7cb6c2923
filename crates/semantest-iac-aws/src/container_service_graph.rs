//! A container service's resources: replicas on Fargate behind an application load balancer.

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::deployment::resource::{Address, Reference, Resource};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use serde_json::{Value, json};

use crate::ec2::Ingress;
use crate::{
    container_service, containers, ecs_cluster, iam_role, iam_role_policy, listener, load_balancer,
    log_group, scaling_policy, scaling_target, security_group, target_group, task_definition,
};

/// What ECS tasks assume their roles as.
const TASKS: &str = "ecs-tasks.amazonaws.com";

pub(crate) const TASK_DEFINITION: &str = "task_definition";
pub(crate) const TARGET_GROUP: &str = "target_group";

const ANYWHERE: &str = "0.0.0.0/0";

/// The resources of `service`.
///
/// # Errors
/// `InvalidInput` for what Fargate does not run, saying what to do.
pub(crate) fn lower(
    blueprint: &Blueprint,
    service: &ContainerService,
    region: &str,
) -> Result<ResourceGraph> {
    let mut resources = tasks(blueprint, service, region)?;
    let front = front(blueprint, service, region);
    let own_group = own_group(blueprint, service, region, &front);
    let mut parts = container_service::Parts {
        cluster: &"cluster".into(),
        task_definition: &TASK_DEFINITION.into(),
        log_group: &"log_group".into(),
        target_group: None,
        subnets: json!(service.subnets),
        security_groups: service.security_groups.clone(),
    };
    parts.security_groups.extend(own_group.iter().map(|group| Reference::text(&group.address, "group_id")));
    let target_group = Address::from(TARGET_GROUP);
    if !front.is_empty() {
        parts.target_group = Some(&target_group);
        if service.subnets.is_empty() {
            parts.subnets = Reference::text(&"load_balancer".into(), "subnets").into();
        }
    }
    let mut replicas = container_service::lower(blueprint, service, region, "service", parts);
    // Before these, replicas could neither be pulled nor reached.
    replicas.depends_on.insert("execution_role.policy".into());
    if !front.is_empty() {
        replicas.depends_on.insert("listener".into());
    }
    resources.extend(scaling(blueprint, service, region, &replicas.address));
    resources.push(replicas);
    resources.extend(own_group);
    resources.extend(front);
    ResourceGraph::new(resources)
}

/// The cluster, what a replica runs, as whom, and where it logs to.
fn tasks(blueprint: &Blueprint, service: &ContainerService, region: &str) -> Result<Vec<Resource>> {
    let group_name = format!("/ecs/{}", containers::name(blueprint));
    let log_group = log_group::lower(
        blueprint,
        region,
        "log_group".into(),
        group_name.clone(),
        service.log_retention_days,
    );
    let execution_role = iam_role::lower(blueprint, region, "execution_role", "execution", TASKS);
    let task_role = iam_role::lower(blueprint, region, "task_role", "task", TASKS);
    let statements = statements(service.image.as_deref().unwrap_or_default(), &group_name);
    let policy = iam_role_policy::lower(region, &execution_role, Value::Array(statements));
    let needs = task_definition::Needs {
        execution_role: &execution_role.address,
        task_role: &task_role.address,
        log_group: &log_group.address,
    };
    let definition = task_definition::lower(blueprint, service, region, TASK_DEFINITION, &needs)?;
    let cluster = ecs_cluster::lower(blueprint, region, "cluster");
    Ok(vec![cluster, log_group, execution_role, policy, task_role, definition])
}

/// The load balancer and what belongs to it; nothing where there is none.
fn front(blueprint: &Blueprint, service: &ContainerService, region: &str) -> Vec<Resource> {
    let Some(wanted) = &blueprint.load_balancer else { return Vec::new() };
    let subnets = &service.subnets;
    let ingress = vec![Ingress::tcp(wanted.listen_port, ANYWHERE)];
    let address = "load_balancer.security_group";
    let group = security_group::lower(blueprint, region, address, "load-balancer", subnets, ingress);
    let balancer = load_balancer::lower(blueprint, wanted, region, "load_balancer", subnets, &group.address);
    let targets = target_group::lower(blueprint, wanted, region, TARGET_GROUP, &group.address);
    let port = wanted.listen_port;
    let listener = listener::lower(blueprint, region, "listener", port, &balancer.address, &targets.address);
    vec![group, balancer, targets, listener]
}

/// The group of the replicas, which lets the load balancer in and nobody else; none where groups are given.
fn own_group(
    blueprint: &Blueprint,
    service: &ContainerService,
    region: &str,
    front: &[Resource],
) -> Option<Resource> {
    if !service.security_groups.is_empty() {
        return None;
    }
    let of_balancer = front.first().map(|group| Reference::text(&group.address, "group_id"));
    let port = blueprint.load_balancer.as_ref().map_or(service.port, |balancer| balancer.target_port);
    let ingress = of_balancer.into_iter().map(|group| Ingress::tcp(port, group)).collect();
    let address = "service.security_group";
    Some(security_group::lower(blueprint, region, address, "service", &service.subnets, ingress))
}

/// Bounds and policy, where replicas may come and go.
fn scaling(
    blueprint: &Blueprint,
    service: &ContainerService,
    region: &str,
    replicas: &Address,
) -> Vec<Resource> {
    let bounds = &service.replicas;
    if bounds.max <= bounds.min {
        return Vec::new();
    }
    let name = containers::name(blueprint);
    let resource_id = format!("service/{name}/{name}");
    let target = scaling_target::lower(region, "scaling_target", resource_id, bounds, replicas);
    let policy = bounds
        .target_cpu_percent
        .map(|percent| scaling_policy::lower(region, "scaling_policy", &target, percent));
    [target].into_iter().chain(policy).collect()
}

/// What starting a replica takes: to write to its log group and, where it is in ECR, to pull its image.
fn statements(image: &str, log_group: &str) -> Vec<Value> {
    let log = json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [format!("arn:${{partition}}:logs:${{region}}:${{account}}:log-group:{log_group}:*")],
    });
    let Some(repository) = ecr_repository(image) else { return vec![log] };
    vec![
        log,
        // Is given for a whole registry only.
        json!({ "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"] }),
        json!({
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": [repository],
        }),
    ]
}

/// The ARN of the repository of `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag|@digest]`.
fn ecr_repository(image: &str) -> Option<String> {
    let (registry, path) = image.split_once('/')?;
    let (account, rest) = registry.split_once(".dkr.ecr.")?;
    let (region, domain) = rest.split_once('.')?;
    if !domain.starts_with("amazonaws.com") || !account.chars().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let path = path.split('@').next().unwrap_or(path);
    let repository = path.split(':').next().unwrap_or(path);
    Some(format!("arn:${{partition}}:ecr:{region}:{account}:repository/{repository}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blueprint(service: Value) -> Blueprint {
        let whole = json!({
            "project": "shop", "environment": "dev", "component": "worker", "kind": "container-service",
            "service": service,
            "load_balancer": { "listen_port": 80, "target_port": 8080, "health_check_path": "/" },
        });
        serde_json::from_value(whole).expect("a blueprint")
    }

    fn service(changes: Value) -> Value {
        let mut service = json!({
            "image": "worker:1", "port": 8080, "cpu": 0.25, "memory_mb": 512, "replicas": { "min": 1, "max": 1 },
        });
        for (key, value) in changes.as_object().expect("an object") {
            service[key] = value.clone();
        }
        service
    }

    fn graph(changes: Value) -> Result<ResourceGraph> {
        let blueprint = blueprint(service(changes));
        lower(&blueprint, blueprint.service.as_ref().expect("a service"), "eu-west-1")
    }

    #[test]
    fn without_an_image_nothing_runs_on_aws() {
        let refused = graph(json!({ "image": null, "command": ["serve"] })).expect_err("no image");
        assert!(refused.message().contains("needs an `image` on AWS"), "{refused}");
    }

    #[test]
    fn replicas_that_come_and_go_have_bounds_and_only_those() {
        let has = |replicas: Value, address: &str| {
            graph(json!({ "replicas": replicas })).expect("a graph").get(&address.into()).is_some()
        };
        assert!(!has(json!({ "min": 2, "max": 2, "target_cpu_percent": 50 }), "scaling_target"));
        assert!(has(json!({ "min": 1, "max": 2 }), "scaling_target"));
        assert!(!has(json!({ "min": 1, "max": 2 }), "scaling_policy"));
        assert!(has(json!({ "min": 1, "max": 2, "target_cpu_percent": 50 }), "scaling_policy"));
    }

    #[test]
    fn given_groups_and_subnets_are_taken_as_they_are() {
        let given = graph(json!({ "security_groups": ["sg-1"], "subnets": ["subnet-1"] })).expect("a graph");
        assert!(given.get(&"service.security_group".into()).is_none());
        let inputs = &given.get(&"service".into()).expect("a service").inputs;
        assert_eq!(
            (&inputs["security_groups"], &inputs["subnets"]),
            (&json!(["sg-1"]), &json!(["subnet-1"]))
        );
        let own = graph(json!({})).expect("a graph");
        let inputs = &own.get(&"service".into()).expect("a service").inputs;
        assert_eq!(inputs["subnets"], json!("${load_balancer.subnets}"));
        assert_eq!(inputs["security_groups"], json!(["${service.security_group.group_id}"]));
    }

    #[test]
    fn only_the_image_s_own_repository_may_be_pulled_from() {
        let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker:1.4@sha256:00";
        let arn = "arn:${partition}:ecr:eu-west-1:123456789012:repository/team/worker";
        assert_eq!(ecr_repository(image).as_deref(), Some(arn));
        for public in ["nginx", "library/nginx:1", "public.ecr.aws/nginx/nginx:1", "registry.example:5000/x"]
        {
            assert_eq!(ecr_repository(public), None, "{public}");
        }
        assert_eq!(statements("nginx", "/ecs/x").len(), 1);
    }
}
