"""Handlers of the application, as the native module calls them."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from semantest_iac import _causation, _core, _patience
from semantest_iac._event import CloudEvent, InfrastructureEvent
from semantest_iac._listen import Listener, Listens

#: Publishes what a handler returned.
Publish = Callable[[Any], Coroutine[Any, Any, object]]


class _CauseOnDemand(_causation.Cause):
    """The event being handled, read only where something is published."""

    __slots__ = ("_native",)

    def __init__(self, native: _core.NativeEvent) -> None:
        object.__setattr__(self, "_native", native)

    def __getattr__(self, name: str) -> Any:
        if name == "event_id":
            return self._native.id
        if name in ("correlation_id", "previous_event_ids"):
            return getattr(self._native, name)
        raise AttributeError(name)


Deliver = Callable[[_core.NativeEvent, _core.Patience], object]


def deliverer(listener: Listener, mark: Listens, publish: Publish) -> Deliver:
    """What the native module calls with an event that `mark` of `listener` asks for."""
    handle: Any = listener.call
    view = _view(mark)

    def begin(native: _core.NativeEvent, patience: _core.Patience) -> Any:
        _causation.current.set(_CauseOnDemand(native))
        _patience.current.set(patience)
        return view(native)

    async def deliver(native: _core.NativeEvent, patience: _core.Patience) -> None:
        result = await handle(begin(native, patience))
        if result is not None:
            await _publish_all(listener.name, result, publish)

    async def deliver_in_thread(native: _core.NativeEvent, patience: _core.Patience) -> None:
        result = await asyncio.to_thread(handle, begin(native, patience))
        if result is not None:
            await _publish_all(listener.name, result, publish)

    def handle_now(native: _core.NativeEvent, patience: _core.Patience) -> Any:
        return handle(begin(native, patience))

    def deliver_now(native: _core.NativeEvent, patience: _core.Patience) -> Awaitable[None] | None:
        # The loop's own context is not this handler's to change.
        context = contextvars.copy_context()
        result = context.run(handle_now, native, patience)
        if result is None:
            return None
        return finish(native, patience, result)

    async def finish(native: _core.NativeEvent, patience: _core.Patience, result: Any) -> None:
        # A task of its own, with a context of its own.
        begin(native, patience)
        if inspect.isawaitable(result):
            result = await result
        if result is not None:
            await _publish_all(listener.name, result, publish)

    chosen = deliver_in_thread if mark.thread else deliver if _is_async(handle) else deliver_now
    if mark.filter is not None:
        return chosen

    def deliver_wanted(native: _core.NativeEvent, patience: _core.Patience) -> object:
        # Names did not tell: every event comes, and base classes ask for some.
        return chosen(native, patience) if mark.wants(InfrastructureEvent._of(native)) else None

    return deliver_wanted


def _is_async(handler: object) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)
    )


async def _publish_all(name: str, result: object, publish: Publish) -> None:
    events = list(result) if isinstance(result, (list, tuple)) else [result]
    for event in events:
        if not (isinstance(event, CloudEvent) or hasattr(event, "to_cloudevent")):
            kind = type(event).__qualname__
            raise TypeError(f"{name} returned {kind}; a handler returns None, an event or a list of events")
    for event in events:
        await publish(event)


def _view(mark: Listens) -> Callable[[_core.NativeEvent], Any]:
    """How an event is shown to the handler: as one of ours, or as the application's own class for it."""
    own = {
        name: chosen
        for chosen in mark.classes
        if isinstance(name := getattr(chosen, "event_name", None), str)
        and name
        and not issubclass(chosen, CloudEvent)
    }
    if not own:
        return InfrastructureEvent._of

    def view(native: _core.NativeEvent) -> Any:
        event = InfrastructureEvent._of(native)
        chosen: Any = own.get(native.name)
        return event if chosen is None else chosen.from_cloudevent(event.to_cloudevent())

    return view
