"""Events delivered to the listeners of an application."""

from __future__ import annotations

import asyncio

import pytest
from pythoneda_standin import Event, EventListener, PlainListener, iac, listen
from semantest_iac.errors import HandlerFailedError, InvalidInputError
from semantest_iac.pythoneda import Bridge, chain, define_event, new_envelope, to_envelope

Ordered = define_event(Event, "Ordered", ["item"])
Shipped = define_event(Event, "Shipped", ["item"])
Invoiced = define_event(Event, "Invoiced", ["item"])
OtherOrdered = define_event(Event, "Ordered", ["item"])
CLASSES = [Ordered, Shipped, Invoiced]


class Warehouse(EventListener):
    seen: list = []

    @classmethod
    @listen(Ordered)
    async def listen_Ordered(cls, event: Ordered) -> list[Event]:
        cls.seen.append(event)
        return [Shipped(event.item, previousEventIds=[event.id, *event.previous_event_ids])]


class Office(EventListener):
    seen: list = []
    broken = False

    # Known by the class it listens for, whatever it is called.
    @classmethod
    @listen(Ordered)
    async def invoice(cls, event):
        if cls.broken:
            raise RuntimeError("printer on fire")
        cls.seen.append(event)
        return Invoiced(event.item)

    @listen(Shipped)
    async def listen_Shipped(self, event):
        raise AssertionError("instance methods are passed over")

    @classmethod
    @listen(OtherOrdered)
    async def listen_OtherOrdered(cls, event):
        raise AssertionError("another class of the same name")


@pytest.fixture(autouse=True)
def _forget() -> None:
    Warehouse.seen, Office.seen, Office.broken = [], [], False


def deliver(bridge: Bridge, *events: object) -> list:
    async def all_of_them() -> list:
        return [await bridge.deliver(event) for event in events]

    return asyncio.run(all_of_them())


def ordered(**about: object) -> dict:
    return new_envelope("Ordered", {"item": "book"}, **about)


def test_listeners_get_the_event_and_their_answers_come_back_with_their_cause() -> None:
    event = ordered(previous=["before"], correlation="corr")
    [answers] = deliver(Bridge(EventListener, CLASSES), event)
    [received] = Warehouse.seen
    assert type(received) is Ordered
    assert (received.id, received.previous_event_ids) == (event["id"], ["before"])
    assert sorted(answer["type"].rpartition(".")[2] for answer in answers) == [
        "Invoiced",
        "Shipped",
    ]
    for answer in answers:
        # One listener set the ancestry, the other did not.
        assert chain(answer)[1:] == [event["id"], "before"]
        assert answer["causationid"] == event["id"]
        assert answer["correlationid"] == "corr"


def test_an_event_is_delivered_once_however_often_it_comes() -> None:
    bridge = Bridge(EventListener, CLASSES)
    event = ordered()
    first, second = deliver(bridge, event, event)
    assert len(first) == 2 and second == []
    assert len(Warehouse.seen) == 1
    deliver(bridge, ordered())
    assert len(Warehouse.seen) == 2


def test_an_event_delivered_twice_at_once_is_handled_once() -> None:
    bridge = Bridge(EventListener, CLASSES)
    event = ordered()

    async def at_once() -> list:
        return await asyncio.gather(bridge.deliver(event), bridge.deliver(event))

    answers = asyncio.run(at_once())
    assert sorted(map(len, answers)) == [0, 2]
    assert len(Warehouse.seen) == 1


def test_a_result_that_is_given_twice_comes_back_once() -> None:
    class Twice(PlainListener):
        @classmethod
        async def listen_Ordered(cls, event):
            shipped = Shipped(event.item)
            return [[shipped, shipped], None, [shipped]]

    [answers] = deliver(Bridge([Twice], CLASSES), ordered())
    assert len(answers) == 1


def test_only_the_exact_class_counts() -> None:
    [answers] = deliver(Bridge([Warehouse], {"Ordered": OtherOrdered}), ordered())
    assert answers == [] and Warehouse.seen == []
    with pytest.raises(HandlerFailedError, match="another class"):
        deliver(Bridge(EventListener, {"Ordered": OtherOrdered}), ordered())


