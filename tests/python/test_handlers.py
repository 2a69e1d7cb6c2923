"""Handlers of the application: how they are called, and what happens when they fail."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from semantest_iac import (
    ApplicationEvent,
    DeploymentRequested,
    FunctionDeployed,
    Iac,
    InfrastructureEvent,
    InfrastructureUpdated,
    ResourceCreated,
    errors,
    listen,
)


def noted(name: str = "SomethingNoted", **data: Any) -> ApplicationEvent:
    return ApplicationEvent(name, data)


def test_handlers_hear_what_a_deployment_publishes_in_order(project: Path) -> None:
    heard: list[str] = []

    @listen(FunctionDeployed)
    async def announce(event: FunctionDeployed) -> None:
        await asyncio.sleep(0)
        heard.append(f"async {event.function_name} {event.endpoint is not None}")

    @listen(InfrastructureUpdated)
    def count(event: InfrastructureUpdated) -> None:
        heard.append(f"sync {event.changes.created}")

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(announce, count)
            answer = await iac.publish(DeploymentRequested(component="rest-api"))
            assert answer.status == "deployed"
            await iac.destroy("rest-api")

    asyncio.run(story())
    assert heard == ["async shop-dev-rest-api True", "sync 2"]


def test_all_that_a_run_records_goes_back_to_its_request(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            request = DeploymentRequested(component="rest-api", correlation_id="story-1")
            await iac.publish(request)
            history = await iac.history("rest-api")
            assert history[0].event_id == request.event_id
            for event in history[1:]:
                assert event.correlation_id == "story-1"
                assert event.causation_id == request.event_id
                assert event.previous_event_ids == (request.event_id,)
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_what_a_handler_publishes_goes_back_to_what_it_handles(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:

            @listen("First")
            async def first(event: ApplicationEvent) -> None:
                await iac.publish(noted("Second"))

            @listen("Second")
            def second(event: ApplicationEvent) -> list[ApplicationEvent]:
                return [noted("Third")]

            iac.include(first, second)
            start = noted("First")
            await iac.publish(start)
            one, two, three = [event async for event in iac.events()]
            assert (two.causation_id, three.causation_id) == (one.event_id, two.event_id)
            assert (two.correlation_id, three.correlation_id) == (start.event_id, start.event_id)
            assert three.previous_event_ids == (two.event_id, one.event_id)

    asyncio.run(story())


def test_a_failing_handler_stops_nothing_and_its_own_exception_is_the_cause(project: Path) -> None:
    boom = ValueError("no paper")
    heard: list[str] = []

    @listen(FunctionDeployed)
    async def printer(event: FunctionDeployed) -> None:
        raise boom

    @listen(FunctionDeployed, InfrastructureUpdated)
    async def other(event: InfrastructureEvent) -> None:
        heard.append(event.event_name)

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(printer, other)
            with pytest.raises(errors.HandlerFailedError) as caught:
                await iac.publish(DeploymentRequested(component="rest-api"))
            error = caught.value
            assert error.__cause__ is boom
            ((name, failure),) = error.failures
            assert name.endswith("printer") and failure is boom
            assert error.answer is not None and error.answer.status == "deployed"
            assert "printer" in str(error) and "no paper" in str(error)
            assert (await iac.status("rest-api")).deployments[0].status == "deployed"
            await iac.destroy("rest-api")

    asyncio.run(story())
    assert heard == ["FunctionDeployed", "InfrastructureUpdated"]


def test_a_handler_that_asks_for_another_try_gets_it(project: Path) -> None:
    tries: list[str] = []

    @listen("SomethingNoted")
    async def flaky(event: ApplicationEvent) -> None:
        tries.append(event.event_id)
        if len(tries) < 3:
            raise errors.UnavailableError("not yet", retry="later")

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(flaky)
            await iac.publish(noted())

    asyncio.run(story())
    assert len(tries) == 3 and len(set(tries)) == 1


def test_a_handler_that_hangs_is_cancelled_after_its_time(project: Path) -> None:
    ended: list[str] = []

    @listen("SomethingNoted", timeout=0.2)
    async def hangs(event: ApplicationEvent) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(hangs)
            with pytest.raises(errors.HandlerFailedError, match="did not end within 0.2 s") as caught:
                await iac.publish(noted())
            assert isinstance(caught.value.failures[0][1], errors.TimeoutError)
            await asyncio.sleep(0.05)
            assert len([event async for event in iac.events()]) == 1, "the event is not lost"

    asyncio.run(story())
    assert ended == ["cancelled"]


def test_time_that_a_handler_waits_for_a_deployment_is_not_its_own(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:

            @listen("SomethingNoted", timeout=0.02)
            async def deploys(event: ApplicationEvent) -> None:
                # Longer than it has: a host is started.
                await iac.deploy("rest-api")

            iac.include(deploys)
            await iac.publish(noted())
            assert (await iac.status("rest-api")).deployments[0].status == "deployed"
            await iac.destroy("rest-api")

    asyncio.run(story())


@pytest.mark.parametrize("returned", [7, "text", {"type": "x"}, object(), [1], [noted(), None]])
def test_what_a_handler_returns_is_nothing_or_events(project: Path, returned: object) -> None:
    @listen("SomethingNoted")
    async def junk(event: ApplicationEvent) -> object:
        return returned

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(junk)
            with pytest.raises(errors.HandlerFailedError, match="returns None, an event or a list"):
                await iac.publish(noted())
            assert len([event async for event in iac.events()]) == 1

    asyncio.run(story())


def test_blocking_handlers_run_in_a_thread_where_asked_to(project: Path) -> None:
    threads: list[bool] = []

    @listen("SomethingNoted", thread=True)
    def blocks(event: ApplicationEvent) -> None:
        time.sleep(0.1)
        threads.append(threading.current_thread() is threading.main_thread())

    async def story() -> None:
        ticks = 0
        async with Iac.open(project) as iac:
            iac.include(blocks)
            publishing = asyncio.create_task(iac.publish(noted()))
            while not publishing.done():
                ticks += 1
                await asyncio.sleep(0.01)
            await publishing
        assert ticks >= 5, "the loop went on meanwhile"

    asyncio.run(story())
    assert threads == [False]


def test_sync_handlers_run_on_the_loop_and_in_a_context_of_their_own(project: Path) -> None:
    where: ContextVar[str] = ContextVar("where", default="outside")
    seen: list[tuple[str, bool]] = []

    @listen("SomethingNoted")
    def one(event: ApplicationEvent) -> None:
        seen.append((where.get(), threading.current_thread() is threading.main_thread()))
        where.set("inside")

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(one)
            await iac.publish(noted())
            await iac.publish(noted())
        assert where.get() == "outside"

    asyncio.run(story())
    assert seen == [("outside", True), ("outside", True)]


def test_many_kinds_of_handlers_are_included_and_each_only_once(project: Path) -> None:
    heard: list[str] = []

    class Audit:
        @listen(InfrastructureEvent)
        async def everything(self, event: InfrastructureEvent) -> None:
            heard.append("method")

        @classmethod
        @listen("SomethingNoted")
        def of_class(cls, event: ApplicationEvent) -> None:
            heard.append("class method")

    @listen("SomethingNoted")
    def function(event: ApplicationEvent) -> None:
        heard.append("function")

    async def story() -> None:
        async with Iac.open(project) as iac:
            audit = Audit()
            iac.include(audit, function)
            subscription = iac.subscribe(lambda event: heard.append("lambda"), "SomethingNoted")
            for again in (audit, function):
                with pytest.raises(errors.InvalidInputError, match="included already"):
                    iac.include(again)
            with pytest.raises(errors.InvalidInputError, match="nothing marked"):
                iac.include(object())
            with pytest.raises(errors.InvalidInputError, match="need an instance"):
                iac.include(Audit)
            await iac.publish(noted())
            # Nothing of ours has happened: a listener of all of our events does not hear of others.
            assert sorted(heard) == ["class method", "function", "lambda"]
            await subscription.cancel()
            await subscription.cancel()
            heard.clear()
            await iac.publish(noted())
            assert "lambda" not in heard and "function" in heard
            heard.clear()
            await iac.deploy("rest-api")
            assert set(heard) == {"method"}
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_a_handler_may_include_and_publish_while_it_handles(project: Path) -> None:
    heard: list[str] = []

    async def story() -> None:
        async with Iac.open(project) as iac:

            @listen("Later")
            def late(event: ApplicationEvent) -> None:
                heard.append(event.name)

            @listen("SomethingNoted")
            async def grows(event: ApplicationEvent) -> None:
                iac.include(late)
                await iac.publish(noted("Later"))

            iac.include(grows)
            await iac.publish(noted())

    asyncio.run(story())
    assert heard == ["Later"]


def test_events_are_delivered_lazily_and_whole(project: Path) -> None:
    seen: list[ResourceCreated] = []

    @listen(ResourceCreated)
    async def keep(event: ResourceCreated) -> None:
        seen.append(event)

    async def story() -> None:
        async with Iac.open(project) as iac:
            iac.include(keep)
            await iac.deploy("rest-api")
            recorded = [event async for event in iac.events(ResourceCreated)]
            assert [event.to_cloudevent() for event in seen] == [e.to_cloudevent() for e in recorded]
            assert [event.outputs for event in seen] == [event.to_dict()["outputs"] for event in seen]
            await iac.destroy("rest-api")

    asyncio.run(story())
    assert len(seen) == 2


@pytest.mark.parametrize("again", [lambda: noted(), lambda: {"type": "SomethingNoted", "data": {}}])
def test_handlers_that_publish_in_a_circle_are_told(project: Path, again: Callable[[], Any]) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:

            async def publish(event: ApplicationEvent) -> None:
                await iac.publish(again())

            iac.subscribe(publish, "SomethingNoted")
            with pytest.raises(errors.HandlerFailedError) as told:
                await iac.publish(noted())
            cause: BaseException | None = told.value
            while isinstance(cause, errors.HandlerFailedError):
                cause = cause.__cause__
            assert isinstance(cause, errors.InvalidInputError)
            assert "publish in a circle" in cause.message

    asyncio.run(story())
