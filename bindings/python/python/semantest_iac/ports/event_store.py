"""Where events are kept: streams, each in order, and one order over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeAlias

from semantest_iac._cloudevent import moment
from semantest_iac._event import ApplicationEvent, InfrastructureEvent
from semantest_iac._record import Field, Fields, Record, text, whole
from semantest_iac.ports.awaitable import MaybeAwaitable

Event: TypeAlias = InfrastructureEvent | ApplicationEvent
"""An event of semantest-iac, or of another domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence(Record):
    """The lease that a writer holds.

    Attributes:
        name: The lease's name.
        token: Grows each time that the lease is taken over.
    """

    _fields: ClassVar[Fields] = {"name": Field(text), "token": Field(whole)}

    name: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Events to append, all or none.

    Attributes:
        stream: The stream's name.
        expected: How many events must be there: 0 for none; None: whatever is there.
        events: In order. To keep them, use `to_cloudevent()`: it gives everything as it came.
        fence: Refuse where a higher token of this name has been seen. A name that was never seen is fine.
    """

    stream: str
    expected: int | None
    events: tuple[Event, ...]
    fence: Fence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended(Record):
    """Where appended events went.

    Attributes:
        position: Position of the last of them.
        version: How many events the stream holds now.
    """

    _fields: ClassVar[Fields] = {"position": Field(whole), "version": Field(whole)}

    position: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as stored.

    Attributes:
        position: Place in the whole log: 1, 2, 3, … without gaps.
        stream: The stream's name.
        version: Place in the stream: 1, 2, 3, ….
        event: The event, or the CloudEvents object that `to_cloudevent()` gave. That costs less to hand back, and loses
            nothing of what an older or newer version wrote.
    """

    position: int
    stream: str
    version: int
    event: Event | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo(Record):
    """A stream and how long it is.

    Attributes:
        name: Its name.
        version: How many events it holds.
        updated: When the last one was recorded.
    """

    _fields: ClassVar[Fields] = {
        "name": Field(text),
        "version": Field(whole),
        "updated": Field(moment),
    }

    name: str
    version: int
    updated: datetime

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-like data."""
        updated = moment(self.updated).isoformat()
        return {"name": self.name, "version": self.version, "updated": updated}


class EventStore(Protocol):
    """An append-only log of streams. What `append` has answered is durable.

    Leases, packages and checkpoints stay beside the project: keep one folder for each log.
    """

    def append(self, append: Append, /) -> MaybeAwaitable[Appended]:
        """Appends all events or none.

        Raises:
            VersionConflictError: Another number of events is there; context: `expected`, `actual`.
            DuplicateEventError: An event of the same source and id is in the log, or twice in this append; context: `id`.
            HeldError: The fence has moved on.
            InvalidInputError: There is nothing to append.
            StorageError: It could not be written. None of them leaves a trace.
        """

    def read_stream(
        self, stream: str, after: int, limit: int | None, /
    ) -> MaybeAwaitable[Iterable[RecordedEvent]]:
        """Events of one stream after version `after`, at most `limit`, in order. An unknown stream is empty."""

    def read_all(self, after: int, limit: int | None, /) -> MaybeAwaitable[Iterable[RecordedEvent]]:
        """Events of all streams after position `after`, at most `limit`, in order."""

    def streams(self, prefix: str, /) -> MaybeAwaitable[Iterable[StreamInfo]]:
        """Streams whose name starts with `prefix`."""

    def head(self) -> MaybeAwaitable[int]:
        """The last position; 0 for an empty log."""

    def wait(self, after: int, at_most: float, /) -> MaybeAwaitable[None]:
        """Returns as soon as the head is past `after` (by another process too), or after `at_most` seconds."""
