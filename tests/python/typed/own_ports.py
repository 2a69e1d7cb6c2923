"""Ports of the application's own, which inherit nothing."""

import asyncio
from collections.abc import Sequence

from semantest_iac import Iac
from semantest_iac.conformance import SecretSample, check
from semantest_iac.ports import Event, EventFilter, EventHandler, FailedDelivery


class Vault:
    schemes = ("vault",)

    async def resolve(self, reference: str, region: str | None) -> str | None:
        return {"vault:known": "a value"}.get(reference)


class Bus:
    def __init__(self) -> None:
        self.handlers: list[tuple[EventFilter, EventHandler] | None] = []

    async def publish(self, events: Sequence[Event]) -> list[FailedDelivery]:
        for _, handler in filter(None, self.handlers):
            for event in events:
                await handler.handle(event)
        return []

    async def subscribe(self, wanted: EventFilter, handler: EventHandler) -> int:
        self.handlers.append((wanted, handler))
        return len(self.handlers) - 1

    def unsubscribe(self, subscription: int) -> None:
        self.handlers[subscription] = None


async def main() -> None:
    sample = SecretSample(known=("vault:known", "a"), other=("vault:b", "b"), unknown="vault:c")
    await check(Vault(), sample)
    async with Iac.open(".", secret_resolvers=[Vault()], bus=Bus()) as iac:
        print(iac.project)


asyncio.run(main())
