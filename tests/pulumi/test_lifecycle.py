"""A deployment's life, as the engine asks for it: checked, previewed, created, compared, read, updated, deleted."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import status_pb2

from conftest import stop_host
from plugin import NAME, OUTPUT, PATIENCE, SIGNATURE, TYPE, UNKNOWN, Created, Plugin, plain, struct, urn

KIND = messages.PropertyDiff


def answers(endpoint: str) -> dict[str, str]:
    """What the function says about its environment."""
    with urllib.request.urlopen(endpoint, timeout=PATIENCE) as response:
        return json.loads(response.read())


def kinds(answer: messages.DiffResponse) -> dict[str, str]:
    """The detailed diff in words."""
    return {path: KIND.Kind.Name(diff.kind) for path, diff in answer.detailedDiff.items()}


def happened(plugin: Plugin, component: str = "rest-api") -> list[str]:
    """Types of the events in the log, shortened."""
    history = plugin.invoke("getHistory", component=component, environment="production")
    return [event["type"].removeprefix("com.semantest.iac.") for event in history["events"]]


def test_component_comes_from_the_configuration_and_environment_from_the_stack(plugin: Plugin) -> None:
    """`pulumi up -s production -c semantest:component=rest-api` needs no inputs in the program."""
    checked = plugin.checked()
    assert (checked["component"], checked["environment"]) == ("rest-api", "production")


def test_what_the_program_says_is_stronger_than_the_configuration(plugin: Plugin) -> None:
    """Several components in one program share a provider."""
    assert plugin.checked(component="orders")["component"] == "orders"


def test_check_gives_the_same_again(plugin: Plugin) -> None:
    """Defaults that changed would be an update at every run."""
    first = plugin.checked()
    assert plugin.checked(olds=first) == first
    assert plugin.checked(olds=first, **first) == first


def test_a_component_that_is_none_is_refused_with_the_nearest(plugin: Plugin) -> None:
    """Before anything is touched, and at the property."""
    failures = plugin.check(component="rest-apj").failures
    assert [failure.property for failure in failures] == ["component"]
    assert "rest-api" in failures[0].reason


def test_an_environment_that_is_none_is_refused_with_those_there_are(plugin: Plugin) -> None:
    """A stack whose name is no environment of the project file."""
    failures = plugin.check(stack="prodution").failures
    assert failures, "the stack `prodution` is no environment"
    assert any("production" in failure.reason for failure in failures), failures


def test_an_input_that_is_none_is_refused(plugin: Plugin) -> None:
    """Generated SDKs cannot say it, YAML can."""
    failures = plugin.check(componnet="rest-api").failures
    assert failures
    assert "component" in failures[0].reason


def test_unknown_inputs_stay_unknown(plugin: Plugin) -> None:
    """In a preview, what another resource is yet to say."""
    checked = plugin.checked(configuration={"environment_variables": {"GREETING": UNKNOWN}})
    assert checked["configuration"]["environment_variables"]["GREETING"] == UNKNOWN
    created = plain(plugin.create(checked, preview=True).properties)
    assert created["endpoint"] in (UNKNOWN, {SIGNATURE: OUTPUT})


def test_a_preview_touches_nothing(plugin: Plugin, project: Path) -> None:
    """Also where everything is known."""
    before = sorted(path for path in project.rglob("*"))
    answer = plugin.create(plugin.checked(), preview=True)
    assert plain(answer.properties)["component"] == "rest-api"
    kept = [path for path in project.rglob("*") if path.is_file() and ".semantest" in path.parts]
    hosts = [path for path in kept if path.name == "host.lock" and path.read_text().strip()]
    assert not hosts, "a preview started a host"
    assert sorted(path for path in project.rglob("*") if ".semantest" not in path.parts) == before
    with pytest.raises(grpc.RpcError):
        happened(plugin)


def test_up_deploys_and_the_log_tells_of_it(plugin: Plugin) -> None:
    """The endpoint that Pulumi is told answers."""
    created = plugin.created()
    assert created.id
    assert created.outputs["status"] == "deployed"
    assert answers(created.outputs["endpoint"]) == {"GREETING": "hello"}
    assert len(created.outputs["functions"]) == 1
    events = happened(plugin)
    for wanted in ("DeploymentRequested", "DeploymentPlanned", "FunctionDeployed", "InfrastructureUpdated"):
        assert wanted in events


def test_outputs_hold_the_inputs_and_every_declared_output(plugin: Plugin) -> None:
    """Or an SDK would find outputs that never come."""
    created = plugin.created()
    schema = json.loads(plugin.stub.GetSchema(messages.GetSchemaRequest(), timeout=PATIENCE).schema)
    declared = schema["resources"][TYPE]["properties"]
    assert set(created.outputs) <= set(declared), "what is told is declared"
    assert set(schema["resources"][TYPE].get("required", [])) <= set(created.outputs), "what is promised is told"
    for name, value in created.inputs.items():
        assert created.outputs[name] == value, name


def test_nothing_changed_is_no_difference(plugin: Plugin) -> None:
    """A second `pulumi up` does nothing."""
    created = plugin.created()
    answer = plugin.diff(created, plugin.checked(olds=created.inputs))
    assert answer.changes == messages.DiffResponse.DIFF_NONE


def test_numbers_that_went_over_the_wire_are_the_numbers_they_were(plugin: Plugin) -> None:
    """All numbers of the protocol are floats."""
    created = plugin.created(configuration={"memory_mb": 256, "timeout_s": 10})
    again = plugin.checked(olds=created.inputs, configuration={"memory_mb": 256.0, "timeout_s": 10})
    assert plugin.diff(created, again).changes == messages.DiffResponse.DIFF_NONE


def test_a_changed_setting_is_an_update(plugin: Plugin) -> None:
    """In place, at the property that changed."""
    created = plugin.created(configuration={"environment_variables": {"GREETING": "hello"}})
    news = plugin.checked(olds=created.inputs, configuration={"environment_variables": {"GREETING": "hi"}})
    answer = plugin.diff(created, news)
    assert answer.changes == messages.DiffResponse.DIFF_SOME
    assert not answer.replaces
    assert any(path.startswith("configuration") for path in answer.detailedDiff), answer
    previewed = plugin.update(created, news, preview=True)
    assert answers(created.outputs["endpoint"]) == {"GREETING": "hello"}, "a preview touches nothing"
    assert set(previewed.outputs) >= {"component", "endpoint"}
    updated = plugin.update(created, news)
    assert answers(updated.outputs["endpoint"]) == {"GREETING": "hi"}
    assert updated.outputs["version"] > created.outputs["version"]


def test_another_component_or_environment_is_another_deployment(plugin: Plugin) -> None:
    """So the old one goes when the new one is there."""
    created = plugin.created()
    answer = plugin.diff(created, plugin.checked(component="orders"))
    assert list(answer.replaces) == ["component"]
    assert kinds(answer)["component"] == "UPDATE_REPLACE"


def test_a_change_of_code_is_seen_though_no_input_changed(plugin: Plugin, project: Path) -> None:
    """A component's code is what most updates are about."""
    created = plugin.created()
    code = project / "code" / "hello.py"
    code.write_text(code.read_text().replace('"statusCode": 200', '"statusCode": 201'))
    answer = plugin.diff(created, plugin.checked(olds=created.inputs))
    assert answer.changes == messages.DiffResponse.DIFF_SOME
    assert not answer.replaces
    updated = plugin.update(created, plugin.checked(olds=created.inputs))
    with urllib.request.urlopen(updated.outputs["endpoint"], timeout=PATIENCE) as response:
        assert response.status == 201


