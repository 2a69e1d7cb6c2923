"""Event buses written in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from semantest_iac import _core
from semantest_iac._port import Calls, Port, Role
from semantest_iac._port_event import event_of, is_event, written
from semantest_iac._port_raised import Raised
from semantest_iac.errors import Error, HandlerFailedError, InvalidInputError
from semantest_iac.ports.event_bus import EventFilter, FailedDelivery
from semantest_iac.ports.event_store import Event
from semantest_iac.records import ErrorRecord

EVENT_BUS = Role(
    "event_bus",
    {
        "publish": ("events",),
        "subscribe": ("filter", "handler"),
        "unsubscribe": ("subscription",),
    },
    {},
    HandlerFailedError,
)


def event_bus(port: object, raised: Raised) -> Port:
    """An event bus for the native module.

    Raises:
        InvalidInputError: It is none.
    """
    EVENT_BUS.check(port)
    name = type(port).__qualname__
    target = EventBusCalls(port, name, raised)
    return Port(target, EVENT_BUS.name, name, EVENT_BUS.methods_of(port), [])


class Subscriber:
    """A handler of the core, as the bus sees it."""

    __slots__ = ("_native", "name")

    def __init__(self, native: _core.NativeHandler) -> None:
        self._native = native
        self.name = native.name

    async def handle(self, event: Event | Mapping[str, Any], /) -> None:
        if not is_event(event):
            text = f"a handler takes an event or a CloudEvents object, not {type(event).__qualname__}"
            raise InvalidInputError(text, operation="event_bus.deliver")
        await self._native.handle(dict(written(event)))

    def __repr__(self) -> str:
        return f"<handler {self.name}>"


class EventBusCalls(Calls):
    """An event bus's methods over JSON-like data."""

    def __init__(self, port: object, name: str, raised: Raised) -> None:
        super().__init__(EVENT_BUS, port, name)
        self._raised = raised

    async def publish(self, events: Any) -> list[Any]:
        answer = await self._ask("publish", tuple(map(event_of, events)))
        failed: list[FailedDelivery] = self._items("publish", answer, FailedDelivery)
        return [self._failed(one) for one in failed]

    async def subscribe(self, filter: Any, handler: _core.NativeHandler) -> int:
        answer = await self._ask("subscribe", EventFilter.from_dict(filter), Subscriber(handler))
        return self._number("subscribe", answer, "the number of the subscription")

    async def unsubscribe(self, subscription: int) -> None:
        await self._ask("unsubscribe", subscription)

    def _failed(self, failed: FailedDelivery) -> dict[str, Any]:
        for name in ("handler", "event_id"):
            if not isinstance(value := getattr(failed, name), str):
                raise self._refuse("publish", value, f"FailedDelivery with text as its `{name}`")
        return {
            "handler": failed.handler,
            "event_id": failed.event_id,
            "error": self._why(failed),
        }

    def _why(self, failed: FailedDelivery) -> str | dict[str, Any]:
        error = failed.error
        if isinstance(error, str):
            return error
        if isinstance(error, ErrorRecord):
            return self._fields("publish", error)
        if not isinstance(error, BaseException):
            expected = "FailedDelivery with an exception or text as its `error`"
            raise self._refuse("publish", error, expected)
        # The core keeps the words; who publishes gets the exception itself.
        self._raised.keep(failed.handler, failed.event_id, error)
        if not isinstance(error, Error):
            return f"handler `{failed.handler}` raised {type(error).__qualname__}: {error}"
        return {
            "kind": error.kind,
            "message": error.message,
            "operation": error.operation,
            "context": error.context,
            "retry": error.retry,
        }
