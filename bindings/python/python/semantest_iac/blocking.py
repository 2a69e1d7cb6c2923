"""A blocking face, for scripts: `with Iac.open(".") as iac: iac.deploy("rest-api")`.

The same methods, without `await`. Handlers run while one of them waits. Ctrl-C ends the run in order, then raises
`KeyboardInterrupt`; a second one does not wait.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from semantest_iac import _iac
from semantest_iac._iac import Event
from semantest_iac._session import refused

P = ParamSpec("P")
T = TypeVar("T")


def _waits(
    method: Callable[Concatenate[_iac.Iac, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Iac, P], T]:
    def wait(self: Iac, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wait_for(method(self._iac, *args, **kwargs))

    functools.update_wrapper(wait, method)
    return wait


class Iac:
    """A project, open between `with` and its end. Belongs to the thread that opened it."""

    def __init__(self, iac: _iac.Iac) -> None:
        self._iac = iac
        self._runner: asyncio.Runner | None = None

    @classmethod
    @functools.wraps(_iac.Iac.open)
    def open(cls, *args: Any, **settings: Any) -> Self:
        return cls(_iac.Iac.open(*args, **settings))

    def __enter__(self) -> Self:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("an event loop runs here: use semantest_iac.Iac with `async with`")
        self._runner = asyncio.Runner()
        try:
            self._wait_for(self._iac.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends. Twice is harmless."""
        if self._runner is not None:
            try:
                self._wait_for(self._iac.close())
            finally:
                self._end()

    def _end(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        if self._runner is None:
            work.close()
            raise refused("this Iac is not open: use it inside `with Iac.open(...) as iac`")
        return self._runner.run(work)

    @property
    def project(self) -> str:
        """The project's name."""
        return self._iac.project

    publish = _waits(_iac.Iac.publish)
    deploy = _waits(_iac.Iac.deploy)
    destroy = _waits(_iac.Iac.destroy)
    rollback = _waits(_iac.Iac.rollback)
    scale = _waits(_iac.Iac.scale)
    configure = _waits(_iac.Iac.configure)
    remove_orphans = _waits(_iac.Iac.remove_orphans)
    plan = _waits(_iac.Iac.plan)
    plan_removal = _waits(_iac.Iac.plan_removal)
    status = _waits(_iac.Iac.status)
    state = _waits(_iac.Iac.state)
    history = _waits(_iac.Iac.history)
    drift = _waits(_iac.Iac.drift)
    discover = _waits(_iac.Iac.discover)
    invoke = _waits(_iac.Iac.invoke)
    logs = _waits(_iac.Iac.logs)

    def include(self, *handlers: object) -> None:
        """As `semantest_iac.Iac.include`."""
        self._iac.include(*handlers)

    def events(
        self,
        *events: type[Any] | str,
        after: int = 0,
        since: datetime | None = None,
        component: str | None = None,
        environment: str | None = None,
        follow: bool = False,
    ) -> Iterator[Event]:
        """As `semantest_iac.Iac.events`."""
        stream = self._iac.events(
            *events,
            after=after,
            since=since,
            component=component,
            environment=environment,
            follow=follow,
        )
        return self._each(stream)

    def _each(self, stream: AsyncIterator[Event]) -> Iterator[Event]:
        async def following() -> Event | None:
            return await anext(stream, None)

        while (event := self._wait_for(following())) is not None:
            yield event
