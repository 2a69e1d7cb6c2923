"""Runs: how they are asked for, how they end, and what is refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from semantest_iac import (
    ApplicationEvent,
    DeploymentRequested,
    FunctionDeployed,
    Iac,
    InfrastructureEvent,
    InfrastructureRemoved,
    InfrastructureUpdated,
    InfrastructureUpdateFailed,
    ResourceChangeStarted,
    errors,
    listen,
)


def get(endpoint: str | None) -> str:
    assert endpoint is not None
    with urllib.request.urlopen(endpoint, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def test_a_component_lives_from_its_first_deploy_to_its_end(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            assert iac.project == "shop"
            plan = await iac.plan("rest-api")
            assert (plan.changes.created, len(plan.steps)) == (2, 2)
            first = await iac.deploy("rest-api")
            assert (first.status, first.version) == ("deployed", 1)
            assert await asyncio.to_thread(get, first.endpoint) == "hello"
            assert (await iac.deploy("rest-api")).status == "unchanged"

            configured = await iac.configure("rest-api", variables={"GREETING": "hi"})
            assert configured.version == 2
            assert await asyncio.to_thread(get, first.endpoint) == "hi"
            assert (await iac.scale("rest-api", reserved_concurrency=1)).version == 3
            assert (await iac.rollback("rest-api", version=1)).status == "deployed"
            assert await asyncio.to_thread(get, first.endpoint) == "hello"

            assert (await iac.drift("rest-api")).drift == ()
            assert (await iac.discover(component="rest-api")).orphans == ()
            earlier = await iac.state("rest-api", version=2)
            assert earlier.configuration is not None
            invoked = await iac.invoke("rest-api", {"number": 12345678901234567890})
            assert invoked.payload == {"statusCode": 200, "body": "hello"}
            page = await iac.logs("rest-api", limit=3)
            assert len(page.lines) == 3 and page.cursor
            assert (await iac.plan_removal("rest-api")).changes.deleted == 2
            assert (await iac.destroy("rest-api")).status == "removed"
            assert isinstance((await iac.history("rest-api"))[-1], InfrastructureRemoved)

    asyncio.run(story())


def test_a_cancelled_task_ends_once_its_run_has_recorded_that_it_was_cancelled(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            begun = asyncio.Event()

            @listen(ResourceChangeStarted)
            async def stop(event: ResourceChangeStarted) -> None:
                begun.set()

            iac.include(stop)
            run = asyncio.create_task(iac.deploy("rest-api"))
            await begun.wait()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            last = (await iac.history("rest-api"))[-1]
            assert isinstance(last, InfrastructureUpdateFailed) and last.cancelled
            # Nothing is lost: the next run goes on from there.
            assert (await iac.deploy("rest-api")).status == "deployed"
            assert (await iac.discover(component="rest-api")).orphans == ()
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_a_timeout_around_a_run_ends_it_in_order(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:

            limit = asyncio.timeout(None)

            @listen(ResourceChangeStarted)
            async def slow(event: ResourceChangeStarted) -> None:
                # The time is up in the middle of the run, however long that took to begin.
                limit.reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(0.3)

            iac.include(slow)
            with pytest.raises(TimeoutError):
                async with limit:
                    await iac.deploy("rest-api")
            last = (await iac.history("rest-api"))[-1]
            assert isinstance(last, InfrastructureUpdateFailed) and last.cancelled

    asyncio.run(story())


def test_components_are_deployed_side_by_side(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            answers = await asyncio.gather(iac.deploy("rest-api"), iac.deploy("other"))
            assert [answer.status for answer in answers] == ["deployed", "deployed"]
            status = await iac.status()
            assert sorted(one.component for one in status.deployments) == ["other", "rest-api"]
            await asyncio.gather(iac.destroy("rest-api"), iac.destroy("other"))

    asyncio.run(story())


def test_one_deployment_is_held_by_one_run_at_a_time(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            begun = asyncio.Event()

            @listen(ResourceChangeStarted)
            async def slow(event: ResourceChangeStarted) -> None:
                begun.set()
                await asyncio.sleep(0.3)

            iac.include(slow)
            first = asyncio.create_task(iac.deploy("rest-api"))
            await begun.wait()
            with pytest.raises(errors.HeldError) as caught:
                await iac.deploy("rest-api")
            assert caught.value.kind == "held"
            await first
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_events_are_streamed_in_order_and_followed(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            for number in range(600):
                await iac.publish(ApplicationEvent("Counted", {"number": number}))
            counted = [event async for event in iac.events("Counted")]
            assert [event.data["number"] for event in counted if isinstance(event, ApplicationEvent)] == list(range(600))
            assert [event.position for event in counted] == list(range(1, 601))
            assert await iac.head() == 600
            later = [event.position async for event in iac.events(after=597)]
            assert later == [598, 599, 600]
            assert [event async for event in iac.events(since=datetime.now(UTC))] == []
            assert [event async for event in iac.events(component="rest-api", environment="dev")] == []

            seen: list[str] = []

            async def follow() -> None:
                async for event in iac.events(FunctionDeployed, after=600, follow=True):
                    assert isinstance(event, FunctionDeployed)
                    seen.append(event.function_name)
                    return

            following = asyncio.create_task(follow())
            await iac.deploy("rest-api")
            await asyncio.wait_for(following, 10)
            assert seen == ["shop-dev-rest-api"]
            ours = [event async for event in iac.events(InfrastructureEvent)]
            assert ours and {event.source for event in ours} == {"/semantest-iac/shop"}
            assert not any(isinstance(event, ApplicationEvent) for event in ours)
            of_component = [event async for event in iac.events(component="rest-api")]
            assert {event.subject for event in of_component} == {"shop/dev/rest-api"}
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_an_application_event_that_asks_for_a_service_deploys_it_once(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            data = {"service_type": "rest-api", "environment": "dev", "service_config": {}}
            needed = ApplicationEvent("ServiceDeploymentNeeded", data)
            answer = await iac.publish(needed)
            assert (answer.status, answer.duplicate) == ("deployed", False)
            again = await iac.publish(needed)
            assert again.duplicate
            updated = [event async for event in iac.events(InfrastructureUpdated)]
            assert [event.correlation_id for event in updated] == [needed.event_id]
            await iac.destroy("rest-api")

    asyncio.run(story())


def test_cloudevents_objects_are_published_as_they_are(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            answer = await iac.publish({"type": "DeploymentRequested", "data": {"component": "rest-api"}})
            assert answer.status == "deployed"
            whole = {
                "specversion": "1.0",
                "id": "order-1, \"50%\" \u00fc",
                "source": "/shop",
                "type": "org.example.OrderPlaced",
                "time": "2026-01-02T03:04:05Z",
                "data": {"Odd Key": [1, None, 2.5, "\u00fc", True]},
                "partitionkey": "p",
            }
            await iac.publish(whole)
            (event,) = [event async for event in iac.events("OrderPlaced")]
            written = event.to_cloudevent()
            assert {key: written[key] for key in whole} == whole
            await iac.destroy("rest-api")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("event", "kind", "said"),
    [
        (None, errors.InvalidInputError, "takes an event"),
        (7, errors.InvalidInputError, "takes an event"),
        ("DeploymentRequested", errors.InvalidInputError, "takes an event"),
        (DeploymentRequested, errors.InvalidInputError, "a class"),
        ({}, errors.InvalidInputError, "type"),
        ({"type": "DeploymentRequested"}, errors.InvalidInputError, "data"),
        ({"type": "DeploymentRequestd", "data": {}}, errors.InvalidInputError, "did you mean"),
        ({"type": "DeploymentRequested", "data": {"component": 5}}, errors.InvalidInputError, "component"),
        ({"type": "X", "data": {"value": object()}}, errors.InvalidInputError, "JSON"),
        ({"type": "X", "data": float("nan")}, errors.InvalidInputError, "JSON"),
        ({"type": "X", "data": {}, "Bad Name": "x"}, errors.InvalidInputError, "attribute"),
        (DeploymentRequested(component="nope"), errors.InvalidProjectError, "no component `nope`"),
        (DeploymentRequested(component="rest-apo"), errors.InvalidProjectError, "did you mean `rest-api`"),
        (DeploymentRequested(component="rest-api", environment="prod"), errors.InvalidProjectError, "prod"),
        (DeploymentRequested(component="rest-api", provider="azur"), errors.InvalidInputError, "azur"),
        (
            DeploymentRequested(component="rest-api", configuration={"memory": 1}),
            errors.InvalidInputError,
            "memory",
        ),
        (
            DeploymentRequested(component="rest-api", configuration={"memory_mb": "much"}),
            errors.InvalidInputError,
            "memory_mb",
        ),
        (
            InfrastructureRemoved(
                component="rest-api",
                environment="dev",
                provider="local",
                changes={"created": 0, "updated": 0, "replaced": 0, "deleted": 0, "unchanged": 0},  # type: ignore[arg-type]
            ),
            errors.InvalidInputError,
            "tells what happened",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    project: Path, event: Any, kind: type[errors.Error], said: str
) -> None:
    async def story() -> None:
        async with Iac.open(project) as iac:
            with pytest.raises(kind, match="(?s)" + said):
                await iac.publish(event)
            assert (await iac.status()).deployments == ()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"parallelism": 0}, "parallelism"),
        ({"parallelism": "many"}, "parallelism"),
        ({"lease_wait": -1}, "lease_wait"),
        ({"lease_wait": float("nan")}, "lease_wait"),
        ({"owner": 5}, "owner"),
    ],
)
def test_settings_are_judged(project: Path, settings: dict[str, Any], said: str) -> None:
    async def story() -> None:
        async with Iac.open(project, **settings):
            pass

    with pytest.raises(errors.InvalidInputError, match=said):
        asyncio.run(story())


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with Iac.open(tmp_path):
            pass

    with pytest.raises(errors.InvalidProjectError, match="semantest.toml"):
        asyncio.run(story())
    with pytest.raises(errors.InvalidInputError, match="path"):
        Iac.open(5)  # type: ignore[arg-type]


def test_a_broken_deployment_is_an_error_with_its_answer(project: Path) -> None:
    (project / "code" / "hello.py").write_text("def handler(event, context): return 1\n")

    async def story() -> None:
        async with Iac.open(project) as iac:
            missing = {"environment_variables": {"PASSWORD": {"secret": "env:NOT_SET_ANYWHERE"}}}
            with pytest.raises(errors.SecretUnresolvedError, match="NOT_SET_ANYWHERE"):
                await iac.deploy("rest-api", configuration=missing)
            assert (await iac.destroy("other")).status == "unchanged", "there is nothing of it"
            with pytest.raises(errors.NotFoundError):
                await iac.history("other")

    asyncio.run(story())


def test_an_iac_that_is_not_open_says_so(project: Path) -> None:
    async def story() -> None:
        iac = Iac.open(project)
        with pytest.raises(errors.InvalidInputError, match="not open"):
            await iac.deploy("rest-api")
        async with iac:
            await iac.status()
        with pytest.raises(errors.InvalidInputError, match="not open"):
            await iac.status()
        await iac.close()
        again = await Iac.open(project)
        assert again.project == "shop"
        with pytest.raises(errors.InvalidInputError, match="open already"):
            await again
        await again.close()

    asyncio.run(story())


def test_two_loops_one_after_the_other_each_have_their_own(project: Path) -> None:
    kept: list[Iac] = []

    async def first() -> None:
        kept.append(await Iac.open(project))

    async def second() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await kept[0].status()
        async with Iac.open(project) as iac:
            await iac.publish(ApplicationEvent("SomethingNoted"))

    asyncio.run(first())
    asyncio.run(second())


def test_several_open_the_same_project_at_once(project: Path) -> None:
    async def story() -> None:
        async with Iac.open(project) as one, Iac.open(project) as two:
            await one.publish(ApplicationEvent("SomethingNoted", json.loads('{"a": 1}')))
            assert len([event async for event in two.events()]) == 1

    asyncio.run(story())


def test_a_stream_that_is_followed_ends_with_its_loop_and_in_silence(project: Path) -> None:
    script = f"""
import asyncio
from semantest_iac import Iac

async def follow(iac):
    async for event in iac.events(follow=True):
        pass

async def main():
    iac = await Iac.open({str(project)!r})
    task = asyncio.create_task(follow(iac))
    await asyncio.sleep(0.2)

asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_stream_that_is_followed_ends_when_the_project_is_closed(project: Path) -> None:
    async def story() -> None:
        iac = await Iac.open(project)

        async def follow() -> None:
            async for _ in iac.events(follow=True):
                raise AssertionError("nothing happens here")

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.1)
        await iac.close()
        with pytest.raises(errors.InvalidInputError, match="closed meanwhile"):
            await asyncio.wait_for(following, 30)

    asyncio.run(story())
