"""How events reach handlers: in order per stream, at least once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from semantest_iac._record import Field, Fields, Record, many, text
from semantest_iac.ports.awaitable import MaybeAwaitable
from semantest_iac.ports.event_store import Event
from semantest_iac.records import ErrorRecord


def _names(value: Any) -> frozenset[str]:
    return frozenset(many(text)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter(Record):
    """Which events a subscriber wants. An empty set means all.

    Attributes:
        names: Names of events: the last segment of their type.
        streams: Streams: their subject.
    """

    _fields: ClassVar[Fields] = {
        "names": Field(_names, default=frozenset()),
        "streams": Field(_names, default=frozenset()),
    }

    names: frozenset[str] = frozenset()
    streams: frozenset[str] = frozenset()

    def admits(self, event: Event) -> bool:
        """Whether `event` passes."""
        name = event.event_type.rpartition(".")[2]
        return (not self.names or name in self.names) and (
            not self.streams or event.subject in self.streams
        )


class EventHandler(Protocol):
    """A handler that was subscribed."""

    @property
    def name(self) -> str:
        """For messages, and for `FailedDelivery`."""

    async def handle(self, event: Event | Mapping[str, Any], /) -> None:
        """Handles an event, given as an object or as a CloudEvents object.

        Raises:
            Error: It failed; with `retry` `later`, trying again can help.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A delivery that failed for good.

    Attributes:
        handler: The handler's name.
        event_id: The event's id.
        error: What `EventHandler.handle` raised, or why in words.
    """

    handler: str
    event_id: str
    error: BaseException | ErrorRecord | str


class EventBus(Protocol):
    """Delivers events to handlers."""

    def publish(self, events: Sequence[Event], /) -> MaybeAwaitable[Iterable[FailedDelivery]]:
        """Delivers events, in order, to every subscriber that wants them, and answers which deliveries failed for good.

        Whoever publishes waits for this. A failing handler never keeps an event from the others, nor the next event from
        itself. A failure whose `retry` is `later` is tried again a few times. A handler may publish, subscribe and unsubscribe
        while it handles.
        """

    def subscribe(self, filter: EventFilter, handler: EventHandler, /) -> MaybeAwaitable[int]:
        """Adds a handler, which sees what is published from now on, and answers the number of its subscription."""

    def unsubscribe(self, subscription: int, /) -> MaybeAwaitable[None]:
        """Removes a handler; nothing happens if it is not there."""
