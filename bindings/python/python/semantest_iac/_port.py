"""Ports written in Python, as the native module calls them: objects whose methods take and give what JSON can hold."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from semantest_iac._record import Record, Unfit, read_fields
from semantest_iac.errors import Error, InvalidInputError

_R = TypeVar("_R", bound=Record)

Methods = Mapping[str, tuple[str, ...]]
"""Methods by name, with what they are called with."""


@dataclass(frozen=True, slots=True)
class Port:
    """What the native module is handed for a port.

    Attributes:
        target: Has the methods, which take and give JSON-like data.
        role: `provider`, `event_bus`, `event_store` or `secret_resolver`.
        name: For messages, and the provider's name.
        methods: Names of the methods that there are.
        schemes: Of a secret resolver.
    """

    target: Calls
    role: str
    name: str
    methods: frozenset[str]
    schemes: list[str]


@dataclass(frozen=True, slots=True)
class Role:
    """What an object in a role must have, and what its answers are judged by.

    Attributes:
        name: The role.
        required: Methods that it cannot do without.
        optional: Methods that it may have.
        failed: What a wrong answer is.
    """

    name: str
    required: Methods
    optional: Methods
    failed: type[Error]

    @property
    def words(self) -> str:
        """The role, in a sentence."""
        return self.name.replace("_", " ")

    def check(self, port: object) -> None:
        """Whether `port` can be called in this role.

        Raises:
            InvalidInputError: It cannot: what is missing.
        """
        if isinstance(port, type):
            name = port.__qualname__
            raise self.refused(f"{name} is a class: make an instance of it, {name}(...)")
        missing = [name for name in self.required if not callable(getattr(port, name, None))]
        if missing:
            raise self.refused(
                f"{_kind(port)} is no {self.words}: it lacks {', '.join(missing)}; it needs "
                + ", ".join(self.required),
                missing=", ".join(missing),
            )
        for name, arguments in {**self.required, **self.optional}.items():
            if name in self.methods_of(port) and not _takes(getattr(port, name), len(arguments)):
                called = f"{name}({', '.join(arguments)})"
                text = f"{name} of {_kind(port)} cannot be called as a {self.words} is: {called}"
                raise self.refused(text, method=name)

    def methods_of(self, port: object) -> frozenset[str]:
        """The methods that `port` has."""
        known = (*self.required, *self.optional)
        return frozenset(name for name in known if callable(getattr(port, name, None)))

    def refused(self, text: str, **context: str) -> InvalidInputError:
        """The error for an object that cannot be in this role."""
        return InvalidInputError(text, operation=self.name, context=context)


def _kind(value: object) -> str:
    return type(value).__qualname__


def _takes(method: Any, count: int) -> bool:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        # Of a few callables nobody can tell.
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


class Calls:
    """Calls the methods of a port, and judges what they return."""

    def __init__(self, role: Role, port: object, name: str) -> None:
        self._role = role
        self._port: Any = port
        self._name = name

    async def _ask(self, method: str, *arguments: object) -> Any:
        answer = getattr(self._port, method)(*arguments)
        return await answer if inspect.isawaitable(answer) else answer

    def _operation(self, method: str) -> str:
        return f"{self._role.name}.{method}"

    def _refuse(self, method: str, answer: object, expected: str) -> Error:
        """The error for an answer that is something else. It shows no value: that may be a secret."""
        what = "None" if answer is None else _kind(answer)
        return self._wrong(method, f"{what}: expected {expected}")

    def _wrong(self, method: str, what: str) -> Error:
        operation = self._operation(method)
        text = f"{operation} of {self._name} returned {what}"
        return self._role.failed(text, operation=operation)

    def _record(self, method: str, answer: object, cls: type[_R]) -> dict[str, Any]:
        """What a `cls` is in JSON."""
        if not isinstance(answer, cls):
            raise self._refuse(method, answer, cls.__name__)
        return self._fields(method, answer)

    def _fields(self, method: str, answer: Record) -> dict[str, Any]:
        what = type(answer).__name__
        try:
            data = answer.to_dict()
            read_fields(answer._fields, data)
        except Unfit as unfit:
            where = f"{what} whose `{unfit.path}`" if unfit.path else f"{what}, which"
            raise self._wrong(method, f"{where} {unfit.why}") from None
        except (RecursionError, TypeError):
            raise self._wrong(method, f"{what} with something in it that JSON has not") from None
        return data

    def _records(self, method: str, answer: object, cls: type[_R]) -> list[dict[str, Any]]:
        """What several `cls` are in JSON."""
        return [self._record(method, item, cls) for item in self._items(method, answer, cls)]

    def _items(self, method: str, answer: object, cls: type) -> list[Any]:
        """The items of a list of `cls`, not yet judged."""
        # Text and mappings can be walked over too, and nobody means that.
        if isinstance(answer, (str, bytes, Mapping)) or not isinstance(answer, Iterable):
            raise self._refuse(method, answer, f"a list of {cls.__name__}")
        items = list(answer)
        for at, item in enumerate(items):
            if not isinstance(item, cls):
                what = "None" if item is None else _kind(item)
                raise self._wrong(method, f"a list with {what} at {at}: expected {cls.__name__}")
        return items

    def _text(self, method: str, answer: object, expected: str) -> str | None:
        if answer is None or isinstance(answer, str):
            return answer
        raise self._refuse(method, answer, expected)

    def _number(self, method: str, answer: object, expected: str) -> int:
        if isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0:
            return answer
        raise self._refuse(method, answer, expected)
