"""D-Bus signals: the captured one, and what the codec says to others."""

from __future__ import annotations

import types

import pytest
from pythoneda_standin import iac
from semantest_iac.errors import InvalidInputError
from semantest_iac.pythoneda import (
    chain,
    from_dbus,
    from_envelope,
    new_envelope,
    to_dbus,
    to_envelope,
)

DBUS = "pythoneda.shared.iac.events.infrastructure.dbus"
# As an application of PythonEDA sent it, but for the ids.
CAPTURED = {
    "path": "/pythoneda/iac",
    "interface": f"{DBUS}.dbus_infrastructure_updated.DbusInfrastructureUpdated",
    "member": "Pythoneda_Iac_InfrastructureUpdated",
    "signature": "sssss",
    "body": ["dev", "licdata", "westeurope", '["6f3d"]', "91ab"],
}


def test_the_captured_signal_is_read() -> None:
    envelope = from_dbus(types.SimpleNamespace(**CAPTURED))
    assert envelope["type"] == "pythoneda.shared.iac.events.InfrastructureUpdated"
    assert envelope["source"] == "/pythoneda/pythoneda.shared.iac.events"
    assert chain(envelope) == ["91ab", "6f3d"]
    assert envelope["data"] == {
        "stack_name": "dev",
        "project_name": "licdata",
        "location": "westeurope",
    }
    made = from_envelope(envelope, iac.InfrastructureUpdated)
    assert (made.id, made.location, made.metadata) == ("91ab", "westeurope", {})


def test_the_captured_signal_is_written_again() -> None:
    assert to_dbus(from_dbus(CAPTURED))._asdict() == CAPTURED


def test_a_live_event_is_sent_without_its_metadata() -> None:
    event = iac.InfrastructureUpdated("dev", "licdata", "westeurope", {"a": 1}, ["6f3d"], "91ab")
    assert to_dbus(to_envelope(event))._asdict() == CAPTURED


def test_newer_contexts_send_the_invariants_before_the_id() -> None:
    envelope = from_dbus(CAPTURED)
    signal = to_dbus(envelope, invariants={})
    assert signal.body == ["dev", "licdata", "westeurope", '["6f3d"]', "{}", "91ab"]
    assert signal.signature == "ssssss"
    read = from_dbus(signal)
    assert {**read, "time": envelope["time"]} == envelope


def test_events_about_docker_resources_name_the_image() -> None:
    event = iac.DockerResourcesUpdateRequested("dev", "p", "l", "api", "1.4", "registry/api")
    signal = to_dbus(to_envelope(event))
    assert signal.body[:6] == ["dev", "p", "l", "api", "1.4", "registry/api"]
    made = from_envelope(from_dbus(signal), iac.DockerResourcesUpdateRequested)
    assert (made.image_url, made.id) == ("registry/api", event.id)


def test_events_of_other_contexts_take_their_fields() -> None:
    envelope = new_envelope(
        "pythoneda.shared.runtime.secrets.events.CredentialRequested",
        {"name": "ci", "metadata": {"a": [1]}, "port": 8, "note": None},
        previous=["p"],
    )
    fields = ["name", "port", "note", "metadata"]
    signal = to_dbus(envelope, fields, invariants={})
    assert signal.path == "/pythoneda/runtime/secrets"
    assert signal.member == "Pythoneda_Runtime_Secrets_CredentialRequested"
    assert signal.body[:4] == ["ci", "8", "", '{"a": [1]}']
    read = from_dbus(signal, fields)
    assert read["type"] == envelope["type"]
    assert read["data"] == {"name": "ci", "port": "8", "note": "", "metadata": {"a": [1]}}
    with pytest.raises(InvalidInputError, match="fields"):
        to_dbus(envelope)
    with pytest.raises(InvalidInputError, match="fields"):
        from_dbus(signal)


def test_a_class_tells_the_fields_by_its_constructor() -> None:
    event = iac.InfrastructureUpdated("dev", "p", "l", {"a": 1})
    signal = to_dbus(to_envelope(event), iac.InfrastructureUpdated)
    assert signal.body[:4] == ["dev", "p", "l", '{"a": 1}']
    assert from_dbus(signal, iac.InfrastructureUpdated)["data"]["metadata"] == {"a": 1}


def test_an_outcome_of_ours_is_sent_as_the_event_that_means_the_same() -> None:
    data = {"component": "rest-api", "environment": "dev", "provider": "aws", "version": 1}
    signal = to_dbus(new_envelope("InfrastructureUpdated", data, source="/semantest-iac/shop"))
    assert signal.body[:3] == ["aws-dev", "shop", ""]
    request = to_dbus(new_envelope("DeploymentRequested", {"component": "rest-api"}))
    assert request.member == "Pythoneda_Iac_InfrastructureUpdateRequested"


@pytest.mark.parametrize(
    "changed",
    [
        {"member": None},
        {"member": "InfrastructureUpdated"},
        {"member": "Pythoneda_Iac_infrastructureUpdated"},
        {"member": "Pythoneda_Iac_Unheard"},
        {"member": "Pythoneda" + "_A" * 100_000},
        {"body": None},
        {"body": "dev"},
        {"body": ["dev", "licdata", "westeurope", [], "91ab"]},
        {"body": ["dev", "licdata", '["6f3d"]', "91ab"]},
        {"body": ["dev", "licdata", "westeurope", "{}", "91ab"]},
        {"body": ["dev", "licdata", "westeurope", "[3]", "91ab"]},
        {"body": ["dev", "licdata", "westeurope", "[" * 100_000, "91ab"]},
        {"body": ["dev", "licdata", "westeurope", "[]", ""]},
        {"body": ["dev", "licdata", "westeurope", "[]", "[]", "91ab"]},
    ],
)
def test_a_signal_of_another_shape_is_refused(changed: dict) -> None:
    with pytest.raises(InvalidInputError):
        from_dbus({**CAPTURED, **changed})


def test_what_d_bus_cannot_carry_is_refused() -> None:
    data = {"stack_name": "a\0b", "project_name": "p", "location": "l"}
    with pytest.raises(InvalidInputError):
        to_dbus(new_envelope("InfrastructureUpdated", data))
    with pytest.raises(InvalidInputError, match="location"):
        to_dbus(new_envelope("InfrastructureUpdated", {"stack_name": "a", "project_name": "p"}))
    with pytest.raises(InvalidInputError):
        to_dbus(from_dbus(CAPTURED), context="no context")
