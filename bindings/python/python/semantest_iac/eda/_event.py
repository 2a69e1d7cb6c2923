"""`@Event`: makes a class an event."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, overload

from semantest_iac._listen import called
from semantest_iac.eda._domain_event import DomainEvent, own_annotations

E = TypeVar("E", bound=DomainEvent)

GENERATED = "__semantest_generated_init__"


@overload
def Event(event_class: type[E], /) -> type[E]: ...


@overload
def Event(
    *, name: str | None = None, version: int = 1, source: str | None = None
) -> Callable[[type[E]], type[E]]: ...


@dataclass_transform(field_specifiers=(dataclasses.field,))
def Event(
    event_class: type[Any] | None = None,
    /,
    *,
    name: str | None = None,
    version: int = 1,
    source: str | None = None,
) -> Any:
    """Makes a class derived from `DomainEvent` an event.

    A class that declares its attributes and has no constructor gets one, as a data class does:

    ```python
    @Event(version=2)
    class OrderPlaced(DomainEvent):
        order: str
        amount: int = 1

    OrderPlaced("a-1", amount=3)
    ```

    `name` is the event's name, by default that of the class, or its full CloudEvents type
    (`com.acme.OrderPlaced`), whose last part is the name. `version` is that of its data. `source`
    is the CloudEvents source, by default the module as a path.

    Raises `TypeError` for what is no class derived from `DomainEvent`, or cannot be given a
    constructor.
    """
    if event_class is not None:
        return _make(event_class, name, version, source)
    _check(name, version, source)
    return lambda decorated: _make(decorated, name, version, source)


def _make(event_class: type[E], name: str | None, version: int, source: str | None) -> type[E]:
    if not isinstance(event_class, type):
        raise TypeError(f"@Event makes a class an event, and {event_class!r} is none")
    if not issubclass(event_class, DomainEvent):
        raise TypeError(
            f"@Event: derive {called(event_class)} from DomainEvent: "
            f"class {event_class.__name__}(DomainEvent)"
        )
    if name is not None:
        event_class._event_type = name
        event_class.event_name = name.rsplit(".", 1)[-1]
    event_class.schema_version = version
    if source is not None:
        event_class._event_source = source
    if "__init__" not in vars(event_class):
        _give_constructor(event_class)
    return event_class


def _give_constructor(event_class: type[DomainEvent]) -> None:
    inherited = event_class.__init__
    written = inherited is not DomainEvent.__init__ and not hasattr(inherited, GENERATED)
    fields = [
        name for name, kind in own_annotations(event_class).items() if not _is_class_variable(kind)
    ]
    if not fields:
        return
    if written:
        raise TypeError(
            f"@Event: {called(event_class)} inherits a constructor and declares "
            f"{', '.join(fields)}: give it an __init__ that sets them"
        )
    dataclasses.dataclass(eq=False, repr=False)(event_class)
    setattr(vars(event_class)["__init__"], GENERATED, True)


def _is_class_variable(kind: object) -> bool:
    return "ClassVar" in (kind if isinstance(kind, str) else repr(kind))


def _check(name: str | None, version: int, source: str | None) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise TypeError(f"@Event: version is a number from 1 on, not {version!r}")
    for what, text in (("name", name), ("source", source)):
        if text is None:
            continue
        if not isinstance(text, str) or not text or any(letter.isspace() for letter in text):
            raise TypeError(f"@Event: {what} must be text without spaces, not {text!r}")
    if name is not None and not name.rsplit(".", 1)[-1]:
        raise TypeError(f"@Event: name must not end in a dot: {name!r}")
