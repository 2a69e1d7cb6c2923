"""An asyncio application: requests, answers, streams, errors, cancellation."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import semantest_iac
from semantest_iac import (
    ApplicationEvent,
    DeployAnswer,
    DeploymentRequested,
    FunctionDeployed,
    Iac,
    InfrastructureEvent,
    InfrastructureUpdated,
    PlanAnswer,
    PublishAnswer,
    Subscription,
    listen,
)
from semantest_iac.configuration import ComponentConfiguration
from semantest_iac.errors import Error, HandlerFailedError, HeldError, InvalidInputError


@listen(FunctionDeployed)
async def announce(event: FunctionDeployed) -> None:
    assert_type(event.function_name, str)
    assert_type(event.endpoint, str | None)
    assert_type(event.event_id, str)
    assert_type(event.time, datetime)
    assert_type(event.previous_event_ids, tuple[str, ...])


@listen("ServiceDeploymentNeeded", timeout=None)
async def translate(event: ApplicationEvent) -> DeploymentRequested:
    return DeploymentRequested(component=str(event.data["service_type"]), environment="dev")


@listen(InfrastructureUpdated, thread=True)
def write_down(event: InfrastructureUpdated) -> None:
    Path("log.txt").write_text(f"{event.event_name} {event.schema_version}", encoding="utf-8")


async def deploy(iac: Iac) -> DeployAnswer:
    configuration: ComponentConfiguration = {"memory_mb": 512, "routes": ["GET /"]}
    plan = await iac.plan("rest-api", configuration=configuration)
    assert_type(plan, PlanAnswer)
    for step in plan.steps:
        print(step.action, step.address)
    answer = await iac.deploy("rest-api", environment="dev", configuration=configuration)
    assert_type(answer, DeployAnswer)
    print(answer.changes.created, [function.arn for function in answer.functions])
    return answer


async def follow(iac: Iac, position: int) -> None:
    async for event in iac.events(FunctionDeployed, "AppThing", after=position, follow=True):
        assert_type(event, InfrastructureEvent | ApplicationEvent)
        print(event.event_name, event.position)
        if isinstance(event, FunctionDeployed):
            print(event.arn)
            break


async def main() -> None:
    owner: Mapping[str, str] = {"team": "shop"}
    async with Iac.open(Path("."), parallelism=4, lease_wait=1.5, owner="me") as iac:
        iac.include(announce, translate, write_down)
        subscription = iac.subscribe(print, FunctionDeployed)
        assert_type(subscription, Subscription)
        try:
            request = DeploymentRequested(component="rest-api", correlation_id="order-7")
            published = await iac.publish(request)
            assert_type(published, PublishAnswer)
            print(published.status, published.endpoint, published.duplicate)
            async with asyncio.timeout(60):
                await deploy(iac)
            await iac.configure("rest-api", variables={"A": "b"}, tags=owner)
            since = datetime.now(UTC) - timedelta(hours=1)
            print((await iac.state("rest-api", time=since)).version)
            print((await iac.logs("rest-api", since=since)).cursor)
        except HeldError as error:
            print(error.retry, error.context.get("holder"))
        except HandlerFailedError as error:
            for name, failure in error.failures:
                print(name, repr(failure))
        except (InvalidInputError, semantest_iac.errors.TimeoutError) as error:
            assert_type(error.message, str)
        except Error as error:
            print(error.kind, error.operation, error.answer)
        await subscription.cancel()
        match await anext(iac.events()):
            case FunctionDeployed(function_name=name):
                assert_type(name, str)
            case ApplicationEvent(name=name):
                assert_type(name, str)
            case _:
                pass
    read = InfrastructureEvent.from_cloudevent({"type": "com.example.AppThing", "data": 1})
    print(read, read.to_cloudevent(), semantest_iac.__version__)


asyncio.run(main())
