"""An application with a StackOperationFactory, unmodified, on ours."""

from __future__ import annotations

import asyncio
import types
from dataclasses import dataclass

import pytest
from pythoneda_standin import EventListener, StackOperationFactory, iac, listen
from semantest_iac.errors import DeploymentFailedError, InvalidInputError
from semantest_iac.pythoneda import (
    chain,
    event_name,
    new_envelope,
    stack_operation_factory,
    to_envelope,
    to_request,
)

METADATA = {
    "component": "rest-api",
    "provider": "local",
    "environment": "staging",
    "configuration": {"memory_mb": 512},
}


@dataclass
class Answer:
    """As the answer to a publication."""

    status: str
    endpoint: str | None = None
    error: object = None

    @property
    def result(self):
        return types.SimpleNamespace(status=self.status, error=self.error, version=3)


class Iac:
    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, []

    async def publish(self, event):
        self.asked.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def request(name: str = "InfrastructureUpdateRequested", stack: str = "aws-dev", **about):
    given = {"metadata": METADATA, **about}
    return getattr(iac, name)(stack, "licdata", "eu-west-1", **given)


def perform(deploy: object, event: object) -> list:
    factory = stack_operation_factory(StackOperationFactory, deploy).instantiate()
    assert isinstance(factory, StackOperationFactory)
    return asyncio.run(factory.new(event).perform())


def test_an_update_is_carried_out_and_told_by_the_applications_own_event() -> None:
    event = request(previousEventIds=["before"], reconstructedId="asked")
    deploy = Iac(Answer("deployed", "https://x"))
    [outcome] = perform(deploy, event)
    assert type(outcome) is iac.InfrastructureUpdated
    assert outcome.previous_event_ids == ["asked", "before"]
    assert (outcome.stack_name, outcome.project_name, outcome.location) == (
        "aws-dev",
        "licdata",
        "eu-west-1",
    )
    assert outcome.metadata == {
        **METADATA,
        "status": "deployed",
        "endpoint": "https://x",
        "version": 3,
    }
    [asked] = deploy.asked
    assert asked["type"] == "com.semantest.iac.DeploymentRequested"
    assert asked["data"] == {**METADATA, "region": "eu-west-1"}
    assert chain(asked)[1:] == ["asked", "before"]


def test_what_metadata_does_not_say_comes_from_the_names() -> None:
    for stack, told in {
        "aws-production": {"provider": "aws", "environment": "production"},
        "dev": {"environment": "dev"},
        "blue-green": {"environment": "blue-green"},
        "azure-eu-dev": {"provider": "azure", "environment": "eu-dev"},
    }.items():
        asked = to_request(to_envelope(request(stack=stack, metadata={})))
        wanted = {"component": "licdata", "region": "eu-west-1", "configuration": {}, **told}
        assert asked["data"] == wanted


def test_a_removal_is_carried_out() -> None:
    deploy = Iac(Answer("removed"))
    [outcome] = perform(deploy, request("InfrastructureRemovalRequested"))
    assert type(outcome) is iac.InfrastructureRemoved
    assert deploy.asked[0]["data"] == {"component": "rest-api", "environment": "staging"}


def test_a_failure_is_an_event_and_not_an_exception() -> None:
    error = DeploymentFailedError("no room", operation="run", context={"address": "a"})
    for answer in (error, RuntimeError("no room"), Answer("failed", error={"message": "no room"})):
        [outcome] = perform(Iac(answer), request())
        assert type(outcome) is iac.InfrastructureUpdateFailed
        assert outcome.is_error
        assert outcome.metadata["error"]["message"] == "no room"
    [outcome] = perform(Iac(error), request("InfrastructureRemovalRequested"))
    assert type(outcome) is iac.InfrastructureRemovalFailed
    assert outcome.metadata["error"] == {
        "kind": "deployment_failed",
        "message": "no room",
        "operation": "run",
        "context": {"address": "a"},
        "retry": "never",
    }


@pytest.mark.parametrize(
    "metadata",
    [
        {"component": 3},
        {"configuration": []},
        [],
        "text",
        {"configuration": {"call": print}},
        {"environment": {}},
    ],
)
def test_metadata_that_asks_for_nothing_sensible_is_a_failure_too(metadata: object) -> None:
    deploy = Iac(Answer("deployed"))
    [outcome] = perform(deploy, request(metadata=metadata))
    assert type(outcome) is iac.InfrastructureUpdateFailed
    assert outcome.metadata["error"]["kind"] == "invalid_input"
    assert deploy.asked == []


