"""Values that JSON can carry, to the core's limits."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from semantest_iac.pythoneda.refusal import invalid_input

MOST_BYTES: Final = 8 * 1024 * 1024
"""Longest text that is read as an event."""
MOST_DEPTH: Final = 100
"""How deep lists and objects may stand inside each other; the core reads 127 levels, envelope
included."""

_READ: Final = "event.read"
_AS_TEXT: Final = (uuid.UUID, decimal.Decimal, pathlib.PurePath)
_MOMENTS: Final = (datetime.datetime, datetime.date, datetime.time)


class Hidden:
    """Stands where a value must not go out."""


HIDDEN: Final = Hidden()


def parse(text: str | bytes | bytearray | memoryview) -> Any:
    """Reads JSON, as strictly as the core: every name once, no NaN."""
    if len(text) > MOST_BYTES:
        raise invalid_input(_READ, f"an event is at most {MOST_BYTES} bytes of JSON")
    try:
        decoded = text if isinstance(text, str) else bytes(text).decode("utf-8")
        return json.loads(decoded, object_pairs_hook=_object, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise invalid_input(_READ, "an event is JSON in UTF-8") from None
    except RecursionError:
        raise invalid_input(_READ, f"this is more than {MOST_DEPTH} levels deep") from None
    except json.JSONDecodeError as error:
        where = {"line": str(error.lineno), "column": str(error.colno)}
        raise invalid_input(_READ, f"this is no JSON: {error.msg}", **where) from None
    except ValueError as error:
        # Ours, or a number with more digits than Python reads.
        if hasattr(error, "operation"):
            raise
        raise invalid_input(_READ, "this is no JSON: a number is out of range") from None


def plain(
    value: object,
    field: str,
    *,
    sensitive: frozenset[str] = frozenset(),
    attributes_of: Callable[[object], dict[str, Any] | None] = lambda _: None,
    depth: int = 0,
) -> Any:
    """A copy of `value` made of what JSON has, or `HIDDEN`.

    Keys named in `sensitive` are left out at every depth.

    `attributes_of` tells what stands for an object of another kind, where anything does.
    """
    if depth > MOST_DEPTH:
        raise invalid_input(_READ, f"`{field}` is more than {MOST_DEPTH} levels deep", field=field)
    if is_sensitive_value(value):
        return HIDDEN
    if value is None or isinstance(value, (bool, str, int, float)):
        return _scalar(value, field)
    if isinstance(value, Mapping):
        return _plain_mapping(value, field, sensitive, attributes_of, depth)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        items = (
            plain(item, field, sensitive=sensitive, attributes_of=attributes_of, depth=depth + 1)
            for item in value
        )
        return [item for item in items if item is not HIDDEN]
    if isinstance(value, _MOMENTS):
        return value.isoformat()
    if isinstance(value, _AS_TEXT):
        return str(value)
    if not isinstance(value, type) and (attributes := attributes_of(value)) is not None:
        return _plain_mapping(attributes, field, sensitive, attributes_of, depth)
    kind = type(value).__name__
    raise invalid_input(_READ, f"`{field}` holds a {kind}, which JSON cannot carry", field=field)


def is_sensitive_value(value: object) -> bool:
    """Whether PythonEDA wrapped the value so that nobody shows it. The class's name tells."""
    # Not by attributes: the wrapper answers for those of the value inside it.
    return any(cls.__name__ == "SensitiveValue" for cls in type(value).__mro__)


def _plain_mapping(
    value: Mapping[Any, Any],
    field: str,
    sensitive: frozenset[str],
    attributes_of: Callable[[object], dict[str, Any] | None],
    depth: int,
) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise invalid_input(_READ, f"`{field}` has a key that is no text", field=field)
        if key in sensitive:
            continue
        name = key if depth == 0 else field
        inner = plain(item, name, sensitive=sensitive, attributes_of=attributes_of, depth=depth + 1)
        if inner is not HIDDEN:
            copied[_scalar(key, name)] = inner
    return copied


def _scalar(value: Any, field: str) -> Any:
    if isinstance(value, enum.Enum):
        return _scalar(value.value, field)
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise invalid_input(_READ, f"`{field}` is no Unicode text", field=field) from None
    elif isinstance(value, float) and not math.isfinite(value):
        raise invalid_input(_READ, f"`{field}` is no number that JSON has", field=field)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise invalid_input(_READ, f"`{field}` is a number out of range", field=field)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        # Which of the two was meant cannot be known (RFC 8259, section 4).
        counts = Counter(name for name, _ in pairs)
        twice = max(counts, key=counts.__getitem__)
        raise invalid_input(_READ, f"{twice[:80]!r} is given twice", field=twice[:80])
    return read


def _no_number(name: str) -> NoReturn:
    raise invalid_input(_READ, f"this is no JSON: {name}")
