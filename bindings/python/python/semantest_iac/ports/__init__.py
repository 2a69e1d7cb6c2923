"""Ports of your own: a provider, an event bus, an event store, a resolver of secrets.

Write a class with the port's methods, and give an instance to
[`Iac.open`][semantest_iac.Iac.open]:

    class Vault:
        schemes = ("vault",)

        async def resolve(self, reference: str, region: str | None) -> str | None:
            return await self._client.read(reference.removeprefix("vault:"))

    async with Iac.open(".", secret_resolvers=[Vault()]) as iac: ...

Nothing has to be inherited: the protocols here are for type checkers. Methods are `async def` or plain; they are called on
the event loop that the `Iac` was opened on, with their arguments by position. A plain one that blocks holds everything up:
put what blocks into `asyncio.to_thread`. Calls overlap: while one waits, another may begin.

What cannot be done is told by raising a class of [`semantest_iac.errors`][]: the core goes by its kind and its `retry`
(`ThrottledError("…", retry="later")` has the call made again). Any other exception counts as a failure of the port that
repeating does not cure, and comes out as the `__cause__` of what is raised. Where a call is given up (the run was cancelled
and the call did not end within 30 seconds; nothing was changed yet and the caller does not want to wait), its task is cancelled:
`asyncio.CancelledError` is raised inside of it.

Whether a port keeps its promises is found out by [`semantest_iac.conformance.check`][].
"""

from semantest_iac.ports.awaitable import MaybeAwaitable
from semantest_iac.ports.event_bus import EventBus, EventFilter, EventHandler, FailedDelivery
from semantest_iac.ports.event_store import (
    Append,
    Appended,
    Event,
    EventStore,
    Fence,
    RecordedEvent,
    StreamInfo,
)
from semantest_iac.ports.functions import (
    InvokeRequest,
    Invoked,
    InvokesFunctions,
    LogLine,
    LogPage,
    LogQuery,
    ReadsLogs,
)
from semantest_iac.ports.provider import (
    Applied,
    Change,
    ChangeAction,
    Diagnoses,
    Discovered,
    Finding,
    HasDefaultRegion,
    Observed,
    Operation,
    Provider,
    ProviderSettings,
    Scope,
)
from semantest_iac.ports.resource import OwnershipTags, Resource, ResourceHandle, ResourceRole
from semantest_iac.ports.secret_resolver import MakesDigests, SecretResolver, Secrets

__all__ = [
    "Append",
    "Appended",
    "Applied",
    "Change",
    "ChangeAction",
    "Diagnoses",
    "Discovered",
    "Event",
    "EventBus",
    "EventFilter",
    "EventHandler",
    "EventStore",
    "FailedDelivery",
    "Fence",
    "Finding",
    "HasDefaultRegion",
    "InvokeRequest",
    "Invoked",
    "InvokesFunctions",
    "LogLine",
    "LogPage",
    "LogQuery",
    "MakesDigests",
    "MaybeAwaitable",
    "Observed",
    "Operation",
    "OwnershipTags",
    "Provider",
    "ProviderSettings",
    "ReadsLogs",
    "RecordedEvent",
    "Resource",
    "ResourceHandle",
    "ResourceRole",
    "Scope",
    "SecretResolver",
    "Secrets",
    "StreamInfo",
]
