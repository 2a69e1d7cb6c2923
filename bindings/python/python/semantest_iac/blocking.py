"""A blocking face, for scripts.

    from semantest_iac.blocking import Iac

    with Iac.open(".") as iac:
        answer = iac.deploy("rest-api")
        print(answer.endpoint)

The same methods, without `await`. Handlers run while one of them waits. Ctrl-C ends the run in order, then raises
`KeyboardInterrupt`; a second one does not wait.
"""

from __future__ import annotations

import asyncio
import functools
import os
import select
import selectors
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from semantest_iac import _iac, _subscriptions
from semantest_iac._iac import Event
from semantest_iac._loop import do_not_wait_at_exit
from semantest_iac._session import refused

if TYPE_CHECKING:
    from semantest_iac.ports import EventBus, EventStore, Provider, SecretResolver

P = ParamSpec("P")
T = TypeVar("T")


def _waits(
    method: Callable[Concatenate[_iac.Iac, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Iac, P], T]:
    def wait(self: Iac, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wait_for(method(self._iac, *args, **kwargs))

    functools.update_wrapper(wait, method)
    return wait


_selectors: weakref.WeakSet[selectors.DefaultSelector] = weakref.WeakSet()


def _event_loop() -> asyncio.AbstractEventLoop:
    selector = selectors.DefaultSelector()
    _selectors.add(selector)
    return asyncio.SelectorEventLoop(selector)


def _leave_to_the_parent() -> None:
    # A forked child has its parent's epoll, not a copy: what it stopped watching there, be it by
    # its exit, the parent would wait for in vain.
    for selector in _selectors:
        if isinstance(selector, getattr(selectors, "EpollSelector", ())):
            with select.epoll() as own:
                os.dup2(own.fileno(), selector.fileno(), inheritable=False)


os.register_at_fork(after_in_child=_leave_to_the_parent)


def _refuse_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("an event loop runs here: use semantest_iac.Iac with `async with` and `await`")


class Subscription:
    """A handler that is called until it is cancelled."""

    def __init__(
        self, subscription: _subscriptions.Subscription, wait: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._subscription = subscription
        self._wait = wait

    @property
    def name(self) -> str:
        """The handler's name."""
        return self._subscription.name

    def cancel(self) -> None:
        """It is not called any more. Twice is harmless."""
        self._wait(self._subscription.cancel())


class Iac:
    """A project, open between `with` and its end. Belongs to the thread that opened it."""

    def __init__(self, iac: _iac.Iac) -> None:
        self._iac = iac
        self._runner: asyncio.Runner | None = None
        self._opened_by = (0, 0)

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str] = ".",
        *,
        parallelism: int | None = None,
        lease_wait: float = 0.0,
        owner: str | None = None,
        traceparent: str | None = None,
        providers: Iterable[Provider] = (),
        bus: EventBus | None = None,
        store: EventStore | None = None,
        secret_resolvers: Iterable[SecretResolver] = (),
    ) -> Self:
        """As `semantest_iac.Iac.open`."""
        return cls(
            _iac.Iac.open(
                directory,
                parallelism=parallelism,
                lease_wait=lease_wait,
                owner=owner,
                traceparent=traceparent,
                providers=providers,
                bus=bus,
                store=store,
                secret_resolvers=secret_resolvers,
            )
        )

    def __enter__(self) -> Self:
        _refuse_inside_a_loop()
        if self._runner is not None:
            raise refused("this Iac is open already")
        self._runner = asyncio.Runner(loop_factory=_event_loop)
        self._opened_by = (os.getpid(), threading.get_ident())
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
                if self._opened_by[0] == os.getpid():
                    self._wait_for(self._iac.close())
            finally:
                self._end()

    def _end(self) -> None:
        runner, self._runner = self._runner, None
        # In a forked child it has nothing to end: its threads are its parent's.
        if runner is not None and self._opened_by[0] == os.getpid():
            runner.close()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            runner = self._ready()
        except BaseException:
            work.close()
            raise
        ended = False

        async def watched() -> T:
            nonlocal ended
            try:
                return await work
            finally:
                ended = True

        try:
            return runner.run(watched())
        except KeyboardInterrupt:
            if not ended:
                # The second one: what is still under way is not waited for.
                do_not_wait_at_exit()
                self._end()
            raise

    def _ready(self) -> asyncio.Runner:
        if self._runner is None:
            raise refused("this Iac is not open: use it inside `with Iac.open(...) as iac`")
        process, thread = self._opened_by
        if process == os.getpid() and thread != threading.get_ident():
            raise RuntimeError("this Iac belongs to another thread: open one here")
        _refuse_inside_a_loop()
        return self._runner

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

    def subscribe(
        self,
        handler: object,
        *events: type[Any] | str,
        thread: bool = False,
        timeout: float | None = 60.0,
    ) -> Subscription:
        """As `semantest_iac.Iac.subscribe`."""
        made = self._iac.subscribe(handler, *events, thread=thread, timeout=timeout)
        return Subscription(made, self._wait_for)

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
