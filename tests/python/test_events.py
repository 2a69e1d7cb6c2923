"""Event objects: made by a user, read from CloudEvents, and delivered lazily."""

import copy
import inspect
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from schema_data import event_names, sample, schema

from semantest_iac._core import NativeEvent
from semantest_iac._event import ApplicationEvent, CloudEvent, InfrastructureEvent
from semantest_iac.errors import InvalidInputError
from semantest_iac.events import (
    EVENT_CLASSES,
    DeploymentPlanned,
    DeploymentRequested,
    EnvironmentConfigurationRequested,
    FunctionDeployed,
    InfrastructureUpdateFailed,
    RemovalRequested,
)
from semantest_iac.records import ErrorRecord, PlanStep, SecretSetting

ENVELOPE = {
    "specversion": "1.0",
    "id": "0197f3e0-0000-7000-8000-000000000001",
    "source": "/semantest-iac/shop",
    "subject": "shop/dev/rest-api",
    "time": "2026-01-31T12:00:00.123456Z",
    "datacontenttype": "application/json",
    "correlationid": "c-1",
    "causationid": "c-2",
    "previouseventids": "c-2,a%2Cb,100%25",
    "sequence": "7",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


def cloudevent(name: str, data: Any) -> dict[str, Any]:
    version = EVENT_CLASSES[name].schema_version
    return ENVELOPE | {
        "type": f"com.semantest.iac.{name}",
        "dataschema": f"urn:semantest-iac:{name}:{version}",
        "data": data,
    }


def lazy(event: dict[str, Any]) -> Any:
    return InfrastructureEvent._of(NativeEvent.from_json(json.dumps(event)))


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


DEPLOYED: dict[str, Any] = {
    "function_name": "semantest-rest-api",
    "arn": "arn:1",
    "endpoint": "https://a.example",
    "component": "rest-api",
    "environment": "dev",
    "provider": "local",
}

every_event = pytest.mark.parametrize("name", event_names())
full_or_bare = pytest.mark.parametrize("full", [True, False], ids=["full", "bare"])


def test_there_is_a_class_for_every_event_that_has_a_schema() -> None:
    assert sorted(EVENT_CLASSES) == event_names()
    for name, cls in EVENT_CLASSES.items():
        assert (cls.__name__, cls.event_name) == (name, name)
        assert schema(f"events/{name}")["$id"] == f"urn:semantest-iac:{name}:{cls.schema_version}"


@every_event
def test_the_fields_are_those_of_the_schema_and_hide_nothing_of_the_base(name: str) -> None:
    cls: Any = EVENT_CLASSES[name]
    fields = set(schema(f"events/{name}")["properties"])
    assert set(cls.__match_args__) == fields
    assert not fields & (set(dir(InfrastructureEvent)) | set(CloudEvent.__annotations__))
    parameters = inspect.signature(cls).parameters.values()
    assert {one.name for one in parameters if one.kind is one.KEYWORD_ONLY} == fields


@every_event
@full_or_bare
def test_an_event_survives_the_way_through_cloudevents(name: str, full: bool) -> None:
    document = schema(f"events/{name}")
    made: Any = EVENT_CLASSES[name]
    event = made(**sample(document, full), subject="s", previous_event_ids=["a,b", "100%", "%2C"])
    again = InfrastructureEvent.from_cloudevent(json.loads(json.dumps(event.to_cloudevent())))
    assert type(again) is EVENT_CLASSES[name]
    assert again == event
    for attribute in CloudEvent.__annotations__.keys() - {"source"}:
        assert getattr(again, attribute) == getattr(event, attribute), attribute


@every_event
@full_or_bare
def test_a_delivered_event_equals_the_one_that_was_read(name: str, full: bool) -> None:
    written = cloudevent(name, sample(schema(f"events/{name}"), full))
    delivered, read = lazy(written), InfrastructureEvent.from_cloudevent(written)
    assert type(delivered) is type(read) is EVENT_CLASSES[name]
    assert delivered == read
    assert delivered.to_dict() == delivered.to_cloudevent()["data"]
    for attribute in CloudEvent.__annotations__.keys() - {"position"}:
        assert getattr(delivered, attribute) == getattr(read, attribute), attribute


def test_a_new_event_has_an_id_the_time_and_nothing_else_of_an_envelope() -> None:
    before = datetime.now(UTC)
    one, other = RemovalRequested(component="a"), RemovalRequested(component="a")
    assert one.event_id != other.event_id
    assert one != other
    assert before <= one.time <= datetime.now(UTC)
    assert (one.source, one.subject, one.previous_event_ids) == ("", "", ())
    for attribute in ("correlation_id", "causation_id", "sequence", "traceparent", "position"):
        assert getattr(one, attribute) is None


def test_defaults_are_those_of_the_schema_and_belong_to_nobody_else() -> None:
    one, other = DeploymentRequested(component="a"), DeploymentRequested(component="a")
    assert (one.environment, one.provider, one.region, one.configuration) == ("dev", None, None, {})
    assert one.configuration is not other.configuration


def test_what_happens_to_an_argument_later_does_not_reach_the_event() -> None:
    configuration = {"environment_variables": {"A": "1"}}
    event = DeploymentRequested(component="a", configuration=configuration)
    configuration["environment_variables"]["A"] = "2"
    assert event.configuration == {"environment_variables": {"A": "1"}}


def test_events_do_not_change() -> None:
    for event in (RemovalRequested(component="a"), ApplicationEvent("A", {})):
        with pytest.raises(AttributeError, match="events do not change"):
            event.subject = "b"
        with pytest.raises(AttributeError, match="events do not change"):
            del event.event_id


def test_a_delivered_event_fetches_a_field_when_it_is_asked_for_and_once() -> None:
    event = lazy(cloudevent("FunctionDeployed", DEPLOYED))
    assert list(vars(event)) == ["_native"]
    assert event.function_name == "semantest-rest-api"
    assert event.time == datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)
    assert set(vars(event)) == {"_native", "function_name", "time"}


