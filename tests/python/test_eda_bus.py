"""`EventBus`: who gets an event, in which order, how often, and what of failures."""

import asyncio
from typing import Any

import pytest
from semantest_iac._event import ApplicationEvent
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen
from semantest_iac.errors import HandlerFailedError, InvalidInputError
from semantest_iac.events import DeploymentRequested, FunctionDeployed


@Event
class Ping(DomainEvent):
    def __init__(self, number: int = 0) -> None:
        super().__init__()
        self.number = number


@Event
class Pong(DomainEvent):
    number: int = 0


@Event
class LoudPing(Ping):
    pass


@Event(name="DeploymentRequested")
class MyDeploymentRequested(DomainEvent):
    component: str


class Log(list[str]):
    """What was heard, in order."""

    def handler(self, name: str, *events: type[Any]) -> Any:
        @listen(*events)
        def handle(event: Any) -> None:
            self.append(f"{name}:{type(event).__name__}")

        return handle


def publish(bus: EventBus, *events: Any) -> None:
    async def main() -> None:
        for event in events:
            await bus.publish(event)

    asyncio.run(main())


def failing(bus: EventBus, event: Any) -> HandlerFailedError:
    with pytest.raises(HandlerFailedError) as caught:
        publish(bus, event)
    return caught.value


def test_handlers_hear_in_the_order_of_their_inclusion_and_the_bus_first() -> None:
    log = Log()

    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> None:
            log.append("bus")

    bus = Bus()
    bus.include(log.handler("a", Ping), log.handler("b", Ping))
    bus.include(log.handler("c", Ping))
    publish(bus, Ping())
    assert log == ["bus", "a:Ping", "b:Ping", "c:Ping"]


def test_events_reach_handlers_of_their_class_their_bases_and_their_name() -> None:
    log, bus = Log(), EventBus()
    bus.include(log.handler("ping", Ping), log.handler("loud", LoudPing))
    bus.include(log.handler("all", DomainEvent), log.handler("ours", DeploymentRequested))
    bus.include(log.handler("mine", MyDeploymentRequested))
    publish(bus, LoudPing(), Ping())
    assert log == ["ping:LoudPing", "loud:LoudPing", "all:LoudPing", "ping:Ping", "all:Ping"]
    log.clear()
    publish(bus, MyDeploymentRequested("a"), DeploymentRequested(component="a"))
    heard_by = [each.partition(":")[0] for each in log]
    assert heard_by == ["all", "ours", "mine"] * 2


def test_a_foreign_event_reaches_a_handler_as_the_class_it_knows() -> None:
    heard: list[Any] = []

    @listen(Pong, Ping)
    def handle(event: Ping | Pong) -> None:
        heard.append(event)

    bus = EventBus()
    bus.include(handle)
    publish(bus, ApplicationEvent(name="Ping", data={"number": 7}))
    assert [(type(event), event.number) for event in heard] == [(Ping, 7)]


def test_a_bus_without_handlers_takes_any_event() -> None:
    published = asyncio.run(EventBus().publish(ping := Ping()))
    assert published.event is ping
    assert published.answer is None


def test_an_event_published_by_a_handler_is_delivered_before_publish_returns() -> None:
    log = Log()

    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> None:
            log.append("before")
            await self.publish(Pong())
            log.append("after")

    bus = Bus()
    bus.include(log.handler("late", Ping), log.handler("pong", Pong))
    publish(bus, Ping())
    assert log == ["before", "pong:Pong", "after", "late:Ping"]


def test_sync_async_and_threaded_handlers_all_work() -> None:
    import threading

    names: list[str] = []

    @listen(Ping)
    def sync(event: Ping) -> None:
        names.append(threading.current_thread().name)

    @listen(Ping)
    async def coroutine(event: Ping) -> None:
        await asyncio.sleep(0)
        names.append(threading.current_thread().name)

    @listen(Ping, thread=True)
    def blocking(event: Ping) -> Pong:
        names.append(threading.current_thread().name)
        return Pong()

    log, bus = Log(), EventBus()
    bus.include(sync, coroutine, blocking, log.handler("pong", Pong))
    publish(bus, Ping())
    main = threading.current_thread().name
    assert names[:2] == [main, main]
    assert names[2] != main
    assert log == ["pong:Pong"]


