"""What is no port is refused when a project is opened, and what it answers is judged unseen."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ports_in_memory import MemoryBus, MemoryProvider, MemoryStore, MemoryVault, TalkativeProvider
from ports_project import CANARY, Elsewhere, folder

from semantest_iac import Iac
from semantest_iac._port_event import event_of
from semantest_iac._port_provider import provider
from semantest_iac._port_raised import Raised
from semantest_iac.errors import (
    DeploymentFailedError,
    HandlerFailedError,
    InvalidInputError,
    ProviderError,
    SecretUnresolvedError,
    StorageError,
)
from semantest_iac.ports import (
    Applied,
    Discovered,
    EventFilter,
    FailedDelivery,
    Invoked,
    LogLine,
    LogPage,
    Observed,
    OwnershipTags,
    RecordedEvent,
    Resource,
    Secrets,
    StreamInfo,
)

__all__ = ["folder"]


class Lacking:
    name = "lacking"

    def lower(self, blueprint: Any, settings: Any) -> list[Any]:
        return []

    def apply(self, change: Any, operation: Any) -> Any: ...


class OneTooFew(MemoryProvider):
    def apply(self, change: Any) -> Any: ...  # type: ignore[override]


class Attributed(MemoryVault):
    def __init__(self, schemes: Any) -> None:
        self.schemes = schemes


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ({"providers": [MemoryProvider]}, r"MemoryProvider is a class: make an instance"),
        ({"providers": [Lacking()]}, "Lacking is no provider: it lacks observe, delete, discover"),
        ({"providers": [OneTooFew()]}, r"OneTooFew cannot be .*apply\(change, operation\)"),
        ({"providers": [MemoryProvider(name="")]}, "has a `name` that is no text|has no `name`"),
        ({"providers": [None]}, "NoneType is no provider"),
        ({"providers": MemoryProvider()}, r"providers is a list, not MemoryProvider"),
        ({"providers": "aws"}, "providers is a list, not str"),
        ({"bus": MemoryStore()}, "is no event bus: it lacks publish, subscribe, unsubscribe"),
        ({"bus": 5}, "int is no event bus"),
        ({"store": MemoryBus()}, "it lacks append, read_stream, read_all, streams, head, wait"),
        ({"store": MemoryStore}, "MemoryStore is a class"),
        ({"secret_resolvers": [Lacking()]}, "it lacks resolve"),
        ({"secret_resolvers": [Attributed(())]}, "has no `schemes`"),
        ({"secret_resolvers": [Attributed("vault")]}, "is no list"),
        ({"secret_resolvers": [Attributed([5])]}, "one that is no text"),
    ],
)
def test_what_is_no_port_is_refused_at_once(ports: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Iac.open(".", **ports)


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ({"providers": [MemoryProvider(name="Not A Name")]}, "Not A Name"),
        ({"secret_resolvers": [Attributed(["Not A Name"])]}, "Not A Name"),
        ({"secret_resolvers": [MemoryVault(), MemoryVault()]}, "`vault` is resolved already"),
        ({"secret_resolvers": [Attributed(["env"])]}, "`env` is resolved already"),
    ],
)
def test_names_are_judged_when_the_project_is_opened(
    folder: Path, ports: dict[str, Any], words: str
) -> None:
    async def story() -> None:
        with pytest.raises(InvalidInputError, match=words):
            await Iac.open(folder, **ports)

    asyncio.run(story())


def odd(port: Any, method: str, answer: object) -> Any:
    """The port, with another answer of one method."""

    async def answers(*given: object) -> object:
        return answer

    setattr(port, method, answers)
    return port


async def deploy(iac: Iac) -> None:
    await iac.deploy("rest-api")


async def drift(iac: Iac) -> None:
    await iac.deploy("rest-api")
    await iac.drift("rest-api")


async def destroyed(iac: Iac) -> None:
    await iac.deploy("rest-api")
    await iac.destroy("rest-api")


async def discover(iac: Iac) -> None:
    await iac.discover()


async def invoke(iac: Iac) -> None:
    await iac.deploy("rest-api")
    await iac.invoke("rest-api")


async def logs(iac: Iac) -> None:
    await iac.deploy("rest-api")
    await iac.logs("rest-api")


async def events(iac: Iac) -> None:
    assert [event async for event in iac.events()] is not None


async def status(iac: Iac) -> None:
    await iac.status()


TAGS = OwnershipTags(project="shop", environment="dev", component="rest-api", address="api")
JUNK: Any = object()
DEEP: dict[str, Any] = {}
DEEP["deeper"] = DEEP
RESOURCE = Resource(address="api", kind="k", inputs={})
Story = Callable[[Iac], Any]


@pytest.mark.parametrize(
    ("method", "answer", "words", "story"),
    [
        ("lower", 5, "lower of elsewhere returned int: expected a list of Resource", deploy),
        ("lower", None, "returned None: expected a list of Resource", deploy),
        ("lower", "api", "returned str", deploy),
        ("lower", {"api": RESOURCE}, "returned dict", deploy),
        ("lower", [RESOURCE, {}], "returned a list with dict at 1: expected Resource", deploy),
        ("lower", [Resource(address=JUNK, kind="k", inputs={})], "whose `address`", deploy),
        ("lower", [Resource(address="a", kind="k", inputs={"x": JUNK})], "`inputs.x` must", deploy),
        ("lower", [Resource(address="a", kind="k", inputs=DEEP)], "JSON has not", deploy),
        ("observe", 5, "observe of elsewhere returned int: expected Observed, or None", drift),
        ("observe", Observed(id=JUNK), "Observed whose `id` must be text", drift),
        ("apply", 5, "provider.apply of elsewhere returned int: expected Applied", deploy),
        ("apply", None, "returned None: expected Applied", deploy),
        ("apply", {"id": CANARY}, "returned dict: expected Applied", deploy),
        ("apply", Applied(id=JUNK), "Applied whose `id` must be text", deploy),
        ("apply", Applied(id="x", outputs={"x": {CANARY}}), "Applied whose `outputs.x`", deploy),
        ("apply", Applied(id="x", adopted=JUNK), "`adopted` must be True or False", deploy),
        ("apply", Applied(id="x", outputs={"x": float("nan")}), "JSON has not", deploy),
        ("apply", Applied(id="x", outputs={"x": 2**70}), "too large a number", deploy),
        ("apply", Applied(id="x", outputs={"x": "\ud800"}), "UnicodeEncodeError", deploy),
        ("apply", Applied(id="x", outputs={"x": CANARY}), "the secret `vault:password`", deploy),
        ("discover", None, "returned None: expected a list of Discovered", discover),
        ("discover", [None], "a list with None at 0: expected Discovered", discover),
        (
            "discover",
            [Discovered(tags=replace(TAGS, project="x"), kind="k", id="i")],
            "outside the scope",
            discover,
        ),
        ("invoke", "text", "returned str: expected Invoked", invoke),
        ("invoke", Invoked(request_id="1", payload="{"), "no JSON", invoke),
        ("invoke", Invoked(request_id="1", payload="1", logs=[JUNK]), "`logs.0`", invoke),
        ("logs", [], "returned list: expected LogPage", logs),
        ("logs", LogPage((), JUNK), "LogPage with text as its `cursor`", logs),
        ("logs", LogPage((JUNK,), ""), "a list with object at 0: expected LogLine", logs),
        (
            "logs",
            LogPage((LogLine(time="yesterday", function_name="f", message="m"),), ""),
            "time",
            logs,
        ),
    ],
)
def test_a_provider_that_answers_junk_is_told(
    folder: Path, method: str, answer: object, words: str, story: Story
) -> None:
    async def told() -> None:
        there = Elsewhere(folder, odd(TalkativeProvider(), method, answer))
        async with there.open() as iac:
            with pytest.raises((ProviderError, DeploymentFailedError), match=words) as error:
                await story(iac)
            assert CANARY not in f"{error.value} {error.value.context}"
        assert CANARY not in there.log.text

    asyncio.run(told())


def test_answers_that_nobody_reads_are_passed_over(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        odd(there.bus, "unsubscribe", JUNK)
        async with there.open() as iac:
            await iac.deploy("rest-api")

    asyncio.run(story())


def test_a_region_that_is_no_text_is_none(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder, odd(TalkativeProvider(), "default_region", 5))
        async with there.open() as iac:
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())


def recorded(**odd: Any) -> list[RecordedEvent]:
    usual: dict[str, Any] = {"position": 1, "stream": "s", "version": 1, "event": {}}
    return [RecordedEvent(**(usual | odd))]


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("method", "answer", "words", "story"),
    [
        ("append", None, "append of MemoryStore returned None: expected Appended", deploy),
        ("append", {"position": 1, "version": 1}, "returned dict: expected Appended", deploy),
        ("read_stream", None, "read_stream of MemoryStore returned None: expected a", deploy),
        ("read_stream", [1], "a list with int at 0: expected RecordedEvent", deploy),
        ("read_all", "no", "returned str: expected a list of RecordedEvent", events),
        ("read_all", recorded(stream=5), "text as its `stream`", events),
        ("read_all", recorded(position="1"), "a number from 1 on as its `position`", events),
        ("read_all", recorded(version=True), "a number from 1 on as its `version`", events),
        ("read_all", recorded(event="text"), "a CloudEvents object, as its `event`", events),
        ("read_all", recorded() + recorded(), "events in order", events),
        ("read_all", recorded(position=0), "events in order", events),
        ("streams", 5, "returned int: expected a list of StreamInfo", status),
        ("streams", [StreamInfo(name="x", version=1, updated=JUNK)], "StreamInfo", status),
        (
            "streams",
            [StreamInfo(name="shop/x", version=1, updated=NOW.replace(tzinfo=None))],
            "StreamInfo",
            status,
        ),
    ],
)
def test_a_store_that_answers_junk_is_told(
    folder: Path, method: str, answer: object, words: str, story: Story
) -> None:
    async def told() -> None:
        there = Elsewhere(folder)
        async with there.open() as iac:
            odd(there.log, method, answer)
            with pytest.raises(StorageError, match=words):
                await story(iac)

    asyncio.run(told())


def test_a_head_that_is_no_number_is_told(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        for answer in ("1", None, -1, True):
            odd(there.log, "head", answer)
            with pytest.raises(StorageError, match="expected a position, 0 for an empty log"):
                async with there.open() as iac:
                    await iac.head()

    asyncio.run(story())


@pytest.mark.parametrize("answer", [None, "1", -1, True])
def test_a_bus_whose_subscriptions_are_no_numbers_is_told(folder: Path, answer: object) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        odd(there.bus, "subscribe", answer)
        words = "event_bus.subscribe of MemoryBus returned .*: expected the number of the"
        with pytest.raises(HandlerFailedError, match=words):
            await there.open()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "event_bus.publish of MemoryBus returned None: expected a list of FailedDelivery"),
        ([5], "returned a list with int at 0: expected FailedDelivery"),
        ([FailedDelivery(handler=JUNK, event_id="", error="")], "text as its `handler`"),
        (
            [FailedDelivery(handler="h", event_id="e", error=JUNK)],
            "an exception or text as its `error`",
        ),
    ],
)
def test_a_bus_that_answers_junk_stops_no_run_and_is_logged(
    folder: Path, answer: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        odd(there.bus, "publish", answer)
        async with there.open() as iac:
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())
    told = [record for record in caplog.records if record.name.startswith("semantest_iac")]
    assert any(words in str(record.__dict__) for record in told)


@pytest.mark.parametrize("answer", [5, CANARY.encode(), [CANARY], {"value": CANARY}])
def test_a_resolver_that_answers_junk_is_told(folder: Path, answer: object) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        odd(there.vault, "resolve", answer)
        async with there.open() as iac:
            with pytest.raises(SecretUnresolvedError, match="expected text, or None") as told:
                await iac.deploy("rest-api")
            assert CANARY not in f"{told.value} {told.value.context}"
            assert told.value.context["reference"] == "vault:password"

    asyncio.run(story())


def test_an_error_of_ours_keeps_its_kind_and_facts(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        error = SecretUnresolvedError("ask the vault's owner", context={"vault": "7"})

        class Locked(MemoryVault):
            def resolve(self, reference: str, region: str | None) -> str | None:
                raise error

        there.vault = Locked()
        async with there.open() as iac:
            with pytest.raises(SecretUnresolvedError, match="owner") as told:
                await iac.deploy("rest-api")
            assert told.value.__cause__ is error
            assert told.value.context == {"vault": "7", "reference": "vault:password"}

    asyncio.run(story())


def test_an_event_comes_back_as_it_was_given() -> None:
    written: dict[str, Any] = {
        "specversion": "1.0",
        "id": "odd \U0001f980 '\"",
        "source": "/shop",
        "type": "org.example.Something",
        "subject": "stream",
        "time": "2026-01-31T12:00:00.123456789Z",
        "Own": "attribute",
        "data": {"Odd Key": [1, None, "ü", 9007199254740993], "deep": {"": 1.5}},
    }
    again = event_of(written).to_cloudevent()
    assert again == written | {key: again[key] for key in again.keys() - written.keys()}
    assert event_of(again).to_cloudevent() == again


def test_secrets_are_a_mapping_that_shows_nothing() -> None:
    secrets = Secrets({"vault:a": CANARY})
    assert secrets["vault:a"] == CANARY and list(secrets) == ["vault:a"] and len(secrets) == 1
    assert CANARY not in f"{secrets!r} {secrets} {secrets.items()} {secrets.values()}"
    assert copy.deepcopy(secrets) is secrets and copy.copy(secrets) is secrets
    with pytest.raises(TypeError):
        pickle.dumps(secrets)


def test_sets_are_written_in_order() -> None:
    resource = Resource(address="a", kind="k", inputs={}, depends_on={"c", "b"}, replace_on=("x",))
    assert resource.to_dict()["depends_on"] == ["b", "c"]
    assert Resource.from_dict(resource.to_dict()).replace_on == ("x",)
    filter = EventFilter(names=frozenset({"B", "A"}))
    assert filter.to_dict() == {"names": ["A", "B"], "streams": []}


def test_what_a_provider_finds_out_about_itself_is_judged() -> None:
    async def story() -> None:
        target: Any = provider(TalkativeProvider(), Raised()).target
        (finding,) = await target.diagnose({"region": "memory-1"})
        assert finding == {"name": "memory", "ok": True, "detail": "there is enough in memory-1"}
        target = provider(odd(TalkativeProvider(), "diagnose", [JUNK]), Raised()).target
        with pytest.raises(ProviderError, match="a list with object at 0: expected Finding"):
            await target.diagnose({})

    asyncio.run(story())
