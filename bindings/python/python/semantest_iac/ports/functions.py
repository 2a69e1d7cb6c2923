"""Calls of deployed functions, and their logs, where a provider has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from semantest_iac._cloudevent import moment
from semantest_iac._log_page import LogPage
from semantest_iac._record import Field, Fields, Record, many, number, record, text, whole
from semantest_iac.answers import LogLine
from semantest_iac.ports.awaitable import MaybeAwaitable
from semantest_iac.ports.resource import ResourceHandle

__all__ = [
    "InvokeRequest",
    "Invoked",
    "InvokesFunctions",
    "LogLine",
    "LogPage",
    "LogQuery",
    "ReadsLogs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeRequest(Record):
    """A direct call of a function.

    Attributes:
        function: The deployed function.
        payload: The event as JSON text, byte for byte as it was given.
    """

    _fields: ClassVar[Fields] = {"function": Field(record(ResourceHandle)), "payload": Field(text)}

    function: ResourceHandle
    payload: str

    @property
    def event(self) -> Any:
        """The payload, read."""
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoked(Record):
    """What a direct call gave.

    Attributes:
        request_id: The function's request id.
        payload: JSON text of what the handler returned, byte for byte, or of the error object.
        error_type: `Unhandled`, `Sandbox.Timedout`, …; None on success.
        duration_ms: How long it took, in milliseconds, where known.
        logs: Its log lines, where known.
    """

    _fields: ClassVar[Fields] = {
        "request_id": Field(text),
        "payload": Field(text),
        "error_type": Field(text, default=None),
        "duration_ms": Field(number, default=None),
        "logs": Field(many(record(LogLine)), default=()),
    }

    request_id: str
    payload: str
    error_type: str | None = None
    duration_ms: float | None = None
    logs: Sequence[LogLine] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery(Record):
    """Which log lines.

    Attributes:
        function: The deployed function.
        cursor: Opaque place to go on from, as a former answer gave it.
        since: Only lines since then, on the first call.
        limit: At most this many (the newest); None: as many as there are.
        wait: Wait up to this many seconds for a new line where there is none.
    """

    _fields: ClassVar[Fields] = {
        "function": Field(record(ResourceHandle)),
        "cursor": Field(text, default=None),
        "since": Field(moment, default=None),
        "limit": Field(whole, default=None),
        "wait": Field(number, default=0.0),
    }

    function: ResourceHandle
    cursor: str | None = None
    since: datetime | None = None
    limit: int | None = None
    wait: float = 0.0


class InvokesFunctions(Protocol):
    """A provider that can call what it deployed."""

    def invoke(self, request: InvokeRequest, /) -> MaybeAwaitable[Invoked]:
        """Calls a function and waits for its answer. A handler's failure is an answer, not an error."""


class ReadsLogs(Protocol):
    """A provider that can read the logs of what it deployed."""

    def logs(self, query: LogQuery, /) -> MaybeAwaitable[LogPage]:
        """Log lines of a function, oldest first."""