def test_a_class_in_the_style_of_pythoneda_returns_its_events() -> None:
    class PingListener:
        @classmethod
        @listen(Ping)
        async def listen_Ping(cls, event: Ping) -> list[DomainEvent]:
            return [Pong(1), Pong(2)]

    numbers: list[int] = []

    @listen(Pong)
    async def on_pong(event: Pong) -> tuple[()]:
        numbers.append(event.number)
        return ()

    bus = EventBus()
    bus.include(PingListener, on_pong)
    publish(bus, Ping())
    assert numbers == [1, 2]


@pytest.mark.parametrize("junk", ["text", 7, {"a": 1}, [Ping(), "text"], Ping, object()])
def test_returning_anything_but_events_is_a_failure_that_says_so(junk: Any) -> None:
    @listen(Ping)
    def handle(event: Ping) -> Any:
        return junk

    log, bus = Log(), EventBus()
    bus.include(handle, log.handler("other", Ping))
    error = failing(bus, Ping(-1))
    assert isinstance(error.__cause__, TypeError)
    assert "handle returned" in str(error)
    assert "nothing, an event or a list of events" in str(error)
    assert log == ["other:Ping"]


def test_a_failing_handler_keeps_the_event_from_nobody() -> None:
    first, second = ValueError("boom"), KeyError("bang")

    @listen(Ping)
    async def one(event: Ping) -> None:
        raise first

    @listen(Ping)
    def two(event: Ping) -> None:
        raise second

    log, bus = Log(), EventBus()
    bus.include(one, log.handler("between", Ping), two, log.handler("last", Ping))
    event = Ping()
    error = failing(bus, event)
    assert log == ["between:Ping", "last:Ping"]
    assert [failure for _, failure in error.failures] == [first, second]
    assert [name.rpartition(".")[2] for name, _ in error.failures] == ["one", "two"]
    assert error.__cause__ is first
    assert "2 handlers failed on Ping" in str(error)
    assert "ValueError: boom" in str(error)
    assert error.context["event_id"] == event.event_id


def test_a_failure_inside_is_told_through_the_handler_that_published() -> None:
    boom = ValueError("boom")

    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> None:
            await self.publish(Pong())

        @listen(Pong)
        async def on_pong(self, event: Pong) -> None:
            raise boom

    error = failing(Bus(), Ping())
    ((outer, inner),) = error.failures
    assert outer == "Bus.on_ping"
    assert isinstance(inner, HandlerFailedError)
    assert inner.failures == [("Bus.on_pong", boom)]


def test_all_returned_events_are_published_though_one_fails_somebody() -> None:
    boom, numbers = ValueError("boom"), []

    @listen(Ping)
    def answer(event: Ping) -> list[Pong]:
        return [Pong(1), Pong(2)]

    @listen(Pong)
    def fail_once(event: Pong) -> None:
        numbers.append(event.number)
        if event.number == 1:
            raise boom

    bus = EventBus()
    bus.include(answer, fail_once)
    error = failing(bus, Ping())
    assert numbers == [1, 2]
    assert [failure for _, failure in error.failures] == [boom]


def test_a_handler_sees_an_event_once() -> None:
    log, bus = Log(), EventBus()
    bus.include(log.handler("a", Ping))
    event = Ping()
    publish(bus, event, event)
    bus.include(log.handler("b", Ping))
    publish(bus, event)
    assert log == ["a:Ping", "b:Ping"]


def test_a_handler_that_failed_gets_the_event_again_when_it_is_published_again() -> None:
    tries = 0

    @listen(Ping)
    def flaky(event: Ping) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("not yet")

    log, bus = Log(), EventBus()
    bus.include(flaky, log.handler("other", Ping))
    event = Ping()
    failing(bus, event)
    publish(bus, event, event)
    assert tries == 2
    assert log == ["other:Ping"]


def test_a_handler_remembers_a_limited_number_of_events() -> None:
    log, bus = Log(), EventBus()
    bus.include(log.handler("a", Ping))
    first = Ping()
    publish(bus, first, *(Ping() for _ in range(4096)), first)
    assert len(log) == 4098


