"""Event stores written in Python."""

from __future__ import annotations

from typing import Any

from semantest_iac._port import Calls, Port, Role
from semantest_iac._port_event import event_of, is_event, written
from semantest_iac.errors import StorageError
from semantest_iac.ports.event_store import Append, Appended, Fence, RecordedEvent, StreamInfo

EVENT_STORE = Role(
    "event_store",
    {
        "append": ("append",),
        "read_stream": ("stream", "after", "limit"),
        "read_all": ("after", "limit"),
        "streams": ("prefix",),
        "head": (),
        "wait": ("after", "at_most"),
    },
    {},
    StorageError,
)


def event_store(port: object) -> Port:
    """An event store for the native module.

    Raises:
        InvalidInputError: It is none.
    """
    EVENT_STORE.check(port)
    name = type(port).__qualname__
    target = EventStoreCalls(EVENT_STORE, port, name)
    return Port(target, EVENT_STORE.name, name, EVENT_STORE.methods_of(port), [])


class EventStoreCalls(Calls):
    """An event store's methods over JSON-like data."""

    async def append(self, stream: str, expected: int | None, events: Any, fence: Any) -> Any:
        append = Append(
            stream=stream,
            expected=expected,
            events=tuple(map(event_of, events)),
            fence=None if fence is None else Fence.from_dict(fence),
        )
        return self._record("append", await self._ask("append", append), Appended)

    async def read_stream(self, stream: str, after: int, limit: int | None) -> list[Any]:
        return self._events("read_stream", await self._ask("read_stream", stream, after, limit))

    async def read_all(self, after: int, limit: int | None) -> list[Any]:
        return self._events("read_all", await self._ask("read_all", after, limit))

    async def streams(self, prefix: str) -> list[Any]:
        return self._records("streams", await self._ask("streams", prefix), StreamInfo)

    async def head(self) -> int:
        expected = "a position, 0 for an empty log"
        return self._number("head", await self._ask("head"), expected)

    async def wait(self, after: int, at_most_ms: int) -> None:
        await self._ask("wait", after, at_most_ms / 1000)

    def _events(self, method: str, answer: object) -> list[Any]:
        events: list[RecordedEvent] = self._items(method, answer, RecordedEvent)
        return [self._recorded(method, event) for event in events]

    def _recorded(self, method: str, recorded: RecordedEvent) -> dict[str, Any]:
        if not isinstance(recorded.stream, str):
            expected = "RecordedEvent with text as its `stream`"
            raise self._refuse(method, recorded.stream, expected)
        if not is_event(recorded.event):
            expected = "RecordedEvent with an event, or a CloudEvents object, as its `event`"
            raise self._refuse(method, recorded.event, expected)
        place = "RecordedEvent with a number from 1 on as its `{}`"
        return {
            "position": self._number(method, recorded.position, place.format("position")),
            "stream": recorded.stream,
            "version": self._number(method, recorded.version, place.format("version")),
            "event": dict(written(recorded.event)),
        }
