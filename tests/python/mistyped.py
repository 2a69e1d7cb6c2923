"""What a type checker has to find: the marked lines are mistakes of that kind, no other is."""

from semantest_iac import (
    DeploymentRequested,
    DriftDetected,
    FunctionDeployed,
    Iac,
    InfrastructureEvent,
    ScalingRequested,
    listen,
)
from semantest_iac import NoSuchEvent  # expect: attr-defined
from semantest_iac.answers import DeployAnswer
from semantest_iac.blocking import Iac as BlockingIac
from semantest_iac.configuration import ComponentConfiguration
from semantest_iac.errors import HeldError


def requests() -> None:
    DeploymentRequested(component=7)  # expect: arg-type
    DeploymentRequested()  # expect: call-arg
    DeploymentRequested("rest-api")  # expect: call-arg
    DeploymentRequested(component="a", componant="b")  # expect: call-arg
    DeploymentRequested(component="a", event_id=1)  # expect: arg-type
    ScalingRequested(component="a", min_replicas="two")  # expect: arg-type
    request = DeploymentRequested(component="a")
    request.component = "b"  # expect: misc


@listen(FunctionDeployed)
async def fields(event: FunctionDeployed) -> None:
    print(event.function_nam)  # expect: attr-defined
    event.endpoint.upper()  # expect: union-attr
    event.time.upper()  # expect: attr-defined
    event.previous_event_ids.append("1")  # expect: attr-defined
    print(InfrastructureEvent.nothing)  # expect: attr-defined


def listening() -> None:
    listen(FunctionDeployed, thread="yes")  # expect: call-overload
    listen(7)  # expect: call-overload
    listen(FunctionDeployed, timeout="1 s")  # expect: call-overload


@listen(FunctionDeployed)  # expect: arg-type
async def another(event: DriftDetected) -> None:
    print(event)


@listen(FunctionDeployed)  # expect: arg-type
async def text(event: str) -> None:
    print(event)


@listen(FunctionDeployed, DriftDetected)  # expect: arg-type
async def only_one(event: DriftDetected) -> None:
    print(event)


class Handlers:
    @listen(FunctionDeployed)  # expect: arg-type
    def another(self, event: DriftDetected) -> None:  # expect: misc
        print(event)

    @classmethod
    @listen(FunctionDeployed)  # expect: arg-type
    def of_class(cls, event: DriftDetected) -> None:  # expect: misc
        print(event)

    @listen(FunctionDeployed)  # expect: arg-type
    @classmethod
    def of_class_too(cls, event: DriftDetected) -> None:  # expect: misc
        print(event)

    @staticmethod
    @listen(FunctionDeployed)  # expect: arg-type
    def none(event: DriftDetected) -> None:
        print(event)

    @listen(FunctionDeployed)  # expect: arg-type
    def nothing(self) -> None:  # expect: misc
        print(self)


async def calls(iac: Iac) -> None:
    await iac.deploy()  # expect: call-arg
    await iac.deploy("a", "dev")  # expect: call-arg
    await iac.deploy("a", enviroment="dev")  # expect: call-arg
    await iac.deploy("a", configuration={"memory_mb"})  # expect: arg-type
    await iac.scale("a", min_replicas="2")  # expect: arg-type
    await iac.rollback("a", version="last")  # expect: arg-type
    Iac.open(7)  # expect: arg-type
    Iac.open(".", paralelism=1)  # expect: call-arg
    answer = await iac.deploy("a")
    print(answer.endpiont)  # expect: attr-defined
    answer.status = "deployed"  # expect: misc
    iac.deploy("a").status  # expect: attr-defined
    with iac:  # expect: attr-defined attr-defined
        pass
    for event in iac.events():  # expect: attr-defined
        print(event)
    async for each in iac.events(after="1"):  # expect: arg-type
        print(each)


def blocking(iac: BlockingIac) -> None:
    wrong: int = iac.project  # expect: assignment
    iac.deploy("a", enviroment="dev")  # expect: call-arg
    answer: DeployAnswer = iac.status()  # expect: assignment
    print(wrong, answer)


def records() -> None:
    configuration: ComponentConfiguration = {"memory": 512}  # expect: typeddict-unknown-key
    other: ComponentConfiguration = {"memory_mb": "512"}  # expect: typeddict-item
    HeldError()  # expect: call-arg
    HeldError("words", retry="soon")  # expect: arg-type
    print(configuration, other)


class Vault:
    """No resolver of secrets: it has no schemes."""

    async def resolve(self, reference: str, region: str | None) -> str | None:
        return None


def ports() -> None:
    Iac.open(".", secret_resolvers=[Vault()])  # expect: list-item
    Iac.open(".", bus=Vault())  # expect: arg-type
