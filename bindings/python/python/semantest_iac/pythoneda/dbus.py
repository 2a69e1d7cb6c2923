"""PythonEDA's D-Bus signals: what stands in them. Sending and receiving is the application's.

Path `/pythoneda/<context>`, interface the full name of the signal's class, member
`Pythoneda_<Context>_<Name>`, and a body of nothing but text: the attributes, the JSON of the
previous ids, in newer contexts the JSON of the invariants, and the id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac.pythoneda.envelope import Envelope, event_name, previous_ids
from semantest_iac.pythoneda.equivalents import as_pythoneda, names_for
from semantest_iac.pythoneda.json_form import data_of, described
from semantest_iac.pythoneda.json_value import parse
from semantest_iac.pythoneda.moments import now
from semantest_iac.pythoneda.names import to_snake
from semantest_iac.pythoneda.refusal import invalid_input
from semantest_iac.pythoneda.signature import data_parameters

_WRITE: Final = "pythoneda.to_dbus"
_READ: Final = "pythoneda.from_dbus"
_CONTEXT: Final = re.compile(r"[a-z][a-z0-9]*(?:[./][a-z][a-z0-9]*)*")
_MEMBER: Final = re.compile(r"Pythoneda((?:_[A-Z][A-Za-z0-9]*)+)_([A-Z]\w*)", re.ASCII)
_CLASS: Final = re.compile(
    r"(?P<package>[\w.]+)\.infrastructure\.dbus(?:\.dbus_\w+)?\.Dbus(?P<name>\w+)"
)
_STACK: Final = ("stack_name", "project_name", "location")
_IMAGE: Final = ("image_name", "image_version", "image_url")
_JSON: Final = "metadata"


class DbusSignal(NamedTuple):
    """A signal, in the order in which D-Bus libraries take its parts."""

    path: str
    interface: str
    member: str
    signature: str
    body: list[str]


def to_dbus(
    envelope: Mapping[str, Any],
    fields: Sequence[str] | type | None = None,
    *,
    context: str | None = None,
    interface: str | None = None,
    path: str | None = None,
    invariants: Mapping[str, Any] | None = None,
) -> DbusSignal:
    """The event as a signal.

    Args:
        envelope: The event.
        fields: Names of the attributes that are sent, in order, or the event's class, whose
            constructor has them in order. Events of the IaC domain are known; `metadata` is not
            sent for them.
        context: The context's name, `iac` or `runtime.secrets`. Where not given, it is taken from
            the event's type (`pythoneda.shared.<context>.events.…`), else it is `iac`.
        interface: Full name of the signal's class, where it is not in its usual place.
        path: The object's path, where it is another one than the context's.
        invariants: What is bound to the event; given, even empty, in contexts that send it.

    Text is sent as it is, nothing as empty text, everything else as JSON.
    """
    event = to_envelope(envelope)
    known = next((name for name in names_for(event) if fields_of(name)), event_name(event))
    event = as_pythoneda(event, known)
    name = event_name(event)
    where = _context_of(event["type"]) if context is None else context
    if not _CONTEXT.fullmatch(where):
        raise invalid_input(_WRITE, "a context is named as in `runtime.secrets`", field="context")
    words = re.split(r"[./]", where)
    data = data_of(event, _WRITE)
    body = [_sent(data, field, name) for field in _fields(fields, name, _WRITE)]
    body.append(json.dumps(previous_ids(event)))
    if invariants is not None:
        body.append(json.dumps(dict(invariants)))
    body.append(event["id"])
    if any("\0" in text for text in body):
        raise invalid_input(_WRITE, "D-Bus has no text with a NUL in it")
    package = f"pythoneda.shared.{'.'.join(words)}.events.infrastructure.dbus"
    member = "_".join(word[:1].upper() + word[1:] for word in ("pythoneda", *words))
    return DbusSignal(
        path or "/pythoneda/" + "/".join(words),
        interface or f"{package}.dbus_{to_snake(name)}.Dbus{name}",
        f"{member}_{name}",
        "s" * len(body),
        body,
    )


def from_dbus(
    signal: object, fields: Sequence[str] | type | None = None, *, source: str | None = None
) -> Envelope:
    """Reads a signal, with and without invariants.

    Args:
        signal: What has `member` and `body`, and perhaps `interface`: a message of a D-Bus library,
            a `DbusSignal` or a mapping.
        fields: As for `to_dbus`; needed for events outside the IaC domain.
        source: Who says so; `/pythoneda/<package of the event>` where not given.

    The type is the name of the event in its package. D-Bus carries no time: it is when the signal
    is read.

    Raises:
        InvalidInputError: It is no signal of an event, or has another body than the fields say.
    """
    member, body = _part(signal, "member"), _part(signal, "body")
    match = _MEMBER.fullmatch(member) if isinstance(member, str) and len(member) < 256 else None
    if match is None:
        raise invalid_input(
            _READ, "a signal's member is `Pythoneda_<Context>_<Name>`", field="member"
        )
    name = match[2]
    if not isinstance(body, (list, tuple)) or not all(isinstance(text, str) for text in body):
        raise invalid_input(_READ, f"the body of {name} is not all text", field="body")
    names = _fields(fields, name, _READ)
    if len(body) not in (len(names) + 2, len(names) + 3):
        text = (
            f"the body of {name} has {len(body)} parts, not {len(names)} attributes, ids and an id"
        )
        raise invalid_input(_READ, text, field="body")
    if len(body) == len(names) + 3 and not isinstance(parse(body[-2]), dict):
        raise invalid_input(_READ, f"the invariants of {name} are no JSON object", field="body")
    previous = parse(body[len(names)])
    if not isinstance(previous, list) or not all(isinstance(id_, str) and id_ for id_ in previous):
        raise invalid_input(_READ, f"the previous ids of {name} are no list of ids", field="body")
    data = {
        field: parse(text) if field == _JSON and text else text
        for field, text in zip(names, body, strict=False)
    }
    interface = _part(signal, "interface")
    package = (
        _CLASS.fullmatch(interface)
        if isinstance(interface, str) and len(interface) < 1024
        else None
    )
    where = (
        package["package"]
        if package
        else "pythoneda.shared" + match[1].lower().replace("_", ".") + ".events"
    )
    return described(f"{where}.{name}", body[-1], data, previous, now(), source)


def fields_of(name: str) -> tuple[str, ...] | None:
    """The attributes that are sent of an event of the IaC domain; None for any other."""
    if re.fullmatch(r"Infrastructure(Update|Removal)(Requested|Failed)", name):
        return _STACK
    if name in ("InfrastructureUpdated", "InfrastructureRemoved", "DockerImageDetailsRequested"):
        return _STACK
    if re.fullmatch(r"DockerResources((Update|Removal)(Requested|Failed)|Updated|Removed)", name):
        return _STACK + _IMAGE
    return None


def _fields(fields: Sequence[str] | type | None, name: str, operation: str) -> tuple[str, ...]:
    if isinstance(fields, type):
        return tuple(data_parameters(fields))
    found = fields_of(name) if fields is None else tuple(fields)
    if found is None:
        text = f"which attributes of {name} are sent, and in which order? Give `fields`"
        raise invalid_input(operation, text, field="fields")
    return found


def _sent(data: Mapping[str, Any], field: str, name: str) -> str:
    if field not in data:
        raise invalid_input(_WRITE, f"{name} has no `{field}`", field=field)
    value = data[field]
    if field == _JSON:
        return json.dumps(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _context_of(event_type: str) -> str:
    found = re.match(r"pythoneda\.(?:shared\.)?(\w+(?:\.\w+)*?)\.events\.", event_type)
    return found[1] if found else "iac"


def _part(signal: object, name: str) -> object:
    return signal.get(name) if isinstance(signal, Mapping) else getattr(signal, name, None)
