"""Events in the forms that Semantest stores, sends and has sent.

Persisted, the form to match:

    {eventId, aggregateId, eventType, eventVersion, payload,
     metadata: {correlationId, causationId, timestamp, …}}

A store line wraps it as `{event, streamPosition, globalPosition, committedAt}`, the WebSocket
server wraps that as `{type: "event", envelope}`. Also met: `{id, timestamp, correlationId,
eventType, …flat data}` and `{type: "<Name>Event", payload, correlationId, timestamp}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from semantest_iac._cloudevent import join_ids
from semantest_iac.pythoneda.envelope import (
    Envelope,
    check_envelope,
    derived_id,
    new_id,
    subject_of,
)
from semantest_iac.pythoneda.json_value import plain
from semantest_iac.pythoneda.moments import moment, now
from semantest_iac.pythoneda.names import full_type, snake_keys
from semantest_iac.pythoneda.refusal import invalid_input

SOURCE: Final = "/semantest"
"""The source of an event that does not say where it comes from."""

_READ: Final = "event.read"
_SUFFIX: Final = "Event"
# What flat events have beside their data.
_BASE: Final = frozenset(
    {
        "aggregateId",
        "causationId",
        "correlationId",
        "eventId",
        "eventType",
        "eventVersion",
        "id",
        "metadata",
        "timestamp",
    }
)


def from_semantest(
    event: Mapping[str, Any], source: str | None, sensitive: frozenset[str], exclude: frozenset[str]
) -> Envelope | None:
    """Reads parsed JSON of any of these forms; None where it is none of them."""
    if "event" in event and "globalPosition" in event:
        return _from_line(event, source, sensitive, exclude)
    if event.get("type") == "event" and "envelope" in event:
        return _from_line(_mapping(event["envelope"], "envelope"), source, sensitive, exclude)
    if "eventType" in event:
        name = event["eventType"]
        payload = event.get("payload")
        if "payload" not in event:
            payload = {key: value for key, value in event.items() if key not in _BASE}
    elif "type" in event and "payload" in event:
        name, payload = event["type"], event["payload"]
        if isinstance(name, str) and len(name) > len(_SUFFIX):
            name = name.removesuffix(_SUFFIX)
    else:
        return None
    if not isinstance(name, str):
        raise invalid_input(_READ, "the type of an event is text", field="eventType")
    data = snake_keys({} if payload is None else _mapping(payload, "payload"), _READ)
    data = {key: value for key, value in data.items() if key not in exclude}
    return _described(event, name, plain(data, "payload", sensitive=sensitive), source)


def _from_line(
    line: Mapping[str, Any], source: str | None, sensitive: frozenset[str], exclude: frozenset[str]
) -> Envelope:
    event = dict(_mapping(line.get("event"), "event"))
    # A line inside a line is nothing that the store writes.
    if "eventType" not in event or "globalPosition" in event:
        raise invalid_input(
            _READ, "a line of the store holds an event with `eventType`", field="event"
        )
    event.setdefault("timestamp", line.get("committedAt"))
    read = from_semantest(event, source, sensitive, exclude)
    assert read is not None
    return read


def _described(
    event: Mapping[str, Any], name: str, data: dict[str, Any], source: str | None
) -> Envelope:
    metadata = event.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    # `ceId` and `ceTime` are ours: the server makes up an id and a time of its own.
    time = _first(metadata.get("ceTime"), metadata.get("timestamp"), event.get("timestamp"))
    id_ = _first(metadata.get("ceId"), event.get("eventId"), event.get("id"))
    if id_ is None:
        # The same text delivered twice is one event, where its time tells that it is the same.
        id_ = new_id() if time is None else derived_id(json.dumps(event, sort_keys=True))
    cause = metadata.get("causationId", event.get("causationId"))
    previous = metadata.get("previousEventIds") or ([cause] if cause is not None else [])
    if not isinstance(previous, list) or not all(
        isinstance(item, str) and item for item in previous
    ):
        raise invalid_input(_READ, "`previousEventIds` is a list of ids", field="previousEventIds")
    said = metadata.get("source")
    return check_envelope(
        {
            "specversion": "1.0",
            "id": id_,
            "source": source or (said if isinstance(said, str) and said else SOURCE),
            "type": full_type(name),
            "subject": _first(event.get("aggregateId"), subject_of(data)),
            "time": now() if time is None else moment(time, _READ, "timestamp"),
            "datacontenttype": "application/json",
            "correlationid": _first(
                event.get("correlationId"), metadata.get("correlationId"), *previous[-1:], id_
            ),
            "causationid": _first(cause, *previous[:1]),
            "previouseventids": join_ids(previous) if previous else None,
            "data": data,
        }
    )


def _first(*values: Any) -> Any:
    """The first that is there: nothing and empty text are not."""
    return next((value for value in values if value is not None and value != ""), None)


def _mapping(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise invalid_input(_READ, f"`{field}` is no object", field=field)
    return value
