"""The bridge between an asyncio event loop and the threads of the native module."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import AsyncGenerator

from semantest_iac import _core

#: How long the interpreter's exit waits for runs to end in order, in seconds.
_exit_wait = 10.0

_registered_in: int | None = None


def _end_with_the_interpreter() -> None:
    global _registered_in
    if _registered_in != os.getpid():
        _registered_in = os.getpid()
        atexit.register(lambda: _core.shut_down(_exit_wait))


def do_not_wait_at_exit() -> None:
    """Whoever interrupted twice does not want to wait for the interpreter's exit either."""
    global _exit_wait
    _exit_wait = 0.0


class Loop:
    """The running event loop, watched for work from the native module."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.bridge = _core.LoopBridge(loop)
        self._loop = loop
        self._open = True
        loop.add_reader(self.bridge.fileno(), self.bridge.drain)
        self._end = self._until_the_loop_ends()

    @classmethod
    async def running(cls) -> Loop:
        """Watches the loop that runs now."""
        _end_with_the_interpreter()
        attached = cls(asyncio.get_running_loop())
        await anext(attached._end)
        return attached

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        # asyncio.run closes generators that are still open before it closes the loop: so calls that
        # are under way fail instead of waiting for ever, also where nobody closes the Iac.
        try:
            yield
        finally:
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self.bridge.fileno())
            self.bridge.close()

    @property
    def is_running_here(self) -> bool:
        """Whether this is the loop that the caller runs on."""
        return self._open and asyncio.get_running_loop() is self._loop

    async def close(self) -> None:
        """Ends the watch. Twice is harmless."""
        await self._end.aclose()
