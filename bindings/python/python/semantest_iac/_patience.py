"""How long a handler may take. The time it waits for us is not its own, and does not count."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

__all__ = ["Pausable", "Patience", "RanOut", "current", "waiting"]

T = TypeVar("T")


class Pausable(Protocol):
    """A clock that can be stopped: as often as it is paused it must be resumed to go on."""

    def pause(self) -> None:
        """Stops the clock."""

    def resume(self) -> None:
        """Undoes one `pause`."""


current: ContextVar[Pausable | None] = ContextVar("semantest_iac_patience", default=None)
"""The clock of the handler that is running; `None` outside of handlers."""


@contextmanager
def waiting() -> Iterator[None]:
    """What happens inside does not count as time of the handler that is running."""
    patience = current.get()
    if patience is None:
        yield
        return
    patience.pause()
    try:
        yield
    finally:
        patience.resume()


class RanOut(Exception):
    """A handler took longer than it may."""


class Patience:
    """The clock of one handler at work. `None` seconds: it may take as long as it likes."""

    def __init__(self, seconds: float | None) -> None:
        self._left = seconds
        self._pauses = 0
        self._deadline: asyncio.Timeout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    async def spend(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs `work` in this task while the clock ticks.

        Raises `RanOut` when the time is over; `work` was cancelled then.
        """
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        token = current.set(self)
        deadline = asyncio.timeout(self._left)
        try:
            async with deadline:
                self._deadline = deadline
                return await work()
        except TimeoutError:
            # The handler's own `TimeoutError` is a failure like any other.
            if deadline.expired():
                raise RanOut from None
            raise
        finally:
            self._deadline = None
            current.reset(token)

    def pause(self) -> None:
        """Stops the clock; from any thread."""
        self._on_loop(self._pause)

    def resume(self) -> None:
        """Undoes one `pause`; from any thread."""
        self._on_loop(self._resume)

    def _on_loop(self, act: Callable[[], None]) -> None:
        """A handler in a thread of its own may wait for us too, and timers belong to the loop."""
        if self._loop is None or threading.get_ident() == self._thread:
            act()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _pause(self) -> None:
        self._pauses += 1
        deadline = self._ticking()
        if self._pauses == 1 and deadline is not None and self._loop is not None:
            when = deadline.when()
            if when is not None:
                self._left = max(0.0, when - self._loop.time())
            deadline.reschedule(None)

    def _resume(self) -> None:
        self._pauses -= 1
        deadline = self._ticking()
        if (
            self._pauses == 0
            and deadline is not None
            and self._loop is not None
            and self._left is not None
        ):
            deadline.reschedule(self._loop.time() + self._left)

    def _ticking(self) -> asyncio.Timeout | None:
        """`None` once the handler is through: tasks that it left behind change nothing then."""
        deadline = self._deadline
        return None if deadline is None or deadline.expired() else deadline
