"""Constructor injection: what was provided finds the parameters that ask for it."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from semantest_iac._listen import called
from semantest_iac.eda._failures import invalid

PLAIN = (str, bytes, bool, int, float, complex, list, tuple, dict, set, frozenset, types.NoneType)
"""Types that say nothing about what a value is for."""


class Services:
    """What was provided, by type and by name."""

    def __init__(self) -> None:
        self._services: list[object] = []
        self._named: dict[str, object] = {}

    def add(self, services: tuple[object, ...], named: dict[str, object]) -> None:
        """Raises `InvalidInputError` for what is there already, and plain values without names."""
        for service in services:
            if isinstance(service, (type, *PLAIN)):
                kind = called(type(service))
                message = f"values of type {kind} are found by their names only: provide(name=…)"
                raise invalid("bus.provide", message, service=kind)
            if any(service is known for known in self._services):
                kind = called(type(service))
                raise invalid("bus.provide", f"this {kind} is provided already", service=kind)
        for name in named.keys() & self._named.keys():
            raise invalid("bus.provide", f"`{name}` is provided already", service=name)
        self._services.extend(services)
        self._named.update(named)

    def make(self, wanted: type, extra: object) -> object:
        """An instance of `wanted`, its constructor given what was provided, `extra` included.

        Raises `InvalidInputError` where a parameter without a default finds nothing, or more than
        one.
        """
        constructor: Any = wanted.__init__  # type: ignore[misc]
        if constructor is object.__init__:
            return wanted()
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        hints = _hints(inspect.unwrap(constructor))
        positional: list[object] = []
        named: dict[str, object] = {}
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            hint = hints.get(parameter.name, parameter.annotation)
            found, service = self._find(wanted, parameter, hint, extra)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(service if found else parameter.default)
            elif found:
                named[parameter.name] = service
        return wanted(*positional, **named)

    def _find(
        self, wanted: type, parameter: inspect.Parameter, hint: object, extra: object
    ) -> tuple[bool, object]:
        name = parameter.name
        fitting = [each for each in (*self._services, extra) if _fits(each, hint)]
        if len(fitting) > 1:
            exact = [each for each in fitting if type(each) in _classes(hint)]
            fitting = exact if len(exact) == 1 else fitting
        if len(fitting) == 1:
            return True, fitting[0]
        if name in self._named:
            return True, self._named[name]
        if parameter.default is not parameter.empty:
            return False, None
        asked = f"`{name}`" if parameter.annotation is parameter.empty else f"`{parameter}`"
        if fitting:
            kinds = ", ".join(called(type(each)) for each in fitting)
            why = f"more than one fits ({kinds}); say which one: provide({name}=…)"
        else:
            why = f"nothing that was provided fits; provided are {self._provided()}"
        message = f"{called(wanted)} asks for {asked}, and {why}"
        raise invalid("bus.include", message, handler=called(wanted), parameter=name)

    def _provided(self) -> str:
        known = [called(type(each)) for each in self._services]
        known += [f"{name} ({called(type(each))})" for name, each in self._named.items()]
        return ", ".join(known) or "no services"


def _hints(constructor: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(constructor)
    except Exception:
        # Annotations are code of the user's, and may name what is there for type checkers only.
        return {}


def _fits(service: object, hint: object) -> bool:
    if isinstance(hint, str):
        # A name that cannot be looked up here, imported for type checkers only say.
        asked = {part.strip().rsplit(".", 1)[-1] for part in hint.split("|")}
        return any(base.__name__ in asked for base in type(service).__mro__[:-1])
    try:
        return isinstance(service, _classes(hint))
    except TypeError:
        # A protocol that cannot be looked into at run time.
        return False


def _classes(hint: object) -> tuple[type, ...]:
    """The classes that a parameter asks for: none where it takes anything."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(each for part in typing.get_args(hint) for each in _classes(part))
    origin = typing.get_origin(hint) or hint
    plain = not isinstance(origin, type) or origin in (object, inspect.Parameter.empty, *PLAIN)
    return () if plain or not isinstance(origin, type) else (origin,)
