"""`@listen`: which events a function or a method wants to see."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

__all__ = ["Listener", "Listens", "called", "listen", "listens_of", "mark_of", "name_of", "needs_instance"]

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
S = TypeVar("S")

MARK = "__semantest_listens__"
EVERY_EVENT = "__semantest_every_event__"
"""A class with this name in its own body stands for every event there is."""


@dataclass(frozen=True, slots=True)
class Listens:
    """One `@listen`: the events it names, and how the handler is called."""

    names: frozenset[str]
    """Names of events; those of the classes are among them."""
    classes: tuple[type, ...]
    """Classes of events; base classes stand for what is derived from them."""
    thread: bool
    """Whether the handler is called in a thread of its own."""
    timeout: float | None
    """Seconds that the handler may take."""

    @property
    def everything(self) -> bool:
        """Whether it asks for every event rather than for some of them by name."""
        if not self.names and not self.classes:
            return True
        return any(EVERY_EVENT in vars(event_class) for event_class in self.classes)

    @property
    def filter(self) -> frozenset[str] | None:
        """The names to ask an event source for; `None` where names alone do not tell."""
        named = all(_class_name(event_class) for event_class in self.classes)
        return self.names if named else None

    @property
    def names_to_ask_for(self) -> list[str]:
        """What an event source is asked for; nothing stands for every event. Where `filter` is `None`,
        what comes is still to be asked about with `wants`."""
        return sorted(self.filter or ())

    def wants(self, event: object) -> bool:
        """Whether the handler wants to see `event`."""
        return isinstance(event, self.classes) or name_of(event) in self.names or self.everything


@dataclass(frozen=True, slots=True)
class Listener:
    """A handler that can be called, with its marks."""

    name: str
    """For messages, e.g. `DeployRestApiHandler.handle`."""
    call: Callable[[Any], object]
    marks: tuple[Listens, ...]

    def mark_for(self, event: object) -> Listens | None:
        """The mark that asks for `event`; the handler is called once however many do."""
        return next((mark for mark in self.marks if mark.wants(event)), None)


if TYPE_CHECKING:

    class MarksHandlersOf(Protocol[A]):
        """Takes functions and methods that can be called with such an event."""

        @overload
        def __call__(self, handler: classmethod[S, [A], R], /) -> classmethod[S, [A], R]: ...

        @overload
        def __call__(self, handler: staticmethod[[A], R], /) -> staticmethod[[A], R]: ...

        @overload
        def __call__(self, handler: Callable[[A], R], /) -> Callable[[A], R]: ...

        @overload
        def __call__(self, handler: Callable[[S, A], R], /) -> Callable[[S, A], R]: ...


# Type checkers compare with what handlers take where one or two classes are named; for more of
# them, and for names as text, they take a handler for what it says it is.
@overload
def listen(  # type: ignore[overload-overlap]
    event: type[A], /, *, thread: bool = False, timeout: float | None = 60.0
) -> MarksHandlersOf[A]: ...


@overload
def listen(  # type: ignore[overload-overlap]
    event: type[A], other: type[B], /, *, thread: bool = False, timeout: float | None = 60.0
) -> MarksHandlersOf[A | B]: ...


@overload
def listen(
    *events: type[Any] | str, thread: bool = False, timeout: float | None = 60.0
) -> Callable[[F], F]: ...


def listen(*events: type[Any] | str, thread: bool = False, timeout: float | None = 60.0) -> Any:
    """Marks a function or a method as a handler of `events`.

    Events are named by their classes (ours, those of `semantest_iac.eda`) or by their names as
    text; events of the same name meet whichever class they have. A base class stands for all that
    is derived from it.

    `thread=True` calls a sync handler that blocks in a thread of its own. `timeout` is how many
    seconds the handler may take, waiting for what it publishes or deploys not counted; `None`: as
    many as it likes. A sync handler cannot be interrupted: out of time, one in a thread is given
    up, one on the loop is waited for.

    Works below and above `@classmethod` and `@staticmethod`.

    Raises `TypeError` for what is no event, and without any.
    """
    if not events:
        raise TypeError("@listen needs the events to listen for: @listen(FunctionDeployed)")
    mark = mark_of(events, thread=thread, timeout=timeout)

    def decorate(handler: F) -> F:
        function = getattr(handler, "__func__", handler)
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"@listen marks functions and methods, not {_describe(handler)}")
        if thread and inspect.iscoroutinefunction(function):
            raise TypeError(f"thread=True is for sync handlers: {called(function)} is async")
        setattr(function, MARK, (mark, *getattr(function, MARK, ())))
        return handler

    return decorate


def mark_of(
    events: Sequence[type[Any] | str], *, thread: bool = False, timeout: float | None = None
) -> Listens:
    """The mark that `@listen` makes; without events it asks for every one.

    Raises `TypeError` for what is no event.
    """
    names = frozenset(name for event in events if (name := _event_name(event)))
    classes = tuple(dict.fromkeys(event for event in events if isinstance(event, type)))
    return Listens(names, classes, bool(thread), _checked_timeout(timeout))


def name_of(event: object) -> str:
    """The name of an event object, e.g. `FunctionDeployed`; empty where it has none."""
    name = getattr(type(event), "event_name", None)
    if not isinstance(name, str):
        # Application events carry their names one by one.
        name = getattr(event, "event_name", None) or getattr(event, "name", None)
    return name if isinstance(name, str) else ""


def called(target: object) -> str:
    """What a class or a function is called in messages; any other object by its class."""
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    return str(name).rpartition("<locals>.")[2]


def listens_of(target: object) -> tuple[Listener, ...]:
    """The handlers in `target`, in the order of their definition, those of base classes first.

    A marked function is one handler. Of an instance: all marked methods. Of a class: the marked
    class methods and static methods, which need no instance. A method that overrides a marked one
    listens as that did, unless it is marked itself.
    """
    if not isinstance(target, type):
        marks = getattr(target, "__dict__", {}).get(MARK) or _marks_of_bound(target)
        if marks and callable(target):
            return (Listener(called(target), target, marks),)
    owner = target if isinstance(target, type) else type(target)
    found = []
    for name, (attribute, marks) in _marked_in(owner).items():
        if isinstance(target, type) and not isinstance(attribute, (classmethod, staticmethod)):
            continue
        found.append(Listener(f"{called(owner)}.{name}", getattr(target, name), marks))
    return tuple(found)


def needs_instance(owner: type) -> bool:
    """Whether some marked method of the class is an ordinary one."""
    attributes = (attribute for attribute, _ in _marked_in(owner).values())
    return any(not isinstance(attribute, (classmethod, staticmethod)) for attribute in attributes)


def _marked_in(owner: type) -> dict[str, tuple[object, tuple[Listens, ...]]]:
    found: dict[str, tuple[object, tuple[Listens, ...]]] = {}
    for base in reversed(owner.__mro__):
        for name, attribute in vars(base).items():
            function = getattr(attribute, "__func__", attribute)
            if isinstance(function, type) or not callable(function):
                # `on_something = None` in a derived class: it does not want to hear of it.
                found.pop(name, None)
                continue
            inherited = found[name][1] if name in found else ()
            if marks := getattr(function, MARK, inherited):
                found[name] = (attribute, marks)
    return found


def _marks_of_bound(target: object) -> tuple[Listens, ...]:
    """Of a bound method; one that overrides a marked method has its marks."""
    function, owner = getattr(target, "__func__", None), getattr(target, "__self__", None)
    if function is None or owner is None:
        return ()
    marked = _marked_in(owner if isinstance(owner, type) else type(owner))
    return marked.get(function.__name__, (None, ()))[1]


def _event_name(event: object) -> str:
    if isinstance(event, str):
        name = event.rsplit(".", 1)[-1]
        if not name or name != name.strip() or any(letter.isspace() for letter in name):
            raise TypeError(f"@listen: {event!r} is no name of an event")
        return name
    if not isinstance(event, type):
        if callable(event) and not callable(getattr(event, "to_cloudevent", None)):
            raise TypeError(
                f"@listen needs the events that {called(event)} listens for, in "
                "parentheses: @listen(FunctionDeployed)"
            )
        raise TypeError(f"@listen takes event classes and names of events, not {_describe(event)}")
    if not callable(getattr(event, "to_cloudevent", None)):
        raise TypeError(f"@listen: {called(event)} is no event class")
    return _class_name(event)


def _class_name(event_class: type) -> str:
    """Empty for base classes, which stand for events of many names."""
    name = getattr(event_class, "event_name", None)
    return name if isinstance(name, str) else ""


def _checked_timeout(timeout: float | None) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"@listen: timeout is in seconds, not {_describe(timeout)}")
    if not math.isfinite(timeout) or timeout <= 0:
        raise ValueError(
            f"@listen: timeout must be more than 0 seconds, not {timeout}; None: no limit"
        )
    return float(timeout)


def _describe(value: object) -> str:
    if isinstance(value, type):
        return f"the class {called(value)}"
    return f"{value!r} ({called(type(value))})" if len(repr(value)) <= 60 else called(type(value))
