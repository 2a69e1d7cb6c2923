"""Events, handlers and buses in the form PythonEDA made familiar.

```python
from semantest_iac import DeploymentRequested, FunctionDeployed, Iac
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen

@Event
class ServiceDeploymentNeeded(DomainEvent):
    def __init__(self, service_type: str, environment: str, service_config: dict):
        super().__init__()
        self.service_type = service_type
        self.environment = environment
        self.service_config = service_config

@EventHandler
class DeployRestApiHandler:
    def __init__(self, iac: Iac):
        self.iac = iac

    @listen(DeploymentRequested)
    async def handle(self, event):
        answer = await self.iac.deploy(component=event.component, environment=event.environment)
        for function in answer.functions:
            await self.publish(FunctionDeployed(
                function_name=function.function_name, arn=function.arn, endpoint=function.endpoint,
                component=event.component, environment=event.environment, provider=event.provider))

class InfrastructureEventBus(EventBus):
    @listen(ServiceDeploymentNeeded)
    async def on_service_deployment_needed(self, event):
        await self.publish(DeploymentRequested(
            component=event.service_type, provider="local", environment=event.environment,
            configuration=event.service_config))

async with Iac.open(".") as iac:
    bus = InfrastructureEventBus()
    bus.provide(iac)                        # for the constructors of handlers
    bus.include(DeployRestApiHandler)       # classes, instances, functions marked by @listen
    await bus.publish(ServiceDeploymentNeeded("rest-api", "dev", {}))
```

`bus.connect(iac)` lets the bus carry requests out without a handler, and hear of everything that
happens. PythonEDA's own style, `@classmethod @listen(X)` returning a list of events, works too.
Under a type checker derive handlers from `EventHandler` instead of decorating them: `self.publish`
is typed then.
"""

from semantest_iac._listen import listen
from semantest_iac.eda._domain_event import DomainEvent
from semantest_iac.eda._event import Event
from semantest_iac.eda._event_bus import EventBus
from semantest_iac.eda._event_handler import EventHandler
from semantest_iac.eda._published import Published

__all__ = ["DomainEvent", "Event", "EventBus", "EventHandler", "Published", "listen"]