def test_an_attribute_that_nobody_has_is_an_attribute_error() -> None:
    made: Any = FunctionDeployed(**DEPLOYED)
    for event in (lazy(cloudevent("FunctionDeployed", DEPLOYED)), made):
        with pytest.raises(AttributeError, match="no attribute 'functionname'"):
            _ = event.functionname


def test_nested_fields_are_records() -> None:
    step = {"action": "create", "address": "function.a", "kind": "lambda"}
    changes = dict.fromkeys(("created", "updated", "replaced", "deleted", "unchanged"), 1)
    data = {"provider": "local", "version": 1, "changes": changes, "steps": [step]}
    for event in (
        lazy(cloudevent("DeploymentPlanned", data)),
        DeploymentPlanned.from_cloudevent(cloudevent("DeploymentPlanned", data)),
    ):
        assert event.steps == (PlanStep(action="create", address="function.a", kind="lambda"),)
        assert event.changes.created == 1


def test_a_record_may_be_given_as_the_mapping_that_it_is_in_json() -> None:
    event = EnvironmentConfigurationRequested(
        component="a", variables={"A": "plain", "B": {"secret": "env:B"}}
    )
    assert event.variables == {"A": "plain", "B": SecretSetting(secret="env:B")}
    assert event.to_dict()["variables"] == {"A": "plain", "B": {"secret": "env:B"}}


def test_match_takes_an_event_apart() -> None:
    match FunctionDeployed(**DEPLOYED):
        case FunctionDeployed(name, arn):
            assert (name, arn) == ("semantest-rest-api", "arn:1")
        case _:
            pytest.fail("it did not match")


def test_events_are_equal_by_class_id_and_data() -> None:
    one = RemovalRequested(component="a", event_id="1")
    assert one == RemovalRequested(component="a", event_id="1", subject="elsewhere")
    assert one != RemovalRequested(component="b", event_id="1")
    assert one != DeploymentRequested(component="a", event_id="1")
    assert one != "1"
    assert hash(one) == hash(RemovalRequested(component="b", event_id="1"))


def test_repr_shows_the_data_and_shortens_what_is_long() -> None:
    shown = repr(RemovalRequested(component="a" * 500))
    assert shown.startswith("RemovalRequested(component='aaa")
    assert "environment='dev'" in shown
    assert len(shown) < 200


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_is_the_same_event(again: Any) -> None:
    failed = ErrorRecord(kind="timeout", message="m", operation="o", retry="later")
    for event in (
        RemovalRequested(component="a"),
        InfrastructureUpdateFailed(component="a", environment="dev", error=failed),
        ApplicationEvent("com.example.Paid", [1, {"a": None}], subject="s"),
        lazy(cloudevent("FunctionDeployed", DEPLOYED)),
    ):
        copied = again(event)
        assert copied == event
        assert type(copied) is type(event)
        for attribute in CloudEvent.__annotations__:
            assert getattr(copied, attribute) == getattr(event, attribute), attribute


def test_times_are_kept_in_utc_and_written_with_z() -> None:
    noon = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    event = RemovalRequested(component="a", time=noon)
    assert event.time.tzinfo is UTC
    assert event.to_cloudevent()["time"] == "2026-01-31T12:00:00Z"
    with pytest.raises(InvalidInputError, match="`time` of RemovalRequested must say its offset"):
        RemovalRequested(component="a", time=datetime(2026, 1, 31))


