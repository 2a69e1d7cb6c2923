"""`@Event` and `DomainEvent`: plain attributes, an envelope of its own, CloudEvents both ways."""

import copy
import dataclasses
import enum
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from semantest_iac.eda import DomainEvent, Event
from semantest_iac.errors import InvalidInputError


@Event
class ServiceDeploymentNeeded(DomainEvent):
    def __init__(self, service_type: str, environment: str, service_config: dict[str, Any]) -> None:
        super().__init__()
        self.service_type = service_type
        self.environment = environment
        self.service_config = service_config


@Event(version=2, name="com.acme.OrderPlaced", source="/acme/shop")
class Order(DomainEvent):
    order: str
    amount: int = 1
    tags: list[str] = dataclasses.field(default_factory=list)


@Event
class Forgetful(DomainEvent):
    def __init__(self, colour: str) -> None:
        self.colour = colour


class Size(enum.StrEnum):
    SMALL = "small"


def test_data_are_the_public_attributes() -> None:
    event = ServiceDeploymentNeeded("rest-api", "dev", {"memory_mb": 256})
    event._cache = 1
    assert event.data == {
        "service_type": "rest-api",
        "environment": "dev",
        "service_config": {"memory_mb": 256},
    }
    assert ServiceDeploymentNeeded.event_name == event.event_name == "ServiceDeploymentNeeded"


def test_an_event_is_born_with_an_id_and_a_time_and_without_a_cause() -> None:
    before = datetime.now(UTC)
    first, second = ServiceDeploymentNeeded("a", "b", {}), ServiceDeploymentNeeded("a", "b", {})
    assert first.event_id != second.event_id
    assert before <= first.time <= datetime.now(UTC)
    assert first.correlation_id is first.causation_id is None
    assert first.previous_event_ids == ()


def test_declared_attributes_become_a_constructor() -> None:
    assert Order("a-1").data == {"order": "a-1", "amount": 1, "tags": []}
    assert Order(order="a-1", amount=3).amount == 3
    assert Order("a").tags is not Order("b").tags
    with pytest.raises(TypeError, match="order"):
        Order()  # type: ignore[call-arg]


def test_declared_attributes_are_inherited() -> None:
    @Event
    class Urgent(Order):
        by: str = "noon"

    assert Urgent("a-1", 2, by="one").data == {"order": "a-1", "amount": 2, "tags": [], "by": "one"}
    assert (Urgent.event_name, Urgent.schema_version) == ("Urgent", 1)


def test_attributes_declared_beside_an_inherited_constructor_are_refused() -> None:
    with pytest.raises(TypeError, match="inherits a constructor and declares region"):

        @Event
        class Regional(ServiceDeploymentNeeded):
            region: str


def test_declaring_attributes_for_the_type_checker_only_keeps_the_written_constructor() -> None:
    @Event
    class Shout(DomainEvent):
        text: str

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text.upper()

    assert Shout("hey").data == {"text": "HEY"}


def test_a_constructor_that_does_not_call_its_base_works() -> None:
    event = Forgetful("red")
    assert event.data == {"colour": "red"}
    assert event.to_cloudevent()["id"] == event.event_id


def test_a_data_class_can_be_an_event() -> None:
    @Event
    @dataclasses.dataclass(frozen=True)
    class Frozen(DomainEvent):
        number: int

    event = Frozen(1)
    assert event.data == {"number": 1}
    assert event.event_id


def test_what_is_not_derived_from_domain_event_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"derive Loose from DomainEvent: class Loose\(DomainEvent\)"
    ):

        @Event
        class Loose:  # type: ignore[type-var]
            pass

    with pytest.raises(TypeError, match="makes a class an event"):
        Event(lambda: None)  # type: ignore[call-overload]


@pytest.mark.parametrize("version", [0, -1, "2", True, 1.5])
def test_a_version_is_a_number_from_one_on(version: Any) -> None:
    with pytest.raises(TypeError, match="version"):
        Event(version=version)


@pytest.mark.parametrize("name", ["", "two words", "com.acme.", 5])
def test_a_name_is_text_without_spaces(name: Any) -> None:
    with pytest.raises(TypeError, match="name"):
        Event(name=name)


def test_the_base_itself_is_no_event() -> None:
    with pytest.raises(TypeError, match="derive a class"):
        DomainEvent()


@pytest.mark.parametrize("name", ["time", "event_id", "data", "correlation_id"])
def test_names_of_the_envelope_are_refused_as_attributes(name: str) -> None:
    with pytest.raises(TypeError, match=f"every event has `{name}`"):
        type("Clash", (DomainEvent,), {"__annotations__": {name: str}})
    event = Forgetful("red")
    with pytest.raises(AttributeError, match=f"every event has `{name}`"):
        setattr(event, name, "x")


def test_slots_are_refused() -> None:
    with pytest.raises(TypeError, match="__slots__"):
        type("Slotted", (DomainEvent,), {"__slots__": ("a",)})


def test_subject_and_source_may_be_data() -> None:
    @Event
    class MailSent(DomainEvent):
        subject: str

    assert MailSent("hello").data == {"subject": "hello"}
    assert MailSent("hello").subject == "hello"
    with pytest.raises(TypeError):
        MailSent()  # type: ignore[call-arg]
    assert Order("a").source == "/acme/shop"
    assert Order("a").subject is None
    assert Order("a").position is None


