"""Classes of events that an application of PythonEDA does not have yet, made on its own base at run
time."""

from __future__ import annotations

import copy
import inspect
import keyword
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from semantest_iac._cloudevent import TYPE_PREFIX
from semantest_iac.pythoneda.json_form import KEY
from semantest_iac.pythoneda.live_event import INTERNAL
from semantest_iac.pythoneda.names import OUR_EVENTS, folded, to_camel, to_snake
from semantest_iac.pythoneda.refusal import invalid_input
from semantest_iac.pythoneda.signature import parameters_of

Decorator = Callable[[Any], Any]

_OPERATION: Final = "pythoneda.define_event"
_ABOUT: Final = ("previousEventIds", "reconstructedId", "reconstructedPreviousEventIds")


def define_event(
    Event: type,
    name: str,
    fields: Iterable[str] | Mapping[str, Any],
    attribute: Decorator | None = None,
    primary_key_attribute: Decorator | None = None,
    *,
    module: str | None = None,
    entity_type: str | None = None,
) -> type:
    """Makes a class of events on `Event`, the application's base class.

        FunctionDeployed = define_event(Event, "FunctionDeployed", ["function_name", "arn",
        "endpoint"],
                                        attribute, primary_key_attribute)

    The constructor takes the fields in camel case (`functionName`), then `previousEventIds`,
    `reconstructedId` and `reconstructedPreviousEventIds`. Attributes are in snake case and set
    before the base's constructor runs. The key is the id (`event_id`): PythonEDA takes events with
    equal keys for one and the same.

    Listeners are matched by the very class: make it once and keep it.

    Args:
        Event: The base class.
        name: Name of the class.
        fields: Names of its attributes; a mapping gives them defaults, which make them optional.
        attribute: PythonEDA's decorator of that name, where the attributes are to be in its JSON.
        primary_key_attribute: The decorator for the key.
        module: Where the class says it is; for events of ours that place is their type's, for
            others the caller's.
        entity_type: What PythonEDA calls the kind of thing; the name where not given.

    Raises:
        InvalidInputError: A name cannot be one of a class or an attribute.
    """
    if not isinstance(Event, type):
        raise invalid_input(_OPERATION, "the first argument is the base class", field="Event")
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise invalid_input(_OPERATION, "the name is one that a class can have", field="name")
    defaults = _fields(fields)
    signature = _signature(defaults)
    body: dict[str, Any] = {
        "__module__": module or _module(name),
        "__qualname__": name,
        "__doc__": f"{name}: {', '.join(defaults) or 'no data'}.",
        "__init__": _constructor(Event, defaults, signature),
        "entity_type": entity_type or name,
        KEY: _property(KEY, lambda event: event.id, primary_key_attribute),
    }
    for field in defaults:
        body[field] = _property(field, _getter(field), attribute)
    if name.endswith("Failed"):
        body["is_error"] = property(lambda event: True)
    return type(Event)(name, (Event,), body)


def _fields(fields: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(fields, str):
        raise invalid_input(_OPERATION, "`fields` is a list of names", field="fields")
    given = (
        dict(fields)
        if isinstance(fields, Mapping)
        else dict.fromkeys(fields, inspect.Parameter.empty)
    )
    named: dict[str, Any] = {}
    taken = {folded(each) for each in (*INTERNAL, *_ABOUT, KEY, "self")}
    for field, default in given.items():
        name = to_snake(field) if isinstance(field, str) else ""
        if not name.isidentifier() or keyword.iskeyword(to_camel(name)) or name.startswith("_"):
            raise invalid_input(
                _OPERATION, f"{str(field)[:80]!r} is no name of an attribute", field="fields"
            )
        if folded(name) in taken:
            raise invalid_input(_OPERATION, f"`{name}` is taken: choose another name", field=name)
        taken.add(folded(name))
        named[name] = default
    return named


def _signature(defaults: Mapping[str, Any]) -> inspect.Signature:
    """What is required stands first, as Python wants it."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    fields = [
        inspect.Parameter(to_camel(name), kind, default=value) for name, value in defaults.items()
    ]
    fields.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    about = [inspect.Parameter(name, kind, default=None) for name in _ABOUT]
    return inspect.Signature([inspect.Parameter("self", kind), *fields, *about])


def _constructor(
    base: type, defaults: Mapping[str, Any], signature: inspect.Signature
) -> Callable[..., None]:
    accepted = [parameter.name for parameter in parameters_of(base)]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        for name, default in defaults.items():
            given = bound.arguments.get(to_camel(name), default)
            # A default that can change is not shared between events.
            setattr(self, f"_{name}", copy.deepcopy(given) if given is default else given)
        about = {name: bound.arguments.get(name) for name in _ABOUT}
        base.__init__(self, **{name: value for name, value in about.items() if name in accepted})  # type: ignore[misc]

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def _getter(name: str) -> Callable[[Any], Any]:
    return lambda event: getattr(event, f"_{name}", None)


def _property(name: str, getter: Callable[[Any], Any], decorator: Decorator | None) -> property:
    # PythonEDA takes the attribute's name from the function.
    getter.__name__ = getter.__qualname__ = name
    return property(decorator(getter) if decorator else getter)


def _module(name: str) -> str:
    if name in OUR_EVENTS:
        # So that the full name of the class is the event's type.
        return TYPE_PREFIX.rstrip(".")
    return str(sys._getframe(2).f_globals.get("__name__", "__main__"))