def test_a_missing_field_is_named_with_its_event() -> None:
    with pytest.raises(InvalidInputError, match="`arn` of FunctionDeployed is missing") as raised:
        broken = {key: value for key, value in DEPLOYED.items() if key != "arn"}
        InfrastructureEvent.from_cloudevent(cloudevent("FunctionDeployed", broken))
    assert raised.value.context == {"name": "FunctionDeployed", "field": "arn"}
    with pytest.raises(TypeError, match="component"):
        RemovalRequested()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no field 'componnent'"):
        RemovalRequested(component="a", componnent="b")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"component": 5}, "`component` of EnvironmentConfigurationRequested must be text"),
        ({"component": "a", "unset": "ABC"}, "`unset` .* must be a list"),
        ({"component": "a", "tags": {"a": 1}}, "`tags.a` .* must be text"),
        ({"component": "a", "tags": {1: "a"}}, "`tags` .* text as keys"),
        ({"component": "a", "variables": {"A": {}}}, "`variables.A.secret` .* is missing"),
        ({"component": "a", "event_id": ""}, "`event_id` .* must not be empty"),
        ({"component": "a", "previous_event_ids": "abc"}, "`previous_event_ids` .* must be a list"),
    ],
)
def test_a_wrong_type_is_told_at_once_and_without_the_value(arguments: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        EnvironmentConfigurationRequested(**arguments)


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "time", "data"])
def test_a_cloudevent_without_what_it_must_have_is_refused(attribute: str) -> None:
    broken = cloudevent("FunctionDeployed", DEPLOYED)
    del broken[attribute]
    with pytest.raises(InvalidInputError, match=f"`{attribute}` of"):
        InfrastructureEvent.from_cloudevent(broken)


@pytest.mark.parametrize("junk", [None, [], "text", 5, {}])
def test_what_is_no_cloudevent_is_refused(junk: Any) -> None:
    for reader in (InfrastructureEvent, ApplicationEvent, FunctionDeployed):
        with pytest.raises(InvalidInputError):
            reader.from_cloudevent(junk)


def test_a_class_reads_its_own_type_only() -> None:
    with pytest.raises(InvalidInputError, match="must be `com.semantest.iac.RemovalRequested`"):
        RemovalRequested.from_cloudevent(cloudevent("FunctionDeployed", DEPLOYED))


def test_an_older_version_is_brought_up_to_date() -> None:
    old = cloudevent("DeploymentRequested", {"component_name": "rest-api"})
    old["dataschema"] = "urn:semantest-iac:DeploymentRequested:1"
    event = InfrastructureEvent.from_cloudevent(old)
    assert isinstance(event, DeploymentRequested)
    assert event.component == "rest-api"


def test_what_a_newer_version_no_longer_has_is_told_when_it_is_asked_for() -> None:
    newer = cloudevent("FunctionDeployed", {"component": "rest-api"})
    newer["dataschema"] = "urn:semantest-iac:FunctionDeployed:99"
    event = lazy(newer)
    assert event.component == "rest-api"
    with pytest.raises(InvalidInputError, match="`arn` of FunctionDeployed is missing"):
        _ = event.arn


def test_a_foreign_event_keeps_everything_it_came_with() -> None:
    foreign = ENVELOPE | {
        "type": "com.example.shop.ServiceDeploymentNeeded",
        "dataschema": "https://example.com/schema",
        "tenant": "t-1",
        "data": {"service_type": "rest-api"},
    }
    for event in (InfrastructureEvent.from_cloudevent(foreign), lazy(foreign)):
        assert isinstance(event, ApplicationEvent)
        assert (event.name, event.data) == ("ServiceDeploymentNeeded", {"service_type": "rest-api"})
        assert event.attributes == {"tenant": "t-1"}
        assert event.previous_event_ids == ("c-2", "a,b", "100%")
        assert event.to_cloudevent() == foreign


def test_an_application_event_has_any_json_value_as_its_data() -> None:
    for data in (None, 5, "text", [1, [2]], {"a": {"b": None}}):
        event = ApplicationEvent("com.example.Paid", data, correlation_id="c")
        assert (event.name, event.event_type, event.data) == ("Paid", "com.example.Paid", data)
        assert ApplicationEvent.from_cloudevent(event.to_cloudevent()) == event
    with pytest.raises(InvalidInputError, match="JSON can hold"):
        ApplicationEvent("Paid", {"a": object()})


def test_an_application_event_cannot_pose_as_one_of_ours() -> None:
    with pytest.raises(InvalidInputError, match="has a class of its own"):
        ApplicationEvent("com.semantest.iac.DeploymentRequested", {})
