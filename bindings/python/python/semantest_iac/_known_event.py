"""What the generated event classes stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from semantest_iac._cloudevent import (
    TYPE_PREFIX,
    given_attributes,
    read_attributes,
    write_attributes,
)
from semantest_iac._core import NativeEvent, new_id
from semantest_iac._event import CloudEvent, InfrastructureEvent
from semantest_iac._record import Field, Fields, Unfit, plain, read_fields, refusal, write_fields


class _Unread:
    """A field of an event that stands on a native one, until it is read: an attribute from then on.

    The way of every field that a handler reads: `__getattr__` would begin with an error being made.
    """

    __slots__ = ("_field", "_name")

    def __init__(self, name: str, field: Field) -> None:
        self._name = name
        self._field = field

    def __get__(self, event: KnownEvent | None, owner: type[KnownEvent]) -> Any:
        own = {} if event is None else event.__dict__
        native = own.get("_native")
        if native is None:
            raise AttributeError(self._name)
        try:
            value = own[self._name] = self._field.read(native.field(self._name))
        except Unfit as unfit:
            # Only of a version that the core does not know: it keeps those as they are.
            raise refusal(owner.event_name, unfit.below(self._name), "event.read") from None
        return value


class KnownEvent(InfrastructureEvent):
    """An event whose data has the fields of its schema."""

    _fields: ClassVar[Fields]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, field in cls.__dict__.get("_fields", {}).items():
            setattr(cls, name, _Unread(name, field))

    @classmethod
    def _of(cls, native: NativeEvent) -> Self:
        event = cls.__new__(cls)
        event.__dict__["_native"] = native
        return event

    def _build(self, about: Mapping[str, Any], /, **data: Any) -> None:
        """Fills a new event."""
        try:
            self.__dict__.update(read_fields(self._fields, data))
            self.__dict__.update(given_attributes(about, new_id))
        except Unfit as unfit:
            raise refusal(self.event_name, unfit, "event.make") from None
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """The data, without the envelope."""
        return write_fields(self._fields, self)

    def _shown(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in self._fields}

    def _written(self) -> dict[str, Any]:
        written = write_attributes(self, self.event_type, self._schema())
        written["data"] = self.to_dict()
        return written

    @classmethod
    def from_cloudevent(cls, event: Mapping[str, Any]) -> Self:
        """Reads a CloudEvents 1.0 object; data of an older version is brought up to date.

        Raises:
            InvalidInputError: An attribute or a field is missing or malformed, or the type is
                another one.
        """
        # Other versions are the core's to read: it knows how older data is brought up to date.
        if isinstance(event, Mapping) and event.get("dataschema") not in (None, cls._schema()):
            if event.get("type") == cls._type():
                return cls._of(NativeEvent.from_json(json.dumps(plain(event))))
        return cls._with(cls._values(event))

    @classmethod
    def _values(cls, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if not isinstance(event, Mapping):
                raise Unfit("must be a mapping")
            if event.get("type") != cls._type():
                raise Unfit(f"must be `{cls._type()}`", "type")
            values = read_attributes(event)
            if event.get("data") is None:
                raise Unfit("is missing", "data")
            return values | read_fields(cls._fields, event["data"])
        except Unfit as unfit:
            raise refusal(cls.event_name, unfit, "event.read") from None

    @classmethod
    def _type(cls) -> str:
        return TYPE_PREFIX + cls.event_name

    @classmethod
    def _schema(cls) -> str:
        return f"urn:semantest-iac:{cls.event_name}:{cls.schema_version}"
