"""What the engine relies on of any plugin: how it starts, what it says of itself, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as messages

from plugin import PATIENCE, UNKNOWN, Plugin, plain, secret, struct


def test_the_port_is_the_first_and_only_line_of_standard_output(project: Path) -> None:
    """The engine takes everything before the first newline for the port, and reads on."""
    with Plugin(project) as plugin:
        plugin.handshake()
        assert plugin.first_line == f"{int(plugin.first_line)}\n"
        plugin.stub.Cancel(empty_pb2.Empty(), timeout=PATIENCE)
        plugin.process.terminate()
        rest, _ = plugin.process.communicate(timeout=PATIENCE)
        assert rest == ""


def test_flags_of_engines_to_come_keep_it_from_nothing(project: Path) -> None:
    """The address is the last argument, whatever stands before it."""
    for flags in (["--logtostderr", "-v=9"], ["--tracing", "127.0.0.1:1"], ["--new-flag=1"]):
        with Plugin(project, *flags) as plugin:
            assert plugin.handshake().accept_secrets, flags


def test_it_takes_secrets_resources_and_outputs(project: Path) -> None:
    """Handshake and Configure say the same."""
    with Plugin(project) as plugin:
        hello = plugin.handshake()
        assert (hello.accept_secrets, hello.accept_resources, hello.accept_outputs) == (True, True, True)
        answer = plugin.configured(component="rest-api")
        told = (answer.acceptSecrets, answer.acceptResources, answer.acceptOutputs, answer.supportsPreview)
        assert told == (True, True, True, True)


def test_it_knows_its_version(plugin: Plugin) -> None:
    """Of this repository."""
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty(), timeout=PATIENCE).version == "0.1.0"


def test_the_schema_names_the_package_the_resource_and_the_functions(plugin: Plugin) -> None:
    """What YAML programs and generated SDKs stand on."""
    schema = json.loads(plugin.stub.GetSchema(messages.GetSchemaRequest(), timeout=PATIENCE).schema)
    assert schema["name"] == "semantest"
    assert list(schema["resources"]) == ["semantest:index:Deployment"]
    functions = {"semantest:index:getDeployment", "semantest:index:getHistory"}
    assert set(schema["functions"]) == functions
    resource = schema["resources"]["semantest:index:Deployment"]
    assert {"component", "provider", "environment", "configuration", "region"} <= set(resource["inputProperties"])
    assert {"endpoint", "functions", "status", "version"} <= set(resource["properties"])
    # Each may come from the stack or the provider's configuration, as in the command of one line.
    assert not resource.get("requiredInputs")
    assert {"component", "provider"} <= set(schema["config"]["variables"])


def test_what_it_does_not_serve_it_calls_unimplemented(plugin: Plugin) -> None:
    """So that the engine takes it for not offered."""
    calls = [
        lambda: plugin.stub.Construct(messages.ConstructRequest(), timeout=PATIENCE),
        lambda: plugin.stub.Call(messages.CallRequest(), timeout=PATIENCE),
        lambda: plugin.stub.GetMapping(messages.GetMappingRequest(), timeout=PATIENCE),
        lambda: plugin.stub.Parameterize(messages.ParameterizeRequest(), timeout=PATIENCE),
    ]
    for call in calls:
        with pytest.raises(grpc.RpcError) as error:
            call()
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_resource_and_a_function_that_it_has_not_are_refused(plugin: Plugin) -> None:
    """By name, and without ending."""
    request = messages.CheckRequest(urn="urn:pulumi:p::s::semantest:index:Bucket::b", type="semantest:index:Bucket")
    with pytest.raises(grpc.RpcError, match="Bucket"):
        plugin.stub.Check(request, timeout=PATIENCE)
    with pytest.raises(grpc.RpcError, match="getBucket"):
        plugin.invoke("getBucket")
    assert plugin.handshake().accept_secrets


def test_a_message_larger_than_grpcs_default_limit_is_taken(plugin: Plugin) -> None:
    """Pulumi's own limit is a hundred times that."""
    large = {"environment_variables": {"LARGE": "x" * 5_000_000}}
    answer = plugin.check(component="rest-api", configuration=large)
    # Whether it is a good idea is for the provider to judge.
    assert answer.inputs.fields or answer.failures


def test_configuration_may_be_unknown_in_a_preview(project: Path) -> None:
    """It reaches the provider before anything has been agreed on."""
    with Plugin(project) as plugin:
        plugin.handshake()
        checked = plugin.check_config(component=UNKNOWN)
        assert not checked.failures
        assert plain(checked.inputs)["component"] == UNKNOWN
        plugin.stub.Configure(messages.ConfigureRequest(args=checked.inputs), timeout=PATIENCE)


def test_names_that_are_secret_are_refused(project: Path) -> None:
    """They stand in ids and in the log; a secret among them would be told to everybody."""
    with Plugin(project) as plugin:
        plugin.handshake()
        failures = plugin.check_config(component=secret("canary-99")).failures
        assert [failure.property for failure in failures] == ["component"]
        assert "secret" in failures[0].reason
        assert "canary" not in failures[0].reason


def test_the_provider_is_never_replaced(plugin: Plugin) -> None:
    """That would replace every resource of it."""
    request = messages.DiffRequest(
        id="1", urn="urn", olds=struct({"component": "rest-api"}), news=struct({"component": "orders"})
    )
    answer = plugin.stub.DiffConfig(request, timeout=PATIENCE)
    assert not answer.replaces
    assert not any("REPLACE" in messages.PropertyDiff.Kind.Name(one.kind) for one in answer.detailedDiff.values())


def test_a_key_of_the_configuration_that_is_none_is_told_with_the_nearest(project: Path) -> None:
    """A word mistyped would otherwise be a default silently kept."""
    with Plugin(project) as plugin:
        plugin.handshake()
        failures = plugin.check_config(componnet="rest-api").failures
        assert len(failures) == 1
        assert "component" in failures[0].reason


def test_cancel_is_answered_at_once_and_the_process_ends_when_told(plugin: Plugin) -> None:
    """By a signal; the engine sends one after the call."""
    plugin.stub.Cancel(empty_pb2.Empty(), timeout=PATIENCE)
    plugin.process.terminate()
    plugin.process.communicate(timeout=PATIENCE)
    assert plugin.process.returncode in (0, -15)
