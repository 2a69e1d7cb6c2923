"""An application that deploys a component, hears what happens, and takes it away again."""

import asyncio
from pathlib import Path

from semantest_iac import (
    DeploymentRequested,
    FunctionDeployed,
    Iac,
    InfrastructureUpdated,
    errors,
    listen,
)


@listen(FunctionDeployed)
async def announce(event: FunctionDeployed) -> None:
    print("deployed:", event.function_name)


@listen(InfrastructureUpdated)
def count(event: InfrastructureUpdated) -> None:
    print("version", event.version, "created", event.changes.created)


async def main() -> None:
    async with Iac.open(Path(__file__).parent) as iac:
        iac.include(announce, count)
        answer = await iac.publish(DeploymentRequested(component="rest-api", environment="dev"))
        print(answer.status, answer.endpoint is not None)

        again = await iac.deploy("rest-api")
        print(again.status)

        try:
            await iac.deploy("rest-apo")
        except errors.InvalidProjectError as error:
            print("refused:", error)

        async for event in iac.events(component="rest-api"):
            print(f"{event.sequence:>3} {type(event).__name__}")
        await iac.destroy("rest-api")


asyncio.run(main())
