"""Everything in an AWS account (an emulator's, as a rule) that belongs to some projects, as one JSON object.

    python aws_inventory.py [--stable] PROJECT…

prints {PROJECT: {what: [resource, …]}}; a list that would be empty is left out, so {PROJECT: {}} says that nothing
is left. A resource belongs to a project when a tag's value or the start of its name says so. --stable leaves out ids
and times, and writes <project> for the project's name, so that two states can be compared. The tests' own reader: it
shares no code with the product. Endpoint, region and credentials come from the environment, as for every AWS tool.
"""

import json
import os
import re
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(retries={"max_attempts": 4}, connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"})


def client(service):
    return boto3.client(service, config=CONFIG)


def pages(call, key, **arguments):
    """All items of a list call, whichever of AWS's ways of paging it has."""
    items, more = [], {}
    while True:
        answer = call(**arguments, **more)
        items += answer.get(key, [])
        for given, asked in [("NextToken",) * 2, ("nextToken",) * 2, ("NextMarker", "Marker"), ("Marker",) * 2]:
            if answer.get(given):
                if more == {asked: answer[given]}:
                    raise RuntimeError(f"{key}: the same page again and again")
                more = {asked: answer[given]}
                break
        else:
            return items


def attempt(call, missing=None, **arguments):
    """The answer, or `missing` where the service says that there is none."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return missing
        raise


def tags(pairs):
    """Every form that AWS gives tags in, as one dictionary."""
    if isinstance(pairs, dict):
        return pairs
    return {pair.get("Key", pair.get("key")): pair.get("Value", pair.get("value")) for pair in pairs or []}


def only(thing, *keys):
    return {key: thing[key] for key in keys if thing.get(key) not in (None, [], {}, "")}


def each(describe, items):
    """What `describe` says of each item; what somebody else deletes meanwhile is passed over."""
    for item in items:
        try:
            yield describe(item)
        except ClientError as error:
            if not re.search("NotFound|NoSuchEntity", error.response["Error"]["Code"]):
                raise


def ours(projects, items, name, tags_of):
    """Those that belong to one of the projects. Others' are not described: in an account with many that would take long.
    Whoever bears another name is asked for its tags."""
    def is_ours(item):
        named = {"name": item[name]}
        if any(belongs(named, project) for project in projects):
            return item
        tagged = named | {"tags": tags_of(item)}
        return item if any(belongs(tagged, project) for project in projects) else None

    return filter(None, each(is_ours, items))


def roles(projects):
    iam = client("iam")

    def labels(item):
        return tags(pages(iam.list_role_tags, "Tags", RoleName=item["RoleName"]))

    def describe(role):
        name = role["RoleName"]
        policies = pages(iam.list_role_policies, "PolicyNames", RoleName=name)
        attached = pages(iam.list_attached_role_policies, "AttachedPolicies", RoleName=name)
        return {
            "name": name,
            "path": role["Path"],
            "trust": role["AssumeRolePolicyDocument"],
            "tags": labels(role),
            "policies": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies
            },
            "attached": sorted(policy["PolicyArn"] for policy in attached),
        }

    return each(describe, ours(projects, pages(iam.list_roles, "Roles"), "RoleName", labels))


def log_groups(projects):
    """Asked for by project, which gives one page. Of all there are, the emulator gives pages by number: what other tests
    make or delete meanwhile would move groups from one page to another."""
    logs = client("logs")
    groups = {}
    for project in projects:
        for group in pages(logs.describe_log_groups, "logGroups", logGroupNamePattern=project):
            groups[group["logGroupName"]] = group

    def describe(group):
        labels = attempt(logs.list_tags_for_resource, {}, resourceArn=group["arn"].removesuffix(":*")).get("tags", {})
        return {"name": group["logGroupName"], "retention": group.get("retentionInDays"), "tags": labels}

    return each(describe, groups.values())


def functions(projects):
    aws = client("lambda")

    def labels(item):
        return aws.list_tags(Resource=item["FunctionArn"]).get("Tags", {})

    def describe(function):
        name = function["FunctionName"]
        versions = pages(aws.list_versions_by_function, "Versions", FunctionName=name)
        aliases = pages(aws.list_aliases, "Aliases", FunctionName=name)
        held = only(
            function, "Runtime", "Handler", "MemorySize", "Timeout", "Role", "CodeSha256", "Architectures",
            "Environment", "KMSKeyArn", "LoggingConfig", "EphemeralStorage", "Layers", "Description",
        )
        return held | {
            "name": name,
            "tags": labels(function),
            "versions": [only(v, "Version", "CodeSha256", "MemorySize", "Environment") for v in versions],
            "aliases": {alias["Name"]: alias["FunctionVersion"] for alias in aliases},
            "policies": {at: statements(aws, name, at) for at in [""] + [alias["Name"] for alias in aliases]},
            "concurrency": attempt(aws.get_function_concurrency, {}, FunctionName=name).get("ReservedConcurrentExecutions"),
            "provisioned": provisioned(aws, name),
        } | urls(aws, name)

    return each(describe, ours(projects, pages(aws.list_functions, "Functions"), "FunctionName", labels))


def layers():
    """Whose a layer is stands in its versions' descriptions, before what tells one run from another."""
    aws = client("lambda")

    def describe(layer):
        name = layer["LayerName"]
        versions = pages(aws.list_layer_versions, "LayerVersions", LayerName=name)
        held = [aws.get_layer_version(LayerName=name, VersionNumber=version["Version"]) for version in versions]
        if not held:
            return None  # the last was deleted meanwhile
        description = held[0].get("Description", "")
        return {
            "name": name,
            "description": description.split(" ")[0] if description.startswith("semantest:") else description,
            "versions": [version["Content"]["CodeSha256"] for version in held],
        }

    return filter(None, each(describe, pages(aws.list_layers, "Layers")))


def statements(aws, name, qualifier):
    where = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    policy = attempt(aws.get_policy, None, **where)
    found = json.loads(policy["Policy"])["Statement"] if policy else []
    return sorted(found, key=lambda statement: statement["Sid"])


def urls(aws, name):
    found = attempt(aws.list_function_url_configs, {}, FunctionName=name).get("FunctionUrlConfigs", [])
    return {"urls": [only(url, "AuthType", "InvokeMode", "Cors") for url in found]} if found else {}


def provisioned(aws, name):
    found = attempt(aws.list_provisioned_concurrency_configs, {}, FunctionName=name)
    return [
        [config["FunctionArn"].rsplit(":", 1)[-1], config["RequestedProvisionedConcurrentExecutions"]]
        for config in found.get("ProvisionedConcurrencyConfigs", [])
    ]


def apis(projects):
    gateway = client("apigatewayv2")

    def describe(api):
        where = {"ApiId": api["ApiId"]}
        integrations = pages(gateway.get_integrations, "Items", **where)
        uris = {integration["IntegrationId"]: integration.get("IntegrationUri") for integration in integrations}
        return {
            "id": api["ApiId"],
            "name": api["Name"],
            "protocol": api["ProtocolType"],
            "tags": tags(api.get("Tags")),
            "cors": api.get("CorsConfiguration"),
            "selection": api.get("RouteSelectionExpression"),
            "integrations": ordered(
                only(i, "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis", "IntegrationMethod")
                for i in integrations
            ),
            "routes": ordered(
                {"key": route["RouteKey"], "to": uris.get((route.get("Target") or "").removeprefix("integrations/"))}
                for route in pages(gateway.get_routes, "Items", **where)
            ),
            "stages": ordered(
                only(stage, "StageName", "AutoDeploy", "AccessLogSettings", "DefaultRouteSettings", "StageVariables", "Tags")
                | {"deployed": bool(stage.get("DeploymentId"))}
                for stage in pages(gateway.get_stages, "Items", **where)
            ),
            "deployments": len(pages(gateway.get_deployments, "Items", **where)),
        }

    found = pages(gateway.get_apis, "Items", MaxResults="100")
    return each(describe, ours(projects, found, "Name", lambda item: tags(item.get("Tags"))))


def clusters():
    ecs = client("ecs")
    arns = pages(ecs.list_clusters, "clusterArns")
    found = ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"] if arns else []
    for cluster in found:
        if cluster["status"] != "INACTIVE":
            yield {"name": cluster["clusterName"], "tags": tags(cluster.get("tags"))}


def services():
    ecs = client("ecs")
    for cluster in pages(ecs.list_clusters, "clusterArns"):
        arns = pages(ecs.list_services, "serviceArns", cluster=cluster)
        for at in range(0, len(arns), 10):
            found = ecs.describe_services(cluster=cluster, services=arns[at : at + 10], include=["TAGS"])
            for service in found["services"]:
                if service["status"] != "INACTIVE":
                    yield only(
                        service, "desiredCount", "launchType", "taskDefinition", "loadBalancers",
                        "networkConfiguration", "deploymentConfiguration", "healthCheckGracePeriodSeconds",
                    ) | {"name": service["serviceName"], "tags": tags(service.get("tags"))}


def task_definitions():
    ecs = client("ecs")
    for arn in pages(ecs.list_task_definitions, "taskDefinitionArns", status="ACTIVE"):
        answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        definition = answer["taskDefinition"]
        yield only(
            definition, "cpu", "memory", "networkMode", "requiresCompatibilities", "containerDefinitions",
            "executionRoleArn", "taskRoleArn", "revision",
        ) | {"name": definition["family"], "tags": tags(answer.get("tags"))}


def load_balancers():
    elb = client("elbv2")
    for balancer in pages(elb.describe_load_balancers, "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        yield only(balancer, "Scheme", "Type", "SecurityGroups", "IpAddressType") | {
            "name": balancer["LoadBalancerName"],
            "subnets": len(balancer.get("AvailabilityZones", [])),
            "tags": elb_tags(elb, arn),
            "listeners": ordered(
                only(listener, "Port", "Protocol", "DefaultActions") | {"tags": elb_tags(elb, listener["ListenerArn"])}
                for listener in pages(elb.describe_listeners, "Listeners", LoadBalancerArn=arn)
            ),
        }


def target_groups():
    elb = client("elbv2")
    for group in pages(elb.describe_target_groups, "TargetGroups"):
        yield only(
            group, "Protocol", "Port", "TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds", "Matcher"
        ) | {"name": group["TargetGroupName"], "tags": elb_tags(elb, group["TargetGroupArn"])}


def elb_tags(elb, arn):
    described = attempt(elb.describe_tags, {}, ResourceArns=[arn]).get("TagDescriptions", [])
    return tags(described[0]["Tags"]) if described else {}


def security_groups():
    for group in pages(client("ec2").describe_security_groups, "SecurityGroups"):
        yield {
            "id": group["GroupId"],
            "name": group["GroupName"],
            "tags": tags(group.get("Tags")),
            "in": ordered(rules(group["IpPermissions"])),
            "out": ordered(rules(group["IpPermissionsEgress"])),
        }


def rules(permissions):
    for rule in permissions:
        yield only(rule, "IpProtocol", "FromPort", "ToPort") | {
            "ranges": [spread["CidrIp"] for spread in rule.get("IpRanges", [])],
            "groups": [pair["GroupId"] for pair in rule.get("UserIdGroupPairs", [])],
        }


def scaling():
    endpoint = os.environ.get("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING")
    if endpoint in (None, os.environ.get("AWS_ENDPOINT_URL")):
        return  # nobody there serves it
    aws = client("application-autoscaling")
    policies = pages(aws.describe_scaling_policies, "ScalingPolicies", ServiceNamespace="ecs")
    # All at once: moto's pages of it never end.
    for target in pages(aws.describe_scalable_targets, "ScalableTargets", ServiceNamespace="ecs", MaxResults=10000):
        of_it = [policy for policy in policies if policy["ResourceId"] == target["ResourceId"]]
        yield {
            "name": target["ResourceId"].split("/", 1)[1],
            "bounds": [target["MinCapacity"], target["MaxCapacity"]],
            "policies": ordered(
                only(policy, "PolicyName", "PolicyType", "TargetTrackingScalingPolicyConfiguration") for policy in of_it
            ),
        }


def buckets():
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        found = attempt(s3.get_bucket_tagging, {}, Bucket=bucket["Name"]).get("TagSet", [])
        yield {"name": bucket["Name"], "tags": tags(found)}


def ordered(things):
    return sorted(things, key=lambda thing: json.dumps(thing, sort_keys=True))


READERS = [
    layers, clusters, services, task_definitions, load_balancers, target_groups, security_groups, scaling, buckets,
]


def belongs(resource, project):
    name = resource["name"]
    if project in resource.get("tags", {}).values() or f"/{project}/" in name:
        return True
    return any(part.startswith(f"{project}-") or part == project for part in re.split(r"[/:]", name))


def stable(resource, project, ids):
    """Without ids, and with words for the names that differ from project to project."""
    text = json.dumps(without_ids(resource), sort_keys=True)
    for found, word in ids.items():
        text = text.replace(found, word)
    text = re.sub(r"(loadbalancer/app|targetgroup|listener/app)/([^/\"]+)(/[0-9a-z]+)+", r"\1/\2/<id>", text)
    text = re.sub(r"-[0-9a-f]{8}\b", "-<digest>", text)
    return json.loads(text.replace(project, "<project>"))


def without_ids(thing):
    """Without what no two runs have in common: ids, and the tag that says which run made something."""
    if isinstance(thing, list):
        return [without_ids(item) for item in thing]
    if not isinstance(thing, dict):
        return thing
    return {key: without_ids(value) for key, value in thing.items() if key not in ("id", "semantest:operation")}


def main(arguments):
    wants_stable = "--stable" in arguments
    projects = [argument for argument in arguments if argument != "--stable"]
    found = {reader.__name__: list(reader()) for reader in READERS}
    found |= {reader.__name__: list(reader(projects)) for reader in (roles, functions, apis, log_groups)}
    inventory = {}
    for project in projects:
        own = {kind: [r for r in resources if belongs(r, project)] for kind, resources in found.items()}
        if wants_stable:
            ids = {r["id"]: f"<{kind}:{r['name']}>" for kind, resources in own.items() for r in resources if "id" in r}
            own = {kind: [stable(r, project, ids) for r in resources] for kind, resources in own.items()}
        inventory[project] = {kind: ordered(resources) for kind, resources in own.items() if resources}
    print(json.dumps(inventory, sort_keys=True, indent=1, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
