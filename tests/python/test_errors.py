"""Exceptions: one class for each kind, made from records and by users."""

import builtins
import copy
import pickle
from typing import Any

import pytest
from schema_data import schema

from semantest_iac import errors
from semantest_iac.answers import PublishAnswer
from semantest_iac.errors import (
    ERROR_CLASSES,
    Error,
    HeldError,
    InvalidInputError,
    NotFoundError,
    TimeoutError,
)
from semantest_iac.records import ErrorRecord

KINDS = [kind["const"] for kind in schema("cli/error")["$defs"]["ErrorKind"]["oneOf"]]
RECORD: dict[str, Any] = {
    "kind": "held",
    "message": "another run holds it",
    "operation": "deploy",
    "context": {"holder": "me"},
    "retry": "later",
}


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


every_kind = pytest.mark.parametrize("kind", KINDS)


def test_there_is_a_class_for_every_kind_of_the_schema() -> None:
    assert list(ERROR_CLASSES) == KINDS


@every_kind
def test_a_class_is_called_as_its_kind(kind: str) -> None:
    cls = ERROR_CLASSES[kind]
    words = "".join(word.capitalize() for word in kind.split("_"))
    assert cls.__name__ == f"{words}Error"
    assert cls.kind == kind
    assert getattr(errors, cls.__name__) is cls
    assert cls.__doc__ and cls.__doc__ != Error.__doc__


@every_kind
def test_a_record_becomes_the_exception_of_its_kind(kind: str) -> None:
    data = RECORD | {"kind": kind}
    for record in (data, ErrorRecord.from_dict(data)):
        error = Error.of(record)
        assert type(error) is ERROR_CLASSES[kind]
        assert (str(error), error.message) == (RECORD["message"], RECORD["message"])
        assert (error.operation, error.retry) == ("deploy", "later")
        assert error.context == {"holder": "me"}
        assert error.answer is None


@every_kind
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_an_exception_copies_and_pickles_with_all_it_says(kind: str, again: Any) -> None:
    error = Error.of(RECORD | {"kind": kind}, answer=PublishAnswer(id="1", event="E"))
    copied = again(error)
    assert type(copied) is type(error)
    assert vars(copied) == vars(error)
    assert str(copied) == str(error)


def test_a_kind_that_is_not_known_is_a_plain_error_with_that_kind() -> None:
    error = Error.of(RECORD | {"kind": "out_of_luck"})
    assert type(error) is Error
    assert error.kind == "out_of_luck"
    assert pickle.loads(pickle.dumps(error)).kind == "out_of_luck"
    assert Error.kind == "unknown"


def test_a_poor_record_still_becomes_an_exception() -> None:
    error = Error.of({"kind": "held"})
    assert type(error) is HeldError
    assert (str(error), error.operation, error.retry, error.context) == ("held", "", "never", {})


def test_users_make_them_too() -> None:
    context = {"address": "function.a"}
    error = NotFoundError("text", retry="later", context=context, operation="aws.observe")
    context["address"] = "changed"
    assert str(error) == "text"
    assert (error.kind, error.retry, error.operation) == ("not_found", "later", "aws.observe")
    assert error.context == {"address": "function.a"}
    assert NotFoundError("text").retry == "never"


def test_those_that_python_has_a_class_for_are_that_as_well() -> None:
    with pytest.raises(ValueError, match="text"):
        raise InvalidInputError("text")
    with pytest.raises(builtins.TimeoutError, match="text"):
        raise TimeoutError("text", operation="o", retry="later")
    assert all(issubclass(cls, Error) for cls in ERROR_CLASSES.values())
