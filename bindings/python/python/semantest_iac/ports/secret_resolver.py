"""Secrets: references in, values in memory only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Protocol

from semantest_iac._record import table, text
from semantest_iac.ports.awaitable import MaybeAwaitable


class Secrets(Mapping[str, str]):
    """Values of secrets by reference. Shows the references only, and is not pickled."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    @classmethod
    def _read(cls, values: Any) -> Secrets:
        return values if isinstance(values, Secrets) else cls(table(text)(values))

    def __getitem__(self, reference: str) -> str:
        return self._values[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def __copy__(self) -> Secrets:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secrets:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are kept in memory only: they are not pickled")


class SecretResolver(Protocol):
    """Resolves references such as `vault:database/password`."""

    @property
    def schemes(self) -> tuple[str, ...] | list[str] | frozenset[str]:
        """What stands before the colon: lower-case names, e.g. `("vault",)`. Each is resolved by one resolver."""

    def resolve(self, reference: str, region: str | None, /) -> MaybeAwaitable[str | None]:
        """The value of `reference` (`<scheme>:<rest>`), or None where there is no such secret.

        `region` is where it is needed: a reference that names no region means this one. None where it does not matter.

        Raises:
            SecretUnresolvedError: Saying what to do, and never a value.
        """


class MakesDigests(Protocol):
    """A resolver with digests of its own. A project never asks for them: it makes its own, with its own key."""

    def digest(self, value: str, /) -> MaybeAwaitable[str]:
        """Tells whether a value changed without telling what it is: a keyed digest of 1 to 256 bytes."""
