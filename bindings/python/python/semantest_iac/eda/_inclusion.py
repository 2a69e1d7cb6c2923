"""What `EventBus.include` takes, as listeners."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from semantest_iac._listen import Listener, called, listens_of, needs_instance
from semantest_iac.eda._event_handler import MARK, bus_of, publishes
from semantest_iac.eda._failures import invalid
from semantest_iac.eda._services import Services

if TYPE_CHECKING:
    from semantest_iac.eda._event_bus import EventBus


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A handler as it was given, the object that handles, and its listeners."""

    given: object
    handler: object
    listeners: tuple[Listener, ...]


def prepare(given: object, bus: EventBus, services: Services) -> Inclusion:
    """Makes an instance where a class needs one. Nothing is included yet.

    Raises `InvalidInputError` where `given` is no handler, or misses a service.
    """
    name = called(given)
    if callable(getattr(given, "to_cloudevent", None)):
        raise invalid(
            "bus.include", f"{name} is an event; include what listens for it", handler=name
        )
    if isinstance(given, type):
        if not listens_of(given) and not needs_instance(given):
            message = f"{name} listens for nothing: mark its methods by @listen"
            raise invalid("bus.include", message, handler=name)
        needed = needs_instance(given) or hasattr(given, MARK)
        handler = services.make(given, bus) if needed else given
    else:
        handler = given
    listeners = listens_of(handler)
    if not listeners:
        raise invalid("bus.include", _why_no_handler(given, name), handler=name)
    elsewhere = bus_of(handler) if publishes(handler) else None
    if elsewhere is not None and elsewhere is not bus:
        message = f"this {name} publishes on another bus: include another instance, or the class"
        raise invalid("bus.include", message, handler=name)
    for listener in listeners:
        check_call(listener)
    return Inclusion(given, handler, listeners)


def check_call(listener: Listener) -> None:
    """Raises `InvalidInputError` where the handler cannot be called with one event."""
    try:
        signature = inspect.signature(listener.call)
    except (TypeError, ValueError):
        # Some callables written in C do not tell.
        return
    try:
        signature.bind(None)
    except TypeError:
        message = f"{listener.name}{signature} cannot be called with one argument, the event"
        raise invalid("bus.include", message, handler=listener.name) from None


def _why_no_handler(given: object, name: str) -> str:
    if inspect.isroutine(given):
        return f"{name} is not marked by @listen, so that nobody knows which events it handles"
    kind = name if callable(given) else f"an object of type {name}"
    return f"{kind} is no handler: include functions and classes with methods marked by @listen"
