"""The envelope: CloudEvents 1.0 in structured JSON mode, as a dict.

Source: CloudEvents 1.0.2, sections "Context attributes" and "Type system", and its JSON event
format. What the core refuses when an event is published is refused here, where it is made.
"""

from __future__ import annotations

import os
import time as clock
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from semantest_iac._cloudevent import join_ids, split_ids
from semantest_iac.pythoneda.json_value import plain
from semantest_iac.pythoneda.moments import moment, now
from semantest_iac.pythoneda.names import full_type, last_segment
from semantest_iac.pythoneda.refusal import invalid_input

Envelope: TypeAlias = dict[str, Any]
"""A CloudEvents 1.0 object."""

DEFAULT_SOURCE: Final = "/pythoneda"
"""The source of an event of which nobody says where it comes from."""

_MOST_BYTES_OF_TEXT: Final = 4096
_REQUIRED: Final = ("id", "source", "type")
_TEXTS: Final = (
    "subject",
    "dataschema",
    "datacontenttype",
    "correlationid",
    "causationid",
    "previouseventids",
    "traceparent",
    "data_base64",
)


def new_envelope(
    name: str,
    data: Mapping[str, Any] | None,
    *,
    previous: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]] = (),
    source: str = DEFAULT_SOURCE,
    id: str | None = None,
    time: object = None,
    correlation: str | None = None,
) -> Envelope:
    """A new event.

    Args:
        name: Its type. The bare name of an event of ours, `DeploymentRequested`, becomes
            `com.semantest.iac.DeploymentRequested`; every other name stays as it is. An event of a
            PythonEDA domain has the full name of its class as its type.
        data: What it says.
        previous: What brought it about: ids, or envelopes with all that came before them; newest
            first.
        source: Who says so, a URI reference.
        id: Unique with `source`; a new UUID version 7 where not given.
        time: When it happened: a datetime or text; now where not given.
        correlation: Groups all that one request brought about. Where not given: that of the
            envelope before, else the oldest id before, else its own id.

    Raises:
        InvalidInputError: Something of it could not be published.
    """
    operation = "pythoneda.new_envelope"
    if not isinstance(name, str):
        raise invalid_input(operation, "the name of an event is text", field="name")
    if data is not None and not isinstance(data, Mapping):
        raise invalid_input(operation, "the data of an event is a mapping", field="data")
    ids, inherited = _ancestry_of(previous)
    own = new_id() if id is None else id
    copied = plain(data or {}, "data")
    return check_envelope(
        {
            "specversion": "1.0",
            "id": own,
            "source": source,
            "type": full_type(name),
            "subject": subject_of(copied),
            "time": now() if time is None else moment(time, operation),
            "datacontenttype": "application/json",
            "correlationid": correlation or inherited or (ids[-1] if ids else own),
            "causationid": ids[0] if ids else None,
            "previouseventids": join_ids(ids) if ids else None,
            "data": copied,
        }
    )


def event_name(envelope: Mapping[str, Any]) -> str:
    """The name of an event: the last segment of its type."""
    event_type = envelope.get("type") if isinstance(envelope, Mapping) else None
    if not isinstance(event_type, str) or not event_type:
        raise invalid_input("pythoneda.event_name", "an envelope has a `type`", field="type")
    return last_segment(event_type)


def chain(envelope: Mapping[str, Any]) -> list[str]:
    """The event's own id and those of all that came before it, newest first."""
    own = envelope.get("id") if isinstance(envelope, Mapping) else None
    if not isinstance(own, str) or not own:
        raise invalid_input("pythoneda.chain", "an envelope has an `id`", field="id")
    return list(dict.fromkeys([own, *previous_ids(envelope)]))


def previous_ids(envelope: Mapping[str, Any]) -> list[str]:
    """The ids of all that came before the event, newest first."""
    joined, cause = envelope.get("previouseventids"), envelope.get("causationid")
    if isinstance(joined, str) and (ids := split_ids(joined)):
        return list(ids)
    return [cause] if isinstance(cause, str) and cause else []


