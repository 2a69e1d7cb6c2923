"""What brought an event about: correlation, causation and ancestry, stamped without anybody's help.

While a handler runs, `current` holds the event it handles. Whatever is published meanwhile without
a correlation of its own is stamped from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

__all__ = ["AnyEvent", "Cause", "current", "handling", "stamped"]


class AnyEvent(Protocol):
    """What every event object offers: ours, an application's, and those of `semantest_iac.eda`."""

    @property
    def event_id(self) -> str:
        """Unique with the source."""

    @property
    def correlation_id(self) -> str | None:
        """Groups everything that one request brought about."""

    @property
    def causation_id(self) -> str | None:
        """The event that brought this one about."""

    @property
    def previous_event_ids(self) -> tuple[str, ...]:
        """Ancestry, newest first."""

    def to_cloudevent(self) -> dict[str, Any]:
        """Structured CloudEvents 1.0."""


E = TypeVar("E", bound=AnyEvent)


@dataclass(frozen=True, slots=True)
class Cause:
    """An event as the cause of others."""

    event_id: str
    correlation_id: str | None
    previous_event_ids: tuple[str, ...]

    @classmethod
    def of(cls, event: AnyEvent) -> Cause:
        """`event` as the cause of what its handlers publish."""
        return cls(event.event_id, event.correlation_id, tuple(event.previous_event_ids))

    @property
    def correlation(self) -> str:
        """The correlation of what it brings about: its own, or its id where it began the story."""
        return self.correlation_id or self.event_id

    @property
    def ancestry(self) -> tuple[str, ...]:
        """The previous event ids of what it brings about."""
        return (self.event_id, *self.previous_event_ids)


current: ContextVar[Cause | None] = ContextVar("semantest_iac_cause", default=None)
"""The event being handled; `None` outside of handlers."""


@contextmanager
def handling(event: AnyEvent) -> Iterator[Cause]:
    """Makes `event` the cause of what is published inside."""
    cause = Cause.of(event)
    token = current.set(cause)
    try:
        yield cause
    finally:
        current.reset(token)


def stamped(event: E) -> E:
    """`event` with correlation, causation and ancestry from the event being handled.

    Left alone: an event with a correlation of its own, and the event being handled itself when it
    is passed on. An event class says how it is stamped with a method `_stamped(cause)` that returns
    the event: itself where it is mutable, a copy where it is frozen.
    """
    cause = current.get()
    if cause is None or event.correlation_id is not None or event.event_id == cause.event_id:
        return event
    stamp = getattr(event, "_stamped", None)
    if stamp is None:
        return event
    result: E = stamp(cause)
    return result
