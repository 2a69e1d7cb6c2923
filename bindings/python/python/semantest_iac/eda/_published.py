"""What `EventBus.publish` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from semantest_iac._causation import AnyEvent

if TYPE_CHECKING:
    from semantest_iac import PublishAnswer

E_co = TypeVar("E_co", bound=AnyEvent, covariant=True)


@dataclass(frozen=True, slots=True)
class Published(Generic[E_co]):
    """An event that was published."""

    event: E_co
    """The event as it was delivered, stamped."""
    answer: PublishAnswer | None = None
    """How it was carried out; `None` where the connected `Iac` had no part in it."""
