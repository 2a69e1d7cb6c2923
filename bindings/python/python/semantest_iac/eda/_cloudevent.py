"""The envelope of an application's event, and its CloudEvents 1.0 form.

Source: CloudEvents 1.0.2, "Context attributes" and its JSON event format.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from semantest_iac._cloudevent import join_ids, split_ids
from semantest_iac._listen import called
from semantest_iac.eda._failures import invalid


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of an event besides its data."""

    event_id: str
    time: datetime
    source: str
    subject: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    previous_event_ids: tuple[str, ...] = ()
    traceparent: str | None = None
    sequence: int | None = None
    position: int | None = None


def write(envelope: Envelope, kind: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Structured CloudEvents 1.0; what is not known is left out."""
    previous = join_ids(envelope.previous_event_ids)
    time = envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    attributes = {
        "specversion": "1.0",
        "id": envelope.event_id,
        "source": envelope.source,
        "type": kind,
        "subject": envelope.subject,
        "time": time,
        "datacontenttype": "application/json",
        "dataschema": f"urn:event:{kind}:{version}" if version > 1 else None,
        "correlationid": envelope.correlation_id,
        "causationid": envelope.causation_id,
        "previouseventids": previous or None,
        "sequence": None if envelope.sequence is None else str(envelope.sequence),
        "traceparent": envelope.traceparent,
    }
    return {
        **{name: value for name, value in attributes.items() if value is not None},
        "data": data,
    }


def read(cloudevent: dict[str, Any], name: str, source: str) -> tuple[Envelope, dict[str, Any]]:
    """The envelope and the data of an event called `name`.

    Raises `InvalidInputError` naming the attribute.
    """
    if not isinstance(cloudevent, dict):
        kind = called(type(cloudevent))
        raise invalid("event.read", f"a CloudEvents event is a dictionary, not a {kind}")
    if cloudevent.get("specversion") != "1.0":
        said = cloudevent.get("specversion")
        raise _malformed("specversion", f"is {said!r}; only '1.0' is understood")
    kind = _text(cloudevent, "type") or ""
    if kind.rsplit(".", 1)[-1] != name:
        raise _malformed("type", f"is {kind!r}, and this class is {name}")
    event_id = _text(cloudevent, "id")
    if not event_id:
        raise _malformed("id", "is missing")
    data = cloudevent.get("data")
    if not isinstance(data, dict):
        raise _malformed("data", f"of {name} must be an object")
    envelope = Envelope(
        event_id,
        _time(cloudevent),
        _text(cloudevent, "source") or source,
        _text(cloudevent, "subject"),
        _text(cloudevent, "correlationid"),
        _text(cloudevent, "causationid"),
        split_ids(_text(cloudevent, "previouseventids")),
        _text(cloudevent, "traceparent"),
        _sequence(cloudevent.get("sequence")),
    )
    return envelope, data


def arguments(event_class: type, data: dict[str, Any]) -> dict[str, Any]:
    """The data that the constructor asks for.

    Raises `InvalidInputError` where it needs what is not there.
    """
    name = called(event_class)
    taken: dict[str, Any] = {}
    missing: list[str] = []
    # Of the function: the signature of the class would be that of `__new__`.
    constructor: Any = event_class.__init__  # type: ignore[misc]
    for parameter in list(inspect.signature(constructor).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            taken = {**data, **taken}
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            message = f"{name}: its constructor does not take `{parameter.name}` by name"
            raise invalid("event.read", message)
        elif parameter.name in data:
            taken[parameter.name] = data[parameter.name]
        elif (
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
        ):
            missing.append(parameter.name)
    if missing:
        names = ", ".join(f"`{each}`" for each in missing)
        raise invalid("event.read", f"data of {name} lack {names}", field=f"data.{missing[0]}")
    return taken


def _text(cloudevent: dict[str, Any], name: str) -> str | None:
    value = cloudevent.get(name)
    if value is not None and not isinstance(value, str):
        raise _malformed(name, f"must be text, not {value!r}")
    return value or None


def _time(cloudevent: dict[str, Any]) -> datetime:
    text = _text(cloudevent, "time")
    if text is None:
        # CloudEvents may leave it out; it is when the event came in then.
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _malformed("time", f"is {text!r}, which is no RFC 3339 time") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _sequence(value: object) -> int | None:
    """Text in CloudEvents' sequence extension; numbers are read too."""
    try:
        return None if value is None else int(str(value))
    except ValueError:
        return None


def _malformed(name: str, why: str) -> Exception:
    return invalid("event.read", f"`{name}` {why}", field=name)
