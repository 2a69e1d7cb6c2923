"""What a live event of a PythonEDA application says, told by what it looks like.

Nothing of PythonEDA is imported, so its registries of attributes are asked only through the class
itself. What goes out is every `@property` and every public attribute of the event, without

- what the framework's base classes say of every event (`id`, `created`, `is_error`, …);
- what is marked as internal or sensitive: by a decorator of the name `internal_attribute` or
  `sensitive` around the property's function, by a marker attribute of such a name on that function,
  or by the class's own list (`sensitive_attributes()`);
- values that PythonEDA has wrapped (`SensitiveValue`), at any depth.

That a plain text inside a plain dict is a secret cannot be seen: name its key in `sensitive`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import FunctionType
from typing import Any, Final

from semantest_iac.pythoneda.envelope import Envelope
from semantest_iac.pythoneda.json_form import KEY, described
from semantest_iac.pythoneda.json_value import plain
from semantest_iac.pythoneda.moments import moment, now
from semantest_iac.pythoneda.names import folded, path_of
from semantest_iac.pythoneda.refusal import invalid_input
from semantest_iac.pythoneda.signature import data_parameters

INTERNAL: Final = frozenset(
    {
        "created",
        "deleted",
        "entity_type",
        "id",
        "invariants",
        "is_error",
        "omit_internal_attributes",
        "omit_nulls",
        "previous_event_ids",
        "updated",
    }
)
"""What the base classes of PythonEDA say of every event."""

_READ: Final = "event.read"
_MARKS_OF_ATTRIBUTES: Final = frozenset({"attribute", "primary_key_attribute", "filter_attribute"})
_MARKS_OF_SECRETS: Final = frozenset(
    {"sensitive", "sensitive_attribute", "internal", "internal_attribute"}
)


def is_live_event(obj: object) -> bool:
    """Whether it looks like an event of a PythonEDA application."""
    if isinstance(obj, type):
        return False
    try:
        return getattr(obj, "id", None) is not None and hasattr(obj, "previous_event_ids")
    except Exception:
        return False


def from_live(
    event: object, source: str | None, sensitive: frozenset[str], exclude: frozenset[str]
) -> Envelope:
    """The envelope of a live event."""
    id_ = _read(event, "id")
    if not _is_id(id_):
        raise invalid_input(_READ, "the `id` of an event is text", field="id")
    id_ = str(id_)
    previous = _read(event, "previous_event_ids") or []
    if not isinstance(previous, (list, tuple)) or not all(_is_id(item) for item in previous):
        raise invalid_input(
            _READ, "`previous_event_ids` is a list of ids", field="previous_event_ids"
        )
    created = getattr(event, "created", None)
    attributes = attributes_of(event) or {}
    data = {
        name: value
        for name, value in attributes.items()
        if name not in exclude and not (name == KEY and value == id_)
    }
    return described(
        path_of(type(event)),
        id_,
        plain(data, "data", sensitive=sensitive, attributes_of=attributes_of),
        [str(item) for item in previous],
        now() if created is None else moment(created, _READ, "created"),
        source,
    )


def _is_id(value: object) -> bool:
    return isinstance(value, (str, uuid.UUID)) and value != ""


def attributes_of(obj: object) -> dict[str, Any] | None:
    """What an object says of itself by name; None where it says nothing."""
    cls = type(obj)
    if cls.__module__ == "builtins":
        return None
    hidden = INTERNAL | _listed_as_sensitive(cls)
    found: dict[str, Any] = {}
    # Base classes first: the order in which their author wrote them.
    for name, prop in _properties(cls):
        if name in hidden:
            continue
        if marks_of(prop) & _MARKS_OF_SECRETS:
            found.pop(name, None)
            continue
        found[name] = _read(obj, name)
    for name, value in getattr(obj, "__dict__", {}).items():
        if not name.startswith("_") and name not in hidden and name not in found:
            if not isinstance(getattr(cls, name, None), property):
                found[name] = value
    return found or None


def marks_of(prop: property) -> frozenset[str]:
    """Names of the decorators and markers on a property's function."""
    marks: set[str] = set()
    function: object = prop.fget
    # Wrappers name what they wrap. A chain that bites its own tail ends too.
    for _ in range(32):
        if isinstance(function, FunctionType):
            # The function that a decorator returns is called `<decorator>.<locals>.<its own name>`.
            outer = function.__code__.co_qualname.split(".<locals>.")[:-1]
            marks.update(name.rsplit(".", 1)[-1] for name in outer[-1:])
        for name, value in getattr(function, "__dict__", {}).items():
            if value and name != "__wrapped__":
                marks.add(name.strip("_").removeprefix("is_"))
        function = getattr(function, "__wrapped__", None)
        if function is None:
            break
    return frozenset(marks)


def _properties(cls: type) -> Iterator[tuple[str, property]]:
    framework = _framework(cls)
    taken = _taken_by_constructor(cls)
    for base in reversed(cls.__mro__):
        for name, prop in vars(base).items():
            if not isinstance(prop, property) or name.startswith("_"):
                continue
            if base in framework and not (
                marks_of(prop) & _MARKS_OF_ATTRIBUTES or folded(name) in taken
            ):
                continue
            yield name, prop


def _framework(cls: type) -> frozenset[type]:
    """What every event has in common: the class that brings ancestry in, and all above it."""
    bases = [base for base in cls.__mro__[1:] if "previous_event_ids" in vars(base)]
    return frozenset(bases[-1].__mro__) if bases else frozenset({object})


def _taken_by_constructor(cls: type) -> frozenset[str]:
    """What an application's own base class says is data where the constructor asks for it."""
    try:
        return frozenset(folded(name) for name in data_parameters(cls))
    except ValueError:
        return frozenset()


def _listed_as_sensitive(cls: type) -> frozenset[str]:
    names: set[str] = set()
    for base in cls.__mro__:
        listed = getattr(base, "sensitive_attributes", None)
        if not callable(listed):
            continue
        try:
            # Older versions list properties, newer ones their names.
            entries = [getattr(entry, "fget", entry) for entry in listed()]
        except Exception:
            continue
        names.update(str(getattr(entry, "__name__", entry)) for entry in entries)
    return frozenset(names)


def _read(obj: object, name: str) -> Any:
    try:
        return getattr(obj, name)
    except Exception as error:
        text = f"`{name}` of {type(obj).__name__} cannot be read: leave it out with exclude="
        raise invalid_input(_READ, text, field=name) from error
