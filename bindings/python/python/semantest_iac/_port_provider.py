"""Providers written in Python."""

from __future__ import annotations

from typing import Any

from semantest_iac._log_page import LogPage
from semantest_iac._port import Calls, Port, Role
from semantest_iac._port_raised import Raised, shows
from semantest_iac.answers import LogLine
from semantest_iac.blueprint import Blueprint
from semantest_iac.errors import ProviderError
from semantest_iac.ports.functions import Invoked, InvokeRequest, LogQuery
from semantest_iac.ports.provider import (
    Applied,
    Change,
    Discovered,
    Finding,
    Observed,
    Operation,
    ProviderSettings,
    Scope,
)
from semantest_iac.ports.resource import Resource, ResourceHandle

PROVIDER = Role(
    "provider",
    {
        "lower": ("blueprint", "settings"),
        "observe": ("resource",),
        "apply": ("change", "operation"),
        "delete": ("resource", "operation"),
        "discover": ("scope",),
    },
    {
        "default_region": (),
        "diagnose": ("settings",),
        "invoke": ("request",),
        "logs": ("query",),
    },
    ProviderError,
)


def provider(port: object, raised: Raised) -> Port:
    """A provider for the native module.

    Raises:
        InvalidInputError: It is none.
    """
    PROVIDER.check(port)
    name = getattr(port, "name", None)
    if not isinstance(name, str) or not name:
        what = "has no `name`" if name is None else "has a `name` that is no text"
        raise PROVIDER.refused(
            f'{type(port).__qualname__} {what}: give it one, such as `name = "my-cloud"`',
            missing="name",
        )
    target = ProviderCalls(port, name, raised)
    return Port(target, PROVIDER.name, name, PROVIDER.methods_of(port), [])


class ProviderCalls(Calls):
    """A provider's methods over JSON-like data."""

    def __init__(self, port: object, name: str, raised: Raised) -> None:
        super().__init__(PROVIDER, port, name)
        self._raised = raised

    async def lower(self, blueprint: Any, settings: Any) -> list[Any]:
        given = Blueprint.from_dict(blueprint), ProviderSettings.from_dict(settings)
        return self._records("lower", await self._ask("lower", *given), Resource)

    async def observe(self, resource: Any) -> dict[str, Any] | None:
        answer = await self._ask("observe", ResourceHandle.from_dict(resource))
        if answer is None:
            return None
        if not isinstance(answer, Observed):
            raise self._refuse("observe", answer, "Observed, or None where there is nothing")
        return self._fields("observe", answer)

    async def apply(self, change: Any, operation: Any) -> dict[str, Any]:
        given = Change.from_dict(change)
        tags = given.resource.tags
        try:
            answer = await self._ask("apply", given, Operation.from_dict(operation))
        except Exception as error:
            if not shows(error, given.secrets.values()):
                self._raised.keep(tags.deployment, tags.address, error)
            raise
        return self._record("apply", answer, Applied)

    async def delete(self, resource: Any, operation: Any) -> None:
        given = ResourceHandle.from_dict(resource)
        try:
            await self._ask("delete", given, Operation.from_dict(operation))
        except Exception as error:
            self._raised.keep(given.tags.deployment, given.tags.address, error)
            raise

    async def discover(self, scope: Any) -> list[Any]:
        answer = await self._ask("discover", Scope.from_dict(scope))
        return self._records("discover", answer, Discovered)

    async def default_region(self) -> str | None:
        return self._text("default_region", await self._ask("default_region"), "text or None")

    async def diagnose(self, settings: Any) -> list[Any]:
        answer = await self._ask("diagnose", ProviderSettings.from_dict(settings))
        return self._records("diagnose", answer, Finding)

    async def invoke(self, request: Any) -> dict[str, Any]:
        answer = await self._ask("invoke", InvokeRequest.from_dict(request))
        return self._record("invoke", answer, Invoked)

    async def logs(self, query: Any) -> dict[str, Any]:
        wait = query.pop("wait_ms") / 1000
        page = await self._ask("logs", LogQuery.from_dict({**query, "wait": wait}))
        if not isinstance(page, LogPage):
            raise self._refuse("logs", page, "LogPage")
        if not isinstance(page.cursor, str):
            raise self._refuse("logs", page.cursor, "LogPage with text as its `cursor`")
        return {"lines": self._records("logs", page.lines, LogLine), "cursor": page.cursor}
