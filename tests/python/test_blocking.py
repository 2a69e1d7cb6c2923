"""The blocking face: the same methods for scripts, and Ctrl-C that ends a run in order."""

import asyncio
import inspect
import json
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from projects import Project, ended, eventually, start

import semantest_iac
from semantest_iac import ApplicationEvent, DeploymentRequested, FunctionDeployed, listen
from semantest_iac.blocking import Iac
from semantest_iac.errors import HandlerFailedError, InvalidInputError, InvalidProjectError

THING = {"type": "com.example.AppThing", "data": {"n": 1}}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "shop")
    yield project
    project.stop()


def public(kind: type) -> dict[str, Any]:
    return {name: member for name, member in vars(kind).items() if not name.startswith("_")}


def test_it_has_the_methods_of_the_other_face_with_the_same_arguments() -> None:
    assert public(Iac).keys() == public(semantest_iac.Iac).keys()
    for name, method in public(semantest_iac.Iac).items():
        if callable(method) or isinstance(method, classmethod):
            wanted = inspect.signature(getattr(semantest_iac.Iac, name))
            given = inspect.signature(getattr(Iac, name))
            assert [*given.parameters.values()] == [*wanted.parameters.values()], name
        assert getattr(Iac, name).__doc__, name


def test_no_method_of_it_has_to_be_awaited() -> None:
    for name, method in public(Iac).items():
        assert not inspect.iscoroutinefunction(method), name
        assert not inspect.isasyncgenfunction(method), name


def test_a_project_is_deployed_told_of_and_taken_away(project: Project) -> None:
    heard: list[FunctionDeployed] = []

    @listen(FunctionDeployed)
    async def hear(event: FunctionDeployed) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    @listen(FunctionDeployed, thread=True)
    def hear_in_a_thread(event: FunctionDeployed) -> None:
        heard.append(event)

    with Iac.open(project.folder) as iac:
        iac.include(hear, hear_in_a_thread)
        assert iac.project == "shop"
        assert len(iac.plan("rest-api").steps) == 2
        deployed = iac.publish(DeploymentRequested(component="rest-api"))
        assert deployed.status == "deployed"
        assert [event.endpoint for event in heard] == [deployed.endpoint] * 2
        assert iac.deploy("rest-api").status == "unchanged"
        (told,) = iac.status().deployments
        assert told.status == "deployed"
        assert iac.state("rest-api", version=1).version == 1
        assert iac.drift("rest-api").drift == ()
        assert json.loads(json.dumps(iac.invoke("rest-api", {}).payload))["body"] == "hello"
        assert iac.configure("rest-api", variables={"GREETING": "hi"}).status == "deployed"
        assert iac.rollback("rest-api").status == "deployed"
        assert iac.plan_removal("rest-api").steps
        assert iac.destroy("rest-api").status == "removed"
        names = [event.event_name for event in iac.history("rest-api")]
        assert names[0] == "DeploymentRequested" and names[-1] == "InfrastructureRemoved"


def test_errors_and_failures_of_handlers_are_raised(project: Project) -> None:
    @listen("AppThing")
    def fails(event: ApplicationEvent) -> None:
        raise ValueError("not today")

    with Iac.open(project.folder) as iac:
        with pytest.raises(InvalidProjectError, match="nowhere"):
            iac.deploy("nowhere")
        iac.include(fails)
        with pytest.raises(HandlerFailedError) as raised:
            iac.publish(THING)
        assert isinstance(raised.value.__cause__, ValueError)


def test_a_subscription_ends_when_it_is_cancelled(project: Project) -> None:
    heard: list[object] = []
    with Iac.open(project.folder) as iac:
        subscription = iac.subscribe(heard.append, "AppThing")
        iac.publish(THING)
        assert len(heard) == 1 and "append" in subscription.name
        subscription.cancel()
        subscription.cancel()
        iac.publish(THING)
        assert len(heard) == 1


def test_events_come_in_a_for_loop_that_may_be_left(project: Project) -> None:
    with Iac.open(project.folder) as iac:
        for number in range(5):
            iac.publish({"type": "com.example.AppThing", "data": {"n": number}})
        assert [event.data["n"] for event in iac.events("AppThing")] == [0, 1, 2, 3, 4]
        for event in iac.events("AppThing", follow=True):
            if event.data["n"] == 2:
                break
        followed = iac.events("AppThing", follow=True, after=event.position)
        assert next(followed).data["n"] == 3
        iac.publish({"type": "com.example.AppThing", "data": {"n": 5}})
        assert [next(followed).data["n"] for _ in range(2)] == [4, 5]
        followed.close()  # type: ignore[attr-defined]
        assert iac.status().deployments == ()


