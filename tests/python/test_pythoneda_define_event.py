"""Classes made on the application's base."""

from __future__ import annotations

import pytest
from pythoneda_standin import Event, attribute, primary_key_attribute
from semantest_iac.errors import InvalidInputError
from semantest_iac.pythoneda import define_event, from_envelope, new_envelope, to_envelope

FIELDS = {"functionName": None, "arn": None, "endpoint": None, "tags": {}}
FunctionDeployed = define_event(Event, "FunctionDeployed", FIELDS, attribute, primary_key_attribute)


def test_a_defined_class_is_one_of_the_application() -> None:
    event = FunctionDeployed("f", endpoint="https://x", previousEventIds=["p"], reconstructedId="i")
    assert isinstance(event, Event)
    assert (event.function_name, event.arn, event.endpoint) == ("f", None, "https://x")
    assert (event.id, event.event_id, event.previous_event_ids) == ("i", "i", ["p"])
    assert FunctionDeployed.entity_type == "FunctionDeployed"


def test_attributes_are_set_before_the_base_is_asked() -> None:
    class Checking(Event):
        def __init__(self, *args, **kwargs):
            self.seen = self._amount
            super().__init__(*args, **kwargs)

    assert define_event(Checking, "Paid", ["amount"])(7).seen == 7


def test_events_with_the_same_data_are_not_the_same_event() -> None:
    assert FunctionDeployed.primary_key() == ["event_id"]
    assert FunctionDeployed("f") != FunctionDeployed("f")
    assert FunctionDeployed("f", reconstructedId="i") == FunctionDeployed("g", reconstructedId="i")


def test_an_event_of_ours_comes_back_as_it_was() -> None:
    data = {"function_name": "f", "arn": "a", "endpoint": None, "tags": {"x": "y"}}
    envelope = new_envelope("FunctionDeployed", data, previous=["p"])
    made = from_envelope(envelope, FunctionDeployed)
    again = to_envelope(made, source=envelope["source"])
    assert again == envelope
    assert "event_id" not in again["data"]


def test_a_class_of_the_callers_own_says_where_it_was_made() -> None:
    Paid = define_event(Event, "Paid", ["amount", "currency"])
    assert Paid.__module__ == __name__
    assert to_envelope(Paid(1, currency="EUR"))["type"] == f"{__name__}.Paid"
    with pytest.raises(TypeError):
        Paid()


def test_defaults_are_not_shared() -> None:
    FunctionDeployed("f").tags["a"] = 1
    assert FunctionDeployed("f").tags == {}


def test_a_failure_is_an_error() -> None:
    assert define_event(Event, "PaymentFailed", [])().is_error
    assert not define_event(Event, "Paid", [])().is_error


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("", []),
        ("no name", []),
        ("class", []),
        (3, []),
        ("X", "abc"),
        ("X", ["a b"]),
        ("X", ["_a"]),
        ("X", ["class"]),
        ("X", [3]),
        ("X", ["stackName", "stack_name"]),
        ("X", ["id"]),
        ("X", ["event_id"]),
        ("X", ["reconstructedId"]),
        ("X", ["is_error"]),
    ],
)
def test_names_that_cannot_be_are_refused(name: str, fields: list) -> None:
    with pytest.raises(InvalidInputError):
        define_event(Event, name, fields)
