"""What ports and their handlers raised, for whoever waits for the run: the core keeps errors of a run as data."""

from __future__ import annotations

from collections.abc import Iterable

from semantest_iac.errors import Error

#: Of what nobody asked for, the oldest is forgotten first.
_KEPT = 256

#: Secrets at least this long are looked for in what was raised; shorter ones would be found where they are not.
_SHORTEST_SECRET = 4


class Raised:
    """Exceptions by what failed: a resource of a deployment, a handler with an event."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], BaseException] = {}

    def keep(self, one: str, other: str, error: BaseException) -> None:
        """Remembers what failed last."""
        self.take(one, other)
        self._kept[one, other] = error
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]

    def take(self, one: str, other: str) -> BaseException | None:
        """What was remembered, once."""
        return self._kept.pop((one, other), None)

    def cause_of(self, error: Error, deployment: str) -> BaseException | None:
        """What the provider raised in the step that a failed run's error tells of."""
        first, *_ = error.context.get("failed", "").split(", ")
        return self.take(deployment, first)


def shows(error: BaseException | None, secrets: Iterable[str]) -> bool:
    """Whether an exception, or one that it came of, says one of `secrets`."""
    wanted = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    seen: set[int] = set()
    told = [error]
    while wanted and told:
        one = told.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        text = f"{one} {one!r} {one.__dict__}"
        if any(secret in text or repr(secret)[1:-1] in text for secret in wanted):
            return True
        told += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return False
