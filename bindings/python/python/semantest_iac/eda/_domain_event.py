"""`DomainEvent`: an event of an application, with plain attributes."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from semantest_iac._causation import Cause
from semantest_iac._core import new_id
from semantest_iac._listen import called
from semantest_iac.eda import _cloudevent
from semantest_iac.eda._failures import invalid
from semantest_iac.eda._json_data import NotJson, plain


class _OfTheEnvelope:
    """An attribute of the envelope that an attribute of the event with the same name hides."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, event: DomainEvent | None, owner: type) -> Any:
        if event is None:
            # Not there on the class: a field of that name would take it for its default.
            raise AttributeError(self.name)
        return getattr(event._envelope, self.name)


RESERVED = frozenset(
    ("event_id", "time", "correlation_id", "causation_id", "previous_event_ids", "event_name")
    + ("schema_version", "data")
)
"""What every event has already: no event has attributes of its own by these names."""


class DomainEvent:
    """Base of an application's events; see `semantest_iac.eda.Event`.

    An event's data are its public attributes, set in its constructor. Everything around them
    (`event_id`, `time`, `correlation_id`, …) is there from the beginning, and stamped when the
    event is published.

    `source`, `subject`, `sequence`, `traceparent` and `position` are those of the envelope too,
    unless the event has data by that name.
    """

    event_name: ClassVar[str] = ""
    """The event's name, e.g. `ServiceDeploymentNeeded`."""
    schema_version: ClassVar[int] = 1
    """Version of the event's data."""
    __semantest_every_event__: ClassVar[bool] = True
    _event_type: ClassVar[str] = ""
    _event_source: ClassVar[str] = ""
    _envelope: _cloudevent.Envelope

    if TYPE_CHECKING:
        source: Any
        subject: Any
        sequence: Any
        traceparent: Any
        position: Any
    else:
        source, subject, sequence = _OfTheEnvelope(), _OfTheEnvelope(), _OfTheEnvelope()
        traceparent, position = _OfTheEnvelope(), _OfTheEnvelope()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("__slots__"):
            raise TypeError(f"{called(cls)}: events keep their attributes without __slots__")
        for name in sorted(RESERVED & (vars(cls).keys() | own_annotations(cls).keys())):
            raise TypeError(f"{called(cls)}.{name}: {_is_reserved(name)}")
        cls.event_name = cls._event_type = cls.__name__
        cls.schema_version = 1
        cls._event_source = "/" + cls.__module__.replace(".", "/")

    def __new__(cls, *_arguments: Any, **_named: Any) -> Self:
        # Not in __init__, which a derived class may forget to call.
        if cls is DomainEvent:
            raise TypeError("DomainEvent is the base of events: derive a class from it")
        event = super().__new__(cls)
        now = datetime.now(UTC)
        object.__setattr__(
            event, "_envelope", _cloudevent.Envelope(new_id(), now, cls._event_source)
        )
        return event

    def __init__(
        self,
        *,
        event_id: str | None = None,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        previous_event_ids: tuple[str, ...] | list[str] = (),
    ) -> None:
        """Give ids only to an event that has them from elsewhere; all others are found out."""
        self._change(
            event_id=event_id or self.event_id,
            correlation_id=correlation_id,
            causation_id=causation_id,
            previous_event_ids=tuple(previous_event_ids),
        )

    @property
    def event_id(self) -> str:
        """Unique; a UUID version 7 unless the event came from elsewhere."""
        return self._envelope.event_id

    @property
    def time(self) -> datetime:
        """When it happened, in UTC."""
        return self._envelope.time

    @property
    def correlation_id(self) -> str | None:
        """Groups everything that one request brought about."""
        return self._envelope.correlation_id

    @property
    def causation_id(self) -> str | None:
        """The event that brought this one about."""
        return self._envelope.causation_id

    @property
    def previous_event_ids(self) -> tuple[str, ...]:
        """Ancestry, newest first."""
        return self._envelope.previous_event_ids

    @property
    def data(self) -> dict[str, Any]:
        """The public attributes, by name."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def to_dict(self) -> dict[str, Any]:
        """The data as JSON-like values of their own.

        Raises `InvalidInputError` naming the attribute that has no JSON form.
        """
        try:
            return {name: plain(value, name) for name, value in self.data.items()}
        except NotJson as error:
            name = type(self).event_name
            message = f"{name}.{error.where} {error.why}"
            raise invalid("event.write", message, event=name, field=error.where) from None

    def to_cloudevent(self) -> dict[str, Any]:
        """Structured CloudEvents 1.0. Raises as `to_dict`."""
        return _cloudevent.write(
            self._envelope, type(self)._event_type, type(self).schema_version, self.to_dict()
        )

    @classmethod
    def from_cloudevent(cls, cloudevent: dict[str, Any]) -> Self:
        """The event of this class that a CloudEvents event is.

        Built by the constructor; data that it does not ask for become attributes as they are.
        Raises `InvalidInputError` for an event of another name, and where data are missing that the
        constructor needs.
        """
        envelope, data = _cloudevent.read(cloudevent, cls.event_name, cls._event_source)
        bare = cls.__init__ is DomainEvent.__init__
        arguments = {} if bare else _cloudevent.arguments(cls, data)
        event = cls(**arguments)
        for name in data.keys() - arguments.keys() - RESERVED:
            if not name.startswith("_"):
                object.__setattr__(event, name, data[name])
        object.__setattr__(event, "_envelope", envelope)
        return event

    def _stamped(self, cause: Cause) -> Self:
        self._change(
            correlation_id=cause.correlation,
            causation_id=cause.event_id,
            previous_event_ids=cause.ancestry,
        )
        return self

    def _change(self, **changes: Any) -> None:
        object.__setattr__(self, "_envelope", dataclasses.replace(self._envelope, **changes))

    def __setattr__(self, name: str, value: object) -> None:
        if name in RESERVED:
            raise AttributeError(f"{called(type(self))}.{name}: {_is_reserved(name)}")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DomainEvent):
            return NotImplemented
        return (
            type(self) is type(other)
            and self.event_id == other.event_id
            and self.data == other.data
        )

    def __hash__(self) -> int:
        return hash(self.event_id)

    def __repr__(self) -> str:
        data = "".join(f", {name}={value!r}" for name, value in self.data.items())
        return f"{called(type(self))}(event_id={self.event_id!r}{data})"


def own_annotations(cls: type) -> dict[str, Any]:
    """The annotations in the body of the class itself, whether or not what they name exists yet."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return dict(vars(cls).get("__annotations__", {}))


def _is_reserved(name: str) -> str:
    return f"every event has `{name}` of its own accord; call the attribute something else"
