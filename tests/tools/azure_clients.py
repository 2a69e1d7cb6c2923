"""Microsoft's own management clients at an Azure that is simulated on this machine.

    azure_clients.py read  URL SUBSCRIPTION TOKEN GROUP   what they find there, as one JSON object
    azure_clients.py drive URL SUBSCRIPTION TOKEN GROUP   makes one of each, reads it back and takes it away again

They share no code with the product, and none with the simulator.
"""

import json
import sys

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.applicationinsights import ApplicationInsightsManagementClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.mgmt.web import WebSiteManagementClient
from azure.mgmt.webpubsub import WebPubSubManagementClient

VERB, URL, SUBSCRIPTION, TOKEN, GROUP = sys.argv[1:]
LOCATION = "westeurope"


class Token(SansIOHTTPPolicy):
    """Microsoft's own policy sends no token without TLS; this one does, on this machine."""

    def on_request(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {TOKEN}"


def client(kind, api_version):
    return kind(
        credential=object(), subscription_id=SUBSCRIPTION, base_url=URL, api_version=api_version,
        authentication_policy=Token(), credential_scopes=["x"], polling_interval=0,
    )


resources = client(ResourceManagementClient, "2024-03-01")
web = client(WebSiteManagementClient, "2023-12-01")
storage = client(StorageManagementClient, "2023-05-01")
logs = client(LogAnalyticsManagementClient, "2023-09-01")
insights = client(ApplicationInsightsManagementClient, "2020-02-02")
pubsub = client(WebPubSubManagementClient, "2024-03-01")
apps = client(ContainerAppsAPIClient, "2024-03-01")


def plain(model):
    return model.as_dict() if hasattr(model, "as_dict") else model


def read():
    found = {"group": plain(resources.resource_groups.get(GROUP))}
    found["resources"] = sorted(one.type for one in resources.resources.list_by_resource_group(GROUP))
    found["storage"] = [plain(one) for one in storage.storage_accounts.list_by_resource_group(GROUP)]
    for account in found["storage"]:
        containers = storage.blob_containers.list(GROUP, account["name"])
        account["containers"] = [one.name for one in containers]
        keys = storage.storage_accounts.list_keys(GROUP, account["name"])
        account["keys"] = len(plain(keys)["keys"])
    found["plans"] = [plain(one) for one in web.app_service_plans.list_by_resource_group(GROUP)]
    found["apps"] = []
    for site in web.web_apps.list_by_resource_group(GROUP):
        app = plain(site)
        app["settings"] = sorted(web.web_apps.list_application_settings(GROUP, site.name).properties)
        app["config"] = plain(web.web_apps.get_configuration(GROUP, site.name))
        found["apps"].append(app)
    found["workspaces"] = [plain(one) for one in logs.workspaces.list_by_resource_group(GROUP)]
    found["insights"] = [plain(one) for one in insights.components.list_by_resource_group(GROUP)]
    found["web_pubsub"] = []
    for service in pubsub.web_pub_sub.list_by_resource_group(GROUP):
        one = plain(service)
        one["hubs"] = [plain(hub) for hub in pubsub.web_pub_sub_hubs.list(GROUP, service.name)]
        found["web_pubsub"].append(one)
    environments = apps.managed_environments.list_by_resource_group(GROUP)
    found["environments"] = [plain(one) for one in environments]
    found["containers"] = [plain(one) for one in apps.container_apps.list_by_resource_group(GROUP)]
    return found


def drive():
    tags = {"by": "Microsoft's clients"}
    resources.resource_groups.create_or_update(GROUP, {"location": LOCATION, "tags": tags})
    account = storage.storage_accounts.begin_create(GROUP, "drivenbymicrosoft", {
        "location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": tags,
        "properties": {"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False},
    }).result()
    storage.blob_containers.create(GROUP, account.name, "packages", {})
    plan = web.app_service_plans.begin_create_or_update(GROUP, "plan", {
        "location": LOCATION, "kind": "functionapp", "sku": {"name": "Y1", "tier": "Dynamic"},
        "properties": {"reserved": True},
    }).result()
    site = web.web_apps.begin_create_or_update(GROUP, "driven-by-microsoft", {
        "location": LOCATION, "kind": "functionapp,linux", "identity": {"type": "SystemAssigned"},
        "properties": {"serverFarmId": plan.id, "httpsOnly": True, "siteConfig": {"ftpsState": "Disabled"}},
    }).result()
    web.web_apps.update_application_settings(GROUP, site.name, {"properties": {"A": "b"}})
    service = pubsub.web_pub_sub.begin_create_or_update(GROUP, "driven-pubsub", {
        "location": LOCATION, "sku": {"name": "Free_F1"}, "properties": {},
    }).result()
    pubsub.web_pub_sub_hubs.begin_create_or_update("chat", GROUP, service.name, {
        "properties": {"eventHandlers": []},
    }).result()
    environment = apps.managed_environments.begin_create_or_update(GROUP, "environment", {
        "location": LOCATION, "properties": {},
    }).result()
    apps.container_apps.begin_create_or_update(GROUP, "container", {
        "location": LOCATION, "properties": {
            "environmentId": environment.id,
            "configuration": {"ingress": {"external": True, "targetPort": 80}},
            "template": {"containers": [{"name": "c", "image": "registry.example/c:1"}]},
        },
    }).result()
    found = read()
    apps.container_apps.begin_delete(GROUP, "container").result()
    apps.managed_environments.begin_delete(GROUP, "environment").result()
    pubsub.web_pub_sub.begin_delete(GROUP, service.name).result()
    web.web_apps.delete(GROUP, site.name)
    web.app_service_plans.delete(GROUP, plan.name)
    resources.resource_groups.begin_delete(GROUP).result()
    found["left"] = [group.name for group in resources.resource_groups.list()]
    return found


print(json.dumps({"read": read, "drive": drive}[VERB](), default=str))
