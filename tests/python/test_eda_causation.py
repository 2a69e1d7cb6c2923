"""Correlation, causation and ancestry; and how long a handler may take."""

import asyncio
import time
from typing import Any

import pytest
from semantest_iac import _causation, _patience
from semantest_iac.eda import DomainEvent, Event, EventBus, listen
from semantest_iac.errors import HandlerFailedError
from semantest_iac.errors import TimeoutError as OurTimeoutError
from semantest_iac.events import DeploymentRequested


@Event
class First(DomainEvent):
    pass


@Event
class Second(DomainEvent):
    pass


@Event
class Third(DomainEvent):
    pass


class Story(EventBus):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    @listen(DomainEvent)
    def keep(self, event: Any) -> None:
        self.heard.append(event)


def test_what_a_handler_publishes_or_returns_is_stamped_from_its_event() -> None:
    class Bus(Story):
        @listen(First)
        async def on_first(self, event: First) -> None:
            await self.publish(Second())

        @listen(Second, thread=True)
        def on_second(self, event: Second) -> list[Third]:
            return [Third()]

    bus, first = Bus(), First()
    asyncio.run(bus.publish(first))
    _, second, third = bus.heard
    assert first.correlation_id is first.causation_id is None
    assert (second.correlation_id, second.causation_id) == (first.event_id, first.event_id)
    assert (third.correlation_id, third.causation_id) == (first.event_id, second.event_id)
    assert third.previous_event_ids == (second.event_id, first.event_id)


def test_frozen_events_of_ours_are_stamped_as_copies() -> None:
    request = DeploymentRequested(component="a")

    class Bus(Story):
        @listen(First)
        async def on_first(self, event: First) -> None:
            published = await self.publish(request)
            assert published.event.causation_id == event.event_id

    bus, first = Bus(), First()
    asyncio.run(bus.publish(first))
    assert request.causation_id is None
    assert bus.heard[1].event_id == request.event_id
    assert bus.heard[1].correlation_id == first.event_id


def test_an_event_with_a_correlation_of_its_own_keeps_it() -> None:
    @Event
    class Correlated(DomainEvent):
        def __init__(self) -> None:
            super().__init__(correlation_id="mine")

    class Bus(Story):
        @listen(First)
        def on_first(self, event: First) -> Correlated:
            return Correlated()

        @listen(Correlated)
        def on_correlated(self, event: Correlated) -> Third:
            return Third()

    bus = Bus()
    asyncio.run(bus.publish(First()))
    assert [event.correlation_id for event in bus.heard] == [None, "mine", "mine"]
    assert bus.heard[1].causation_id is None


def test_nothing_is_stamped_outside_of_handlers() -> None:
    class Bus(Story):
        @listen(First)
        def on_first(self, event: First) -> None:
            raise ValueError

    async def main() -> Third:
        bus = Bus()
        with pytest.raises(HandlerFailedError):
            await bus.publish(First())
        assert _causation.current.get() is None
        return (await bus.publish(Third())).event

    assert asyncio.run(main()).correlation_id is None


def test_an_event_passed_on_does_not_become_its_own_cause() -> None:
    class Bus(EventBus):
        @listen(First)
        async def on_first(self, event: First) -> None:
            await self.publish(event)

    first = First()
    asyncio.run(Bus().publish(first))
    assert first.causation_id is None


def test_a_handler_that_takes_too_long_fails_with_a_timeout_of_ours() -> None:
    cleaned_up = []

    @listen(First, timeout=0.02)
    async def slow(event: First) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned_up.append(True)

    bus = Story()
    bus.include(slow)
    with pytest.raises(HandlerFailedError) as caught:
        asyncio.run(bus.publish(First()))
    ((name, error),) = caught.value.failures
    assert name.endswith("slow")
    assert isinstance(error, OurTimeoutError)
    assert "took more than 0.02 s on First" in str(error)
    assert cleaned_up == [True]
    assert len(bus.heard) == 1


def test_a_thread_that_takes_too_long_is_given_up() -> None:
    @listen(First, timeout=0.02, thread=True)
    def slow(event: First) -> None:
        time.sleep(0.2)

    async def main() -> None:
        bus = EventBus()
        bus.include(slow)
        with pytest.raises(HandlerFailedError, match=r"took more than 0\.02 s"):
            await bus.publish(First())

    asyncio.run(main())


def test_a_timeout_of_the_handlers_own_is_its_own_failure() -> None:
    @listen(First)
    async def gives_up(event: First) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(30)

    bus = EventBus()
    bus.include(gives_up)
    with pytest.raises(HandlerFailedError) as caught:
        asyncio.run(bus.publish(First()))
    assert type(caught.value.__cause__) is TimeoutError


def test_time_spent_publishing_does_not_count() -> None:
    class Bus(Story):
        @listen(First, timeout=0.1)
        async def on_first(self, event: First) -> None:
            await asyncio.gather(self.publish(Second()), self.publish(Second()))

        @listen(Second)
        async def on_second(self, event: Second) -> None:
            await asyncio.sleep(0.2)

    bus = Bus()
    asyncio.run(bus.publish(First()))
    assert len(bus.heard) == 3


def test_time_goes_on_after_publishing() -> None:
    class Bus(EventBus):
        @listen(First, timeout=0.02)
        async def on_first(self, event: First) -> None:
            await self.publish(Second())
            await asyncio.sleep(30)

    with pytest.raises(HandlerFailedError, match="took more than"):
        asyncio.run(Bus().publish(First()))


def test_a_task_that_outlives_its_handler_may_publish() -> None:
    class Bus(Story):
        @listen(First)
        async def on_first(self, event: First) -> None:
            self.task = asyncio.create_task(self.later())

        async def later(self) -> None:
            await asyncio.sleep(0.01)
            await self.publish(Second())

    async def main() -> Bus:
        bus = Bus()
        await bus.publish(First())
        await bus.task
        return bus

    first, second = asyncio.run(main()).heard
    assert second.causation_id == first.event_id


def test_a_clock_can_be_stopped_from_the_thread_of_a_handler() -> None:
    @listen(First, thread=True, timeout=0.1)
    def waits_for_us(event: First) -> None:
        with _patience.waiting():
            time.sleep(0.3)

    bus = EventBus()
    bus.include(waits_for_us)
    asyncio.run(bus.publish(First()))
