"""The four ports in memory, as an application would write them: no base classes, methods async or plain."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from semantest_iac.blueprint import Blueprint
from semantest_iac.errors import (
    AlreadyExistsError,
    DuplicateEventError,
    Error,
    HeldError,
    InvalidInputError,
    VersionConflictError,
)
from semantest_iac.ports import (
    Append,
    Appended,
    Applied,
    Change,
    Discovered,
    Event,
    EventFilter,
    EventHandler,
    FailedDelivery,
    Finding,
    Invoked,
    InvokeRequest,
    LogLine,
    LogPage,
    LogQuery,
    Observed,
    Operation,
    OwnershipTags,
    ProviderSettings,
    RecordedEvent,
    Resource,
    ResourceHandle,
    Scope,
    StreamInfo,
)


@dataclass(frozen=True)
class Held:
    """A resource in the cloud."""

    tags: OwnershipTags
    kind: str
    inputs: dict[str, Any]

    @property
    def outputs(self) -> dict[str, Any]:
        name = self.inputs["name"]
        outputs = {"arn": f"mem:{self.kind}:{name}"}
        if self.kind == "memory.function":
            return outputs | {"function_name": name}
        return outputs | {"api_id": name, "endpoint": f"http://{name}.memory"}


@dataclass
class MemoryProvider:
    """A cloud where names are unique, and are the ids too."""

    name: str = "elsewhere"
    held: dict[str, Held] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def lower(self, blueprint: Blueprint, settings: ProviderSettings) -> Iterator[Resource]:
        base = f"{blueprint.project}-{blueprint.environment}-{blueprint.component}"
        functions = {}
        for function in blueprint.functions:
            inputs = {**function.to_dict(), "name": f"{base}-{function.role}", "region": settings.region}
            functions[function.role] = Resource(
                address=f"function.{function.role}",
                kind="memory.function",
                inputs=inputs,
                replace_on={"runtime"},
                role="function",
            )
        yield from functions.values()
        if blueprint.api is not None:
            routes = {
                route.route_key: functions[route.function].output("arn")
                for route in blueprint.api.routes
            }
            inputs = {"name": f"{base}-api", "routes": routes}
            yield Resource(address="api", kind="memory.api", inputs=inputs, role="api_gateway")

    async def observe(self, resource: ResourceHandle) -> Observed | None:
        self.calls["observe"] += 1
        held = self.held.get(self._id(resource))
        if held is None or held.tags != resource.tags:
            return None
        return Observed(id=self._id(resource), inputs=held.inputs, outputs=held.outputs)

    async def apply(self, change: Change, operation: Operation) -> Applied:
        self.calls["apply"] += 1
        self.changes.append(change)
        await asyncio.sleep(0)
        resource = change.resource
        name = resource.inputs["name"]
        before = self.held.get(name)
        if before is not None and before.tags != resource.tags:
            raise AlreadyExistsError(f"`{name}` is there and is not ours", context={"name": name})
        held = self.held[name] = Held(resource.tags, resource.kind, dict(resource.inputs))
        return Applied(id=name, outputs=held.outputs, adopted=before is not None)

    async def delete(self, resource: ResourceHandle, operation: Operation) -> None:
        self.calls["delete"] += 1
        held = self.held.get(self._id(resource))
        if held is not None and held.tags == resource.tags:
            del self.held[self._id(resource)]

    async def discover(self, scope: Scope) -> list[Discovered]:
        self.calls["discover"] += 1
        ours = ((id_, held) for id_, held in self.held.items() if scope.holds(held.tags))
        return [Discovered(tags=held.tags, kind=held.kind, id=id_) for id_, held in ours]

    @staticmethod
    def _id(resource: ResourceHandle) -> str:
        # An orphan has nothing but its id.
        return str(resource.inputs.get("name") or resource.id)


class TalkativeProvider(MemoryProvider):
    """The same with all that a provider may have; plain methods."""

    def default_region(self) -> str | None:
        return "memory-1"

    def diagnose(self, settings: ProviderSettings) -> list[Finding]:
        return [Finding(name="memory", ok=True, detail=f"there is enough in {settings.region}")]

    def invoke(self, request: InvokeRequest) -> Invoked:
        payload = json.dumps({"heard": request.event, "text": request.payload})
        line = LogLine(time="2026-01-31T12:00:00Z", function_name="f", message="called")
        return Invoked(request_id="r-1", payload=payload, duration_ms=1.5, logs=[line])

    def logs(self, query: LogQuery) -> LogPage:
        message = f"since={query.since} limit={query.limit} wait={query.wait} cursor={query.cursor}"
        line = LogLine(
            time="2026-01-31T12:00:00Z", function_name=query.function.outputs["arn"], message=message
        )
        return LogPage((line,), "next")


@dataclass
class MemoryStore:
    """A log in memory. What is kept is text: nothing can be changed behind its back."""

    log: list[tuple[str, int, str]] = field(default_factory=list)
    lengths: Counter[str] = field(default_factory=Counter)
    updated: dict[str, datetime] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    fences: dict[str, int] = field(default_factory=dict)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def text(self) -> str:
        return "\n".join(text for _, _, text in self.log)

    async def append(self, append: Append) -> Appended:
        if not append.events:
            raise InvalidInputError("there is nothing to append")
        fence = append.fence
        if fence is not None and fence.token < self.fences.get(fence.name, 0):
            raise HeldError(f"another run has taken over {fence.name}")
        actual = self.lengths[append.stream]
        if append.expected not in (None, actual):
            context = {"expected": str(append.expected), "actual": str(actual)}
            raise VersionConflictError("somebody else was faster", context=context)
        identities = [(event.source, event.event_id) for event in append.events]
        for at, identity in enumerate(identities):
            if identity in self.known or identity in identities[:at]:
                raise DuplicateEventError("it is here already", context={"id": identity[1]})
        if fence is not None:
            self.fences[fence.name] = fence.token
        self.known.update(identities)
        for version, event in enumerate(append.events, actual + 1):
            text = json.dumps(event.to_cloudevent(), ensure_ascii=False)
            self.log.append((append.stream, version, text))
        self.lengths[append.stream] += len(append.events)
        self.updated[append.stream] = datetime.now(UTC)
        async with self.grown:
            self.grown.notify_all()
        return Appended(position=len(self.log), version=self.lengths[append.stream])

    def read_stream(self, stream: str, after: int, limit: int | None) -> list[RecordedEvent]:
        found = (one for one in self._recorded(0) if one.stream == stream and one.version > after)
        return list(found)[:limit]

    def read_all(self, after: int, limit: int | None) -> list[RecordedEvent]:
        return list(self._recorded(after))[:limit]

    def _recorded(self, after: int) -> Iterator[RecordedEvent]:
        for position, (stream, version, text) in enumerate(self.log[after:], after + 1):
            event = json.loads(text)
            yield RecordedEvent(position=position, stream=stream, version=version, event=event)

    def streams(self, prefix: str) -> list[StreamInfo]:
        return [
            StreamInfo(name=name, version=self.lengths[name], updated=updated)
            for name, updated in self.updated.items()
            if name.startswith(prefix)
        ]

    def head(self) -> int:
        return len(self.log)

    async def wait(self, after: int, at_most: float) -> None:
        async with self.grown:
            try:
                async with asyncio.timeout(at_most):
                    await self.grown.wait_for(lambda: len(self.log) > after)
            except TimeoutError:
                pass


@dataclass
class MemoryBus:
    """Calls handlers one after the other."""

    attempts: int = 3
    subscribers: dict[int, tuple[EventFilter, EventHandler]] = field(default_factory=dict)
    made: int = 0
    published: list[Event] = field(default_factory=list)

    async def publish(self, events: Sequence[Event]) -> list[FailedDelivery]:
        failed = []
        for event in events:
            self.published.append(event)
            for filter, handler in list(self.subscribers.values()):
                if filter.admits(event) and (error := await self._deliver(handler, event)):
                    failed.append(
                        FailedDelivery(handler=handler.name, event_id=event.event_id, error=error)
                    )
        return failed

    async def _deliver(self, handler: EventHandler, event: Event) -> Error | None:
        for attempt in range(1, self.attempts + 1):
            try:
                await handler.handle(event)
            except Error as error:
                if error.retry != "later" or attempt == self.attempts:
                    return error
            else:
                break
        return None

    def subscribe(self, filter: EventFilter, handler: EventHandler) -> int:
        self.made += 1
        self.subscribers[self.made] = (filter, handler)
        return self.made

    def unsubscribe(self, subscription: int) -> None:
        self.subscribers.pop(subscription, None)


@dataclass
class MemoryVault:
    """Secrets in a dictionary; every method plain."""

    values: dict[str, str] = field(default_factory=dict)
    schemes: tuple[str, ...] = ("vault",)

    def resolve(self, reference: str, region: str | None) -> str | None:
        return self.values.get(reference)


class DigestingVault(MemoryVault):
    """The same with digests of its own; async."""

    async def digest(self, value: str) -> str:
        return hashlib.blake2b(value.encode(), key=b"a key").hexdigest()


def renamed(held: Held, **inputs: Any) -> Held:
    """The resource with other inputs: somebody changed it by hand."""
    return replace(held, inputs=held.inputs | inputs)
