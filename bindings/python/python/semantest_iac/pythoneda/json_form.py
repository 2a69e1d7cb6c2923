"""PythonEDA's JSON, in both dialects.

Current:

    {"id": …, <attributes>,
     "_internal": {"previous_event_ids": […], "created": …, "invariants": {}, "class": …}}

and that of January 2025:

    {"_internal": {"properties": {"previous_event_ids": […], "id": …, "created": …}, "class": …},
     <attributes>}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from semantest_iac._cloudevent import join_ids
from semantest_iac.pythoneda.envelope import (
    Envelope,
    check_envelope,
    previous_ids,
    subject_of,
)
from semantest_iac.pythoneda.json_value import parse, plain
from semantest_iac.pythoneda.moments import moment, now, utc
from semantest_iac.pythoneda.names import class_path as checked_path
from semantest_iac.pythoneda.names import full_type
from semantest_iac.pythoneda.refusal import invalid_input

Dialect = Literal["current", "2025-01"]

KEY: Final = "event_id"
"""The key of classes that `define_event` makes: a second name of the id, so no data."""

# What PythonEDA writes instead of a value that is marked as sensitive.
_HIDDEN: Final = "[hidden]"
_READ: Final = "event.read"


def to_pythoneda_json(
    envelope: Mapping[str, Any], class_path: str, dialect: Dialect = "current"
) -> str:
    """The event as PythonEDA writes it.

    Args:
        envelope: The event.
        class_path: Full name of the class that it has there: `package.module.Class`.
        dialect: `current`, or `2025-01` for applications of that time.

    `created` is in UTC and has no offset, as PythonEDA writes none.

    Raises:
        InvalidInputError: The event has no place in that form.
    """
    operation = "pythoneda.to_pythoneda_json"
    path = checked_path(class_path, operation)
    if dialect not in ("current", "2025-01"):
        raise invalid_input(operation, "the dialects are `current` and `2025-01`", field="dialect")
    event = check_envelope(plain(envelope, "envelope"))
    attributes = data_of(event, operation)
    taken = {"_internal", "id"} if dialect == "current" else {"_internal"}
    if clash := taken & attributes.keys():
        name = min(clash)
        raise invalid_input(operation, f"an attribute cannot be called `{name}` there", field=name)
    created = utc(event["time"]).replace(tzinfo=None)
    previous = previous_ids(event)
    internal: dict[str, Any]
    if dialect == "current":
        internal = {
            "previous_event_ids": previous,
            "created": created.isoformat(),
            "invariants": {},
            "class": path,
        }
        return json.dumps(
            {"id": event["id"], **attributes, "_internal": internal}, ensure_ascii=False
        )
    properties = {"previous_event_ids": previous, "id": event["id"], "created": str(created)}
    internal = {"properties": properties, "class": path}
    return json.dumps({"_internal": internal, **attributes}, ensure_ascii=False)


def data_of(envelope: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """The data of an event, which must be an object for PythonEDA: attributes by name."""
    data = envelope.get("data")
    if data is None and "data_base64" not in envelope:
        return {}
    if not isinstance(data, dict):
        raise invalid_input(operation, "the data of the event is no JSON object", field="data")
    return data


def from_pythoneda_object(
    event: Mapping[str, Any], source: str | None, sensitive: frozenset[str], exclude: frozenset[str]
) -> Envelope:
    """Reads parsed JSON of either dialect. The class is a name here, and never imported."""
    internal = event.get("_internal")
    if not isinstance(internal, Mapping):
        raise invalid_input(_READ, "`_internal` is no object", field="_internal")
    path = checked_path(internal.get("class"), _READ)
    properties = internal.get("properties")
    facts = {**internal, **(properties if isinstance(properties, Mapping) else {})}
    if isinstance(facts.get("created"), str) and facts["created"].startswith('"'):
        # The older dialect has been seen to put all text into quotes twice; no moment has quotes.
        facts = {key: _unquoted(value) for key, value in facts.items()}
    inside = facts.get("id")
    id_ = event.get("id") if inside is None else inside
    if not isinstance(id_, str) or not id_:
        raise invalid_input(_READ, "an event of PythonEDA has an `id` that is text", field="id")
    left_out = exclude | {"_internal"} | ({"id"} if inside is None else set())
    data = {
        key: value
        for key, value in event.items()
        if key not in left_out and value != _HIDDEN and not (key == KEY and value == id_)
    }
    created = facts.get("created")
    return described(
        path,
        id_,
        plain(data, "data", sensitive=sensitive),
        _ids(facts.get("previous_event_ids")),
        now() if created is None else moment(created, _READ, "created"),
        source,
    )


def described(
    path: str, id_: str, data: dict[str, Any], previous: list[str], time: str, source: str | None
) -> Envelope:
    """The envelope of an event whose class is called `path`."""
    module, _, name = path.rpartition(".")
    return check_envelope(
        {
            "specversion": "1.0",
            "id": id_,
            "source": source_of(module) if source is None else source,
            # Bare names of ours are written out; a class of another domain may have the same name.
            "type": path if module else full_type(name),
            "subject": subject_of(data),
            "time": time,
            "datacontenttype": "application/json",
            "correlationid": previous[-1] if previous else id_,
            "causationid": previous[0] if previous else None,
            "previouseventids": join_ids(previous) if previous else None,
            "data": data,
        }
    )


def source_of(module: str) -> str:
    """The source of an event whose class is in `module`."""
    return f"/pythoneda/{module}" if module else "/pythoneda"


def _ids(value: object) -> list[str]:
    if isinstance(value, str) and value.startswith("["):
        # The older dialect has been seen to write lists as text.
        value = _unquoted(parse(value))
    ids = [] if value is None else value
    if not isinstance(ids, list) or not all(isinstance(item, str) and item for item in ids):
        text = "`previous_event_ids` is a list of ids"
        raise invalid_input(_READ, text, field="previous_event_ids")
    return list(ids)


def _unquoted(value: object) -> object:
    if isinstance(value, list):
        return [_unquoted(item) for item in value]
    if isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value
