"""A project over a cloud, a log, a bus and a vault that are written in Python."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ports_in_memory import (
    MemoryBus,
    MemoryProvider,
    MemoryStore,
    MemoryVault,
    TalkativeProvider,
    renamed,
)
from ports_project import CANARY, Elsewhere, folder

from semantest_iac import (
    ApplicationEvent,
    FunctionDeployed,
    Iac,
    InfrastructureUpdated,
    InfrastructureUpdateFailed,
    blocking,
    listen,
)
from semantest_iac.errors import (
    DeploymentFailedError,
    HandlerFailedError,
    ProviderError,
    SecretUnresolvedError,
    StorageError,
    ThrottledError,
    VersionConflictError,
)
from semantest_iac.ports import (
    Append,
    Appended,
    Applied,
    Change,
    Event,
    EventFilter,
    EventHandler,
    FailedDelivery,
    Observed,
    Operation,
    ResourceHandle,
)

__all__ = ["folder"]


async def failure(iac: Iac) -> InfrastructureUpdateFailed:
    """How the one run that failed ended."""
    history = await iac.history("rest-api")
    (failed,) = [event for event in history if isinstance(event, InfrastructureUpdateFailed)]
    return failed


def test_a_project_lives_over_ports_in_python(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        heard: list[str] = []

        @listen(FunctionDeployed, InfrastructureUpdated)
        async def hear(event: FunctionDeployed | InfrastructureUpdated) -> None:
            heard.append(event.event_name)

        async with there.open() as iac:
            iac.include(hear)
            answer = await iac.deploy("rest-api")
            assert answer.status == "deployed"
            assert answer.endpoint == "http://shop-dev-rest-api-api.memory"
            assert heard == ["FunctionDeployed", "InfrastructureUpdated"]
            assert (await iac.deploy("rest-api")).status == "unchanged"
        # Another process: what it knows, it knows from that log.
        async with there.open() as iac:
            assert (await iac.deploy("rest-api")).status == "unchanged"
            there.vault.values["vault:password"] = f"{CANARY}-other"
            answer = await iac.deploy("rest-api")
            assert (answer.status, answer.changes.updated) == ("deployed", 1)
            name = "shop-dev-rest-api-rest-api"
            there.cloud.held[name] = renamed(there.cloud.held[name], memory_mb=1)
            drift = await iac.drift("rest-api")
            assert [one.address for one in drift.drift] == ["function.rest-api"]
            assert (await iac.deploy("rest-api")).changes.updated == 1
            assert len(await iac.history("rest-api")) == len(there.log.log)
            found = [event async for event in iac.events()]
            assert [event.position for event in found] == list(range(1, len(there.log.log) + 1))
            assert (await iac.destroy("rest-api")).status == "removed"
        assert there.bus.subscribers == {}
        assert there.cloud.held == {}
        assert "vault:password" in there.log.text
        assert CANARY not in there.log.text

    asyncio.run(story())


def test_a_change_has_the_secrets_and_shows_none(folder: Path) -> None:
    async def story() -> Change:
        there = Elsewhere(folder)
        async with there.open() as iac:
            await iac.deploy("rest-api")
        return next(change for change in there.cloud.changes if change.secrets)

    change = asyncio.run(story())
    assert dict(change.secrets) == {"vault:password": CANARY}
    variables = change.resource.inputs["environment_variables"]
    assert variables["TEXT"] == "ü ${not.a.reference}"
    assert variables["PASSWORD"]["secret"] == "vault:password"
    assert CANARY not in f"{change} {change!r} {change.secrets} {change.to_dict()}"


def test_a_secret_that_is_not_there_stops_the_run_before_it_begins(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        there.vault.values.clear()
        async with there.open() as iac:
            with pytest.raises(SecretUnresolvedError, match="vault:password") as told:
                await iac.deploy("rest-api")
            assert told.value.context["reference"] == "vault:password"
        assert not there.cloud.calls["apply"]

    asyncio.run(story())


class Failing(MemoryProvider):
    """Raises what it is given, and works once there is nothing left to raise."""

    failures: Sequence[Callable[[Change], Exception]] = ()

    async def apply(self, change: Change, operation: Operation) -> Applied:
        if self.failures and change.resource.tags.address == "function.rest-api":
            failure, *self.failures = self.failures
            raise failure(change)
        return await super().apply(change, operation)


def test_a_provider_that_asks_to_slow_down_is_asked_again(folder: Path) -> None:
    async def story() -> None:
        cloud = Failing()
        later = ThrottledError("not so fast", retry="later")
        cloud.failures = [lambda change: later, lambda change: later]
        there = Elsewhere(folder, cloud)
        async with there.open() as iac:
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())


def test_what_a_provider_raised_is_the_cause_and_the_run_can_be_taken_up(folder: Path) -> None:
    async def story() -> None:
        cloud = Failing()
        boom = ValueError("the cloud is made of water")
        cloud.failures = [lambda change: boom]
        there = Elsewhere(folder, cloud)
        async with there.open() as iac:
            with pytest.raises(DeploymentFailedError, match="made of water") as told:
                await iac.deploy("rest-api")
            assert told.value.__cause__ is boom
            assert told.value.context["failed"] == "function.rest-api"
            assert told.value.answer is not None and told.value.answer.status == "failed"
            failed = await failure(iac)
            assert failed.failed["function.rest-api"].kind == "provider"
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())


def test_what_a_provider_raised_outside_of_a_run_is_the_cause_too(folder: Path) -> None:
    class Blind(MemoryProvider):
        def lower(self, *given: Any) -> Any:
            raise boom

        async def observe(self, resource: ResourceHandle) -> Observed | None:
            raise boom

    boom = ValueError("no lights")

    async def story() -> None:
        there = Elsewhere(folder)
        async with there.open() as iac:
            await iac.deploy("rest-api")
        async with there.open(providers=[Blind()]) as iac:
            for question in (iac.plan("rest-api"), iac.deploy("rest-api"), iac.drift("rest-api")):
                with pytest.raises(ProviderError, match="raised ValueError: no lights") as told:
                    await question
                assert told.value.__cause__ is boom

    asyncio.run(story())


def test_an_exception_that_repeats_a_secret_is_not_passed_on(folder: Path) -> None:
    async def story() -> None:
        def repeats(change: Change) -> Exception:
            try:
                raise KeyError(change.secrets["vault:password"])
            except KeyError as error:
                told = ValueError("refused")
                told.__cause__ = error
                return told

        cloud = Failing()
        cloud.failures = [
            lambda change: ValueError(f"refused: {change.secrets['vault:password']}"),
            repeats,
        ]
        there = Elsewhere(folder, cloud)
        async with there.open() as iac:
            for said in (r"refused: \[secret\]", "refused"):
                with pytest.raises(DeploymentFailedError, match=said) as told:
                    await iac.deploy("rest-api")
                assert told.value.__cause__ is None
        assert CANARY not in there.log.text

    asyncio.run(story())


def test_a_failing_handler_is_told_through_a_bus_in_python(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder)
        boom = ValueError("no pager today")

        @listen(FunctionDeployed)
        async def page(event: FunctionDeployed) -> None:
            raise boom

        async with there.open() as iac:
            iac.include(page)
            with pytest.raises(HandlerFailedError, match="no pager today") as told:
                await iac.deploy("rest-api")
            assert told.value.__cause__ is boom
            assert [error for _, error in told.value.failures] == [boom]
            assert (await iac.status("rest-api")).deployments[0].status == "deployed"

    asyncio.run(story())


def test_a_bus_that_only_says_why_is_understood(folder: Path) -> None:
    class Terse(MemoryBus):
        async def publish(self, events: Sequence[Event]) -> list[FailedDelivery]:
            return [
                FailedDelivery(handler="pager", event_id=event.event_id, error="the line is dead")
                for event in events
                if isinstance(event, FunctionDeployed)
            ]

    async def story() -> None:
        there = Elsewhere(folder)
        async with there.open(bus=Terse()) as iac:
            with pytest.raises(HandlerFailedError, match="the line is dead") as told:
                await iac.deploy("rest-api")
            assert told.value.context["handler"] == "pager"

    asyncio.run(story())


def test_a_store_that_refuses_stops_the_run(folder: Path) -> None:
    class Contended(MemoryStore):
        refuse: type[Exception] | None = None

        async def append(self, append: Append) -> Appended:
            if self.refuse is VersionConflictError:
                context = {"expected": str(append.expected), "actual": "7"}
                raise VersionConflictError("somebody else was faster", context=context)
            if self.refuse is not None:
                raise self.refuse("the disk is full")
            return await super().append(append)

    async def story() -> None:
        there = Elsewhere(folder)
        there.log = Contended()
        async with there.open() as iac:
            there.log.refuse = VersionConflictError
            with pytest.raises(VersionConflictError, match="faster") as told:
                await iac.deploy("rest-api")
            assert told.value.context["actual"] == "7"
            there.log.refuse = OSError
            with pytest.raises(StorageError, match="raised OSError: the disk is full") as failed:
                await iac.deploy("rest-api")
            assert isinstance(failed.value.__cause__, OSError)
            assert there.log.log == [] and not there.cloud.calls["apply"]
            there.log.refuse = None
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())


def test_a_provider_may_have_more(folder: Path) -> None:
    async def story() -> None:
        there = Elsewhere(folder, TalkativeProvider())
        async with there.open() as iac:
            await iac.deploy("rest-api")
            function = there.cloud.held["shop-dev-rest-api-rest-api"]
            assert function.inputs["region"] == "memory-1"
            answer = await iac.invoke("rest-api", {"n": 9007199254740993, "ü": [1.5, None]})
            assert answer.payload["heard"] == {"n": 9007199254740993, "ü": [1.5, None]}
            assert (answer.duration_ms, answer.logs[0].message) == (1.5, "called")
            page = await iac.logs("rest-api", limit=5, wait=0.25)
            assert page.lines[0].message == "since=None limit=5 wait=0.25 cursor=None"
            assert page.cursor == "next"

    asyncio.run(story())


def test_a_port_that_hangs_is_cancelled_with_the_run(folder: Path) -> None:
    class Hanging(MemoryVault):
        ended: BaseException | None = None

        def resolve(self, reference: str, region: str | None) -> Any:
            return self.hang()

        async def hang(self) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except BaseException as error:
                self.ended = error
                raise

    begun = asyncio.Event()

    async def story() -> None:
        there = Elsewhere(folder)
        there.vault = vault = Hanging()
        async with there.open() as iac:
            run = asyncio.create_task(iac.deploy("rest-api"))
            await begun.wait()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            assert isinstance(vault.ended, asyncio.CancelledError)
        assert there.cloud.held == {}

    asyncio.run(story())


def test_a_change_under_way_ends_before_a_cancelled_run_does(folder: Path) -> None:
    class Slow(MemoryProvider):
        async def apply(self, change: Change, operation: Operation) -> Applied:
            begun.set()
            await go_on.wait()
            return await super().apply(change, operation)

    begun, go_on = asyncio.Event(), asyncio.Event()

    async def story() -> None:
        there = Elsewhere(folder, Slow())
        async with there.open() as iac:
            run = asyncio.create_task(iac.deploy("rest-api"))
            await begun.wait()
            run.cancel()
            await asyncio.sleep(0)
            assert not run.done()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await run
            failed = await failure(iac)
            assert failed.cancelled and failed.error.kind == "cancelled"
            assert len(there.cloud.held) == 1
            assert (await iac.deploy("rest-api")).status == "deployed"

    asyncio.run(story())


def test_a_bus_that_outlives_a_project_is_left_as_it_was(folder: Path) -> None:
    class Clinging(MemoryBus):
        def unsubscribe(self, subscription: int) -> None:
            """Keeps everybody, and goes on calling."""

    async def story() -> None:
        there = Elsewhere(folder)
        there.bus = Clinging()
        heard: list[str] = []

        async def hear(event: Any) -> None:
            heard.append(event.event_name)

        async with there.open() as iac:
            iac.subscribe(hear, FunctionDeployed)
            await iac.deploy("rest-api")
        async with there.open() as iac:
            assert (await iac.destroy("rest-api")).status == "removed"
            assert (await iac.deploy("rest-api")).status == "deployed"
        assert heard == ["FunctionDeployed"]

    asyncio.run(story())


def test_the_blocking_face_takes_ports_too(folder: Path) -> None:
    there = Elsewhere(folder)
    with blocking.Iac.open(folder, providers=[there.cloud], secret_resolvers=[there.vault]) as iac:
        assert iac.deploy("rest-api").status == "deployed"
        assert iac.destroy("rest-api").status == "removed"
    assert there.cloud.held == {}


class SlowBus(MemoryBus):
    """Takes its time to take a subscriber."""

    async def subscribe(self, filter: EventFilter, handler: EventHandler) -> int:  # type: ignore[override]
        await asyncio.sleep(0.05)
        return super().subscribe(filter, handler)


def test_a_handler_hears_all_that_is_published_at_once_after_it_was_included(folder: Path) -> None:
    heard: list[str] = []

    async def story() -> None:
        there = Elsewhere(folder)
        async with there.open(bus=SlowBus()) as iac:
            iac.subscribe(lambda event: heard.append(event.name), "First", "Second")
            await asyncio.gather(
                iac.publish(ApplicationEvent("First")), iac.publish(ApplicationEvent("Second"))
            )

    asyncio.run(story())
    assert sorted(heard) == ["First", "Second"]
