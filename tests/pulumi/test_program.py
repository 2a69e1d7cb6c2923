"""Programs written with Pulumi's own SDK, run by its own runtime; its stand-in for the engine asks our plugin."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from plugin import PATIENCE, TYPE, Plugin, plain, struct, urn
from pulumi.runtime.proto import provider_pb2 as messages


class Forwarded(pulumi.runtime.Mocks):
    """What the program asks of the engine goes to the plugin: Check and Create, or Invoke."""

    def __init__(self, plugin: Plugin, preview: bool) -> None:
        self.plugin, self.preview = plugin, preview
        self.ids: dict[str, str] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        assert args.typ == TYPE, args.typ
        request = messages.CheckRequest(
            urn=urn(name=args.name), type=TYPE, name=args.name, news=struct(args.inputs), randomSeed=b"0" * 32
        )
        checked = self.plugin.stub.Check(request, timeout=PATIENCE)
        if checked.failures:
            raise ValueError("; ".join(failure.reason for failure in checked.failures))
        create = messages.CreateRequest(
            urn=urn(name=args.name), type=TYPE, name=args.name, properties=checked.inputs, preview=self.preview
        )
        made = self.plugin.stub.Create(create, timeout=PATIENCE)
        self.ids[args.name] = made.id
        return made.id, plain(made.properties)

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        request = messages.InvokeRequest(tok=args.token, args=struct(args.args))
        answer = self.plugin.stub.Invoke(request, timeout=PATIENCE)
        return plain(getattr(answer, "return")), [(one.property, one.reason) for one in answer.failures]


class Deployment(pulumi.CustomResource):
    """As an SDK generated from the schema would have it."""

    endpoint: pulumi.Output[str]
    functions: pulumi.Output[list[dict[str, str]]]
    status: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        outputs = dict.fromkeys(("endpoint", "functions", "status", "version"))
        super().__init__(TYPE, name, outputs | inputs, opts)


def run(plugin: Plugin, program: Any, preview: bool = False) -> tuple[dict[str, Any], Forwarded]:
    """Runs a program by Pulumi's runtime; its exports, and what was made."""
    mocks = Forwarded(plugin, preview)
    pulumi.runtime.set_mocks(mocks, project="shop-infrastructure", stack="production", preview=preview)
    told: dict[str, Any] = {}

    @pulumi.runtime.test
    def ran() -> pulumi.Output[Any]:
        exports = program()
        return pulumi.Output.all(**exports).apply(told.update)

    ran()
    return told, mocks


def test_a_program_of_one_line_deploys_what_the_configuration_names(plugin: Plugin) -> None:
    """Component from the provider's configuration, environment from the stack."""
    told, mocks = run(plugin, lambda: {"endpoint": Deployment("component").endpoint})
    with urllib.request.urlopen(told["endpoint"], timeout=PATIENCE) as response:
        assert json.loads(response.read()) == {"GREETING": "hello"}
    assert mocks.ids["component"]


def test_outputs_of_one_resource_are_inputs_of_another(plugin: Plugin) -> None:
    """Both in one program, the second knowing the first's endpoint."""

    def program() -> dict[str, Any]:
        api = Deployment("api", component="rest-api")
        variables = {"environment_variables": {"GREETING": api.endpoint}}
        orders = Deployment("orders", component="orders", configuration=variables)
        return {"api": api.endpoint, "orders": orders.endpoint}

    told, mocks = run(plugin, program)
    with urllib.request.urlopen(told["orders"], timeout=PATIENCE) as response:
        assert json.loads(response.read()) == {"GREETING": told["api"]}
    assert len(set(mocks.ids.values())) == 2


def test_a_function_of_the_package_is_called_from_a_program(plugin: Plugin) -> None:
    """`getDeployment`, for whoever deploys elsewhere and only needs the endpoint."""
    made, _ = run(plugin, lambda: {"endpoint": Deployment("component").endpoint})

    def program() -> dict[str, Any]:
        arguments = {"component": "rest-api", "environment": "production"}
        return {"found": pulumi.runtime.invoke("semantest:index:getDeployment", arguments).value}

    found, _ = run(plugin, program)
    assert found["found"]["endpoint"] == made["endpoint"]


def test_a_bad_component_ends_the_program_with_a_message_that_helps(plugin: Plugin) -> None:
    """As words, not as a crash."""
    with pytest.raises(Exception, match="rest-api"):
        run(plugin, lambda: {"endpoint": Deployment("component", component="rest-apj").endpoint})


def test_a_preview_of_a_program_deploys_nothing(plugin: Plugin, project: Path) -> None:
    """Nor does it start anything."""
    run(plugin, lambda: {"status": Deployment("component").status}, preview=True)
    assert not (project / ".semantest" / "local" / "host.lock").exists()
