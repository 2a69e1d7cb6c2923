"""Methods that are `async def` or plain, as their author likes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

MaybeAwaitable: TypeAlias = Awaitable[T] | T
"""What a method of a port answers: the answer itself, or something to await it with."""
