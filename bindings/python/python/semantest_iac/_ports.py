"""The ports that an application gives to `Iac.open`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from semantest_iac._port import Port
from semantest_iac._port_event_bus import event_bus
from semantest_iac._port_event_store import event_store
from semantest_iac._port_provider import provider
from semantest_iac._port_raised import Raised
from semantest_iac._port_secret_resolver import secret_resolver
from semantest_iac.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of an application, as the native module calls them.

    Attributes:
        raised: What they raised, for whoever waits for the run.
    """

    providers: tuple[Port, ...]
    bus: Port | None
    store: Port | None
    secret_resolvers: tuple[Port, ...]
    raised: Raised

    @classmethod
    def given(
        cls,
        *,
        providers: object,
        bus: object | None,
        store: object | None,
        secret_resolvers: object,
    ) -> Ports:
        """Ports as a user gives them.

        Raises:
            InvalidInputError: One of them is none.
        """
        raised = Raised()
        given = _listed("providers", providers)
        resolvers = _listed("secret_resolvers", secret_resolvers)
        return cls(
            providers=tuple(provider(one, raised) for one in given),
            bus=None if bus is None else event_bus(bus, raised),
            store=None if store is None else event_store(store),
            secret_resolvers=tuple(map(secret_resolver, resolvers)),
            raised=raised,
        )


def _listed(name: str, given: object) -> list[object]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        text = f"{name} is a list, not {type(given).__qualname__}: {name}=[...]"
        raise InvalidInputError(text, operation="python.call", context={"argument": name})
    return list(given)
