"""What an answer to a published event says of the run, without a detour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semantest_iac.answers import DeployAnswer, FunctionAnswer, RunStatus
    from semantest_iac.records import ChangeCounts


class OfResult:
    """Reaches through to `result`. Everything is None where the event brought no run about."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def result(self) -> DeployAnswer | None: ...

    @property
    def status(self) -> RunStatus | None:
        """How the run ended."""
        return self.result.status if self.result else None

    @property
    def deployment(self) -> str | None:
        """The deployment's stream: `<project>/<environment>/<component>`."""
        return self.result.deployment if self.result else None

    @property
    def version(self) -> int | None:
        """Version of the deployment now."""
        return self.result.version if self.result else None

    @property
    def endpoint(self) -> str | None:
        """Where to call the component."""
        return self.result.endpoint if self.result else None

    @property
    def functions(self) -> tuple[FunctionAnswer, ...] | None:
        """Its functions, sorted by name."""
        return self.result.functions if self.result else None

    @property
    def changes(self) -> ChangeCounts | None:
        """What was done."""
        return self.result.changes if self.result else None
