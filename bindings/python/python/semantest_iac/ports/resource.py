"""Resources: as a provider wants them, and as it is asked to make them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from semantest_iac._record import Field, Fields, Record, anything, many, record, table, text
from semantest_iac.records import ResourceRole

__all__ = ["OwnershipTags", "Resource", "ResourceHandle", "ResourceRole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipTags(Record):
    """Whose a resource is. Every resource carries these four; what does not is never touched.

    Attributes:
        project: Project name.
        environment: Environment name.
        component: Component name.
        address: Address in the graph.
    """

    _fields: ClassVar[Fields] = {
        "project": Field(text),
        "environment": Field(text),
        "component": Field(text),
        "address": Field(text),
    }

    project: str
    environment: str
    component: str
    address: str

    @property
    def deployment(self) -> str:
        """The deployment's stream."""
        return f"{self.project}/{self.environment}/{self.component}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Record):
    """A wanted resource: what `lower` answers.

    A resource that the outside world hears of (`role`) gives it through outputs of fixed names: `arn`, `endpoint`, and
    `function_name`, `api_id` or `service_name`.

    Attributes:
        address: Where it stands in its graph, e.g. `function.rest-api`: letters, digits, `.`, `_` and `-`.
        kind: The provider's word for what it is.
        inputs: What it should be; the same blueprint has to give the same inputs. They may hold references to outputs
            of others (see `output`) and references to secrets (`{"secret": "env:NAME"}`); inside `environment_variables`
            and `tags`, which are the user's own text, `${…}` is not a reference.
        depends_on: Addresses beside those that references in `inputs` imply.
        replace_on: Top-level inputs that cannot be changed in place.
        volatile_outputs: Outputs that an update in place may change; whatever refers to one is updated too.
        steady_inputs: Top-level inputs whose change leaves every output as it is, volatile ones too.
        role: Whether the outside world hears of it, and as what.
    """

    _fields: ClassVar[Fields] = {
        "address": Field(text),
        "kind": Field(text),
        "inputs": Field(table(anything)),
        "depends_on": Field(many(text), default=()),
        "replace_on": Field(many(text), default=()),
        "volatile_outputs": Field(many(text), default=()),
        "steady_inputs": Field(many(text), default=()),
        "role": Field(text, default=None),
    }

    address: str
    kind: str
    inputs: Mapping[str, Any]
    depends_on: Collection[str] = ()
    replace_on: Collection[str] = ()
    volatile_outputs: Collection[str] = ()
    steady_inputs: Collection[str] = ()
    role: ResourceRole | None = None

    def output(self, name: str) -> str:
        """A reference to one of its outputs, for the inputs of another."""
        return f"${{{self.address}.{name}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceHandle(Record):
    """A resource to look at, to change or to delete.

    Attributes:
        tags: Whose it is.
        kind: The provider's word for what it is.
        inputs: What it was last asked to be, references to outputs substituted. An orphan that is taken away has none,
            but for its region.
        id: The cloud's id, where known: not for a change whose outcome was never recorded.
        outputs: What it last answered.
    """

    _fields: ClassVar[Fields] = {
        "tags": Field(record(OwnershipTags)),
        "kind": Field(text),
        "inputs": Field(table(anything), default={}, written=True),
        "id": Field(text, default=None, written=True),
        "outputs": Field(table(anything), default={}, written=True),
    }

    tags: OwnershipTags
    kind: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
