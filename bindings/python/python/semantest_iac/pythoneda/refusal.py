"""How this package says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semantest_iac.errors import InvalidInputError


def invalid_input(operation: str, message: str, **context: str) -> InvalidInputError:
    """The exception for what cannot be meant. `context` never holds values: they may be secrets."""
    # Not at the top: PythonEDA applications execute packages more than once while they start.
    from semantest_iac.errors import InvalidInputError

    return InvalidInputError(message, operation=operation, context=context)