def test_read_tells_what_is_there(plugin: Plugin) -> None:
    """A refresh of what nobody touched finds nothing new."""
    created = plugin.created()
    answer = plugin.read(created.id, created)
    assert answer.id == created.id
    assert plain(answer.inputs) == created.inputs
    assert plain(answer.properties)["endpoint"] == created.outputs["endpoint"]
    inverted = Created(created.id, plain(answer.inputs), plain(answer.properties))
    assert plugin.diff(inverted, created.inputs).changes == messages.DiffResponse.DIFF_NONE


def test_import_needs_nothing_but_the_id(plugin: Plugin) -> None:
    """Of what was deployed by whoever: the inputs then are as Check would make them."""
    created = plugin.created()
    answer = plugin.read(created.id)
    assert answer.id == created.id
    assert plain(answer.inputs)["component"] == "rest-api"
    imported = Created(answer.id, plain(answer.inputs), plain(answer.properties))
    assert plugin.diff(imported, plugin.checked(olds=imported.inputs)).changes == messages.DiffResponse.DIFF_NONE


def test_what_was_never_deployed_is_gone(plugin: Plugin) -> None:
    """An empty id tells Pulumi to forget it."""
    other = plugin.created().id.replace("rest-api", "orders")
    assert plugin.read(other).id == ""


