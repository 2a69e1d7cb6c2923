"""Data of events as JSON, checked first, so that an event can always be kept and sent."""

from __future__ import annotations

import math
from typing import Any

from semantest_iac._listen import called


class NotJson(Exception):
    """A value has no JSON form. `where` is its path, `why` says what is wrong with it."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why


def plain(value: object, where: str, inside: tuple[int, ...] = ()) -> Any:
    """`value` as new `dict`, `list`, `str`, `int`, `float`, `bool` and `None`.

    Enumerations of text and numbers count as those, tuples as lists, records with `to_dict()` as
    their dictionaries. Raises `NotJson`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJson(where, f"is {value}, which JSON has no number for")
        return float(value)
    if id(value) in inside:
        raise NotJson(where, "contains itself")
    inside = (*inside, id(value))
    if isinstance(value, dict):
        return {
            _key(key, where): plain(each, f"{where}.{key}", inside) for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain(each, f"{where}[{place}]", inside) for place, each in enumerate(value)]
    to_dict = getattr(value, "to_dict", None)
    if callable(to_dict) and not isinstance(value, type):
        return plain(to_dict(), where, inside)
    name = called(type(value))
    hint = "; give its isoformat()" if callable(getattr(value, "isoformat", None)) else ""
    raise NotJson(where, f"is of type {name}, which is not JSON{hint}")


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotJson(where, "is text with half a surrogate pair, which is not Unicode") from None
    return str.__str__(value)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise NotJson(where, f"has the key {key!r}, and keys in JSON are text")
    return _text(key, where)
