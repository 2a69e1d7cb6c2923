"""What is sent to be published, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from semantest_iac import _causation, _core
from semantest_iac._cloudevent import join_ids
from semantest_iac._event import CloudEvent
from semantest_iac._session import refused
from semantest_iac.answers import PublishAnswer
from semantest_iac.errors import Error, HandlerFailedError

if TYPE_CHECKING:
    from semantest_iac._port_raised import Raised


def wire(event: object) -> Mapping[str, Any]:
    """An event as a CloudEvents object, stamped with what is being handled.

    Raises:
        InvalidInputError: It is no event.
    """
    if isinstance(event, Mapping):
        return _stamp_mapping(event)
    if isinstance(event, type) or not callable(getattr(event, "to_cloudevent", None)):
        shown = event.__qualname__ + " (a class)" if isinstance(event, type) else type(event).__qualname__
        raise refused(f"publish takes an event or a CloudEvents object, not {shown}")
    stamped: Any = event
    written: dict[str, Any] = _causation.stamped(stamped).to_cloudevent()
    if isinstance(event, CloudEvent) and not event.source:
        # An event that is not yet a whole one: the project is its source.
        for name in ("source", "specversion"):
            del written[name]
    return written


def _stamp_mapping(event: Mapping[str, Any]) -> Mapping[str, Any]:
    cause = _causation.current.get()
    if cause is None or event.get("correlationid") or event.get("id") == cause.event_id:
        return event
    stamp = {
        "correlationid": cause.correlation,
        "causationid": cause.event_id,
        "previouseventids": join_ids(cause.ancestry),
    }
    return {**event, **stamp}


#: More events, each published while the one before is handled, are taken for a circle.
DEEPEST = 50

_under_way: set[object] = set()


@contextmanager
def nested(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An event on its way, with an id: handlers that publish in a circle would do so until no memory is left.

    Raises:
        InvalidInputError: Too many wait for each other already.
    """
    cause = _causation.current.get()
    if cause is not None:
        waiting = sum(ancestor in _under_way for ancestor in cause.ancestry)
        if waiting >= DEEPEST:
            text = f"{DEEPEST} events brought each other about, each inside of the one before"
            raise refused(f"{text}: handlers publish in a circle")
    if not event.keys() & {"id", "specversion"}:
        # What is not given is filled in; of a whole event nothing may be missing.
        event = {**event, "id": _core.new_id()}
    key: object = event.get("id")
    if not isinstance(key, str):
        key = object()
    _under_way.add(key)
    try:
        yield event
    finally:
        _under_way.discard(key)


def raise_where_failed(
    answer: PublishAnswer | None,
    error: BaseException | None,
    failed: Iterable[tuple[str, str, BaseException]],
    raised: Raised | None,
) -> None:
    """Raises what went wrong: the run first, then its handlers. `raised` has what ports in Python raised."""
    told_of = list(failed)
    if raised is not None:
        told_of = [(name, id_, raised.take(name, id_) or told) for name, id_, told in told_of]
    failures = [(name, told.__cause__ or told) for name, _, told in told_of]
    if error is not None:
        _raise(error, failures)
    result = None if answer is None else answer.result
    if result is not None and result.error is not None:
        failure = Error.of(result.error, answer=result)
        if raised is not None:
            failure.__cause__ = raised.cause_of(failure, result.deployment)
        _raise(failure, failures)
    if failures:
        name, event_id, first = told_of[0]
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        told = HandlerFailedError(
            f"{first}{more}",
            operation="handler.handle",
            context={"handler": name, "event": event_id},
            answer=answer,
        )
        told.failures = failures
        raise told from failures[0][1]


def _raise(error: BaseException, failures: list[tuple[str, BaseException]]) -> NoReturn:
    if isinstance(error, Error):
        error.failures = failures
    raise error
