"""Data with named fields: reading it from JSON-like values, checking it, and writing it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self, TypeAlias, TypeVar

from semantest_iac.errors import InvalidInputError

Decode: TypeAlias = Callable[[Any], Any]

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""A mapping that is empty and stays so: arguments have it as their default."""

_NONE_GIVEN: Final = object()


class Unfit(Exception):
    """A value that is not what its place takes, and where inside of it that is."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.path = path

    def below(self, step: str) -> Unfit:
        """The same, seen from one level further up."""
        return Unfit(self.why, f"{step}.{self.path}" if self.path else step)


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is read and written.

    Attributes:
        decode: Makes the value of what JSON has.
        default: The value where there is none; without it the field is required.
        written: Whether the value is written where it is the default as well.
        nullable: Whether a required field may hold None.
    """

    decode: Decode
    default: object = _NONE_GIVEN
    written: bool = False
    nullable: bool = False

    @property
    def required(self) -> bool:
        """Whether there is no value to fall back on."""
        return self.default is _NONE_GIVEN

    def read(self, value: object) -> Any:
        """The value for what JSON has; None stands for nothing."""
        if value is not None:
            return self.decode(value)
        if self.nullable:
            return None
        if self.default is _NONE_GIVEN:
            raise Unfit("is missing")
        # A default that can change is not handed out twice.
        return {} if type(self.default) is dict else self.default

    def omits(self, value: object) -> bool:
        """Whether the value is left out when it is written."""
        return not self.written and not self.required and value == self.default


Fields: TypeAlias = Mapping[str, Field]


class Record:
    """Data with named fields, which do not change."""

    __slots__ = ()

    _fields: ClassVar[Fields]

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """Reads what `to_dict` writes. Keys that this version does not know are passed over.

        Raises:
            InvalidInputError: A key is missing, or holds something of another type.
        """
        try:
            return cls._read(data)
        except Unfit as unfit:
            raise refusal(cls.__name__, unfit, "record.read") from None

    @classmethod
    def _read(cls, data: object) -> Self:
        if isinstance(data, cls):
            return data
        make: Callable[..., Self] = cls
        return make(**read_fields(cls._fields, data))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-like data: dicts, lists, text, numbers."""
        return write_fields(self._fields, self)


def read_fields(fields: Fields, data: object) -> dict[str, Any]:
    """The value of every field, by name."""
    if not isinstance(data, Mapping):
        raise Unfit(f"must be a mapping, not {_shown(data)}")
    values = {}
    for name, field in fields.items():
        try:
            values[name] = field.read(data.get(name))
        except Unfit as unfit:
            raise unfit.below(name) from None
    return values


def write_fields(fields: Fields, holder: object) -> dict[str, Any]:
    """What `read_fields` reads, from the attributes of `holder`."""
    data = {}
    for name, field in fields.items():
        value = getattr(holder, name)
        if not field.omits(value):
            data[name] = plain(value)
    return data


def plain(value: Any) -> Any:
    """A copy made of nothing but dicts, lists and scalars."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value


def refusal(name: str, unfit: Unfit, operation: str) -> InvalidInputError:
    """The exception that tells the user what is unfit about `name`."""
    context = {"name": name}
    if unfit.path:
        context["field"] = unfit.path
    where = f"`{unfit.path}` of {name}" if unfit.path else name
    return InvalidInputError(f"{where} {unfit.why}", operation=operation, context=context)


def text(value: Any) -> str:
    """Text."""
    if isinstance(value, str):
        return value
    raise Unfit(f"must be text, not {_shown(value)}")


def whole(value: Any) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Unfit(f"must be a whole number, not {_shown(value)}")


def number(value: Any) -> float:
    """A number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise Unfit(f"must be a number, not {_shown(value)}")


def flag(value: Any) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise Unfit(f"must be True or False, not {_shown(value)}")


def anything(value: Any) -> Any:
    """Whatever JSON can hold, copied: what the caller does to the value later stays outside."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return table(anything)(value)
    if isinstance(value, (list, tuple)):
        return list(many(anything)(value))
    raise Unfit(f"must be something that JSON can hold, not {_shown(value)}")


_T = TypeVar("_T", bound=Record)


def record(cls: type[_T]) -> Callable[[Any], _T]:
    """A record, or the mapping for one."""
    return cls._read


def many(decode: Decode) -> Callable[[Any], tuple[Any, ...]]:
    """A list, kept as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        # Text is a sequence too, of letters that nobody means.
        if isinstance(value, (str, bytes, Mapping)):
            raise Unfit(f"must be a list, not {_shown(value)}")
        try:
            items = enumerate(value)
        except TypeError:
            raise Unfit(f"must be a list, not {_shown(value)}") from None
        return tuple(_at(str(index), decode, item) for index, item in items)

    return read


def table(decode: Decode) -> Callable[[Any], dict[str, Any]]:
    """A mapping with text as keys."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Unfit(f"must be a mapping, not {_shown(value)}")
        for key in value:
            if not isinstance(key, str):
                raise Unfit(f"must have text as keys, not {_shown(key)}")
        return {key: _at(key, decode, item) for key, item in value.items()}

    return read


def either(*choices: Decode) -> Decode:
    """The first of several that fits."""

    def read(value: Any) -> Any:
        failed: Unfit | None = None
        for decode in choices:
            try:
                return decode(value)
            except Unfit as unfit:
                failed = unfit
        raise failed or Unfit(f"cannot be {_shown(value)}")

    return read


def _at(step: str, decode: Decode, value: Any) -> Any:
    try:
        return decode(value)
    except Unfit as unfit:
        raise unfit.below(step) from None


def _shown(value: object) -> str:
    # A value may be a secret that was put in the wrong place: its type says enough.
    return "None" if value is None else f"a value of type {type(value).__name__}"
