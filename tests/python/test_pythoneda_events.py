"""Live events, both dialects of JSON, and the forms of Semantest: read, and made again."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from pythoneda_standin import (
    Event,
    SensitiveValue,
    attribute,
    iac,
    internal_attribute,
    primary_key_attribute,
    sensitive,
)
from semantest_iac.errors import InvalidInputError
from semantest_iac.pythoneda import (
    chain,
    from_envelope,
    new_envelope,
    to_envelope,
    to_pythoneda_json,
)

PATH = "pythoneda.shared.iac.events.infrastructure_updated.InfrastructureUpdated"


class CredentialIssued(Event):
    def __init__(self, credentialName, password, metadata=None, **about):
        self._name, self._password, self._metadata = credentialName, password, metadata or {}
        super().__init__(**about)

    @property
    @primary_key_attribute
    def credential_name(self):
        return self._name

    @property
    @sensitive
    def password(self):
        return self._password

    @property
    @attribute
    def metadata(self):
        return self._metadata

    @property
    @internal_attribute
    def attempts(self):
        return 3

    def _marked(self):
        return "hidden by a marker"

    _marked.is_sensitive = True
    token = property(_marked)


def updated(**about):
    return iac.InfrastructureUpdated("dev", "licdata", "westeurope", {"url": "x"}, **about)


def test_a_live_event_becomes_an_envelope() -> None:
    event = updated(previousEventIds=["b", "a"], reconstructedId="c")
    envelope = to_envelope(event)
    assert (
        envelope["type"] == "standin.shared.iac.events.infrastructure_updated.InfrastructureUpdated"
    )
    assert envelope["source"] == "/pythoneda/standin.shared.iac.events.infrastructure_updated"
    assert envelope["subject"] == "dev/licdata"
    assert chain(envelope) == ["c", "b", "a"]
    assert envelope["causationid"] == "b"
    assert envelope["correlationid"] == "a"
    assert envelope["data"] == {
        "stack_name": "dev",
        "project_name": "licdata",
        "location": "westeurope",
        "metadata": {"url": "x"},
    }
    assert to_envelope(event, source="/licdata")["source"] == "/licdata"


def test_the_local_time_of_a_live_event_becomes_utc() -> None:
    event = updated()
    assert event.created.tzinfo is None
    written = datetime.fromisoformat(to_envelope(event)["time"])
    assert written == event.created.astimezone(UTC)


def test_bare_properties_and_public_attributes_are_data_too() -> None:
    event = iac.DockerResourcesUpdated("dev", "p", "l", "api", "1.4", "registry/api")
    data = to_envelope(event)["data"]
    assert (data["image_name"], data["image_version"]) == ("api", "1.4")
    event.note = "set by hand"
    assert to_envelope(event)["data"]["note"] == "set by hand"


def test_a_base_of_the_applications_own_may_hold_the_data() -> None:
    class Named:
        def __init__(self, name):
            self._name, self.id, self.previous_event_ids = name, "i", []

        previous_event_ids = None

        @property
        def name(self):
            return self._name

        @property
        def shout(self):
            return self._name.upper()

    class Derived(Named):
        pass

    assert to_envelope(Derived("x"))["data"] == {"name": "x"}


def test_what_is_sensitive_or_internal_does_not_go_out() -> None:
    event = CredentialIssued("ci", "s3cret", {"inner": [SensitiveValue("s3cret")], "key": "s3cret"})
    envelope = to_envelope(event, sensitive=["key"])
    assert envelope["data"] == {"credential_name": "ci", "metadata": {"inner": []}}
    assert "s3cret" not in json.dumps(envelope)
    assert "attempts" not in envelope["data"] and "omit_nulls" not in envelope["data"]
    assert to_envelope(event, exclude="metadata")["data"] == {"credential_name": "ci"}


def test_a_class_may_list_its_sensitive_attributes() -> None:
    class Listed(CredentialIssued):
        @classmethod
        def sensitive_attributes(cls):
            return ["credential_name"]

    assert to_envelope(Listed("ci", "s3cret"))["data"] == {"metadata": {}}


def test_a_value_object_inside_is_told_by_its_attributes() -> None:
    class Money:
        def __init__(self):
            self._amount = 3

        @property
        @attribute
        def amount(self):
            return self._amount

        @property
        @sensitive
        def account(self):
            return "s3cret"

    event = updated()
    event.price = Money()
    assert to_envelope(event)["data"]["price"] == {"amount": 3}


def test_a_value_that_json_cannot_carry_is_named() -> None:
    event = updated()
    event.handle = open
    with pytest.raises(InvalidInputError, match="`handle`"):
        to_envelope(event)
    ring: list = []
    ring.append(ring)
    event.handle = ring
    with pytest.raises(InvalidInputError, match="levels deep"):
        to_envelope(event)


@pytest.mark.parametrize("nothing", [None, 3, object(), Event, iac.InfrastructureUpdated, [], ()])
def test_what_is_no_event_is_refused(nothing: object) -> None:
    with pytest.raises(InvalidInputError):
        to_envelope(nothing)


def test_the_current_dialect_has_exactly_this_shape() -> None:
    envelope = new_envelope(
        PATH, {"stack_name": "dev"}, id="i", previous=["p"], time="2026-01-31T12:00:00Z"
    )
    assert json.loads(to_pythoneda_json(envelope, PATH)) == {
        "id": "i",
        "stack_name": "dev",
        "_internal": {
            "previous_event_ids": ["p"],
            "created": "2026-01-31T12:00:00",
            "invariants": {},
            "class": PATH,
        },
    }


def test_the_dialect_of_january_2025_has_no_id_of_its_own() -> None:
    envelope = new_envelope(PATH, {"stack_name": "dev"}, id="i", time="2026-01-31T12:00:00Z")
    assert json.loads(to_pythoneda_json(envelope, PATH, "2025-01")) == {
        "_internal": {
            "properties": {"previous_event_ids": [], "id": "i", "created": "2026-01-31 12:00:00"},
            "class": PATH,
        },
        "stack_name": "dev",
    }


def test_what_has_no_place_in_that_json_is_refused() -> None:
    for data, path, dialect in [
        ({"id": 1}, PATH, "current"),
        ({"_internal": 1}, PATH, "2025-01"),
        ({}, "os.system('x')", "current"),
        ({}, PATH, "2031"),
    ]:
        with pytest.raises(InvalidInputError):
            to_pythoneda_json(new_envelope("X", data), path, dialect)


def random_value(rng: random.Random, depth: int) -> object:
    kinds = [
        None,
        True,
        rng.randrange(-9, 9),
        rng.random(),
        "".join(rng.choices('aé"\\,[{ \u2028', k=4)),
    ]
    if depth and rng.random() < 0.4:
        kinds += [[random_value(rng, depth - 1) for _ in range(3)]] * 3
        kinds += [{f"K_{i}": random_value(rng, depth - 1) for i in range(3)}] * 3
    return rng.choice(kinds)


@pytest.mark.parametrize("dialect", ["current", "2025-01"])
def test_what_is_written_in_a_dialect_is_read_as_the_same_event(dialect: str) -> None:
    rng = random.Random(5)
    for _ in range(200):
        data = {f"field_{i}": random_value(rng, 4) for i in range(4)}
        ids = ["".join(rng.choices('ab,%"', k=5)) for _ in range(rng.randrange(4))]
        written = new_envelope(
            PATH, data, previous=ids, source="/pythoneda/" + PATH.rpartition(".")[0]
        )
        read = to_envelope(to_pythoneda_json(written, PATH, dialect))
        assert read == written


def test_values_that_the_older_dialect_writes_as_text_are_understood() -> None:
    event = {
        "_internal": {
            "properties": {
                "id": '"i"',
                "previous_event_ids": '["\\"b\\"", "a"]',
                "created": '"2025-01-20 10:00:00.5"',
            },
            "class": PATH,
        },
        "password": "[hidden]",
    }
    envelope = to_envelope(event)
    assert chain(envelope) == ["i", "b", "a"]
    assert envelope["time"] == "2025-01-20T10:00:00.500000Z"
    assert envelope["data"] == {}


def test_the_class_named_in_an_event_is_never_imported() -> None:
    text = json.dumps(
        {"id": "1", "_internal": {"class": "antigravity.Class", "previous_event_ids": []}}
    )
    made = from_envelope(to_envelope(text), iac_nothing())
    assert type(made).__name__ == "Nothing"
    import sys

    assert "antigravity" not in sys.modules


def iac_nothing() -> type:
    class Nothing(Event):
        pass

    return Nothing


def test_an_envelope_becomes_an_object_through_the_constructor() -> None:
    event = updated(previousEventIds=["b", "a"])
    made = from_envelope(to_envelope(event), iac.InfrastructureUpdated)
    assert type(made) is iac.InfrastructureUpdated
    assert (made.id, made.previous_event_ids) == (event.id, ["b", "a"])
    assert (made.stack_name, made.location, made.metadata) == ("dev", "westeurope", {"url": "x"})
    assert made.created == event.created
    assert to_envelope(made) == to_envelope(event)


def test_both_spellings_of_data_reach_the_constructor() -> None:
    data = {"stackName": "dev", "project_name": "p", "LOCATION": "l", "unknown": 1}
    made = from_envelope(new_envelope("X", data), iac.InfrastructureUpdated)
    assert (made.stack_name, made.project_name, made.location) == ("dev", "p", "l")


def test_a_missing_parameter_is_named_with_its_class() -> None:
    with pytest.raises(InvalidInputError) as refused:
        from_envelope(new_envelope("X", {"stack_name": "dev"}), iac.InfrastructureUpdated)
    assert refused.value.context == {"class": "InfrastructureUpdated", "parameter": "projectName"}
    assert "InfrastructureUpdated" in str(refused.value) and "project_name" in str(refused.value)


def test_a_constructor_that_refuses_is_told_of() -> None:
    class Picky(Event):
        def __init__(self, amount):
            raise RuntimeError("not today")

    with pytest.raises(InvalidInputError, match="not today") as refused:
        from_envelope(new_envelope("X", {"amount": 1}), Picky)
    assert isinstance(refused.value.__cause__, RuntimeError)
    with pytest.raises(InvalidInputError):
        from_envelope(new_envelope("X", {}), "os.path")  # type: ignore[arg-type]


def test_an_outcome_of_ours_becomes_the_class_that_means_the_same() -> None:
    data = {
        "component": "rest-api",
        "environment": "dev",
        "provider": "aws",
        "version": 3,
        "endpoint": "https://x",
        "changes": {},
    }
    ours = new_envelope("InfrastructureUpdated", data, source="/semantest-iac/shop")
    made = from_envelope(ours, iac.InfrastructureUpdated)
    assert (made.stack_name, made.project_name) == ("aws-dev", "shop")
    assert made.metadata["endpoint"] == "https://x"
    request = new_envelope("DeploymentRequested", {"component": "a", "region": "eu-west-1"})
    asked = from_envelope(request, iac.InfrastructureUpdateRequested)
    assert (asked.stack_name, asked.location) == ("dev", "eu-west-1")


PERSISTED = {
    "eventId": "evt_1",
    "aggregateId": "test_0",
    "eventType": "ImageGenerationRequested",
    "eventVersion": 1,
    "payload": {"promptText": "x", "inner": {"keepMe": 1}},
    "metadata": {
        "correlationId": "corr_1",
        "userId": "client_1",
        "causationId": None,
        "timestamp": "2025-09-12T10:37:38.440Z",
        "sequenceNumber": 0,
    },
}
LINE = {
    "event": PERSISTED,
    "streamPosition": 0,
    "globalPosition": 0,
    "committedAt": "2025-09-13T00:00:00Z",
}


@pytest.mark.parametrize("event", [PERSISTED, LINE, {"type": "event", "envelope": LINE}])
def test_what_semantest_stores_and_sends_is_read(event: dict) -> None:
    envelope = to_envelope(json.dumps(event))
    assert envelope["id"] == "evt_1"
    assert envelope["type"] == "ImageGenerationRequested"
    assert envelope["subject"] == "test_0"
    assert envelope["time"] == "2025-09-12T10:37:38.440Z"
    assert envelope["correlationid"] == "corr_1"
    assert "causationid" not in envelope
    assert envelope["data"] == {"prompt_text": "x", "inner": {"keepMe": 1}}


def test_our_id_and_time_are_read_before_those_that_the_server_made_up() -> None:
    metadata = {
        "ceId": "ours",
        "ceTime": "2025-01-01T00:00:00Z",
        "causationId": "c",
        "source": "/s",
    }
    event = {**PERSISTED, "metadata": {**PERSISTED["metadata"], **metadata}, "correlationId": "top"}
    envelope = to_envelope(event)
    assert (envelope["id"], envelope["time"]) == ("ours", "2025-01-01T00:00:00Z")
    assert (envelope["correlationid"], envelope["source"]) == ("top", "/s")
    assert chain(envelope) == ["ours", "c"]


def test_flat_events_and_those_with_a_suffix_are_read() -> None:
    flat = {
        "id": "f",
        "timestamp": 0,
        "correlationId": "c",
        "eventType": "DeploymentRequested",
        "component": "a",
        "fooBar": 1,
    }
    envelope = to_envelope(flat)
    assert envelope["type"] == "com.semantest.iac.DeploymentRequested"
    assert envelope["data"] == {"component": "a", "foo_bar": 1}
    assert envelope["time"] == "1970-01-01T00:00:00Z"
    suffixed = {"type": "TestDoneEvent", "payload": {}, "timestamp": "2025-01-01T00:00:00Z"}
    assert to_envelope(suffixed)["type"] == "TestDone"
    assert to_envelope(suffixed)["id"] == to_envelope(suffixed)["id"]


HOSTILE = [
    "",
    "null",
    "[]",
    "3",
    '"text"',
    "{",
    "{}",
    '{"a": NaN}',
    '{"a": 1e999, "specversion": "1.0"}',
    '{"specversion": "1.0", "specversion": "1.0"}',
    '{"specversion": 1}',
    '{"_internal": null}',
    '{"_internal": {}}',
    '{"_internal": {"class": 3}}',
    '{"_internal": {"class": "a..b"}, "id": "1"}',
    '{"_internal": {"class": "a.B"}, "id": 3}',
    '{"_internal": {"class": "a.B"}}',
    '{"_internal": {"class": "a.B", "previous_event_ids": 3}, "id": "1"}',
    '{"_internal": {"class": "a.B", "previous_event_ids": "[[["}, "id": "1"}',
    '{"_internal": {"class": "a.B", "created": {}}, "id": "1"}',
    '{"event": 3, "globalPosition": 0}',
    '{"event": {}, "globalPosition": 0}',
    '{"event": {"event": {}, "globalPosition": 0, "eventType": "a"}, "globalPosition": 0}',
    '{"type": "event", "envelope": []}',
    '{"eventType": 3}',
    '{"eventType": {}, "payload": {}}',
    '{"eventType": "A", "payload": []}',
    '{"eventType": "A", "payload": {"aB": 1, "a_b": 2}}',
    '{"eventType": "A", "metadata": {"previousEventIds": "x"}}',
    '{"eventType": "A", "timestamp": []}',
    '{"eventType": "A", "eventId": {}}',
    '{"type": 3, "payload": {}}',
    '{"a":' * 100_000,
    "[" * 1_000_000,
    '{"eventType":"A","payload":' + '{"a":' * 200 + "1" + "}" * 200 + "}",
    '{"eventType":"A","payload":{"a":' + "9" * 5000 + "}}",
    " " * (9 * 1024 * 1024),
    b"\xff\xfe{}",
    b"\x00",
    '{"eventType": "\\ud800"}',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_as_input(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError):
        to_envelope(text)


def test_no_shuffled_event_breaks_the_reader() -> None:
    rng = random.Random(11)
    whole = [PERSISTED, LINE, json.loads(to_pythoneda_json(new_envelope("X", {"a": 1}), PATH))]
    whole.append(new_envelope("X", {"a": 1}))
    for _ in range(3000):
        text = json.dumps(rng.choice(whole))
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(text))
            text = (
                text[:at]
                + rng.choice(['"', "{", "}", "[", "null", "3", ",", "", "\0"])
                + text[at + 1 :]
            )
        try:
            to_envelope(text)
        except InvalidInputError:
            continue