def test_a_handler_that_passes_its_event_on_does_not_hear_it_again() -> None:
    log = Log()

    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> Ping:
            log.append("heard")
            await self.publish(event)
            return event

    publish(Bus(), Ping())
    assert log == ["heard"]


def test_handlers_that_publish_in_a_circle_are_stopped() -> None:
    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> None:
            await self.publish(Pong())

        @listen(Pong)
        async def on_pong(self, event: Pong) -> None:
            await self.publish(Ping())

    error: BaseException = failing(Bus(), Ping())
    while isinstance(error, HandlerFailedError):
        error = error.failures[0][1]
    assert isinstance(error, InvalidInputError)
    assert "in a circle" in str(error)


def test_cancellation_passes_through_at_once() -> None:
    log, bus = Log(), EventBus()

    @listen(Ping)
    async def hang(event: Ping) -> None:
        log.append("hangs")
        await asyncio.Event().wait()

    bus.include(hang, log.handler("next", Ping))

    async def main() -> None:
        event = Ping()
        task = asyncio.create_task(bus.publish(event))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert log == ["hangs"]


def test_an_interrupt_passes_through_at_once() -> None:
    log, bus = Log(), EventBus()

    @listen(Ping)
    def interrupt(event: Ping) -> None:
        raise KeyboardInterrupt

    bus.include(interrupt, log.handler("next", Ping))
    with pytest.raises(KeyboardInterrupt):
        publish(bus, Ping())
    assert log == []


@pytest.mark.parametrize("junk", [None, "Ping", Ping, {"number": 1}])
def test_publishing_what_is_no_event_is_refused(junk: Any) -> None:
    with pytest.raises(InvalidInputError, match="publish takes an event"):
        publish(EventBus(), junk)


def test_data_that_are_not_json_are_refused_before_anybody_hears_of_them() -> None:
    log, bus = Log(), EventBus()
    bus.include(log.handler("a", Ping))
    with pytest.raises(InvalidInputError, match=r"Ping\.number is of type object"):
        publish(bus, Ping(object()))  # type: ignore[arg-type]
    assert log == []


def test_events_published_at_the_same_time_do_not_mix() -> None:
    pairs: list[tuple[str, str | None]] = []

    class Bus(EventBus):
        @listen(Ping)
        async def on_ping(self, event: Ping) -> None:
            await asyncio.sleep(0.001 * (event.number % 3))
            await self.publish(Pong(event.number))

        @listen(Pong)
        async def on_pong(self, event: Pong) -> None:
            pairs.append((pings[event.number].event_id, event.causation_id))

    pings = [Ping(number) for number in range(20)]

    async def main() -> None:
        bus = Bus()
        await asyncio.gather(*(bus.publish(ping) for ping in pings))

    asyncio.run(main())
    assert len(pairs) == 20
    assert all(ping == cause for ping, cause in pairs)


def test_a_bus_whose_constructor_does_not_call_its_base_works() -> None:
    class Bus(EventBus):
        def __init__(self, log: Log) -> None:
            self.log = log

        @listen(FunctionDeployed)
        def on_deployed(self, event: FunctionDeployed) -> None:
            self.log.append(event.function_name)

    log = Log()
    event = FunctionDeployed(
        function_name="f", arn="a", component="c", environment="dev", provider="local"
    )
    publish(Bus(log), event)
    assert log == ["f"]


def test_a_handler_class_publishes_on_the_bus_it_is_in() -> None:
    @EventHandler
    class Answer:
        @listen(Ping)
        async def handle(self, event: Ping) -> None:
            await self.publish(Pong(event.number))  # type: ignore[attr-defined]

    class Derived(EventHandler):
        @listen(Ping)
        async def handle(self, event: Ping) -> None:
            published = await self.publish(Pong(event.number))
            assert published.event.causation_id == event.event_id

    logs = Log(), Log()
    buses = EventBus(), EventBus()
    for bus, log in zip(buses, logs, strict=True):
        bus.include(Answer, Derived, log.handler("pong", Pong))
    publish(buses[0], Ping())
    assert (logs[0], logs[1]) == (["pong:Pong"] * 2, [])
