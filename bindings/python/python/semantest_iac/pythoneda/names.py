"""Names: of our events, and of attributes in the two spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from semantest_iac._cloudevent import TYPE_PREFIX
from semantest_iac.events import EVENT_CLASSES
from semantest_iac.pythoneda.refusal import invalid_input

OUR_EVENTS: Final = frozenset(EVENT_CLASSES)

_WORD_BEGINS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CLASS_PATH: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def full_type(name: str) -> str:
    """The CloudEvents type for a name: ours are written out, all others stay as they are."""
    return TYPE_PREFIX + name if name in OUR_EVENTS else name


def last_segment(event_type: str) -> str:
    """The name in a type: `com.semantest.iac.FunctionDeployed` is a `FunctionDeployed`."""
    return event_type.rsplit(".", 1)[-1]


def to_snake(name: str) -> str:
    """`stackName` as `stack_name`."""
    return _WORD_BEGINS.sub("_", name).lower()


def to_camel(name: str) -> str:
    """`stack_name` as `stackName`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def folded(name: str) -> str:
    """The same for both spellings of one name."""
    return name.replace("_", "").lower()


def snake_keys(data: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """The data with its own keys in snake case. Those inside the values are the user's."""
    renamed: dict[str, Any] = {}
    for key, value in data.items():
        name = to_snake(key)
        if name in renamed:
            raise invalid_input(operation, f"`{name}` is given twice, in two spellings", field=name)
        renamed[name] = value
    return renamed


def class_path(text: object, operation: str) -> str:
    """The full name of a class, `package.module.Class`, as text: it is never imported."""
    if not isinstance(text, str) or len(text) > 1024 or not _CLASS_PATH.fullmatch(text):
        raise invalid_input(operation, "a class is named `package.module.Class`", field="class")
    return text


def path_of(cls: type) -> str:
    """The full name of a class as PythonEDA writes it."""
    return f"{cls.__module__}.{cls.__name__}"


def name_set(names: str | Iterable[str]) -> frozenset[str]:
    """Names given one by one or alone."""
    return frozenset((names,) if isinstance(names, str) else names)
