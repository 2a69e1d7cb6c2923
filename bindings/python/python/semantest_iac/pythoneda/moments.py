"""Moments: PythonEDA has local ones without an offset, CloudEvents has RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from semantest_iac.pythoneda.refusal import invalid_input

_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)


def now() -> str:
    """This moment."""
    return _written(datetime.now(UTC))


def moment(value: object, operation: str, field: str = "time") -> str:
    """A moment as RFC 3339 text.

    A `datetime` without an offset is local, as everywhere in Python; text without an offset is UTC;
    a number is milliseconds since 1970, as JavaScript counts.
    """
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value.strip())
            if _RFC_3339.fullmatch(value):
                # As it came: it may be finer than Python's microseconds.
                return value
            return _written(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
        if isinstance(value, datetime):
            return _written(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _written(datetime.fromtimestamp(value / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        pass
    raise invalid_input(
        operation, f"`{field}` must be a moment such as 2026-01-31T12:00:00Z", field=field
    )


def utc(text: str) -> datetime:
    """The moment in such a text, in UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid_input(
            "envelope.read", "`time` must be a moment in RFC 3339", field="time"
        ) from None


def _written(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
