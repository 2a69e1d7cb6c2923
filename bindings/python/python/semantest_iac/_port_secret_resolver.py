"""Resolvers of secrets written in Python."""

from __future__ import annotations

from collections.abc import Iterable

from semantest_iac._port import Calls, Port, Role
from semantest_iac.errors import SecretUnresolvedError

SECRET_RESOLVER = Role(
    "secret_resolver",
    {"resolve": ("reference", "region")},
    {"digest": ("value",)},
    SecretUnresolvedError,
)


def secret_resolver(port: object) -> Port:
    """A resolver of secrets for the native module.

    Raises:
        InvalidInputError: It is none.
    """
    SECRET_RESOLVER.check(port)
    name = type(port).__qualname__
    target = SecretResolverCalls(SECRET_RESOLVER, port, name)
    methods = SECRET_RESOLVER.methods_of(port)
    return Port(target, SECRET_RESOLVER.name, name, methods, _schemes(port, name))


def _schemes(port: object, name: str) -> list[str]:
    schemes = getattr(port, "schemes", None)
    advice = 'give it some, such as `schemes = ("vault",)` for `vault:path/of/secret`'
    if not schemes:
        raise SECRET_RESOLVER.refused(f"{name} has no `schemes`: {advice}", missing="schemes")
    if isinstance(schemes, str) or not isinstance(schemes, Iterable):
        raise SECRET_RESOLVER.refused(f"`schemes` of {name} is no list: {advice}")
    listed = list(schemes)
    if not all(isinstance(scheme, str) for scheme in listed):
        raise SECRET_RESOLVER.refused(f"`schemes` of {name} holds something that is no text: {advice}")
    return listed


class SecretResolverCalls(Calls):
    """A secret resolver's methods over JSON-like data."""

    async def resolve(self, reference: str, region: str | None) -> str | None:
        answer = await self._ask("resolve", reference, region)
        return self._text("resolve", answer, "text, or None where there is no such secret")

    async def digest(self, value: str) -> str:
        answer = self._text("digest", await self._ask("digest", value), "text")
        if answer is None:
            raise self._refuse("digest", answer, "text")
        return answer
