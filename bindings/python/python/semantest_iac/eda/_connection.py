"""A bus connected to an `Iac`: requests go out, what happened comes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from semantest_iac import events
from semantest_iac._causation import AnyEvent
from semantest_iac._listen import name_of
from semantest_iac._patience import waiting
from semantest_iac.eda._failures import Failure, handler_failed
from semantest_iac.answers import PublishAnswer
from semantest_iac.errors import HandlerFailedError


class Carrier(Protocol):
    """What carries requests out and tells what happened: an `Iac`."""

    async def publish(self, event: Any) -> PublishAnswer:
        """Carries a request out, takes an application event in."""

    def subscribe(self, handler: Callable[[Any], Awaitable[None]], /) -> object:
        """Hands every recorded event to `handler`."""


class Connection:
    """Between a bus and a carrier, until it is closed."""

    def __init__(
        self, carrier: Carrier, deliver: Callable[[AnyEvent], Awaitable[list[Failure]]]
    ) -> None:
        self._carrier = carrier
        self._deliver = deliver
        self._open = True
        carrier.subscribe(self._hear)

    def close(self) -> None:
        """What the carrier tells from now on is not passed on."""
        self._open = False

    async def _hear(self, event: AnyEvent) -> None:
        if not self._open:
            return
        with waiting():
            failures = await self._deliver(event)
        if failures:
            # To the carrier: it keeps count of what could not be delivered.
            raise handler_failed(event, failures)

    async def carry_out(
        self, event: AnyEvent, heard: bool
    ) -> tuple[PublishAnswer | None, list[Failure]]:
        """Has a request carried out, and an application event that nobody on the bus `heard`.

        Facts of ours stay on the bus: only a deployment records them. Handlers on the bus that
        failed meanwhile are told apart from the request itself, which raises its own error.
        """
        name = name_of(event)
        ours = isinstance(getattr(events, name, None), type)
        if heard if not ours else not name.endswith("Requested"):
            return None, []
        try:
            return await self._carrier.publish(event), []
        except HandlerFailedError as error:
            answer = error.answer if isinstance(error.answer, PublishAnswer) else None
            return answer, _unfold(error)


def _unfold(error: HandlerFailedError) -> list[Failure]:
    """The handlers on the bus behind an error of the carrier, else those of the carrier."""
    cause = error.__cause__
    if isinstance(cause, HandlerFailedError) and cause.failures:
        return list(cause.failures)
    return list(error.failures) or [("Iac.publish", error)]
