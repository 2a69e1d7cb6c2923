"""Whatever an event may come as, read into an envelope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from semantest_iac.pythoneda.envelope import Envelope, check_envelope
from semantest_iac.pythoneda.json_form import from_pythoneda_object
from semantest_iac.pythoneda.json_value import parse, plain
from semantest_iac.pythoneda.live_event import from_live, is_live_event
from semantest_iac.pythoneda.names import name_set
from semantest_iac.pythoneda.refusal import invalid_input
from semantest_iac.pythoneda.semantest_form import from_semantest

_READ: Final = "event.read"


def to_envelope(
    obj: object,
    source: str | None = None,
    *,
    sensitive: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
) -> Envelope:
    """Reads an event in any form into an envelope.

    Args:
        obj: A live event of a PythonEDA application, an event object of this package, or JSON
            (text, bytes or what was parsed of it): CloudEvents, PythonEDA's in both dialects, and
            the forms of Semantest.
        source: Who says so. Where not given: `/pythoneda/<module>` of the class, or what the event
            itself says. A CloudEvents object keeps its own.
        sensitive: Names of attributes and of keys, at any depth, whose values must not go out. What
            is marked as sensitive in the application is left out in any case, as far as it can be
            seen.
        exclude: Names of attributes to leave out for any other reason.

    The type of a PythonEDA event is the full name of its class. That name is never imported.

    Raises:
        InvalidInputError: It is no event, or one that could not be published.
    """
    hidden, left_out = name_set(sensitive), name_set(exclude)
    if isinstance(obj, (str, bytes, bytearray, memoryview)):
        obj = parse(obj)
        if not isinstance(obj, dict):
            raise invalid_input(_READ, "an event is a JSON object")
    if isinstance(obj, Mapping):
        return _from_object(plain(obj, "event"), source, hidden, left_out)
    written = getattr(obj, "to_cloudevent", None)
    if callable(written) and not isinstance(obj, type):
        return _from_object(plain(written(), "event"), source, hidden, left_out)
    if is_live_event(obj):
        return from_live(obj, source, hidden, left_out)
    kind = obj.__name__ if isinstance(obj, type) else type(obj).__name__
    raise invalid_input(_READ, f"{kind} is no event: it has no `id` and `previous_event_ids`")


def _from_object(
    event: dict[str, Any], source: str | None, sensitive: frozenset[str], exclude: frozenset[str]
) -> Envelope:
    if "specversion" in event:
        data = event.get("data")
        if isinstance(data, dict):
            kept = {key: value for key, value in data.items() if key not in exclude}
            event["data"] = plain(kept, "data", sensitive=sensitive)
        return check_envelope(event)
    if "_internal" in event:
        return from_pythoneda_object(event, source, sensitive, exclude)
    read = from_semantest(event, source, sensitive, exclude)
    if read is None:
        raise invalid_input(
            _READ,
            "this is no event: it has no `specversion`, `_internal`, `eventType` or `payload`",
        )
    return read
