"""Records and answers: read, written, and left as they are."""

import copy
import dataclasses
import json
import pickle
from typing import Any

import pytest
from schema_data import sample, schema

from semantest_iac import answers, blueprint, configuration, networking, records
from semantest_iac._record import Record
from semantest_iac.answers import DeployAnswer, InvokeAnswer, LogLine, PublishAnswer
from semantest_iac.errors import InvalidInputError
from semantest_iac.records import ChangeCounts, ErrorRecord, PlanStep, PropertyChange

RECORDS: dict[str, type[Record]] = {
    name: thing
    for module in (records, networking, blueprint, answers)
    for name, thing in vars(module).items()
    if isinstance(thing, type) and issubclass(thing, Record) and thing is not Record
}

# What a program calls differently than the command line.
RENAMED = {"StatusOfAll": "StatusAnswer"}


def documents() -> list[tuple[str, dict[str, Any]]]:
    """Each record that a schema of an answer or of a plan describes, with that schema."""
    found: dict[str, dict[str, Any]] = {}
    verbs = ("deploy", "publish", "plan", "status", "refresh", "discover", "invoke")
    for path in (*(f"cli/{verb}" for verb in verbs), "events/DeploymentPlanned"):
        document = schema(path)
        defined = document.get("$defs", {})
        for name, part in {document["title"]: document, **defined}.items():
            name = RENAMED.get(name, name)
            if name in RECORDS:
                found[name] = {**part, "$defs": defined}
    return sorted(found.items())


every_record = pytest.mark.parametrize(("name", "document"), documents())


def test_every_record_is_described_by_a_schema() -> None:
    assert [name for name, _ in documents()] == sorted(RECORDS)


@every_record
@pytest.mark.parametrize("full", [True, False], ids=["full", "bare"])
def test_a_record_survives_being_written_and_read(
    name: str, document: dict[str, Any], full: bool
) -> None:
    data = sample(document, full)
    record = RECORDS[name].from_dict(data)
    written = json.loads(json.dumps(record.to_dict()))
    assert RECORDS[name].from_dict(written) == record
    assert written == data if full else data.keys() <= written.keys()


@every_record
def test_a_record_copies_and_pickles(name: str, document: dict[str, Any]) -> None:
    record = RECORDS[name].from_dict(sample(document, full=True))
    for again in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert again == record


@every_record
def test_a_missing_key_is_named_with_its_record(name: str, document: dict[str, Any]) -> None:
    nullable = {"payload"}
    for key in set(document.get("required", ())) - nullable:
        data = sample(document, full=True)
        del data[key]
        with pytest.raises(InvalidInputError, match=f"`{key}` of {name} is missing"):
            RECORDS[name].from_dict(data)


def test_records_do_not_change() -> None:
    line = LogLine(time="t", function_name="f", message="m")
    with pytest.raises(dataclasses.FrozenInstanceError):
        line.message = "n"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        line.mesage = "n"  # type: ignore[attr-defined]


def test_defaults_are_not_had_in_common() -> None:
    def make() -> ErrorRecord:
        return ErrorRecord(kind="held", message="m", operation="o", retry="later")

    assert make().context == {}
    assert make().context is not make().context


def test_keys_of_a_newer_version_are_passed_over() -> None:
    data = {"time": "t", "function_name": "f", "message": "m", "colour": "red"}
    assert LogLine.from_dict(data).to_dict() == {"time": "t", "function_name": "f", "message": "m"}


def test_none_is_left_out_unless_the_schema_wants_the_key() -> None:
    assert PropertyChange(property="a").to_dict() == {"property": "a"}
    invoked = InvokeAnswer(request_id="r", payload=None)
    assert invoked.to_dict() == {"request_id": "r", "payload": None}


def test_what_is_deep_inside_is_named_by_its_path() -> None:
    data = {
        "action": "update",
        "address": "a",
        "kind": "k",
        "diff": [{"property": "p"}, {"property": 5}],
    }
    said = "`diff.1.property` of PlanStep must be text"
    with pytest.raises(InvalidInputError, match=said) as raised:
        PlanStep.from_dict(data)
    assert raised.value.context == {"name": "PlanStep", "field": "diff.1.property"}
    assert raised.value.operation == "record.read"


@pytest.mark.parametrize("junk", [None, [], "text", 5])
def test_what_is_no_mapping_is_refused(junk: Any) -> None:
    with pytest.raises(InvalidInputError, match="ChangeCounts must be a mapping"):
        ChangeCounts.from_dict(junk)


def test_a_publish_answer_reaches_through_to_its_result() -> None:
    result = DeployAnswer.from_dict(sample(schema("cli/configure"), full=True))
    answer = PublishAnswer(id="1", event="DeploymentRequested", result=result)
    bare = PublishAnswer(id="1", event="ServiceDeploymentNeeded")
    for name in ("status", "endpoint", "functions", "changes", "deployment", "version"):
        assert getattr(answer, name) == getattr(result, name)
        assert getattr(bare, name) is None
    assert bare.duplicate is False


def test_a_component_is_configured_with_the_keys_of_the_project_file() -> None:
    parts = schema("semantest")["$defs"]
    for name, theirs in [
        ("ComponentConfiguration", "ComponentDefinition"),
        ("FunctionSettings", "FunctionSettings"),
        ("Replicas", "Replicas"),
        ("Cors", "Cors"),
        ("Throttling", "Throttling"),
        ("SecretSetting", "SecretSetting"),
    ]:
        keys = getattr(configuration, name)
        assert set(keys.__annotations__) == set(parts[theirs]["properties"])
        assert keys.__total__ is False
