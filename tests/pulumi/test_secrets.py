"""What Pulumi keeps secret stays so in its state, and never reaches our log; the function has it all the same."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import provider_pb2 as messages

from plugin import OUTPUT, PATIENCE, SIGNATURE, Created, Plugin, secret

CANARY = "canary-7d1f0c55e2"

#: What an SDK sends: a value, or the whole object that holds one; as negotiated, or as an output value.
FORMS = {
    "a value": {"environment_variables": {"TOKEN": secret(CANARY)}},
    "a whole object": secret({"environment_variables": {"TOKEN": CANARY}}),
    "an object within": {"environment_variables": secret({"TOKEN": CANARY})},
    "an output": {"environment_variables": {"TOKEN": {SIGNATURE: OUTPUT, "value": CANARY, "secret": True}}},
}


@pytest.fixture(params=FORMS)
def configuration(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each form in which a secret comes."""
    return FORMS[request.param]


def nowhere_on_disk(project: Path) -> None:
    """Every byte of what we keep."""
    for path in project.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def clear(value: Any) -> Any:
    """What of a value stands outside of secrets."""
    if isinstance(value, list):
        return [clear(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) and (value[SIGNATURE] != OUTPUT or value.get("secret")):
        return "<secret>"
    return {key: clear(item) for key, item in value.items()}


def stays_secret(created: Created) -> None:
    """In what the engine puts into its state."""
    for properties in (created.inputs, created.outputs):
        assert CANARY not in json.dumps(clear(properties)), clear(properties)


def answers(created: Created) -> dict[str, str]:
    """What the function says about its environment."""
    with urllib.request.urlopen(created.outputs["endpoint"], timeout=PATIENCE) as response:
        return json.loads(response.read())


def test_the_function_has_it_and_nobody_else(plugin: Plugin, project: Path, configuration: dict[str, Any]) -> None:
    """Neither the log, nor the plugin's own words, nor Pulumi's state in clear."""
    created = plugin.created(configuration=configuration)
    assert answers(created)["TOKEN"] == CANARY
    stays_secret(created)
    nowhere_on_disk(project)
    assert CANARY not in plugin.log()
    history = plugin.invoke("getHistory", component="rest-api", environment="production")
    assert CANARY not in json.dumps(history)
    assert CANARY not in json.dumps(plugin.invoke("getDeployment", component="rest-api", environment="production"))


def test_it_is_the_same_on_the_next_run_and_seen_when_it_changes(
    plugin: Plugin, project: Path, configuration: dict[str, Any]
) -> None:
    """Without the log holding it: a keyed digest tells."""
    created = plugin.created(configuration=configuration)
    same = plugin.checked(olds=created.inputs, configuration=configuration)
    assert plugin.diff(created, same).changes == messages.DiffResponse.DIFF_NONE
    other = json.loads(json.dumps(configuration).replace(CANARY, CANARY + "-new"))
    news = plugin.checked(olds=created.inputs, configuration=other)
    answer = plugin.diff(created, news)
    assert answer.changes == messages.DiffResponse.DIFF_SOME
    assert CANARY not in json_format.MessageToJson(answer)
    updated = plugin.update(created, news)
    assert answers(updated)["TOKEN"] == CANARY + "-new"
    stays_secret(updated)
    nowhere_on_disk(project)


def test_a_read_gives_it_away_to_nobody(plugin: Plugin, project: Path, configuration: dict[str, Any]) -> None:
    """Refresh and import."""
    created = plugin.created(configuration=configuration)
    for known in (created, None):
        answer = plugin.read(created.id, known)
        for properties in (answer.inputs, answer.properties):
            assert CANARY not in json.dumps(clear(json_format.MessageToDict(properties)))
    nowhere_on_disk(project)


def test_a_refused_secret_is_not_in_the_refusal(plugin: Plugin) -> None:
    """Messages quote what is wrong with a value; not of a secret."""
    failures = plugin.check(configuration={"memory_mb": secret(CANARY)}).failures
    assert CANARY not in str(failures)
    failures = plugin.check(component=secret(CANARY)).failures
    assert failures
    assert CANARY not in str(failures)
    assert CANARY not in plugin.log()