def test_a_function_may_answer_with_the_events_that_followed() -> None:
    async def deploy(envelope):
        function = {"function_name": "f", "arn": "a", "endpoint": None, "component": "c"}
        return [
            new_envelope("FunctionDeployed", function, previous=envelope),
            new_envelope("InfrastructureUpdated", {"version": 2, "endpoint": "https://x"}),
        ]

    [outcome] = perform(deploy, request())
    assert type(outcome) is iac.InfrastructureUpdated
    assert outcome.metadata["endpoint"] == "https://x"
    assert outcome.metadata["functions"] == [{"function_name": "f", "arn": "a", "endpoint": None}]

    async def fail(envelope):
        error = {"kind": "throttled", "message": "slow down"}
        return [new_envelope("InfrastructureUpdateFailed", {"error": error})]

    [outcome] = perform(fail, request())
    assert type(outcome) is iac.InfrastructureUpdateFailed
    assert outcome.metadata["error"]["kind"] == "throttled"


@pytest.mark.parametrize("answer", [None, [], {}, "done", 3, [3], Answer("odd")])
def test_an_answer_that_tells_nothing_is_a_failure(answer: object) -> None:
    [outcome] = perform(Iac(answer), request())
    assert type(outcome) is iac.InfrastructureUpdateFailed


def test_an_event_delivered_twice_is_one_request_with_one_outcome() -> None:
    deploy = Iac(Answer("deployed"))
    factory = stack_operation_factory(StackOperationFactory, deploy)
    outcomes = [
        asyncio.run(factory.new(request(reconstructedId="same")).perform()) for _ in range(2)
    ]
    assert deploy.asked[0]["id"] == deploy.asked[1]["id"]
    assert outcomes[0][0].id == outcomes[1][0].id


def test_what_has_no_equivalent_is_answered_without_an_exception() -> None:
    image = ("api", "1.4", "registry/api")
    asked = iac.DockerResourcesUpdateRequested("dev", "p", "l", *image)
    deploy = Iac(Answer("deployed"))
    [outcome] = perform(deploy, asked)
    assert type(outcome) is iac.DockerResourcesUpdateFailed
    assert (outcome.image_name, outcome.metadata["error"]["kind"]) == ("api", "unsupported")
    assert perform(deploy, iac.DockerImageDetailsRequested("dev", "p", "l")) == []
    assert deploy.asked == []


def test_a_class_derived_from_the_request_asks_for_the_same() -> None:
    class OurUpdate(iac.InfrastructureUpdateRequested):
        pass

    event = OurUpdate("aws-dev", "licdata", "eu-west-1", METADATA)
    [outcome] = perform(Iac(Answer("unchanged")), event)
    assert type(outcome) is iac.InfrastructureUpdated


def test_classes_may_be_given() -> None:
    class InfrastructureUpdated(iac.InfrastructureUpdated):
        pass

    classes = [InfrastructureUpdated]
    factory = stack_operation_factory(
        StackOperationFactory, Iac(Answer("deployed")), classes=classes
    )
    [outcome] = asyncio.run(factory().new(request()).perform())
    assert type(outcome) is InfrastructureUpdated


def test_an_event_that_is_no_request_to_the_port_is_refused_at_once() -> None:
    factory = stack_operation_factory(StackOperationFactory, Iac(None))
    for nothing in (None, 3, iac.InfrastructureUpdated("a", "b", "c")):
        with pytest.raises(InvalidInputError):
            factory.new(nothing)
    lonely = type("InfrastructureUpdateRequested", (), {"__module__": "nowhere"})
    with pytest.raises(InvalidInputError, match="classes="):
        factory.new(lonely())
    for port, deploy in ((3, Iac(None)), (StackOperationFactory, 3)):
        with pytest.raises(InvalidInputError):
            stack_operation_factory(port, deploy)  # type: ignore[arg-type]


def test_cancelling_the_task_cancels_the_operation() -> None:
    async def forever(envelope):
        await asyncio.sleep(60)

    async def cancelled() -> None:
        factory = stack_operation_factory(StackOperationFactory, forever)
        task = asyncio.create_task(factory.new(request()).perform())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_an_unmodified_application_runs_through() -> None:
    """A flow as applications write it: update, look at the end, ask for credentials, go on."""
    adapters = {
        StackOperationFactory: stack_operation_factory(
            StackOperationFactory, Iac(Answer("deployed"))
        )
    }

    class Application(EventListener):
        @classmethod
        @listen(iac.InfrastructureUpdateRequested)
        async def listen_InfrastructureUpdateRequested(cls, event):
            operation = adapters[StackOperationFactory].instantiate().new(event)
            result = await operation.perform()
            if len(result) > 0 and not result[-1].is_error:
                credentials = await operation.retrieve_container_registry_credentials()
                assert credentials.get("credential_name", None) is None
            return result

    from semantest_iac.pythoneda import Bridge

    bridge = Bridge(Application, [iac.InfrastructureUpdateRequested])
    event = request()
    [answer] = asyncio.run(bridge.deliver(to_envelope(event)))
    assert event_name(answer) == "InfrastructureUpdated"
    assert answer["causationid"] == event.id
