"""What all event objects have in common, and events of other domains.

An event object comes to be in one of two ways. Whoever publishes makes it, with all its fields.
Delivered ones stand on a native event and fetch each field when it is first asked for: most
handlers read two or three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from reprlib import Repr
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypedDict, Unpack

from semantest_iac._cloudevent import (
    JSON,
    NATIVE,
    TYPE_PREFIX,
    UNDERSTOOD,
    given_attributes,
    named,
    optional_text,
    read_attributes,
    write_attributes,
)
from semantest_iac._core import NativeEvent, new_id
from semantest_iac._record import Unfit, anything, plain, refusal

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80


if TYPE_CHECKING:
    from semantest_iac._causation import Cause


class About(TypedDict, total=False):
    """What may be said about any new event, beside its data.

    Attributes:
        event_id: Unique with `source`; a new UUIDv7 where it is not given.
        source: Who says so, as a URI reference; the project where it is not given.
        subject: The stream; the deployment's where it is not given.
        time: When it happened; now where it is not given.
        correlation_id: Groups everything that one request brought about.
        causation_id: The event that brought this one about.
        previous_event_ids: Ancestry, newest first.
        traceparent: W3C trace context.
    """

    event_id: str
    source: str
    subject: str
    time: datetime
    correlation_id: str | None
    causation_id: str | None
    previous_event_ids: Sequence[str]
    traceparent: str | None


class CloudEvent:
    """An event and its envelope. Events do not change.

    Attributes:
        event_id: Unique with `source`.
        source: Who says so: `/semantest-iac/<project>` of ours; empty before it is published.
        subject: The stream: `<project>/<environment>/<component>`; empty before it is published.
        time: When it happened, in UTC.
        correlation_id: Groups everything that one request brought about.
        causation_id: The event that brought this one about.
        previous_event_ids: Ancestry, newest first.
        sequence: Place in the stream, given by the log: 1, 2, 3, ….
        traceparent: W3C trace context.
        position: Place in the whole log.
    """

    event_id: str
    source: str
    subject: str
    time: datetime
    correlation_id: str | None
    causation_id: str | None
    previous_event_ids: tuple[str, ...]
    sequence: int | None
    traceparent: str | None
    position: int | None

    # Hidden from type checkers: to them an attribute that nobody declared would exist.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            own = self.__dict__
            native = own.get("_native")
            if native is not None:
                read = NATIVE.get(name)
                if read is not None:
                    value = own[name] = read(native)
                    return value
            message = f"{type(self).__name__} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"events do not change: {name!r} of {type(self).__name__} stays")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"events do not change: {name!r} of {type(self).__name__} stays")

    @classmethod
    def _with(cls, values: Mapping[str, Any]) -> Self:
        event = cls.__new__(cls)
        event.__dict__.update(values)
        return event

    @classmethod
    def _values(cls, event: Mapping[str, Any]) -> dict[str, Any]:
        """What an event object holds, read off a CloudEvents object."""
        raise NotImplementedError

    def _stamped(self, cause: Cause) -> Self:
        """A copy that says which event brought it about."""
        native = "_native" in self.__dict__
        whole: Self = type(self).from_cloudevent(self.to_cloudevent()) if native else self  # type: ignore[attr-defined]
        stamp = {
            "correlation_id": cause.correlation,
            "causation_id": cause.event_id,
            "previous_event_ids": cause.ancestry,
        }
        return self._with({**whole.__dict__, **stamp})

    def _shown(self) -> Mapping[str, Any]:
        """What is compared and shown, by name."""
        raise NotImplementedError

    def to_cloudevent(self) -> dict[str, Any]:
        """The event as a CloudEvents 1.0 object in structured JSON mode."""
        native = self.__dict__.get("_native")
        if native is not None:
            written: dict[str, Any] = json.loads(native.json())
            return written
        return self._written()

    def _written(self) -> dict[str, Any]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, CloudEvent) or type(self) is not type(other):
            return NotImplemented
        return self.event_id == other.event_id and self._shown() == other._shown()

    def __hash__(self) -> int:
        return hash(self.event_id)

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={_SHORT.repr(value)}" for key, value in self._shown().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        # What CloudEvents has no place for goes along beside it.
        beside = {"source": self.source, "position": self.position}
        return _restored, (type(self), self.to_cloudevent(), beside)


def _restored(cls: type[CloudEvent], written: dict[str, Any], beside: dict[str, Any]) -> CloudEvent:
    return cls._with(cls._values(written) | beside)


class InfrastructureEvent(CloudEvent):
    """An event of semantest-iac: requests that come in, facts that go out.

    Attributes:
        event_name: The event's name: `FunctionDeployed`.
        schema_version: Version of its data.
    """

    event_name: ClassVar[str]
    schema_version: ClassVar[int]

    @property
    def event_type(self) -> str:
        """The full type: `com.semantest.iac.<name>`."""
        return TYPE_PREFIX + self.event_name

    def to_dict(self) -> dict[str, Any]:
        """The data, without the envelope."""
        raise NotImplementedError

    @classmethod
    def _of(cls, native: NativeEvent) -> InfrastructureEvent | ApplicationEvent:
        """The event object on a native event, of the class that the type names."""
        known = _classes().get(native.event_type)
        return ApplicationEvent._of(native) if known is None else known._of(native)

    @classmethod
    def from_cloudevent(cls, event: Mapping[str, Any]) -> InfrastructureEvent | ApplicationEvent:
        """Reads a CloudEvents 1.0 object; data of an older version is brought up to date.

        The object is of the class that the type names; a type of another domain gives an
        `ApplicationEvent`.

        Raises:
            InvalidInputError: An attribute or a field is missing or malformed.
        """
        kind = event.get("type") if isinstance(event, Mapping) else None
        known = _classes().get(kind) if isinstance(kind, str) else None
        return (known or ApplicationEvent).from_cloudevent(event)


@cache
def _classes() -> Mapping[str, type[InfrastructureEvent]]:
    """Every class of `events` by its full type."""
    # The events stand on this module.
    from semantest_iac.events import EVENT_CLASSES

    return {TYPE_PREFIX + name: cls for name, cls in EVENT_CLASSES.items()}


class ApplicationEvent(CloudEvent):
    """An event of another domain.

    Attributes:
        event_type: The full type: `com.example.shop.ServiceDeploymentNeeded`, or only a name.
        data: Any value that JSON can hold.
        dataschema: Where its schema is, if it says so.
        attributes: Every other attribute of its envelope, as it came.
    """

    event_type: str
    data: Any
    dataschema: str | None
    attributes: Mapping[str, Any]

    __match_args__ = ("name", "data")

    def __init__(self, name: str, data: Any = None, **about: Unpack[About]) -> None:
        try:
            if named(name).startswith(TYPE_PREFIX):
                raise Unfit("is one of semantest-iac itself, which has a class of its own", "name")
            own = {"event_type": name, "data": anything(data), "dataschema": None, "attributes": {}}
            self.__dict__.update(own)
            self.__dict__.update(given_attributes(about, new_id))
        except Unfit as unfit:
            raise refusal("ApplicationEvent", unfit, "event.make") from None
        except TypeError as error:
            raise TypeError(f"ApplicationEvent: {error}") from None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            own = self.__dict__
            native = own.get("_native")
            if native is not None:
                if name == "event_type":
                    value = own[name] = native.event_type
                    return value
                if name in ("data", "dataschema", "attributes"):
                    # Foreign events have attributes that a native event has no names for.
                    own.update(_foreign(json.loads(native.json())))
                    return own[name]
            return CloudEvent.__getattr__(self, name)

    @property
    def name(self) -> str:
        """The last segment of the type."""
        return self.event_type.rpartition(".")[2]

    @property
    def event_name(self) -> str:
        """As `name`: what every event of a log is asked for."""
        return self.name

    @classmethod
    def _of(cls, native: NativeEvent) -> Self:
        return cls._with({"_native": native})

    def to_dict(self) -> Any:
        """A copy of the data, without the envelope."""
        return plain(self.data)

    def _shown(self) -> Mapping[str, Any]:
        return {"event_type": self.event_type, "data": self.data}

    def _written(self) -> dict[str, Any]:
        written = write_attributes(self, self.event_type, self.dataschema)
        written.update(plain(self.attributes))
        if "data_base64" not in self.attributes:
            written["data"] = self.to_dict()
        return written

    @classmethod
    def from_cloudevent(cls, event: Mapping[str, Any]) -> Self:
        """Reads a CloudEvents 1.0 object of any type. Attributes that have no place here are kept.

        Raises:
            InvalidInputError: It is no CloudEvents 1.0 object.
        """
        return cls._with(cls._values(event))

    @classmethod
    def _values(cls, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if not isinstance(event, Mapping):
                raise Unfit("must be a mapping")
            return read_attributes(event) | _foreign(event)
        except Unfit as unfit:
            raise refusal("a CloudEvents object", unfit, "event.read") from None


def _foreign(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kind = named(event.get("type"))
    except Unfit as unfit:
        raise unfit.below("type") from None
    kept = {key: value for key, value in event.items() if key not in UNDERSTOOD}
    if kept.get("datacontenttype") == JSON:
        del kept["datacontenttype"]
    return {
        "event_type": kind,
        "data": anything(event.get("data")),
        "dataschema": optional_text(event.get("dataschema")),
        "attributes": anything(kept),
    }
