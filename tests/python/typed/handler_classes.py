"""Handlers as methods: of instances, of classes, static, inherited, several events at once."""

from typing import Self

from semantest_iac import (
    ApplicationEvent,
    DriftDetected,
    FunctionDeployed,
    Iac,
    InfrastructureEvent,
    InfrastructureUpdateFailed,
    listen,
)


class Announcements:
    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.seen: list[InfrastructureEvent] = []

    @listen(FunctionDeployed)
    async def deployed(self, event: FunctionDeployed) -> None:
        self.seen.append(event)

    @listen(InfrastructureUpdateFailed, DriftDetected, timeout=5)
    def failed(
        self, event: InfrastructureUpdateFailed | DriftDetected
    ) -> list[ApplicationEvent] | None:
        return [ApplicationEvent("com.example.ops.Alarm", {"about": event.event_name})]

    @classmethod
    @listen("Alarm")
    async def alarm(cls, event: ApplicationEvent) -> None:
        print(cls, event.data)

    @staticmethod
    @listen(DriftDetected, thread=True)
    def write_down(event: DriftDetected) -> None:
        print(event)

    @listen(FunctionDeployed)
    @classmethod
    async def whole(cls, event: InfrastructureEvent) -> None:
        print(event.subject)

    @listen(FunctionDeployed, "ServiceDeploymentNeeded", DriftDetected)
    def mixed(self, event: InfrastructureEvent | ApplicationEvent) -> None:
        print(event.event_name)

    @listen(InfrastructureEvent)
    async def everything(self, event: InfrastructureEvent) -> None:
        print(self.channel, event.event_name)

    def again(self) -> Self:
        return type(self)(self.channel)


class Louder(Announcements):
    async def deployed(self, event: FunctionDeployed) -> None:
        await super().deployed(event)
        print(event.function_name.upper())


async def main() -> None:
    async with Iac.open() as iac:
        iac.include(Announcements("ops").again(), Louder("all"))
        await iac.deploy("rest-api")
