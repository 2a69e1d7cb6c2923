"""The log as a stream: pages of events, one crossing into the native module each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from semantest_iac._event import ApplicationEvent, InfrastructureEvent
from semantest_iac._listen import Listens, mark_of
from semantest_iac._session import Session, refused

#: Events a crossing.
PAGE = 256
#: Seconds that one crossing waits for new events.
WAIT = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which events of the log."""

    mark: Listens
    after: int
    since: datetime | None
    component: str | None
    environment: str | None
    follow: bool

    @classmethod
    def checked(
        cls,
        events: Sequence[type | str],
        after: int,
        since: datetime | None,
        component: str | None,
        environment: str | None,
        follow: bool,
    ) -> Wanted:
        """As a user asks for them.

        Raises:
            InvalidInputError: A position that is none.
            TypeError: Something that is no event class and no name.
        """
        if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < 2**64:
            raise refused(f"after must be a position in the log, from 0 on, not {after!r}")
        if since is not None and (not isinstance(since, datetime) or since.tzinfo is None):
            raise refused("since must be a datetime with its zone: datetime.now(timezone.utc), say")
        return cls(
            mark=mark_of(events),
            after=after,
            since=since,
            component=component,
            environment=environment,
            follow=follow,
        )

    def admits(self, event: InfrastructureEvent | ApplicationEvent) -> bool:
        """Whether it is one of those asked for, as far as their names did not tell."""
        if self.mark.filter is None and not self.mark.wants(event):
            return False
        if self.component is None and self.environment is None:
            return True
        _, _, place = event.subject.partition("/")
        environment, _, component = place.partition("/")
        return self.environment in (None, environment) and self.component in (None, component)


async def stream(
    ready: Callable[[], Awaitable[Session]], wanted: Wanted
) -> AsyncIterator[InfrastructureEvent | ApplicationEvent]:
    """Events of the log, oldest first."""
    session = await ready()
    after = wanted.after
    if wanted.since is not None:
        after = max(after, await session.engine.recorded_before(wanted.since.isoformat()))
    while True:
        session = await ready()
        wait = WAIT if wanted.follow else 0.0
        page = session.engine.events(after, PAGE, wanted.mark.names_to_ask_for, wait)
        natives, reached = await session.wait_for(page)
        for native in natives:
            event = InfrastructureEvent._of(native)
            if wanted.admits(event):
                yield event
        if reached == after and not wanted.follow:
            return
        after = reached
