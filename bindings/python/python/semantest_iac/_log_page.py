"""Log lines, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from semantest_iac.answers import LogLine


@dataclass(frozen=True, slots=True)
class LogPage:
    """Log lines of a function, oldest first.

    Attributes:
        lines: The lines.
        cursor: Pass it on to go on from here.
    """

    lines: tuple[LogLine, ...]
    cursor: str

    @classmethod
    def from_dict(cls, answer: Mapping[str, Any]) -> LogPage:
        """As the core answers."""
        return cls(tuple(LogLine.from_dict(line) for line in answer["lines"]), answer["cursor"])
