"""What every port has to keep to, tried out: the suites that the adapters of semantest-iac itself pass.

    async def test_the_vault_keeps_its_promises() -> None:
        sample = SecretSample(
            known=("vault:known", "a value of some length"),
            other=("vault:other", "another one"),
            unknown="vault:nothing",
        )
        await check(Vault(...), sample)

Each suite makes real calls: give it something of its own, that nobody else uses.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, overload

from semantest_iac import _core
from semantest_iac._loop import Loop
from semantest_iac._port import Port
from semantest_iac._port_event_bus import EVENT_BUS, event_bus
from semantest_iac._port_event_store import EVENT_STORE, event_store
from semantest_iac._port_provider import PROVIDER, provider
from semantest_iac._port_raised import Raised
from semantest_iac._port_secret_resolver import (
    SECRET_RESOLVER,
    SecretResolverCalls,
    secret_resolver,
)
from semantest_iac._record import Field, Fields, Record, anything, record, table, text
from semantest_iac.errors import InvalidInputError
from semantest_iac.ports import EventBus, EventStore, OwnershipTags, Provider, SecretResolver

__all__ = ["ProviderSample", "SecretSample", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSample(Record):
    """A resource to try a provider on. Nothing of it is there before, and nothing after.

    Attributes:
        tags: Whose it is.
        kind: The provider's word for what it is.
        inputs: What it is made of, references substituted. Under `region` its region, where it has one.
        updated: Other inputs of the same resource, which it can be changed to in place.
    """

    _fields: ClassVar[Fields] = {
        "tags": Field(record(OwnershipTags)),
        "kind": Field(text),
        "inputs": Field(table(anything)),
        "updated": Field(table(anything)),
    }

    tags: OwnershipTags
    kind: str
    inputs: Mapping[str, Any]
    updated: Mapping[str, Any]


def _pair(value: Any) -> tuple[str, str]:
    reference, secret = value
    return text(reference), text(secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSample(Record):
    """Secrets to try a resolver on. Their references name no region.

    Attributes:
        known: Reference and value of a secret that is there. The value is long enough not to stand in other words.
        other: Another one with another value.
        unknown: The reference of one that is not there.
    """

    _fields: ClassVar[Fields] = {
        "known": Field(_pair),
        "other": Field(_pair),
        "unknown": Field(text),
    }

    known: tuple[str, str] = field(repr=False)
    other: tuple[str, str] = field(repr=False)
    unknown: str


@overload
async def check(port: EventBus | EventStore) -> None: ...
@overload
async def check(port: Provider, sample: ProviderSample) -> None: ...
@overload
async def check(port: SecretResolver, sample: SecretSample) -> None: ...
async def check(port: object, sample: ProviderSample | SecretSample | None = None) -> None:
    """Whether a port keeps its promises.

    An event bus has no subscribers and an event store no events when it is handed over.

    Args:
        port: An instance, as `Iac.open` takes it.
        sample: What a provider or a resolver of secrets is tried on.

    Raises:
        AssertionError: It does not: the claim that is broken. (The native module prints it on standard error too.)
        InvalidInputError: It is no port, or the sample is not one for it.
    """
    given = _port(port, sample)
    loop = await Loop.running()
    try:
        data = None if sample is None else sample.to_dict()
        await _core.check_conformance(loop.bridge, given, data)
    finally:
        await loop.close()


def _port(port: object, sample: object) -> Port:
    if isinstance(sample, ProviderSample):
        return provider(port, Raised())
    if isinstance(sample, SecretSample):
        return _with_digests(secret_resolver(port))
    if sample is not None:
        kind = type(sample).__qualname__
        raise _refused(f"a sample is a ProviderSample or a SecretSample, not {kind}")
    # Which one is meant is told by what only one of them has.
    if hasattr(port, "append"):
        return event_store(port)
    if hasattr(port, "publish"):
        return event_bus(port, Raised())
    for role, name in ((PROVIDER, ProviderSample), (SECRET_RESOLVER, SecretSample)):
        if role.methods_of(port) >= role.required.keys():
            raise _refused(f"a {role.words} is tried on a sample: give a {name.__name__}")
    needs = (f"{one.words} ({', '.join(one.required)})" for one in (EVENT_STORE, EVENT_BUS))
    raise _refused(f"{type(port).__qualname__} is no {' and no '.join(needs)}")


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, operation="conformance.check")


class _KeyedDigests(SecretResolverCalls):
    """Makes digests as a project does, with a key of its own."""

    _key = secrets.token_bytes(32)

    async def digest(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()


def _with_digests(port: Port) -> Port:
    if "digest" in port.methods:
        return port
    target = _KeyedDigests(SECRET_RESOLVER, port.target._port, port.name)
    return replace(port, target=target, methods=port.methods | {"digest"})
