"""The same calls with `provider="aws"`, on the emulator: what is there is read back with AWS's own library."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aws_emulator
import boto3
import pytest
from projects import MODULE, Project, run

from semantest_iac import DeploymentRequested, FunctionDeployed, Iac, listen
from semantest_iac.errors import Error


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with aws_emulator.running() as url:
        yield url


@pytest.fixture(autouse=True)
def aws(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    environment = aws_emulator.environment(emulator)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield environment
    assert there() == [], "nothing is left"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield Project(tmp_path / "shop")


def client(service: str) -> Any:
    return boto3.client(service)


def there() -> list[str]:
    """Names of all functions, roles and APIs."""
    functions = client("lambda").list_functions()["Functions"]
    roles = client("iam").list_roles()["Roles"]
    apis = client("apigatewayv2").get_apis()["Items"]
    groups = client("logs").describe_log_groups()["logGroups"]
    return [
        *(function["FunctionName"] for function in functions),
        *(role["RoleName"] for role in roles if not role["Path"].startswith("/aws-service-role/")),
        *(api["Name"] for api in apis),
        *(group["logGroupName"] for group in groups),
    ]


def ask(url: str, endpoint: str) -> bytes:
    """What a deployed API answers: its name leads to the emulator, which no resolver knows."""
    place = urlsplit(endpoint)
    emulator = urlsplit(url)
    request = urllib.request.Request(f"{url}{place.path or '/'}")
    request.add_header("Host", f"{place.hostname}:{emulator.port}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def test_a_rest_api_is_deployed_heard_of_read_back_and_taken_away(
    project: Project, emulator: str
) -> None:
    heard: list[FunctionDeployed] = []

    @listen(FunctionDeployed)
    async def hear(event: FunctionDeployed) -> None:
        heard.append(event)

    async def main() -> None:
        async with Iac.open(project.folder) as iac:
            iac.include(hear)
            request = DeploymentRequested(
                component="rest-api",
                provider="aws",
                environment="dev",
                region=aws_emulator.REGION,
            )
            published = await iac.publish(request)
            assert published.status == "deployed"
            (event,) = heard
            assert event.provider == "aws" and event.correlation_id == request.event_id
            assert event.arn.startswith(f"arn:aws:lambda:{aws_emulator.REGION}:")

            found = client("lambda").get_function(FunctionName=event.function_name)
            assert found["Configuration"]["FunctionArn"] == event.arn
            variables = found["Configuration"]["Environment"]["Variables"]
            assert variables["GREETING"] == "hello"
            (api,) = client("apigatewayv2").get_apis()["Items"]
            assert published.endpoint is not None and api["ApiId"] in published.endpoint
            assert await asyncio.to_thread(ask, emulator, published.endpoint) == b"hello"

            again = await iac.deploy("rest-api")
            assert again.status == "unchanged" and again.changes.unchanged > 0
            assert len(heard) == 1
            plan = await iac.plan("rest-api")
            assert {step.action for step in plan.steps} == {"unchanged"}
            removed = await iac.destroy("rest-api")
            assert removed.status == "removed" and removed.changes.deleted > 0

    asyncio.run(main())


def test_the_command_line_does_the_same(project: Project, aws: dict[str, str]) -> None:
    def command(*arguments: str, code: int = 0) -> Any:
        ran = run([*MODULE, *arguments, "--output", "json"], project.folder, code, **aws)
        return json.loads(ran.stdout)

    place = ("--component", "rest-api")
    deployed = command("deploy", *place, "--provider", "aws")
    assert (deployed["status"], deployed["provider"]) == ("deployed", "aws")
    (function,) = deployed["functions"]
    client("lambda").get_function(FunctionName=function["function_name"])
    assert command("deploy", *place)["status"] == "unchanged"
    assert command("refresh", *place)["drift"] == []
    assert command("destroy", *place, "--yes")["status"] == "removed"


def test_what_somebody_else_changed_is_found_and_recorded(project: Project) -> None:
    async def main() -> None:
        async with Iac.open(project.folder) as iac:
            deployed = await iac.deploy("rest-api", provider="aws", region=aws_emulator.REGION)
            (function,) = deployed.functions
            client("lambda").delete_function(FunctionName=function.function_name)
            found = await iac.drift("rest-api")
            assert "function.rest-api" in [drift.address for drift in found.drift]
            names = [event.event_name for event in await iac.history("rest-api")]
            assert "DriftDetected" in names
            repaired = await iac.deploy("rest-api")
            assert repaired.status == "deployed" and repaired.changes.created == len(found.drift)
            await iac.destroy("rest-api")

    asyncio.run(main())


def test_without_credentials_there_is_an_error_that_says_so(project: Project) -> None:
    lines = (
        "import asyncio\n"
        "from semantest_iac import Iac\n"
        "from semantest_iac.errors import Error\n"
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        try:\n"
        "            await iac.deploy('rest-api', provider='aws', region='eu-west-1')\n"
        "        except Error as error:\n"
        "            print(type(error).__name__, error.kind, error.retry)\n"
        "            print(error)\n"
        "asyncio.run(main())\n"
    )
    kept = aws_emulator.environment(os.environ["AWS_ENDPOINT_URL"])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del kept[name]
    named, told = project.script(lines, **kept).splitlines()
    assert issubclass(Error, Exception) and named == "UnauthorizedError unauthorized never"
    assert "credentials" in told
