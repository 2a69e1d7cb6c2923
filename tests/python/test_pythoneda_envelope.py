"""Envelopes: new ones, their ancestry, and what is refused."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from semantest_iac.errors import InvalidInputError
from semantest_iac.pythoneda import chain, event_name, new_envelope, to_envelope
from semantest_iac.pythoneda.names import OUR_EVENTS, to_camel, to_snake

SCHEMAS = pathlib.Path(__file__).parents[2] / "schemas" / "events"


def test_the_events_of_ours_are_those_that_have_a_schema() -> None:
    assert {path.name.split(".")[0] for path in SCHEMAS.iterdir()} == set(OUR_EVENTS)


def test_a_bare_name_of_ours_is_written_out_and_any_other_stays() -> None:
    ours = new_envelope("DeploymentRequested", {"component": "rest-api"})
    assert ours["type"] == "com.semantest.iac.DeploymentRequested"
    assert event_name(ours) == "DeploymentRequested"
    for name in ("ServiceDeploymentNeeded", "org.acmsl.licdata.LicenseCreated"):
        assert new_envelope(name, {})["type"] == name
    assert event_name(new_envelope("org.acmsl.licdata.LicenseCreated", {})) == "LicenseCreated"


def test_an_event_without_ancestors_is_its_own_correlation() -> None:
    event = new_envelope("FunctionDeployed", {})
    assert event["correlationid"] == event["id"]
    assert "causationid" not in event and "previouseventids" not in event
    assert chain(event) == [event["id"]]
    assert uuid.UUID(event["id"]).version == 7


def test_the_first_before_is_the_cause_and_the_oldest_the_correlation() -> None:
    event = new_envelope("X", {}, previous=["newest", "older", "oldest"])
    assert event["causationid"] == "newest"
    assert event["previouseventids"] == "newest,older,oldest"
    assert event["correlationid"] == "oldest"
    assert chain(event) == [event["id"], "newest", "older", "oldest"]


def test_an_envelope_before_brings_its_ancestry_and_its_correlation() -> None:
    first = new_envelope("A", {})
    second = new_envelope("B", {}, previous=first)
    third = new_envelope("C", {}, previous=[second, first])
    assert chain(third) == [third["id"], second["id"], first["id"]]
    assert third["correlationid"] == first["id"]
    asked = new_envelope("D", {}, correlation="corr_1")
    assert new_envelope("E", {}, previous=asked)["correlationid"] == "corr_1"
    assert new_envelope("E", {}, previous=asked, correlation="other")["correlationid"] == "other"
    assert chain(new_envelope("F", {}, previous="one id"))[1:] == ["one id"]


def test_ids_with_a_comma_stay_one_each() -> None:
    ids = ["a,b", "50%", "%2C", "c"]
    assert chain(new_envelope("X", {}, previous=ids))[1:] == ids


def test_moments_are_written_in_utc() -> None:
    berlin = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert new_envelope("X", {}, time=berlin)["time"] == "2026-07-01T10:00:00Z"
    assert new_envelope("X", {}, time="2026-07-01 10:00")["time"] == "2026-07-01T10:00:00Z"
    local = datetime(2026, 7, 1, 12)
    read = datetime.fromisoformat(new_envelope("X", {}, time=local)["time"])
    assert read == local.astimezone(UTC)
    fine = "2026-07-01T10:00:00.123456789Z"
    assert new_envelope("X", {}, time=fine)["time"] == fine


def test_the_data_is_a_copy() -> None:
    data = {"configuration": {"memory_mb": 512}}
    event = new_envelope("X", data)
    data["configuration"]["memory_mb"] = 1
    assert event["data"] == {"configuration": {"memory_mb": 512}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "type"),
        ({"name": 3}, "name"),
        ({"name": "a\0b"}, "type"),
        ({"name": "x" * 5000}, "type"),
        ({"data": []}, "data"),
        ({"data": {"a": float("nan")}}, "a"),
        ({"data": {"a": object()}}, "a"),
        ({"data": {"a": {1: 2}}}, "a"),
        ({"data": {"a": 2**64}}, "a"),
        ({"data": {"a": "\ud800"}}, "a"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": "a b"}, "source"),
        ({"time": "yesterday"}, "time"),
        ({"time": True}, "time"),
        ({"time": 1e300}, "time"),
        ({"previous": [""]}, "previous"),
        ({"previous": [7]}, "previous"),
        ({"previous": 7}, "previous"),
        ({"previous": [{"type": "no id"}]}, "id"),
        ({"correlation": 7}, "correlationid"),
    ],
)
def test_what_could_not_be_published_is_refused_and_named(given: dict, field: str) -> None:
    whole = {"name": "X", "data": {}, **given}
    with pytest.raises(InvalidInputError) as refused:
        new_envelope(whole.pop("name"), whole.pop("data"), **whole)
    assert refused.value.context["field"] == field


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"ExtraAttr": "x"}, "ExtraAttr"),
        ({"extra": {}}, "extra"),
        ({"id": 3}, "id"),
        ({"id": "a\u0085b"}, "id"),
        ({"type": None}, "type"),
        ({"subject": 3}, "subject"),
        ({"time": "soon"}, "time"),
        ({"causationid": 3}, "causationid"),
        ({"data_base64": "e30="}, "data_base64"),
        ({"sequence": -1}, "sequence"),
    ],
)
def test_a_ready_envelope_is_checked_as_the_core_does(attributes: dict, field: str) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/a", "type": "X", "data": {}}
    assert to_envelope(event)["type"] == "X"
    with pytest.raises(InvalidInputError) as refused:
        to_envelope({**event, **attributes})
    assert refused.value.context["field"] == field


def test_a_ready_envelope_of_another_domain_is_kept_whole() -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/a",
        "type": "org.example.Thing",
        "time": "2026-11-24T09:00:00+01:00",
        "datacontenttype": "text/plain",
        "myext": "keep",
        "n": 1,
        "data": "hello",
    }
    assert to_envelope(event) == event


def test_names_are_turned_into_either_spelling() -> None:
    pairs = [("stackName", "stack_name"), ("imageUrl", "image_url"), ("arn", "arn")]
    for camel, snake in pairs:
        assert to_snake(camel) == snake
        assert to_camel(snake) == camel
    assert to_snake("imageURL") == "image_url"
    assert to_snake("HTTPPort") == "http_port"


def test_importing_twice_prints_nothing_and_changes_nothing() -> None:
    program = (
        "import importlib, semantest_iac.pythoneda as p; before = p.to_envelope;"
        "importlib.reload(p); assert p.to_envelope is before; assert callable(p.define_event)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
