"""What the constructor of an event's class takes."""

from __future__ import annotations

import inspect
from typing import Final

from semantest_iac.pythoneda.names import folded, to_snake
from semantest_iac.pythoneda.refusal import invalid_input

ID: Final = "reconstructedid"
PREVIOUS: Final = ("previouseventids", "reconstructedpreviouseventids")
"""Parameters about the event rather than of its data, without regard to spelling."""

_OPERATION: Final = "pythoneda.from_envelope"


def parameters_of(cls: type) -> list[inspect.Parameter]:
    """What the constructor of a class takes, by name."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError) as error:
        text = f"the constructor of {cls.__name__} has no signature that can be read"
        raise invalid_input(_OPERATION, text, **{"class": cls.__name__}) from error
    various = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [parameter for parameter in parameters if parameter.kind not in various]


def data_parameters(cls: type) -> list[str]:
    """Names of the attributes that the constructor of an event's class takes, in snake case."""
    about = (ID, *PREVIOUS)
    return [to_snake(each.name) for each in parameters_of(cls) if folded(each.name) not in about]