def test_to_cloudevent_is_structured_cloudevents() -> None:
    event = Order("a-1", 2)
    written = event.to_cloudevent()
    assert written == {
        "specversion": "1.0",
        "id": event.event_id,
        "source": "/acme/shop",
        "type": "com.acme.OrderPlaced",
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": "urn:event:com.acme.OrderPlaced:2",
        "data": {"order": "a-1", "amount": 2, "tags": []},
    }
    assert json.loads(json.dumps(written)) == written
    assert Order.event_name == "OrderPlaced"


def test_the_source_is_the_module_unless_given() -> None:
    source = "/" + __name__.replace(".", "/")
    assert ServiceDeploymentNeeded("a", "b", {}).to_cloudevent()["source"] == source


def test_from_cloudevent_gives_back_what_to_cloudevent_wrote() -> None:
    event = ServiceDeploymentNeeded("rest-api", "dev", {"a": [1, None, {"b": 1.5}]})
    again = ServiceDeploymentNeeded.from_cloudevent(event.to_cloudevent())
    assert again == event
    assert again is not event
    assert again.to_cloudevent() == event.to_cloudevent()


def test_from_cloudevent_keeps_ids_with_commas_and_all_attributes() -> None:
    text = {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/elsewhere",
        "type": "any.prefix.Forgetful",
        "subject": "s",
        "time": "2026-03-01T12:00:00.123456789+02:00",
        "correlationid": "c",
        "causationid": "a,b",
        "previouseventids": "a%2Cb, 100%25",
        "sequence": "7",
        "traceparent": "t",
        "data": {"colour": "red", "extra": 1},
    }
    event = Forgetful.from_cloudevent(text)
    assert event.previous_event_ids == ("a,b", "100%")
    assert event.time == datetime(2026, 3, 1, 10, 0, 0, 123456, UTC)
    assert event.data == {"colour": "red", "extra": 1}
    assert (event.subject, event.sequence, event.traceparent) == ("s", 7, "t")
    assert event.to_cloudevent()["previouseventids"] == "a%2Cb,100%25"


def valid() -> dict[str, Any]:
    return Forgetful("red").to_cloudevent()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "Other"}, "this class is Forgetful"),
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "`id` is missing"),
        ({"id": 5}, "`id` must be text"),
        ({"time": "yesterday"}, "no RFC 3339 time"),
        ({"data": [1]}, "must be an object"),
        ({"data": {}}, "lack `colour`"),
    ],
)
def test_a_malformed_cloudevent_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        Forgetful.from_cloudevent(valid() | change)


def test_what_is_no_dictionary_is_no_cloudevent() -> None:
    with pytest.raises(InvalidInputError, match="dictionary"):
        Forgetful.from_cloudevent("{}")  # type: ignore[arg-type]


def itself() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (datetime(2026, 1, 1), r"Forgetful\.colour is of type datetime.*isoformat"),
        ({"a": [1, {2, 3}]}, r"Forgetful\.colour\.a\[1\] is of type set"),
        (float("nan"), "colour is nan"),
        ({1: "x"}, "colour has the key 1"),
        (itself(), r"colour\[0\] contains itself"),
        ("\ud800", "not Unicode"),
        (b"x", "colour is of type bytes"),
    ],
)
def test_data_that_are_not_json_are_named(value: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        Forgetful(value).to_cloudevent()
    assert caught.value.context["event"] == "Forgetful"


def test_enumerations_of_text_tuples_and_records_are_json() -> None:
    class Record:
        def to_dict(self) -> dict[str, Any]:
            return {"size": Size.SMALL}

    event = ServiceDeploymentNeeded(
        Size.SMALL, "dev", {"a": (1, 2), "r": Record(), "again": [[1]] * 2}
    )
    written = event.to_dict()
    assert written["service_type"] == "small"
    assert type(written["service_type"]) is str
    assert written["service_config"] == {"a": [1, 2], "r": {"size": "small"}, "again": [[1], [1]]}


def test_what_was_written_does_not_change_with_the_event() -> None:
    event = ServiceDeploymentNeeded("a", "b", {"list": [1]})
    written = event.to_cloudevent()
    event.service_config["list"].append(2)
    assert written["data"]["service_config"] == {"list": [1]}


def test_ids_from_elsewhere_can_be_given_to_the_base() -> None:
    @Event
    class Relayed(DomainEvent):
        def __init__(self, event_id: str, correlation: str) -> None:
            super().__init__(
                event_id=event_id, correlation_id=correlation, previous_event_ids=["p"]
            )

    event = Relayed("e", "c")
    assert (event.event_id, event.correlation_id, event.previous_event_ids) == ("e", "c", ("p",))


def test_events_compare_by_identity_and_data() -> None:
    event = Forgetful("red")
    assert copy.copy(event) == event == copy.deepcopy(event)
    assert hash(copy.copy(event)) == hash(event)
    assert Forgetful("red") != event
    assert event != "red"


def test_events_can_be_pickled() -> None:
    event = ServiceDeploymentNeeded("rest-api", "dev", {"a": 1})
    assert pickle.loads(pickle.dumps(event)) == event


def test_repr_shows_the_data() -> None:
    event = Forgetful("red")
    assert repr(event) == f"Forgetful(event_id='{event.event_id}', colour='red')"
