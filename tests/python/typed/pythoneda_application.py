"""An application of PythonEDA, whose own classes carry no types, on ours."""

import asyncio
from typing import Any

from semantest_iac import FunctionDeployed, Iac, listen
from semantest_iac.pythoneda import (
    Bridge,
    Envelope,
    define_event,
    from_envelope,
    stack_operation_factory,
    to_dbus,
    to_envelope,
    to_pythoneda_json,
    to_request,
)


class Event:
    """As the application's base class of events."""

    def __init__(self, **attributes: Any) -> None:
        self.attributes = attributes


class EventListener:
    """As the application's base class of listeners."""


class StackOperationFactory:
    """As the application's port for infrastructure."""


Deployed = define_event(Event, "FunctionDeployed", ["function_name", "arn", "endpoint"])


class Connection:
    def __init__(self, iac: Iac) -> None:
        self.iac = iac
        self.bridge = Bridge(EventListener, [Deployed])

    @listen(FunctionDeployed)
    async def forward(self, event: FunctionDeployed) -> None:
        for answer in await self.bridge.deliver(event):
            await self.iac.publish(answer)

    async def emit(self, event: object) -> None:
        envelope: Envelope = to_envelope(event)
        print(to_dbus(envelope, Deployed), to_pythoneda_json(envelope, "app.events.Deployed"))
        print(from_envelope(envelope, Deployed))
        await self.iac.publish(to_request(envelope))


async def main() -> None:
    async with Iac.open(".") as iac:
        factory = stack_operation_factory(StackOperationFactory, iac)
        iac.include(Connection(iac))
        print(factory)


asyncio.run(main())
