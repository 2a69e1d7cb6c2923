"""`EventHandler`: a class of handlers that may publish themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from semantest_iac._causation import AnyEvent
from semantest_iac._listen import called
from semantest_iac.eda._failures import invalid
from semantest_iac.eda._published import Published

if TYPE_CHECKING:
    from semantest_iac.eda._event_bus import EventBus

C = TypeVar("C")
E = TypeVar("E", bound=AnyEvent)

MARK = "__semantest_event_handler__"
BUS = "_semantest_bus"


class EventHandler:
    """A class whose methods marked by `@listen` handle events: as a decorator, or as a base class.

    Either way `EventBus.include` makes an instance with what its constructor asks for, and
    `self.publish` publishes on that bus. A class with a `publish` of its own keeps it. Derive from
    `EventHandler` where the code is type-checked: no decorator can tell a type checker that
    `self.publish` is there.

    ```python
    @EventHandler
    class DeployRestApiHandler: ...

    class DeployRestApiHandler(EventHandler): ...
    ```
    """

    # As a decorator it answers the class; type checkers know it for a mistake everywhere else.
    @overload
    def __new__(cls, handler_class: type[C], /) -> type[C]: ...  # type: ignore[misc]

    @overload
    def __new__(cls, *arguments: Any, **named: Any) -> Self: ...

    def __new__(cls, *arguments: Any, **_named: Any) -> Any:
        if cls is not EventHandler:
            return super().__new__(cls)
        if not arguments:
            raise TypeError("@EventHandler is written without parentheses")
        return _decorate(arguments[0])

    async def publish(self, event: E) -> Published[E]:
        """Publishes on the bus that this handler was included in; see `EventBus.publish`."""
        bus: EventBus | None = getattr(self, BUS, None)
        if bus is None:
            name = called(type(self))
            message = f"{name} is in no event bus that it could publish on: bus.include({name})"
            raise invalid("bus.publish", message, handler=name)
        return await bus.publish(event)


def _decorate(handler_class: Any) -> Any:
    if not inspect.isclass(handler_class):
        raise TypeError(
            f"@EventHandler is for classes, not for {handler_class!r}; functions need @listen only"
        )
    decorated: Any = handler_class
    setattr(decorated, MARK, True)
    if not hasattr(decorated, "publish"):
        decorated.publish = EventHandler.publish
    return decorated


def bind(handler: object, bus: EventBus) -> None:
    """Lets `handler` publish on `bus`, where it publishes the way `EventHandler` does."""
    if not publishes(handler):
        return
    try:
        object.__setattr__(handler, BUS, bus)
    except AttributeError:
        name = called(type(handler))
        message = f"{name} has __slots__ without a place for its bus: add {BUS!r} to them"
        raise invalid("bus.include", message, handler=name) from None


def bus_of(handler: object) -> EventBus | None:
    """The bus that `handler` publishes on."""
    bus: EventBus | None = getattr(handler, BUS, None)
    return bus


def publishes(handler: object) -> bool:
    """Whether `handler` publishes the way `EventHandler` does."""
    publish: Callable[..., Any] | None = getattr(type(handler), "publish", None)
    return publish is EventHandler.publish
