"""Ports written in Python pass the suites that every adapter passes, and broken ones do not."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ports_in_memory import (
    DigestingVault,
    MemoryBus,
    MemoryProvider,
    MemoryStore,
    MemoryVault,
    TalkativeProvider,
)

from semantest_iac.conformance import ProviderSample, SecretSample, check
from semantest_iac.errors import Error, InvalidInputError, SecretUnresolvedError, StorageError
from semantest_iac.ports import (
    Append,
    Appended,
    Applied,
    Change,
    Discovered,
    Event,
    EventBus,
    EventFilter,
    EventHandler,
    EventStore,
    FailedDelivery,
    Observed,
    Operation,
    OwnershipTags,
    Provider,
    RecordedEvent,
    ResourceHandle,
    Scope,
    SecretResolver,
)

RESOURCE = ProviderSample(
    tags=OwnershipTags(project="shop", environment="dev", component="api", address="function.api"),
    kind="memory.function",
    inputs={"name": "shop-dev-api", "memory_mb": 128, "nested": {"Odd Key": [1, None, "ü", 2.5]}},
    updated={"name": "shop-dev-api", "memory_mb": 256},
)

CANARY = "canary one \u00fc"
SECRETS = SecretSample(
    known=("vault:known", CANARY), other=("vault:other", "canary two"), unknown="vault:nothing"
)


def vault(cls: type[MemoryVault] = MemoryVault) -> MemoryVault:
    return cls(dict([SECRETS.known, SECRETS.other]))


# Each port is one to a type checker too.
PROVIDER: Provider = MemoryProvider()
BUS: EventBus = MemoryBus()
STORE: EventStore = MemoryStore()
RESOLVER: SecretResolver = MemoryVault()


@pytest.mark.parametrize("cls", [MemoryProvider, TalkativeProvider])
def test_a_provider_conforms(cls: type[MemoryProvider]) -> None:
    provider = cls()
    asyncio.run(check(provider, RESOURCE))
    assert provider.held == {}


def test_an_event_bus_conforms() -> None:
    asyncio.run(check(MemoryBus()))


def test_an_event_store_conforms() -> None:
    asyncio.run(check(MemoryStore()))


@pytest.mark.parametrize("cls", [MemoryVault, DigestingVault])
def test_a_secret_resolver_conforms(cls: type[MemoryVault]) -> None:
    asyncio.run(check(vault(cls), SECRETS))


class Forgetful(MemoryProvider):
    async def delete(self, resource: ResourceHandle, operation: Operation) -> None:
        """Says so, and does nothing."""


class Greedy(MemoryProvider):
    async def apply(self, change: Change, operation: Operation) -> Applied:
        self.held.pop(change.resource.inputs["name"], None)
        return await super().apply(change, operation)


class Farsighted(MemoryProvider):
    async def discover(self, scope: Scope) -> list[Discovered]:
        return await super().discover(replace(scope, environment="dev"))


class Inventive(MemoryProvider):
    async def observe(self, resource: ResourceHandle) -> Observed | None:
        return Observed(id="something", inputs={})


class Indiscreet(MemoryProvider):
    async def apply(self, change: Change, operation: Operation) -> Applied:
        applied = await super().apply(change, operation)
        return replace(applied, outputs={"password": "".join(change.secrets.values())})


@pytest.mark.parametrize(
    ("provider", "claim"),
    [
        (Forgetful(), r"left: Some\(Observed|None"),
        (Greedy(), "it was not there before|it is not theirs"),
        (Farsighted(), "only in the scope|outside the scope"),
        (Inventive(), "what is not there is nothing"),
        (Indiscreet(), "the value of the secret `memory:canary`"),
    ],
)
def test_a_broken_provider_is_told_its_claim(provider: MemoryProvider, claim: str) -> None:
    with pytest.raises(AssertionError, match=claim):
        asyncio.run(check(provider, RESOURCE))


class Selective(MemoryBus):
    def subscribe(self, filter: EventFilter, handler: EventHandler) -> int:
        return super().subscribe(EventFilter(), handler)


class Backward(MemoryBus):
    async def publish(self, events: Sequence[Event]) -> list[FailedDelivery]:
        return await super().publish(events[::-1])


class Silent(MemoryBus):
    async def publish(self, events: Sequence[Event]) -> list[FailedDelivery]:
        await super().publish(events)
        return []


class Clinging(MemoryBus):
    def unsubscribe(self, subscription: int) -> None:
        """Keeps everybody."""


@pytest.mark.parametrize(
    ("bus", "claim"),
    [
        (Selective(), "filtered"),
        (Backward(), "in order"),
        (MemoryBus(attempts=1), "publish"),
        (Silent(), "left: 0"),
        (Clinging(), "left: 7"),
    ],
)
def test_a_broken_event_bus_is_told_its_claim(bus: MemoryBus, claim: str) -> None:
    with pytest.raises(AssertionError, match=claim):
        asyncio.run(check(bus))


class Careless(MemoryStore):
    async def append(self, append: Append) -> Appended:
        return await super().append(replace(append, expected=None))


class Gullible(MemoryStore):
    async def append(self, append: Append) -> Appended:
        self.known.clear()
        return await super().append(append)


class Lossy(MemoryStore):
    def read_stream(self, stream: str, after: int, limit: int | None) -> list[RecordedEvent]:
        found = super().read_stream(stream, after, limit)
        return [replace(one, event={**one.event, "data": {}}) for one in found if isinstance(one.event, dict)]


class Inclusive(MemoryStore):
    def read_all(self, after: int, limit: int | None) -> list[RecordedEvent]:
        return super().read_all(max(after - 1, 0), limit)


class Deaf(MemoryStore):
    async def wait(self, after: int, at_most: float) -> None:
        raise StorageError("nobody told me")


@pytest.mark.parametrize(
    ("store", "claim"),
    [
        (Careless, "a conflict|expected the number of events"),
        (Gullible, "a duplicate"),
        (Lossy, "as-it-was|Odd Key"),
        (Inclusive, "expected events in order"),
        (Deaf, "nobody told me"),
    ],
)
def test_a_broken_event_store_is_told_its_claim(store: type[MemoryStore], claim: str) -> None:
    with pytest.raises(AssertionError, match=claim):
        asyncio.run(check(store()))


class Confused(MemoryVault):
    def resolve(self, reference: str, region: str | None) -> str | None:
        return "something else altogether"


class Local(MemoryVault):
    def resolve(self, reference: str, region: str | None) -> str | None:
        return super().resolve(reference, region) if region is None else None


class Babbling(MemoryVault):
    def resolve(self, reference: str, region: str | None) -> str | None:
        if reference not in self.values:
            raise SecretUnresolvedError(f"I only have {CANARY}")
        return self.values[reference]


class Uniform(DigestingVault):
    async def digest(self, value: str) -> str:
        return "the same for all"


@pytest.mark.parametrize(
    ("cls", "claim"),
    [
        (Confused, "is what it was set to"),
        (Local, "it is there"),
        (Babbling, "an error shows no value"),
        (Uniform, "digests of different values differ"),
    ],
)
def test_a_broken_secret_resolver_is_told_its_claim(cls: type[MemoryVault], claim: str) -> None:
    with pytest.raises(AssertionError, match=claim) as told:
        asyncio.run(check(vault(cls), SECRETS))
    assert CANARY not in str(told.value)


def test_what_is_no_port_is_not_tried() -> None:
    nothing: Any = object()
    provider: Any = MemoryProvider()
    for port, sample, words in [
        (nothing, None, "object is no event store"),
        (nothing, RESOURCE, "it lacks lower, observe, apply, delete, discover"),
        (nothing, SECRETS, "it lacks resolve"),
        (provider, None, "give a ProviderSample"),
        (MemoryVault(), None, "give a SecretSample"),
        (MemoryBus, None, "is a class"),
        (provider, {"kind": "x"}, "not dict"),
    ]:
        with pytest.raises(InvalidInputError, match=words):
            asyncio.run(check(port, sample))


def test_a_sample_keeps_its_secrets() -> None:
    assert CANARY not in repr(SECRETS)


def test_a_check_goes_with_a_loop_in_use() -> None:
    async def both() -> None:
        await asyncio.gather(check(MemoryBus()), check(vault(), SECRETS), check(MemoryStore()))

    asyncio.run(both())


def test_a_claim_is_no_error_of_ours() -> None:
    with pytest.raises(AssertionError) as told:
        asyncio.run(check(Silent()))
    assert not isinstance(told.value, Error)
