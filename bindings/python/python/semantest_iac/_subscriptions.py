"""Who is called for what is recorded."""

from __future__ import annotations

import asyncio
from typing import Any

from semantest_iac import _core
from semantest_iac._handlers import Publish, deliverer
from semantest_iac._listen import Listener, Listens, listens_of, mark_of, needs_instance
from semantest_iac._session import Session, refused


class Subscription:
    """A handler that is called until it is cancelled."""

    def __init__(self, of: Subscriptions, listener: Listener, mark: Listens) -> None:
        self._of = of
        self.listener = listener
        self.mark = mark
        self.native: _core.Subscription | None = None

    @property
    def name(self) -> str:
        """The handler's name."""
        return self.listener.name

    async def cancel(self) -> None:
        """It is not called any more. Twice is harmless."""
        await self._of.drop(self)


class Subscriptions:
    """The handlers of one Iac. `include` waits for nothing: what is new is subscribed before the next call."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._all: list[Subscription] = []
        self._new: list[Subscription] = []
        self._session: Session | None = None
        self._settling = asyncio.Lock()

    async def attach(self, session: Session) -> None:
        """Subscribes all of them to a project that was just opened."""
        self._session = session
        self._new = list(self._all)
        await self.settle()

    def detach(self) -> None:
        """The project is being closed."""
        self._session = None
        for one in self._all:
            one.native = None

    async def settle(self) -> None:
        """Subscribes those that are new, and waits for those that another call subscribes meanwhile: what is
        published after `include` is heard."""
        if not self._new and not self._settling.locked():
            return
        async with self._settling:
            while self._new and self._session is not None:
                one = self._new.pop(0)
                deliver = deliverer(one.listener, one.mark, self._publish)
                names, limit = one.mark.names_to_ask_for, one.mark.timeout
                subscribed = self._session.engine.subscribe(one.name, names, deliver, limit)
                one.native = await subscribed

    def include(self, handler: object) -> None:
        """Everything in `handler` that is marked."""
        if isinstance(handler, type) and needs_instance(handler):
            raise refused(
                f"{handler.__qualname__} has handlers that need an instance: include {handler.__qualname__}(...)"
            )
        listeners = listens_of(handler)
        if not listeners:
            name = getattr(handler, "__qualname__", type(handler).__qualname__)
            raise refused(f"{name} has nothing marked with @listen(Event)")
        known = [one.listener.call for one in self._all]
        for listener in listeners:
            if listener.call in known:
                raise refused(f"{listener.name} is included already", handler=listener.name)
        for listener in listeners:
            self._add(listener, _merged(listener.marks))

    def subscribe(
        self,
        handler: Any,
        events: tuple[type[Any] | str, ...],
        *,
        thread: bool,
        timeout: float | None,
    ) -> Subscription:
        """One function, which need not be marked."""
        if not callable(handler) or isinstance(handler, type):
            raise refused(f"a handler is a function, not {type(handler).__qualname__}")
        name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
        mark = mark_of(events, thread=thread, timeout=timeout)
        return self._add(Listener(name, handler, (mark,)), mark)

    def _add(self, listener: Listener, mark: Listens) -> Subscription:
        one = Subscription(self, listener, mark)
        self._all.append(one)
        self._new.append(one)
        return one

    async def drop(self, one: Subscription) -> None:
        """Ends one."""
        if one in self._new:
            self._new.remove(one)
        if one in self._all:
            self._all.remove(one)
        native, one.native = one.native, None
        if native is not None and self._session is not None:
            await self._session.engine.unsubscribe(native)


def _merged(marks: tuple[Listens, ...]) -> Listens:
    """Several `@listen` on one handler are one: it sees an event once however many ask for it."""
    if len(marks) == 1:
        return marks[0]
    limits = [mark.timeout for mark in marks]
    return Listens(
        frozenset().union(*(mark.names for mark in marks)),
        tuple(dict.fromkeys(chosen for mark in marks for chosen in mark.classes)),
        any(mark.thread for mark in marks),
        None if None in limits else max(limit for limit in limits if limit is not None),
    )
