"""The style of PythonEDA, as a type checker wants it: handlers and buses derive from ours."""

import asyncio
from collections.abc import Mapping
from typing import Any

from semantest_iac import DeploymentRequested, FunctionDeployed, Iac
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen


@Event
class ServiceDeploymentNeeded(DomainEvent):
    def __init__(
        self, service_type: str, environment: str, service_config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.service_type = service_type
        self.environment = environment
        self.service_config = service_config


class DeployRestApiHandler(EventHandler):
    def __init__(self, iac: Iac) -> None:
        self.iac = iac

    @listen(DeploymentRequested)
    async def handle(self, event: DeploymentRequested) -> None:
        answer = await self.iac.deploy(component=event.component, environment=event.environment)
        for function in answer.functions:
            await self.publish(
                FunctionDeployed(
                    function_name=function.function_name,
                    arn=function.arn,
                    endpoint=function.endpoint,
                    component=event.component,
                    environment=event.environment,
                    provider=answer.provider,
                )
            )


@EventHandler
class Decorated:
    @classmethod
    @listen(ServiceDeploymentNeeded)
    async def heard(cls, event: ServiceDeploymentNeeded) -> list[DeploymentRequested]:
        return [DeploymentRequested(component=event.service_type, environment=event.environment)]


class InfrastructureEventBus(EventBus):
    @listen(ServiceDeploymentNeeded)
    async def on_service_deployment_needed(self, event: ServiceDeploymentNeeded) -> None:
        await self.publish(
            DeploymentRequested(
                component=event.service_type,
                provider="local",
                environment=event.environment,
                configuration=event.service_config,
            )
        )


async def main() -> None:
    async with Iac.open(".") as iac:
        bus = InfrastructureEventBus()
        bus.provide(iac)
        bus.include(DeployRestApiHandler, Decorated)
        published = await bus.publish(ServiceDeploymentNeeded("rest-api", "dev", {}))
        print(published.event.service_type)
        bus.connect(iac)


asyncio.run(main())
