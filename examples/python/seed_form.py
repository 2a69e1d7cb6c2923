"""The same in the style of PythonEDA: events, handlers and a bus of the application's own."""

import asyncio
from pathlib import Path

from semantest_iac import DeploymentRequested, FunctionDeployed, Iac
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen


@Event
class ServiceDeploymentNeeded(DomainEvent):
    def __init__(self, service_type: str, environment: str, service_config: dict) -> None:
        super().__init__()
        self.service_type = service_type
        self.environment = environment
        self.service_config = service_config


@EventHandler
class DeployRestApiHandler:
    def __init__(self, iac: Iac) -> None:  # injected
        self.iac = iac

    @listen(DeploymentRequested)
    async def handle(self, event: DeploymentRequested) -> None:
        answer = await self.iac.deploy(
            event.component, environment=event.environment, configuration=event.configuration
        )
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


class InfrastructureEventBus(EventBus):
    @listen(ServiceDeploymentNeeded)
    async def on_service_deployment_needed(self, event: ServiceDeploymentNeeded) -> None:
        await self.publish(
            DeploymentRequested(
                component=event.service_type,
                environment=event.environment,
                configuration=event.service_config,
            )
        )

    @listen(FunctionDeployed)
    def on_function_deployed(self, event: FunctionDeployed) -> None:
        print(event.function_name, "goes back to", self.asked_for(event))

    def asked_for(self, event: FunctionDeployed) -> str:
        return "what was asked for" if event.correlation_id == NEEDED.event_id else "something else"


NEEDED = ServiceDeploymentNeeded("rest-api", "dev", {"memory_mb": 256})


async def main() -> None:
    async with Iac.open(Path(__file__).parent) as iac:
        bus = InfrastructureEventBus()
        bus.provide(iac)
        bus.include(DeployRestApiHandler)
        await bus.publish(NEEDED)
        await iac.destroy("rest-api")


asyncio.run(main())