def test_unknown_events_and_those_that_nobody_wants_are_passed_over() -> None:
    bridge = Bridge(EventListener, CLASSES)
    shipped = new_envelope("Shipped", {"item": "book"})
    assert deliver(bridge, new_envelope("Unheard", {}), shipped) == [[], []]


def test_without_a_registry_the_name_of_a_class_method_tells() -> None:
    class Base(PlainListener):
        pass

    class ByName(Base):
        seen: list = []

        @classmethod
        async def listen_Ordered(cls, event):
            cls.seen.append(event)

        async def listen_Shipped(self, event):
            raise AssertionError("instance methods are passed over")

    class OfAnother(Base):
        @classmethod
        async def listen_Ordered(cls, event: OtherOrdered):
            raise AssertionError("another class of the same name")

    # Postponed annotations are text.
    OfAnother.listen_Ordered.__func__.__annotations__["event"] = OtherOrdered
    bridge = Bridge(Base, CLASSES)
    assert deliver(bridge, ordered(), new_envelope("Shipped", {"item": 1})) == [[], []]
    assert len(ByName.seen) == 1


def test_one_that_raises_stops_no_other_and_is_tried_again_alone() -> None:
    bridge = Bridge(EventListener, CLASSES)
    event = ordered()
    Office.broken = True
    with pytest.raises(HandlerFailedError, match="printer on fire") as failed:
        deliver(bridge, event)
    assert isinstance(failed.value.__cause__, RuntimeError)
    assert len(Warehouse.seen) == 1
    Office.broken = False
    [answers] = deliver(bridge, event)
    assert len(Warehouse.seen) == 1 and len(Office.seen) == 1
    assert len(answers) == 2
    assert deliver(bridge, event) == [[]]


def test_one_that_is_cancelled_may_be_delivered_again() -> None:
    class Slow(PlainListener):
        calls = 0

        @classmethod
        async def listen_Ordered(cls, event):
            cls.calls += 1
            await asyncio.sleep(0 if cls.calls > 1 else 60)

    bridge = Bridge([Slow], CLASSES)
    event = ordered()

    async def cancelled() -> None:
        task = asyncio.create_task(bridge.deliver(event))
        while not Slow.calls:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await bridge.deliver(event)

    asyncio.run(cancelled())
    assert Slow.calls == 2


def test_an_answer_that_is_no_event_is_refused_with_the_listeners_name() -> None:
    class Junk(PlainListener):
        @classmethod
        async def listen_Ordered(cls, event):
            return ["junk"]

    with pytest.raises(InvalidInputError, match="Junk.listen_Ordered"):
        deliver(Bridge([Junk], CLASSES), ordered())


def test_a_request_of_ours_reaches_those_who_listen_for_its_equivalent() -> None:
    class Stack(EventListener):
        seen: list = []

        @classmethod
        @listen(iac.InfrastructureUpdateRequested)
        async def listen_InfrastructureUpdateRequested(cls, event):
            cls.seen.append(event)
            return []

    event = new_envelope("DeploymentRequested", {"component": "rest-api", "provider": "aws"})
    deliver(Bridge(EventListener, [iac.InfrastructureUpdateRequested]), event)
    [seen] = Stack.seen
    assert (seen.id, seen.stack_name, seen.metadata["component"]) == (
        event["id"],
        "aws-dev",
        "rest-api",
    )


def test_a_live_event_and_its_json_are_delivered_too() -> None:
    bridge = Bridge(EventListener, CLASSES)
    live = Ordered("book")
    deliver(bridge, live, to_envelope(live))
    assert [event.id for event in Warehouse.seen] == [live.id]


@pytest.mark.parametrize(
    ("listeners", "classes"),
    [(3, []), ([3], []), ([], []), (EventListener, [3]), (EventListener, [Ordered, OtherOrdered])],
)
def test_what_cannot_be_bridged_is_refused(listeners: object, classes: list) -> None:
    with pytest.raises(InvalidInputError):
        Bridge(listeners, classes)  # type: ignore[arg-type]
