"""The errors that this package raises, made in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from semantest_iac._causation import AnyEvent
from semantest_iac._listen import called, name_of
from semantest_iac.errors import Error, HandlerFailedError

Failure = tuple[str, BaseException]
"""A handler's name and what it raised."""


def invalid(operation: str, message: str, **context: object) -> Error:
    """An `InvalidInputError`."""
    return _error("invalid_input", operation, message, context)


def overdue(handler: str, event: AnyEvent, seconds: float) -> Error:
    """A `TimeoutError` of ours: a handler took longer than it may."""
    message = f"{handler} took more than {seconds:g} s on {name_of(event)}"
    context = {"handler": handler, "event": name_of(event), "event_id": event.event_id}
    return _error("timeout", "handler.call", message, context)


def handler_failed(event: AnyEvent, failures: Sequence[Failure], answer: Any = None) -> Error:
    """A `HandlerFailedError` for everything that failed while `event` was delivered."""
    said = "; ".join(f"{handler}: {describe(error)}" for handler, error in failures)
    count = "a handler" if len(failures) == 1 else f"{len(failures)} handlers"
    context = {
        "event": name_of(event),
        "event_id": event.event_id,
        "handlers": ", ".join(handler for handler, _ in failures),
    }
    # Published again, the event goes to those that failed only: worth it where one of them says so.
    later = any(isinstance(error, Error) and error.retry == "later" for _, error in failures)
    message = f"{count} failed on {name_of(event)}: {said}"
    error = _error("handler_failed", "bus.publish", message, context, "later" if later else "never")
    if isinstance(error, HandlerFailedError):
        error.failures = list(failures)
        error.answer = answer
    error.__cause__ = failures[0][1]
    return error


def describe(error: BaseException) -> str:
    """`ValueError: boom`; errors of ours speak for themselves."""
    text = str(error)
    if isinstance(error, Error):
        return text
    return f"{called(type(error))}: {text}" if text else called(type(error))


def _error(
    kind: str, operation: str, message: str, context: dict[str, Any], retry: str = "never"
) -> Error:
    facts = {name: str(value) for name, value in context.items()}
    record = {"kind": kind, "message": message, "operation": operation, "retry": retry}
    return Error.of({**record, "context": facts})