def test_it_is_refused_where_an_event_loop_runs(project: Project) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="async with"):
            Iac.open(project.folder).__enter__()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())


def test_a_handler_that_calls_it_is_told_what_to_do(project: Project) -> None:
    told: list[str] = []

    with Iac.open(project.folder) as iac:

        @listen("AppThing")
        def call(event: ApplicationEvent) -> None:
            try:
                iac.status()
            except RuntimeError as error:
                told.append(str(error))

        @listen("AppThing", thread=True)
        def call_in_a_thread(event: ApplicationEvent) -> None:
            call(event)

        iac.include(call, call_in_a_thread)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            iac.publish(THING)
    assert sorted(told) == [
        "an event loop runs here: use semantest_iac.Iac with `async with` and `await`",
        "this Iac belongs to another thread: open one here",
    ]


def test_another_thread_opens_one_of_its_own(project: Project) -> None:
    told: list[str] = []

    def use() -> None:
        with Iac.open(project.folder) as iac:
            told.append(iac.project)

    with Iac.open(project.folder) as iac:
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert told == [iac.project]


def test_before_and_after_it_is_open_it_takes_no_calls(project: Project) -> None:
    iac = Iac.open(project.folder)
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for call in (iac.status, lambda: iac.deploy("rest-api"), lambda: [*iac.events()]):
                with pytest.raises(InvalidInputError, match="not open: use it inside `with"):
                    call()
            with pytest.raises(InvalidInputError, match="not open"):
                _ = iac.project
        with iac:
            assert iac.status().deployments == ()
            with pytest.raises(InvalidInputError, match="open already"):
                iac.__enter__()
        iac.close()
        iac.close()


def test_what_cannot_be_opened_is_closed_again(tmp_path: Path) -> None:
    iac = Iac.open(tmp_path / "nowhere")
    with pytest.raises(InvalidProjectError), iac:
        pass
    with pytest.raises(InvalidInputError, match="not open"):
        iac.status()


SCRIPT = """\
import sys
from semantest_iac.blocking import Iac
with Iac.open(".") as iac:
    try:
        iac.deploy("orders")
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
"""


def names(project: Project) -> list[str]:
    events = project.json("events")["events"]
    return [event["type"].rpartition(".")[2] for event in events]


def begin(project: Project) -> Any:
    """A script that deploys and has to wait for a host that does not answer."""
    before = names(project).count("ResourceChangeStarted")
    process = start([sys.executable, "-c", SCRIPT], project.folder)
    eventually("started", lambda: names(project).count("ResourceChangeStarted") > before)
    return process


def test_an_interrupt_ends_a_run_in_order(project: Project) -> None:
    project.add("orders")
    with project.silent_host():
        process = begin(project)
        process.send_signal(signal.SIGINT)
        # Until the step that is under way is through, the run is not over.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert ended(process) == (130, "interrupted\n", "")
    (*_, last) = project.json("history", "--component", "orders")["events"]
    assert last["type"].endswith(".InfrastructureUpdateFailed")
    assert last["data"]["error"]["kind"] == "cancelled"
    assert project.json("deploy", "--component", "orders")["status"] == "deployed"


def test_a_second_interrupt_does_not_wait(project: Project) -> None:
    project.add("orders")
    with project.silent_host():
        process = begin(project)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, "interrupted\n", "")
    assert project.json("deploy", "--component", "orders", "--wait", "60")["status"] == "deployed"


def test_an_interrupt_ends_a_loop_over_events(project: Project) -> None:
    lines = (
        "from semantest_iac.blocking import Iac\n"
        "with Iac.open('.') as iac:\n"
        "    try:\n"
        "        iac.publish({'type': 'com.example.AppThing', 'data': {}})\n"
        "        for event in iac.events(follow=True):\n"
        "            print('heard', flush=True)\n"
        "    except KeyboardInterrupt:\n"
        "        print(iac.status().deployments)\n"
    )
    process = start([sys.executable, "-c", lines], project.folder)
    assert process.stdout is not None and process.stdout.readline() == "heard\n"
    # By then it waits for the next one.
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert ended(process) == (0, "()\n", "")
    assert time.monotonic() - began < 8, "nobody waits for events any more"
