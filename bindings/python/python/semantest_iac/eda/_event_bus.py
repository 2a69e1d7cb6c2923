"""`EventBus`: handlers of one process, and what they publish."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Self, TypeVar

from semantest_iac._causation import AnyEvent, handling, stamped
from semantest_iac._listen import Listener, Listens, called, listens_of, name_of
from semantest_iac._patience import waiting
from semantest_iac.eda._connection import Carrier, Connection
from semantest_iac.eda._delivery import Subscriber, call, events_in, is_event
from semantest_iac.eda._domain_event import DomainEvent
from semantest_iac.eda._event_handler import bind
from semantest_iac.eda._failures import Failure, handler_failed, invalid
from semantest_iac.eda._inclusion import Inclusion, check_call, prepare
from semantest_iac.eda._published import Published
from semantest_iac.eda._services import Services
from semantest_iac.errors import Error, HandlerFailedError

E = TypeVar("E", bound=AnyEvent)

DEEPEST = 50
"""Events that bring each other about, one inside the other: more are taken for a circle."""

_depth: ContextVar[int] = ContextVar("semantest_iac_eda_depth", default=0)


class EventBus:
    """Delivers events to handlers in this process. Derive from it to give it handlers of its own.

    - Handlers get an event in the order they were included, one after the other; methods of the bus
      come first.
    - What a handler publishes is delivered before its `publish` returns, and so is what it returns
      after it: an event or a list of events.
    - A handler sees an event once, by its id, however often that is published: it remembers the
      last 4096. One that failed has not handled it, and gets it again if it is published again.
    - A handler that fails keeps the event from nobody. `publish` tells of all failures when the
      others are done.
    - Correlation, causation and ancestry of what a handler publishes come from the event that it
      handles.

    For one event loop at a time.
    """

    __services: Services
    __subscribers: list[Subscriber]
    __included: list[object]
    __connection: Connection | None
    __carrier: Carrier | None

    def __new__(cls, *_arguments: Any, **_named: Any) -> Self:
        # Not in __init__, which a derived class may forget to call.
        bus = super().__new__(cls)
        bus.__services, bus.__subscribers, bus.__included = Services(), [], []
        bus.__connection = bus.__carrier = None
        own = listens_of(bus)
        for listener in own:
            check_call(listener)
        bus.__subscribers.extend(Subscriber(listener) for listener in own)
        return bus

    def provide(self, *services: object, **named: object) -> None:
        """Provides services for the constructors of handler classes that are included later.

        A parameter gets the service that its annotation fits, else the one of its own name. The bus
        itself is provided always. Raises `InvalidInputError` for what is provided already.
        """
        self.__services.add(services, named)

    def include(self, *handlers: object) -> None:
        """Includes functions marked by `@listen`, and classes and instances with methods marked so.

        Classes are made instances of with what was provided, for this bus alone; not those that
        have class methods only, which need none. All of `handlers` are included, or none.

        Raises `InvalidInputError` for a handler that is included already, is none, or misses a
        service.
        """
        inclusions: list[Inclusion] = []
        for handler in handlers:
            inclusion = prepare(handler, self, self.__services)
            self.__refuse_twice(inclusion, inclusions)
            inclusions.append(inclusion)
        for inclusion in inclusions:
            bind(inclusion.handler, self)
        for inclusion in inclusions:
            self.__included.append(inclusion.given)
            self.__subscribers.extend(Subscriber(each) for each in inclusion.listeners)

    def __refuse_twice(self, inclusion: Inclusion, before: list[Inclusion]) -> None:
        calls = [each.listener.call for each in self.__subscribers]
        calls += [listener.call for each in before for listener in each.listeners]
        given = [*self.__included, *(each.given for each in before)]
        twice = next((each.name for each in inclusion.listeners if each.call in calls), None)
        if twice is None and isinstance(inclusion.given, type):
            again = any(inclusion.given is each for each in given)
            twice = called(inclusion.given) if again else None
        if twice is not None:
            raise invalid("bus.include", f"{twice} is included already", handler=twice)

    def connect(self, iac: Carrier) -> None:
        """Connects the bus to an `Iac`, until `disconnect`.

        Requests published here (`DeploymentRequested`, …, also classes of yours by those names) are
        carried out, and so is an application event that no handler here listens for by name;
        `publish` returns when that is done. Everything that the `Iac` records is delivered to the
        handlers here, each event once.

        Raises `InvalidInputError` where the bus is connected to another one.
        """
        if self.__carrier is iac:
            return
        if self.__carrier is not None:
            raise invalid(
                "bus.connect", "this bus is connected to another Iac; disconnect it first"
            )
        self.__connection, self.__carrier = Connection(iac, self.__deliver), iac

    def disconnect(self) -> None:
        """Undoes `connect`: from now on the bus is on its own."""
        if self.__connection is not None:
            self.__connection.close()
        self.__connection = self.__carrier = None

    async def publish(self, event: E) -> Published[E]:
        """Delivers `event`, and has it carried out where the bus is connected.

        Raises
        - `InvalidInputError` for what is no event, or has data that are not JSON;
        - `HandlerFailedError` when all handlers are through and some failed: `failures` has their
          names and exceptions, `__cause__` is the first of these, `answer` is that of the request;
        - the error of the request itself where that could not be carried out.
        """
        _check(event)
        event = stamped(event)
        with waiting():
            token = _depth.set(_deeper(event))
            try:
                return await self.__publish(event)
            finally:
                _depth.reset(token)

    async def __publish(self, event: E) -> Published[E]:
        failures = await self.__deliver(event)
        answer = None
        if self.__connection is not None:
            heard = any(_by_name(each.listener, event) for each in self.__subscribers)
            try:
                answer, more = await self.__connection.carry_out(event, heard)
            except Error as error:
                # The request comes first; who else failed is not lost.
                for handler, failure in failures:
                    error.add_note(f"{handler} failed on it too: {failure!r}")
                raise
            failures += more
        if failures:
            raise handler_failed(event, failures, answer)
        return Published(event, answer)

    async def __deliver(self, event: AnyEvent) -> list[Failure]:
        failures: list[Failure] = []
        # Those of now: handlers may be included meanwhile.
        for subscriber in list(self.__subscribers):
            mark = subscriber.listener.mark_for(event)
            if mark is not None and subscriber.begin(event):
                failures += await self.__hand_over(subscriber, mark, event)
        return failures

    async def __hand_over(
        self, subscriber: Subscriber, mark: Listens, event: AnyEvent
    ) -> list[Failure]:
        name = subscriber.listener.name
        with handling(event):
            try:
                result = await call(subscriber.listener, mark, event)
                results = events_in(name, result)
            except Exception as error:
                subscriber.forget(event)
                return [(name, error)]
            except BaseException:
                subscriber.forget(event)
                raise
            failures: list[Failure] = []
            for each in results:
                try:
                    await self.publish(each)
                except HandlerFailedError as error:
                    failures += error.failures
                except Exception as error:
                    failures.append((name, error))
        return failures


def _check(event: object) -> None:
    if not is_event(event):
        kind = f"the class {called(event)}" if isinstance(event, type) else f"{event!r:.80}"
        raise invalid("bus.publish", f"publish takes an event, not {kind}")
    if isinstance(event, DomainEvent):
        event.to_dict()


def _deeper(event: AnyEvent) -> int:
    depth = _depth.get() + 1
    if depth > DEEPEST:
        name = name_of(event)
        message = (
            f"{DEEPEST} events brought each other about, {name} last: handlers publish in a circle"
        )
        raise invalid("bus.publish", message, event=name)
    return depth


def _by_name(listener: Listener, event: AnyEvent) -> bool:
    """Whether it asks for `event` itself, not for whatever there is."""
    return any(mark.wants(event) and not mark.everything for mark in listener.marks)
