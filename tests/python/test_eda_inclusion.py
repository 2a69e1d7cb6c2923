"""`EventBus.include` and `provide`: constructor injection, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from semantest_iac.eda import DomainEvent, Event, EventBus, EventHandler, listen
from semantest_iac.errors import InvalidInputError

if TYPE_CHECKING:
    from elsewhere import Ledger  # type: ignore[import-not-found]


@Event
class Ping(DomainEvent):
    pass


class Store:
    pass


class FastStore(Store):
    pass


class Named(Protocol):
    name: str


MADE: list[Any] = []


class Base:
    """Remembers the instances that a bus made."""

    def __init_subclass__(cls) -> None:
        constructor = cls.__init__

        def remembering(self: Any, *arguments: Any, **named: Any) -> None:
            MADE.append(self)
            constructor(self, *arguments, **named)

        remembering.__wrapped__ = constructor  # type: ignore[attr-defined]
        cls.__init__ = remembering  # type: ignore[method-assign]

    @listen(Ping)
    def handle(self, event: Ping) -> None:
        pass


@listen(Ping)
def marked(event: Ping) -> None:
    pass


def made(handler: type[Any], *services: object, **named: object) -> Any:
    bus = EventBus()
    bus.provide(*services, **named)
    bus.include(handler)
    return MADE[-1]


def test_services_are_found_by_the_type_of_the_parameter() -> None:
    class Handler(Base):
        def __init__(self, store: Store, maybe: Store | None, bus: EventBus) -> None:
            self.found = (store, maybe, type(bus))

    store = FastStore()
    assert made(Handler, store).found == (store, store, EventBus)


def test_services_are_found_by_the_name_of_the_parameter_else() -> None:
    class Handler(Base):
        def __init__(
            self, named: Named, region: str, anything: Any, *rest: Any, retries: int = 3
        ) -> None:
            self.found = (named, region, anything, rest, retries)

    store = Store()
    handler = made(Handler, named=store, region="eu", anything=5, retries=4)
    assert handler.found == (store, "eu", 5, (), 4)
    assert made(Handler, named=store, region="eu", anything=5).found[-1] == 3


def test_parameters_that_take_their_place_only_are_filled_too() -> None:
    class Handler(Base):
        def __init__(self, region: str = "eu", store: Store = Store(), /) -> None:  # noqa: B008
            self.found = (region, store)

    store = Store()
    assert made(Handler, store).found == ("eu", store)


def test_a_class_known_to_type_checkers_only_is_found_by_its_name() -> None:
    class Ledger:  # noqa: F811
        pass

    class Handler(Base):
        def __init__(self, ledger_of_mine: Ledger) -> None:
            self.found = ledger_of_mine

    ledger = Ledger()
    assert made(Handler, ledger).found is ledger


def test_of_several_that_fit_the_exact_one_or_the_named_one_is_taken() -> None:
    class Handler(Base):
        def __init__(self, store: Store) -> None:
            self.store = store

    exact, fast = Store(), FastStore()
    assert made(Handler, fast, exact).store is exact
    assert made(Handler, FastStore(), FastStore(), store=exact).store is exact
    with pytest.raises(InvalidInputError, match=r"more than one fits \(FastStore, FastStore\)"):
        made(Handler, FastStore(), FastStore())


def test_a_missing_service_names_class_parameter_and_what_there_is() -> None:
    class Handler(Base):
        def __init__(self, store: Store) -> None:
            pass

    with pytest.raises(InvalidInputError) as caught:
        made(Handler, region="eu")
    assert "Handler asks for `store: 'Store'`" in str(caught.value)
    assert "provided are region (str)" in str(caught.value)
    with pytest.raises(InvalidInputError, match="provided are no services"):
        made(Handler)


def test_nothing_is_included_where_one_of_several_is_refused() -> None:
    bus = EventBus()
    with pytest.raises(InvalidInputError):
        bus.include(marked, Store)
    bus.include(marked)


def test_plain_values_need_names_and_nothing_is_provided_twice() -> None:
    bus, store = EventBus(), Store()
    bus.provide(store, region="eu")
    with pytest.raises(InvalidInputError, match="type str are found by their names"):
        bus.provide("eu")
    with pytest.raises(InvalidInputError, match="type type are found by their names"):
        bus.provide(Store)
    with pytest.raises(InvalidInputError, match="this Store is provided already"):
        bus.provide(store)
    with pytest.raises(InvalidInputError, match="`region` is provided already"):
        bus.provide(region="us")


class Plain:
    @listen(Ping)
    def handle(self, event: Ping) -> None:
        pass


class Unmarked:
    def handle(self, event: Ping) -> None:
        pass


@listen(Ping)
def without_parameters() -> None:
    pass


@listen(Ping)
def with_two(event: Ping, more: int) -> None:
    pass


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Unmarked, "Unmarked listens for nothing"),
        (Unmarked(), "an object of type Unmarked is no handler"),
        (Unmarked().handle, "handle is not marked by @listen"),
        (3, "an object of type int is no handler"),
        ("handler", "an object of type str is no handler"),
        (Ping, "Ping is an event"),
        (Ping(), "Ping is an event"),
        (without_parameters, r"without_parameters\(\).* cannot be called with one argument"),
        (with_two, "with_two.*cannot be called with one argument"),
    ],
)
def test_what_is_no_handler_is_refused(given: object, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        EventBus().include(given)


def test_a_method_of_a_bus_that_cannot_be_called_is_refused() -> None:
    class Bus(EventBus):
        @listen(Ping)
        def on_ping(self) -> None:
            pass

    with pytest.raises(InvalidInputError, match="Bus.on_ping"):
        Bus()


def test_nothing_is_included_twice() -> None:
    plain = Plain()
    for given in (marked, Plain, plain, plain.handle):
        bus = EventBus()
        bus.include(given)
        with pytest.raises(InvalidInputError, match="is included already"):
            bus.include(given)
        with pytest.raises(InvalidInputError, match="is included already"):
            EventBus().include(given, given)
    bus = EventBus()
    bus.include(plain)
    with pytest.raises(InvalidInputError, match="Plain.handle is included already"):
        bus.include(plain.handle)
    bus.include(Plain())


def test_the_methods_of_a_bus_are_included_already() -> None:
    class Bus(EventBus):
        @listen(Ping)
        def on_ping(self, event: Ping) -> None:
            pass

    bus = Bus()
    with pytest.raises(InvalidInputError, match="Bus.on_ping is included already"):
        bus.include(bus.on_ping)


def test_a_handler_outside_of_a_bus_has_nowhere_to_publish() -> None:
    @EventHandler
    class Seed:
        pass

    class Derived(EventHandler):
        pass

    handlers: list[Any] = [Seed(), Derived()]
    for handler in handlers:
        with pytest.raises(InvalidInputError, match="is in no event bus"):
            asyncio.run(handler.publish(Ping()))


def test_a_publish_of_its_own_is_left_alone() -> None:
    sent: list[object] = []

    @EventHandler
    class Own:
        async def publish(self, event: object) -> None:
            sent.append(event)

        @listen(Ping)
        async def handle(self, event: Ping) -> None:
            await self.publish("mine")

    first, second = EventBus(), EventBus()
    own = Own()
    first.include(own)
    second.include(own)
    asyncio.run(first.publish(Ping()))
    assert sent == ["mine"]


def test_one_instance_publishes_on_one_bus_only() -> None:
    @EventHandler
    class Handler(EventHandler):
        @listen(Ping)
        async def handle(self, event: Ping) -> None:
            pass

    handler = Handler()
    EventBus().include(handler)
    with pytest.raises(InvalidInputError, match="publishes on another bus"):
        EventBus().include(handler)


def test_a_handler_class_with_slots_says_what_it_lacks() -> None:
    @EventHandler
    class Slotted:
        __slots__ = ()

        @listen(Ping)
        async def handle(self, event: Ping) -> None:
            pass

    with pytest.raises(InvalidInputError, match="_semantest_bus"):
        EventBus().include(Slotted)


def test_a_class_of_class_methods_needs_no_instance() -> None:
    class Listeners:
        def __init__(self, nobody_provides: Store) -> None:
            raise AssertionError("not to be made")

        @classmethod
        @listen(Ping)
        async def listen_Ping(cls, event: Ping) -> list[DomainEvent]:
            heard.append(cls)
            return []

    heard: list[type[Any]] = []
    bus = EventBus()
    bus.include(Listeners)
    asyncio.run(bus.publish(Ping()))
    assert heard == [Listeners]


@pytest.mark.parametrize("wrong", [3, lambda event: None, "Handler"])
def test_the_handler_decorator_is_for_classes(wrong: Any) -> None:
    with pytest.raises(TypeError, match="@EventHandler is for classes"):
        EventHandler(wrong)


def test_the_handler_decorator_is_written_without_parentheses() -> None:
    with pytest.raises(TypeError, match="without parentheses"):
        EventHandler()
