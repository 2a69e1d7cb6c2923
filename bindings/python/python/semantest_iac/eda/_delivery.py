"""One handler and the events it gets: each once, in time, in the right thread."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any

from semantest_iac._causation import AnyEvent
from semantest_iac._event import ApplicationEvent
from semantest_iac._listen import Listener, Listens, called, name_of
from semantest_iac._patience import Patience, RanOut
from semantest_iac.eda._domain_event import DomainEvent
from semantest_iac.eda._failures import overdue

REMEMBERED = 4096
"""How many events a handler remembers to have seen."""


class Subscriber:
    """A listener on a bus, with its memory of the events it was given last."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._given: dict[str, None] = {}

    def begin(self, event: AnyEvent) -> bool:
        """Whether the event is new to the handler, which remembers it from now on."""
        if event.event_id in self._given:
            return False
        self._given[event.event_id] = None
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]
        return True

    def forget(self, event: AnyEvent) -> None:
        """The handler failed: it gets the event again where that is published once more."""
        self._given.pop(event.event_id, None)


async def call(listener: Listener, mark: Listens, event: AnyEvent) -> object:
    """Calls the handler the way its mark says, and returns what it returned.

    Raises what the handler raises, and a `TimeoutError` of ours when it takes too long.
    """
    given = _as_asked_for(mark, event)

    async def work() -> object:
        handler = listener.call
        if mark.thread and not inspect.iscoroutinefunction(handler):
            return await asyncio.to_thread(handler, given)
        result = handler(given)
        return await result if inspect.isawaitable(result) else result

    try:
        return await Patience(mark.timeout).spend(work)
    except RanOut:
        raise overdue(listener.name, event, mark.timeout or 0) from None


def _as_asked_for(mark: Listens, event: AnyEvent) -> AnyEvent:
    """An application event from elsewhere, as the class that the handler knows it by."""
    if isinstance(event, ApplicationEvent):
        for asked in mark.classes:
            if issubclass(asked, DomainEvent) and asked.event_name == name_of(event):
                return asked.from_cloudevent(event.to_cloudevent())
    return event


def events_in(handler: str, result: object) -> Iterable[Any]:
    """The events that a handler returned. Raises `TypeError` for anything else."""
    if result is None:
        return ()
    events = tuple(result) if isinstance(result, (list, tuple)) else (result,)
    for event in events:
        if not is_event(event):
            inside = "" if event is result else f" in a {called(type(result))}"
            raise TypeError(
                f"{handler} returned {event!r:.80} ({called(type(event))}){inside}; "
                "a handler returns nothing, an event or a list of events"
            )
    return events


def is_event(value: object) -> bool:
    """Whether `value` is an event object, whichever class it has."""
    if isinstance(value, type):
        return False
    return isinstance(getattr(value, "event_id", None), str) and callable(
        getattr(value, "to_cloudevent", None)
    )
