"""The envelope of an event: CloudEvents 1.0, structured JSON mode.

Source: CloudEvents 1.0.2, section "Context attributes", and its JSON event format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from semantest_iac._record import Unfit, many, text, whole

if TYPE_CHECKING:
    from semantest_iac._core import NativeEvent

TYPE_PREFIX: Final = "com.semantest.iac."
JSON: Final = "application/json"

# CloudEvents asks for a source; the project's own takes its place when the event is published.
SOURCE_OF_NOBODY: Final = "/semantest-iac"

# Attributes that an event object has a place for. `datacontenttype` has none: ours is always JSON.
UNDERSTOOD: Final = frozenset(
    {
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "dataschema",
        "correlationid",
        "causationid",
        "previouseventids",
        "sequence",
        "traceparent",
        "data",
    }
)


def moment(value: Any) -> datetime:
    """A moment in UTC, from text as in RFC 3339 or from a datetime that says its offset."""
    if isinstance(value, datetime):
        time = value
    else:
        try:
            time = datetime.fromisoformat(text(value))
        except ValueError:
            raise Unfit("must be a moment as in RFC 3339: 2026-01-31T12:00:00Z") from None
    if time.tzinfo is None:
        raise Unfit("must say its offset from UTC")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def named(value: Any) -> str:
    """Text that is not empty."""
    if text(value):
        return str(value)
    raise Unfit("must not be empty")


def optional_text(value: Any) -> str | None:
    """Text, or None."""
    return None if value is None else text(value)


def _text_or_empty(value: Any) -> str:
    return "" if value is None else text(value)


def _position(value: Any) -> int | None:
    # CloudEvents has the sequence as text. What is no number is another domain's own way to count.
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return None if value is None else whole(value)


def split_ids(value: Any) -> tuple[str, ...]:
    """Ids that `join_ids` put into one text."""
    parts = (part.strip() for part in _text_or_empty(value).split(","))
    return tuple(part.replace("%2C", ",").replace("%25", "%") for part in parts if part)


def join_ids(ids: Iterable[str]) -> str:
    """One text for several ids. Foreign ones may hold a comma: it is written as in a URI."""
    return ",".join(id_.replace("%", "%25").replace(",", "%2C") for id_ in ids)


# Of each attribute of an event object: how it is read off a native event,
NATIVE: Final[Mapping[str, Callable[[NativeEvent], Any]]] = {
    "event_id": attrgetter("id"),
    "source": attrgetter("source"),
    "subject": attrgetter("subject"),
    "time": lambda native: moment(native.time),
    "correlation_id": attrgetter("correlation_id"),
    "causation_id": attrgetter("causation_id"),
    "previous_event_ids": attrgetter("previous_event_ids"),
    "sequence": attrgetter("sequence"),
    "traceparent": attrgetter("traceparent"),
    "position": attrgetter("position"),
}

# its name in CloudEvents and how it is read there,
_WRITTEN: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "event_id": ("id", named),
    "source": ("source", named),
    "subject": ("subject", _text_or_empty),
    "time": ("time", moment),
    "correlation_id": ("correlationid", optional_text),
    "causation_id": ("causationid", optional_text),
    "previous_event_ids": ("previouseventids", split_ids),
    "sequence": ("sequence", _position),
    "traceparent": ("traceparent", optional_text),
}

# and how it is taken from whoever makes an event.
_GIVEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "event_id": named,
    "source": _text_or_empty,
    "subject": _text_or_empty,
    "time": moment,
    "correlation_id": optional_text,
    "causation_id": optional_text,
    "previous_event_ids": many(text),
    "traceparent": optional_text,
}


def read_attributes(event: Mapping[str, object]) -> dict[str, Any]:
    """The envelope's attributes off a CloudEvents object. What must be there is `time` too."""
    if event.get("specversion") != "1.0":
        raise Unfit("must be `1.0`", "specversion")
    values: dict[str, Any] = {"position": None}
    for name, (key, decode) in _WRITTEN.items():
        values[name] = _taken(key, decode, event.get(key))
    return values


def given_attributes(about: Mapping[str, Any], new_id: Callable[[], str]) -> dict[str, Any]:
    """The envelope's attributes of a new event, of which `about` gives some."""
    if unknown := about.keys() - _GIVEN.keys():
        raise TypeError(f"there is no field {sorted(unknown)[0]!r}")
    values: dict[str, Any] = {
        "event_id": about["event_id"] if "event_id" in about else new_id(),
        "source": "",
        "subject": "",
        "time": about["time"] if "time" in about else datetime.now(UTC),
        "correlation_id": None,
        "causation_id": None,
        "previous_event_ids": (),
        "sequence": None,
        "traceparent": None,
        "position": None,
    }
    for name, value in about.items():
        values[name] = _taken(name, _GIVEN[name], value)
    return values


def write_attributes(event: Any, event_type: str, dataschema: str | None) -> dict[str, Any]:
    """The CloudEvents object of an event, still without its data."""
    written: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": event.source or SOURCE_OF_NOBODY,
        "type": event_type,
        "subject": event.subject,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": JSON,
        "dataschema": dataschema,
        "correlationid": event.correlation_id,
        "causationid": event.causation_id,
        "previouseventids": join_ids(event.previous_event_ids) or None,
        "sequence": None if event.sequence is None else str(event.sequence),
        "traceparent": event.traceparent,
    }
    return {key: value for key, value in written.items() if value is not None}


def _taken(name: str, decode: Callable[[Any], Any], value: Any) -> Any:
    try:
        return decode(value)
    except Unfit as unfit:
        raise unfit.below(name) from None
