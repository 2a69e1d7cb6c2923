"""The whole story in the form PythonEDA made familiar, on the local provider: handlers written the
way a user writes them, down to a function that answers."""

import asyncio
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from semantest_iac import DeploymentRequested, FunctionDeployed, Iac
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen
from semantest_iac.errors import InvalidProjectError

PROJECT = """\
project = "eda-story"

[environments.dev]
provider = "local"

[components.rest-api]
code = "hello"
runtime = "python3.{minor}"
handler = "hello.handler"
memory_mb = 256
timeout_s = 10
routes = ["GET /hello"]
"""

FUNCTION = """\
import json


def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"message": "hello"})}
"""


@Event
class ServiceDeploymentNeeded(DomainEvent):
    def __init__(self, service_type: str, environment: str, service_config: dict[str, Any]):
        super().__init__()
        self.service_type = service_type
        self.environment = environment
        self.service_config = service_config


@EventHandler
class DeployRestApiHandler:
    def __init__(self, iac: Iac):
        self.iac = iac

    @listen(DeploymentRequested)
    async def handle(self, event):  # type: ignore[no-untyped-def]
        answer = await self.iac.deploy(component=event.component, environment=event.environment)
        for function in answer.functions:
            await self.publish(  # type: ignore[attr-defined]
                FunctionDeployed(
                    function_name=function.function_name,
                    arn=function.arn,
                    endpoint=function.endpoint,
                    component=event.component,
                    environment=event.environment,
                    provider=answer.provider,
                )
            )


class InfrastructureEventBus(EventBus):
    @listen(ServiceDeploymentNeeded)
    async def on_service_deployment_needed(self, event):  # type: ignore[no-untyped-def]
        await self.publish(
            DeploymentRequested(
                component=event.service_type,
                provider="local",
                environment=event.environment,
                configuration=event.service_config,
            )
        )


class Announcements:
    def __init__(self) -> None:
        self.deployed: list[FunctionDeployed] = []
        self.names: list[str] = []

    @listen(FunctionDeployed)
    def announce(self, event: FunctionDeployed) -> None:
        self.deployed.append(event)

    @listen(DomainEvent)
    def keep(self, event: Any) -> None:
        self.names.append(event.event_name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "hello.py").write_text(FUNCTION)
    text = PROJECT.format(minor=sys.version_info.minor)
    (tmp_path / "semantest.toml").write_text(text)
    return tmp_path


def ask(endpoint: str) -> Any:
    with urllib.request.urlopen(f"{endpoint}/hello", timeout=10) as answer:
        return json.load(answer)


def test_a_needed_service_is_deployed_by_a_handler_and_announced(project: Path) -> None:
    async def main() -> None:
        async with Iac.open(project) as iac:
            announcements = Announcements()
            bus = InfrastructureEventBus()
            bus.provide(iac)
            bus.include(DeployRestApiHandler, announcements)
            needed = ServiceDeploymentNeeded("rest-api", "dev", {})
            try:
                await bus.publish(needed)
                (deployed,) = announcements.deployed
                assert deployed.correlation_id == needed.event_id
                assert deployed.previous_event_ids[-1] == needed.event_id
                assert deployed.endpoint is not None
                answer = await asyncio.to_thread(ask, deployed.endpoint)
                assert answer == {"message": "hello"}
                status = await iac.status()
                assert [each.status for each in status.deployments] == ["deployed"]
            finally:
                await iac.destroy(component="rest-api", environment="dev")

    asyncio.run(main())


def test_a_connected_bus_carries_requests_out_and_hears_what_happened(project: Path) -> None:
    async def main() -> None:
        async with Iac.open(project) as iac:
            announcements = Announcements()
            bus = InfrastructureEventBus()
            bus.connect(iac)
            bus.include(announcements)
            needed = ServiceDeploymentNeeded("rest-api", "dev", {})
            try:
                await bus.publish(needed)
                (deployed,) = announcements.deployed
                assert deployed.correlation_id == needed.event_id
                # The bus's own handler comes first, and what it publishes is through before
                # anybody else hears of the cause.
                assert announcements.names[0] == "DeploymentRequested"
                assert announcements.names[-2:] == ["InfrastructureUpdated", needed.event_name]
                assert announcements.names.count("DeploymentRequested") == 1
            finally:
                await iac.destroy(component="rest-api", environment="dev")

    asyncio.run(main())


def test_the_bridge_of_the_core_takes_what_nobody_on_the_bus_listens_for(project: Path) -> None:
    async def main() -> None:
        async with Iac.open(project) as iac:
            bus = EventBus()
            bus.connect(iac)
            needed = ServiceDeploymentNeeded("rest-api", "dev", {})
            try:
                published = await bus.publish(needed)
                assert published.answer is not None
                assert published.answer.id == needed.event_id
                assert published.answer.status == "deployed"
                again = await bus.publish(needed)
                assert again.answer is not None
                assert again.answer.duplicate
            finally:
                await iac.destroy(component="rest-api", environment="dev")

    asyncio.run(main())


def test_a_request_that_cannot_be_carried_out_raises_its_own_error(project: Path) -> None:
    async def main() -> None:
        async with Iac.open(project) as iac:
            bus = EventBus()
            bus.connect(iac)
            with pytest.raises(InvalidProjectError, match="nowhere"):
                await bus.publish(DeploymentRequested(component="nowhere", environment="dev"))

    asyncio.run(main())