def test_delete_takes_it_away_and_may_be_asked_again(plugin: Plugin) -> None:
    """After a crash it is."""
    created = plugin.created()
    plugin.delete(created)
    with pytest.raises(OSError):
        answers(created.outputs["endpoint"])
    assert "InfrastructureRemoved" in happened(plugin)
    assert plugin.read(created.id, created).id == ""
    plugin.delete(created)
    again = plugin.created()
    assert answers(again.outputs["endpoint"]) == {"GREETING": "hello"}


def test_two_deployments_are_made_at_once(plugin: Plugin) -> None:
    """The engine creates what does not depend on one another at once, over one plugin."""
    inputs = [plugin.checked(component=component) for component in ("rest-api", "orders")]
    calls = [
        plugin.stub.Create.future(
            messages.CreateRequest(urn=urn(name=checked["component"]), type=TYPE, name=NAME, properties=struct(checked)),
            timeout=PATIENCE,
        )
        for checked in inputs
    ]
    made = [call.result() for call in calls]
    assert len({one.id for one in made}) == 2
    for one in made:
        answers(plain(one.properties)["endpoint"])


def test_one_component_is_the_deployment_of_one_resource(plugin: Plugin) -> None:
    """Two would undo one another's changes, and the end of one would be that of the other."""
    plugin.checked()
    failures = plugin.check(name="again").failures
    assert [failure.property for failure in failures] == ["component"], failures
    assert "shop/production/rest-api" in failures[0].reason
    assert f"`{NAME}`" in failures[0].reason, "the resource that has it already is named"
    assert not plugin.check(name="again", component="orders").failures


def test_what_has_another_name_now_is_not_taken_away_under_its_old_one(plugin: Plugin, project: Path) -> None:
    """The engine creates what is called `renamed`, then deletes what was called `component`."""
    created = plugin.created()
    with Plugin(project) as later:
        later.configured(component="rest-api")
        answer = later.check(name="renamed")
        assert not answer.failures, answer.failures
        request = messages.CreateRequest(urn=urn(name="renamed"), type=TYPE, name="renamed", properties=answer.inputs)
        renamed = later.stub.Create(request, timeout=PATIENCE)
        assert renamed.id == created.id
        later.delete(created)
        assert answers(created.outputs["endpoint"]) == {"GREETING": "hello"}
        assert "InfrastructureRemoved" not in happened(later)
        later.delete(created, name="renamed")
    with pytest.raises(OSError):
        answers(created.outputs["endpoint"])


def test_a_lost_host_is_drift_that_a_refresh_tells_and_the_next_up_mends(plugin: Plugin, project: Path) -> None:
    """What serves a function is looked at, not only what the log says of it."""
    created = plugin.created()
    stop_host(project)
    for definition in (project / ".semantest" / "local").glob("functions/*.json"):
        definition.unlink()
    answer = plugin.read(created.id, created)
    assert answer.id == created.id, "the deployment is there, part of it is not"
    read = Created(answer.id, plain(answer.inputs), plain(answer.properties))
    checked = plugin.checked(olds=read.inputs)
    # The engine asks for it the other way round in a refresh, and the usual way in the `up` that follows.
    assert plugin.diff(read, checked).changes == messages.DiffResponse.DIFF_SOME
    updated = plugin.update(read, checked)
    assert answers(updated.outputs["endpoint"]) == {"GREETING": "hello"}


def test_what_fails_half_way_keeps_its_id_and_the_next_up_goes_on(plugin: Plugin, project: Path) -> None:
    """`ErrorResourceInitFailed`: without it Pulumi forgets what is there."""
    # A file where the provider keeps its functions: planned well, and then not carried out.
    local = project / ".semantest" / "local"
    local.mkdir(parents=True)
    (local / "functions").write_text("in the way")
    checked = plugin.checked()
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(checked)
    failed = init_failed(error.value)
    assert failed.id
    assert list(failed.reasons)
    (local / "functions").unlink()
    half = Created(failed.id, checked, plain(failed.properties))
    updated = plugin.update(half, plugin.checked(olds=checked))
    assert answers(updated.outputs["endpoint"]) == {"GREETING": "hello"}


def init_failed(error: Any) -> messages.ErrorResourceInitFailed:
    """The detail that the engine looks for."""
    trailers = {key: value for key, value in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    found = messages.ErrorResourceInitFailed()
    assert status.details, error
    assert status.details[0].type_url.endswith("pulumirpc.ErrorResourceInitFailed"), status.details[0].type_url
    found.ParseFromString(status.details[0].value)
    return found
