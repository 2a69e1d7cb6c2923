"""`@listen`: what may be listened for, and where the marks are found."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from semantest_iac._listen import Listens, listen, listens_of, needs_instance
from semantest_iac.eda import DomainEvent, Event
from semantest_iac.events import DeploymentRequested, FunctionDeployed


@Event
class Ping(DomainEvent):
    pass


@Event
class LoudPing(Ping):
    pass


class Handlers:
    @listen(Ping)
    async def first(self, event: Ping) -> None:
        pass

    @classmethod
    @listen(FunctionDeployed)
    async def second(cls, event: FunctionDeployed) -> None:
        pass

    @listen("Pong", timeout=None)
    @classmethod
    def third(cls, event: Any) -> None:
        pass

    @staticmethod
    @listen(Ping, thread=True, timeout=5)
    def fourth(event: Ping) -> None:
        pass

    def unmarked(self, event: Ping) -> None:
        pass


def marks(target: object) -> tuple[Listens, ...]:
    (listener,) = listens_of(target)
    return listener.marks


def test_a_mark_holds_names_classes_and_how_to_call() -> None:
    @listen(Ping, "com.semantest.iac.ApiGatewayDeployed", timeout=3)
    def handle(event: Any) -> None:
        pass

    names = frozenset({"Ping", "ApiGatewayDeployed"})
    assert marks(handle) == (Listens(names, (Ping,), False, 3.0),)
    assert handle.__semantest_listens__ == marks(handle)  # type: ignore[attr-defined]


def test_methods_are_found_in_the_order_of_their_definition() -> None:
    names = [listener.name for listener in listens_of(Handlers())]
    assert names == [f"Handlers.{name}" for name in ("first", "second", "third", "fourth")]


def test_a_class_offers_what_needs_no_instance() -> None:
    names = [listener.name for listener in listens_of(Handlers)]
    assert names == ["Handlers.second", "Handlers.third", "Handlers.fourth"]
    assert needs_instance(Handlers)


def test_an_override_listens_as_what_it_overrides() -> None:
    class Derived(Handlers):
        async def first(self, event: Ping) -> None:
            pass

        @classmethod
        @listen("Other")
        async def second(cls, event: Any) -> None:
            pass

        third = None  # type: ignore[assignment]

    found = {each.name: each.marks[0].names for each in listens_of(Derived())}
    assert found == {
        "Derived.first": {"Ping"},
        "Derived.second": {"Other"},
        "Derived.fourth": {"Ping"},
    }
    assert marks(Derived().first)[0].names == {"Ping"}


def test_marks_pile_up() -> None:
    @listen(Ping)
    @listen("Pong", timeout=1)
    def handle(event: Any) -> None:
        pass

    assert [mark.names for mark in marks(handle)] == [{"Ping"}, {"Pong"}]


def test_a_bound_method_and_a_partial_are_handlers() -> None:
    def handle(extra: int, event: Any) -> None:
        pass

    assert marks(Handlers().first)[0].names == {"Ping"}
    assert marks(listen(Ping)(functools.partial(handle, 1)))[0].names == {"Ping"}


def test_what_is_unmarked_listens_for_nothing() -> None:
    assert listens_of(lambda event: None) == ()
    assert listens_of(Handlers().unmarked) == ()
    assert listens_of(3) == ()


def test_events_of_one_name_meet_and_derived_ones_reach_their_base() -> None:
    class FunctionDeployedOfMine(DomainEvent):
        pass

    named = Event(name="FunctionDeployed")(FunctionDeployedOfMine)
    mark = marks(listen(FunctionDeployed)(lambda event: None))[0]
    assert mark.wants(named())
    assert not mark.wants(Ping())
    assert marks(listen(Ping)(lambda event: None))[0].wants(LoudPing())
    assert not marks(listen(LoudPing)(lambda event: None))[0].wants(Ping())


def test_domain_event_stands_for_everything() -> None:
    mark = marks(listen(DomainEvent)(lambda event: None))[0]
    assert mark.everything
    assert mark.filter is None
    assert mark.wants(Ping())
    assert mark.wants(DeploymentRequested(component="a"))
    some = marks(listen(Ping, "Pong")(lambda event: None))[0]
    assert not some.everything
    assert some.filter == frozenset({"Ping", "Pong"})


def without_parentheses() -> None:
    @listen  # type: ignore[arg-type]
    def handle(event: Any) -> None:
        pass


def on_a_class() -> None:
    @listen(Ping)
    class Handler:
        pass


def async_in_a_thread() -> None:
    @listen(Ping, thread=True)
    async def handle(event: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (without_parentheses, r"that .*handle listens for, in parentheses"),
        (lambda: listen(), "needs the events"),
        (lambda: listen(int), "int is no event class"),
        (lambda: listen(Ping()), "takes event classes"),  # type: ignore[arg-type]
        (lambda: listen(3), "takes event classes"),  # type: ignore[arg-type]
        (lambda: listen(""), "no name of an event"),
        (lambda: listen("two words"), "no name of an event"),
        (lambda: listen(Ping, timeout="1"), "timeout is in seconds"),  # type: ignore[arg-type]
        (lambda: listen(Ping)(3), "marks functions and methods"),  # type: ignore[type-var]
        (on_a_class, "not the class"),
        (async_in_a_thread, "is async"),
    ],
)
def test_a_wrong_mark_is_refused_where_it_stands(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        wrong()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_more_than_nothing(timeout: float) -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        listen(Ping, timeout=timeout)