def check_envelope(event: Mapping[str, Any]) -> Envelope:
    """A copy of a CloudEvents object, checked as the core does, without what is null."""
    envelope = {key: value for key, value in event.items() if value is not None or key == "data"}
    if envelope.get("specversion") != "1.0":
        raise _malformed("specversion", "must be `1.0`")
    for key, value in envelope.items():
        if key != "data_base64" and not (key.isascii() and key.isalnum() and key == key.lower()):
            raise invalid_input(
                "event.read",
                f"{key[:80]!r} is no name of an attribute: CloudEvents takes lower-case letters "
                "and digits",
                field=key[:80],
            )
        if key != "data" and not isinstance(value, (str, int, float)):
            raise _malformed(key, "must be text, a number or true or false")
    for key in _REQUIRED:
        if key not in envelope:
            raise _malformed(key, "is missing")
        _check_text(key, envelope[key])
    for key in _TEXTS:
        if key in envelope and not isinstance(envelope[key], str):
            raise _malformed(key, "must be text")
    _check_text("subject", envelope.get("subject", "-") or "-")
    if "data" in envelope and "data_base64" in envelope:
        raise _malformed("data_base64", "and `data` exclude each other")
    sequence = envelope.get("sequence", "1")
    if isinstance(sequence, (bool, float)) or (isinstance(sequence, int) and sequence < 0):
        raise _malformed("sequence", "must be text or a whole number")
    envelope["type"] = full_type(envelope["type"])
    envelope["time"] = moment(envelope["time"], "event.read") if "time" in envelope else now()
    return envelope


def subject_of(data: Mapping[str, Any]) -> str | None:
    """What an event of a stack is about: `<stack>/<project>`, as far as it says so."""
    parts = (data.get("stack_name"), data.get("project_name"))
    return "/".join(part for part in parts if isinstance(part, str) and part) or None


def new_id() -> str:
    """A UUID version 7 of this moment (RFC 9562, section 5.7)."""
    bits = clock.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    versioned = bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(uuid.UUID(int=versioned))


def derived_id(*parts: str) -> str:
    """An id that is the same for the same parts, so that a repetition is seen to be one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(("urn:semantest-iac:pythoneda", *parts))))


def _ancestry_of(
    previous: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]],
) -> tuple[list[str], str | None]:
    operation = "pythoneda.new_envelope"
    alone = isinstance(previous, (str, Mapping))
    try:
        events: list[Any] = [previous] if alone else list(previous)
    except TypeError:
        raise invalid_input(operation, "`previous` is a list", field="previous") from None
    ids: list[str] = []
    for event in events:
        if isinstance(event, Mapping):
            ids.extend(chain(event))
        elif isinstance(event, str) and event:
            ids.append(event)
        else:
            text = "`previous` holds ids and envelopes"
            raise invalid_input(operation, text, field="previous")
    correlation = (
        events[0].get("correlationid") if events and isinstance(events[0], Mapping) else None
    )
    return list(dict.fromkeys(ids)), correlation if isinstance(correlation, str) else None


def _check_text(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise _malformed(key, "must be text")
    if not value:
        raise _malformed(key, "is empty")
    if len(value.encode("utf-8", "replace")) > _MOST_BYTES_OF_TEXT:
        raise _malformed(key, f"is too long ({_MOST_BYTES_OF_TEXT} bytes are the most)")
    if any(
        letter < " " or "\x7f" <= letter <= "\x9f" or "\ud800" <= letter <= "\udfff"
        for letter in value
    ):
        raise _malformed(key, "holds a control character")
    if key == "source" and any(letter.isspace() for letter in value):
        raise _malformed(key, "must be a URI reference, without spaces")


def _malformed(key: str, why: str) -> Exception:
    return invalid_input("event.read", f"`{key}` {why}", field=key)
