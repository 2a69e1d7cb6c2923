"""From an envelope to an object of the application's own class."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac.pythoneda.envelope import previous_ids
from semantest_iac.pythoneda.equivalents import as_pythoneda
from semantest_iac.pythoneda.json_form import data_of
from semantest_iac.pythoneda.moments import utc
from semantest_iac.pythoneda.names import folded, to_snake
from semantest_iac.pythoneda.refusal import invalid_input
from semantest_iac.pythoneda.signature import ID, PREVIOUS, parameters_of

E = TypeVar("E")

_OPERATION: Final = "pythoneda.from_envelope"


def from_envelope(envelope: Mapping[str, Any], EventClass: type[E]) -> E:
    """Makes the event as an object of `EventClass`, through its constructor.

    Parameters are matched by name: `stackName` takes `stack_name`. `previousEventIds`,
    `reconstructedId` and `reconstructedPreviousEventIds` take the ancestry and the id. What the
    constructor does not ask for is passed over. Which class it is, is the caller's decision alone:
    nothing in the event names what is run.

    A request or an outcome of ours becomes its equivalent where `EventClass` has that name.

    Raises:
        InvalidInputError: A parameter without default is not in the event, or the constructor
            refuses.
    """
    if not isinstance(EventClass, type):
        raise invalid_input(
            _OPERATION, "the second argument is the class to make", field="EventClass"
        )
    event = as_pythoneda(to_envelope(envelope), EventClass.__name__)
    given = {folded(key): value for key, value in data_of(event, _OPERATION).items()}
    previous = previous_ids(event)
    given |= {ID: event["id"], **{name: list(previous) for name in PREVIOUS}}
    positional, named = _arguments(EventClass, given)
    try:
        made = EventClass(*positional, **named)
    except Exception as error:
        text = (
            f"{EventClass.__name__} cannot be made of this event: {type(error).__name__}: {error}"
        )
        raise invalid_input(_OPERATION, text, **{"class": EventClass.__name__}) from error
    _keep(made, event)
    return made


def _arguments(cls: type, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in parameters_of(cls):
        name = parameter.name
        if folded(name) in given:
            value = given[folded(name)]
        elif parameter.default is not inspect.Parameter.empty:
            # Named: one that was left out leaves no gap. A positional one cannot be.
            if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
                continue
            value = parameter.default
        else:
            text = f"{cls.__name__} needs `{name}`, and the event has no `{to_snake(name)}`"
            context = {"class": cls.__name__, "parameter": name}
            raise invalid_input(_OPERATION, text, **context)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[name] = value
    return positional, named


def _keep(made: Any, event: Mapping[str, Any]) -> None:
    """What no constructor takes, when it happened, and what this one does not take."""
    try:
        _set_behind(made, "created", utc(event["time"]).astimezone().replace(tzinfo=None))
    except (OverflowError, OSError, ValueError):
        # No local time here says when that was.
        pass
    if getattr(made, "id", event["id"]) != event["id"]:
        _set_behind(made, "id", event["id"])
    if not getattr(made, "previous_event_ids", True) and (previous := previous_ids(event)):
        _set_behind(made, "previous_event_ids", previous)


def _set_behind(made: Any, name: str, value: Any) -> None:
    """Sets the field behind a property, where there plainly is one."""
    if f"_{name}" in getattr(made, "__dict__", {}):
        made.__dict__[f"_{name}"] = value
