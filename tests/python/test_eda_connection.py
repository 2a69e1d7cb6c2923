"""`EventBus.connect`: requests go out to an `Iac`, what happened comes in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from semantest_iac import PublishAnswer
from semantest_iac.eda import DomainEvent, Event, EventBus, listen
from semantest_iac.errors import Error, HandlerFailedError, InvalidInputError
from semantest_iac.events import DeploymentRequested, FunctionDeployed


@Event
class ServiceDeploymentNeeded(DomainEvent):
    service_type: str
    environment: str = "dev"


@Event(name="DeploymentRequested")
class MyDeploymentRequested(DomainEvent):
    component: str


class FakeIac:
    """Takes requests in, and tells of one deployed function each time."""

    def __init__(self, fails: Error | None = None) -> None:
        self.taken: list[Any] = []
        self.told: list[FunctionDeployed] = []
        self.handlers: list[Callable[[Any], Awaitable[None]]] = []
        self.fails = fails

    def subscribe(self, handler: Callable[[Any], Awaitable[None]], /) -> object:
        self.handlers.append(handler)
        return None

    async def publish(self, event: Any) -> PublishAnswer:
        self.taken.append(event)
        answer = PublishAnswer(id=event.event_id, event=type(event).event_name)
        failures = await self.tell(deployed(event.event_id))
        if self.fails is not None:
            raise self.fails
        if failures:
            error = Error.of(
                {
                    "kind": "handler_failed",
                    "message": "a subscriber failed",
                    "operation": "bus.publish",
                    "retry": "never",
                    "context": {},
                }
            )
            error.answer = answer
            raise error from failures[0]
        return answer

    async def tell(self, event: FunctionDeployed) -> list[Exception]:
        """As the real one does, in another task."""
        self.told.append(event)
        failures = []
        for handler in self.handlers:
            try:
                await asyncio.create_task(as_coroutine(handler(event)))
            except Exception as error:
                failures.append(error)
        return failures


async def as_coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


def deployed(name: str) -> FunctionDeployed:
    return FunctionDeployed(
        function_name=name, arn="arn", component="c", environment="dev", provider="local"
    )


class Bus(EventBus):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    @listen(DomainEvent)
    def keep(self, event: Any) -> None:
        self.heard.append(event)


def test_a_request_is_carried_out_and_its_facts_are_delivered() -> None:
    bus, iac, request = Bus(), FakeIac(), DeploymentRequested(component="a")
    bus.connect(iac)
    published = asyncio.run(bus.publish(request))
    assert iac.taken == [request]
    assert bus.heard == [request, *iac.told]
    assert published.event is request
    assert published.answer is not None
    assert published.answer.id == request.event_id


def test_a_request_of_the_users_class_is_carried_out_by_its_name() -> None:
    bus, iac, request = Bus(), FakeIac(), MyDeploymentRequested("a")
    bus.connect(iac)
    assert asyncio.run(bus.publish(request)).answer is not None
    assert iac.taken == [request]


def test_a_fact_of_ours_stays_on_the_bus() -> None:
    bus, iac = Bus(), FakeIac()
    bus.connect(iac)
    published = asyncio.run(bus.publish(deployed("f")))
    assert (iac.taken, published.answer) == ([], None)
    assert len(bus.heard) == 1


def test_an_application_event_goes_out_only_where_nobody_listens_for_it_by_name() -> None:
    class Bridge(Bus):
        @listen(ServiceDeploymentNeeded)
        async def on_needed(self, event: ServiceDeploymentNeeded) -> None:
            published = await self.publish(DeploymentRequested(component=event.service_type))
            assert published.answer is not None

    for bus, taken in ((Bus(), "ServiceDeploymentNeeded"), (Bridge(), "DeploymentRequested")):
        iac = FakeIac()
        bus.connect(iac)
        asyncio.run(bus.publish(ServiceDeploymentNeeded("rest-api")))
        assert [type(event).event_name for event in iac.taken] == [taken]


def test_the_bridge_passes_correlation_on_to_the_request() -> None:
    class Bridge(Bus):
        @listen(ServiceDeploymentNeeded)
        def on_needed(self, event: ServiceDeploymentNeeded) -> DeploymentRequested:
            return DeploymentRequested(component=event.service_type)

    bus, iac, needed = Bridge(), FakeIac(), ServiceDeploymentNeeded("rest-api")
    bus.connect(iac)
    asyncio.run(bus.publish(needed))
    assert iac.taken[0].correlation_id == iac.taken[0].causation_id == needed.event_id


def test_what_is_told_twice_is_heard_once() -> None:
    bus, iac = Bus(), FakeIac()
    bus.connect(iac)
    fact = deployed("f")

    async def main() -> None:
        await iac.tell(fact)
        await iac.tell(fact)

    asyncio.run(main())
    assert bus.heard == [fact]


def test_the_error_of_a_request_comes_through_with_its_own_class() -> None:
    class Failing(Bus):
        @listen(DeploymentRequested)
        def audit(self, event: Any) -> None:
            raise ValueError("audit is full")

    refused = Error.of(
        {
            "kind": "deployment_failed",
            "message": "one step failed",
            "operation": "deploy",
            "retry": "never",
            "context": {},
        }
    )
    bus = Failing()
    bus.connect(FakeIac(refused))
    with pytest.raises(Error) as caught:
        asyncio.run(bus.publish(DeploymentRequested(component="a")))
    assert caught.value is refused
    assert "audit is full" in "".join(refused.__notes__)


def test_handlers_of_facts_that_fail_are_told_apart_and_the_answer_is_kept() -> None:
    boom = ValueError("boom")

    class Failing(Bus):
        @listen(DeploymentRequested)
        def audit(self, event: Any) -> None:
            raise KeyError("audit")

        @listen(FunctionDeployed)
        def announce(self, event: FunctionDeployed) -> None:
            raise boom

    bus = Failing()
    bus.connect(FakeIac())
    request = DeploymentRequested(component="a")
    with pytest.raises(HandlerFailedError) as caught:
        asyncio.run(bus.publish(request))
    names = [name.rpartition(".")[2] for name, _ in caught.value.failures]
    assert names == ["audit", "announce"]
    assert caught.value.failures[1][1] is boom
    assert caught.value.answer.id == request.event_id


def test_a_bus_has_one_connection_at_a_time() -> None:
    bus, first, second = Bus(), FakeIac(), FakeIac()
    bus.connect(first)
    bus.connect(first)
    assert len(first.handlers) == 1
    with pytest.raises(InvalidInputError, match="disconnect it first"):
        bus.connect(second)
    bus.disconnect()
    bus.connect(second)
    asyncio.run(first.tell(deployed("f")))
    assert bus.heard == []
    asyncio.run(bus.publish(DeploymentRequested(component="a")))
    assert (len(first.taken), len(second.taken)) == (0, 1)
