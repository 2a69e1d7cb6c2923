"""A cloud, or something like one: turns blueprints into resources and resources into reality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from semantest_iac._record import Field, Fields, Record, anything, flag, many, record, table, text, whole
from semantest_iac.blueprint import Blueprint
from semantest_iac.ports.awaitable import MaybeAwaitable
from semantest_iac.ports.resource import OwnershipTags, Resource, ResourceHandle
from semantest_iac.ports.secret_resolver import Secrets

ChangeAction: TypeAlias = Literal["create", "update", "replace"]
"""What is asked for.

Words:
    create: Bring it into being.
    update: Change it in place.
    replace: Make it anew, because it cannot be changed in place.
"""


def _names(value: Any) -> frozenset[str]:
    return frozenset(many(text)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings(Record):
    """Where to lower a blueprint to.

    Attributes:
        region: Region; the provider's default where there is none.
    """

    _fields: ClassVar[Fields] = {"region": Field(text, default=None)}

    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Record):
    """One change to apply. Neither `repr` nor `to_dict` shows a secret's value.

    Attributes:
        action: Create, update or replace.
        resource: The wanted resource; `id` and `outputs` are those of the existing one, where there is one.
        previous_inputs: Inputs that it had before, for update and replace.
        changed: Top-level inputs that differ; none for create.
        secrets: Values by the references in `resource.inputs`: for this call, and for nothing else.
    """

    _fields: ClassVar[Fields] = {
        "action": Field(text),
        "resource": Field(record(ResourceHandle)),
        "previous_inputs": Field(table(anything), default=None),
        "changed": Field(_names, default=frozenset()),
        "secrets": Field(Secrets._read, default=Secrets()),
    }

    action: ChangeAction
    resource: ResourceHandle
    previous_inputs: Mapping[str, Any] | None = None
    changed: frozenset[str] = frozenset()
    secrets: Secrets = field(default_factory=Secrets)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-like data, without the secrets."""
        return {
            "action": self.action,
            "resource": self.resource.to_dict(),
            "previous_inputs": None if self.previous_inputs is None else dict(self.previous_inputs),
            "changed": sorted(self.changed),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Record):
    """Identifies one change across retries and crashes: the same id means the same change.

    Attributes:
        id: Idempotency token (a UUID).
        attempt: 1 for the first try.
    """

    _fields: ClassVar[Fields] = {"id": Field(text), "attempt": Field(whole)}

    id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Record):
    """What an applied change gave. It is recorded: no secrets.

    Attributes:
        id: The cloud's id.
        outputs: Outputs by name.
        adopted: Whether it was there already, with our tags, and taken over.
    """

    _fields: ClassVar[Fields] = {
        "id": Field(text),
        "outputs": Field(table(anything), default={}),
        "adopted": Field(flag, default=False),
    }

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(Record):
    """What the cloud holds.

    Attributes:
        id: The cloud's id.
        inputs: Properties as found, under the names of the inputs. Those that cannot be read are left out; secrets are left
            out or given as references, never as values.
        outputs: Outputs by name.
    """

    _fields: ClassVar[Fields] = {
        "id": Field(text),
        "inputs": Field(table(anything), default={}),
        "outputs": Field(table(anything), default={}),
    }

    id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Record):
    """Where to look for resources of ours.

    Attributes:
        project: Project name.
        environment: Environment name.
        component: One component, or all.
        region: Region; the provider's default where there is none.
    """

    _fields: ClassVar[Fields] = {
        "project": Field(text),
        "environment": Field(text),
        "component": Field(text, default=None),
        "region": Field(text, default=None),
    }

    project: str
    environment: str
    component: str | None = None
    region: str | None = None

    def holds(self, tags: OwnershipTags) -> bool:
        """Whether what carries `tags` is looked for, its region aside."""
        return (
            tags.project == self.project
            and tags.environment == self.environment
            and self.component in (None, tags.component)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered(Record):
    """A resource of ours found in the cloud.

    Attributes:
        tags: Whose it is.
        kind: The provider's word for what it is.
        id: The cloud's id.
    """

    _fields: ClassVar[Fields] = {
        "tags": Field(record(OwnershipTags)),
        "kind": Field(text),
        "id": Field(text),
    }

    tags: OwnershipTags
    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """One thing that a provider looked at to find out whether it can work.

    Attributes:
        name: What was looked at.
        ok: Whether it is as it should be.
        detail: What was found, and what to do.
    """

    _fields: ClassVar[Fields] = {"name": Field(text), "ok": Field(flag), "detail": Field(text)}

    name: str
    ok: bool
    detail: str


class Provider(Protocol):
    """A cloud. Every operation is safe to repeat: an answer may have been lost on its way back.

    A provider may do more: see `HasDefaultRegion`, `Diagnoses`, `InvokesFunctions` and `ReadsLogs`.
    """

    @property
    def name(self) -> str:
        """What environments call it in `semantest.toml`: a lower-case name. A built-in provider's name puts this one in its
        place."""

    def lower(
        self, blueprint: Blueprint, settings: ProviderSettings, /
    ) -> MaybeAwaitable[Iterable[Resource]]:
        """Blueprint to resources. Pure: no calls, and the same blueprint gives the same names and inputs.

        Raises:
            UnsupportedError: This provider cannot do a part of it: which one, and what to do.
            InvalidInputError: A part of it cannot be.
        """

    def observe(self, resource: ResourceHandle, /) -> MaybeAwaitable[Observed | None]:
        """What the cloud holds now, or None. Something there without our tags is nothing of ours: None."""

    def apply(self, change: Change, operation: Operation, /) -> MaybeAwaitable[Applied]:
        """Creates or updates to the wanted inputs. Creating what exists with our tags adopts it.

        Raises:
            AlreadyExistsError: It exists without our tags. It is left alone.
            ThrottledError, UnavailableError, TimeoutError: With `retry="later"` where another try can help.
        """

    def delete(self, resource: ResourceHandle, operation: Operation, /) -> MaybeAwaitable[None]:
        """Gone afterwards, also if it was gone before. Of an orphan only tags, kind and id are known."""

    def discover(self, scope: Scope, /) -> MaybeAwaitable[Iterable[Discovered]]:
        """All resources tagged as ours in the scope, and no others: what is found may be taken away."""


class HasDefaultRegion(Protocol):
    """A provider that knows which region this machine is set up for."""

    def default_region(self) -> MaybeAwaitable[str | None]:
        """The region where the environment names none."""


class Diagnoses(Protocol):
    """A provider that can say whether it is able to work (`semantest-iac doctor`)."""

    def diagnose(self, settings: ProviderSettings, /) -> MaybeAwaitable[Iterable[Finding]]:
        """Which identity, region and permissions it sees. Changes nothing."""
