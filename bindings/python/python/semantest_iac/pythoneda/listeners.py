"""Which methods of an application listen for an event.

Asked as PythonEDA itself does where it can be: `listen_method_for(EventClass)` of the listener.
Else by the name: a `@classmethod` called `listen_<EventName>`. Instance methods are passed over, as
PythonEDA does, and only the exact class counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from semantest_iac.pythoneda.names import path_of
from semantest_iac.pythoneda.refusal import invalid_input

_OPERATION: Final = "pythoneda.bridge"
# Where PythonEDA puts a listener that says nothing of its priority.
_DEFAULT_PRIORITY: Final = 100


class Listener(NamedTuple):
    """A method that listens."""

    name: str
    """Tells it from every other."""
    call: Callable[[Any], Any]


def candidates(listeners: type | Iterable[type]) -> Callable[[], list[type]]:
    """The classes that may listen: a base with all that is derived from it, or those listed.

    Derived classes are looked up each time: an application may load more of them later.
    """
    if isinstance(listeners, type):
        base = listeners
        return lambda: _concrete(base)
    try:
        listed = list(listeners)
    except TypeError:
        listed = []
    if not listed or not all(isinstance(each, type) for each in listed):
        text = "the first argument is the class EventListener, or a list of listener classes"
        raise invalid_input(_OPERATION, text, field="listeners")
    return lambda: listed


def listeners_for(classes: Iterable[type], event_class: type) -> list[Listener]:
    """Those that listen for exactly this class, in PythonEDA's order."""
    found = [(_priority(cls), listener) for cls in classes if (listener := _in(cls, event_class))]
    return [listener for _, listener in sorted(found, key=lambda pair: pair[0])]


def _concrete(base: type) -> list[type]:
    # A module that was loaded twice has defined its classes twice: the later ones count.
    by_name = {path_of(cls): cls for cls in _derived(base) if not inspect.isabstract(cls)}
    return list(by_name.values())


def _derived(base: type) -> Iterator[type]:
    yield base
    derived: list[type] = type.__subclasses__(base)
    for cls in derived:
        yield from _derived(cls)


def _priority(cls: Any) -> float:
    try:
        return float(cls.default_priority())
    except Exception:
        return _DEFAULT_PRIORITY


def _in(cls: Any, event_class: type) -> Listener | None:
    ask = getattr(cls, "listen_method_for", None)
    if callable(ask):
        try:
            method = ask(event_class)
        except Exception:
            # Some versions cannot answer: the name tells too.
            return _named(cls, event_class)
        return None if method is None else _bound(cls, method)
    return _named(cls, event_class)


def _bound(cls: type, method: Any) -> Listener:
    name = f"{path_of(cls)}.{getattr(method, '__name__', 'listen')}"
    if getattr(method, "__self__", None) is not None:
        return Listener(name, method)
    # PythonEDA keeps the function without the class method around it.
    return Listener(name, lambda event: method(cls, event))


def _named(cls: type, event_class: type) -> Listener | None:
    name = f"listen_{event_class.__name__}"
    method = inspect.getattr_static(cls, name, None)
    if not isinstance(method, classmethod) or not _takes(method.__func__, event_class):
        return None
    return Listener(f"{path_of(cls)}.{name}", getattr(cls, name))


def _takes(function: Any, event_class: type) -> bool:
    """Whether the method's own annotation does not name another class of the same name."""
    inner = inspect.unwrap(function)
    for annotation in list(getattr(inner, "__annotations__", {}).items()):
        name, wanted = annotation
        if name == "return":
            continue
        if isinstance(wanted, str):
            wanted = getattr(inner, "__globals__", {}).get(wanted)
        if isinstance(wanted, type) and wanted.__name__ == event_class.__name__:
            return wanted is event_class
    return True
