"""Stand-ins for the classes of a PythonEDA application, written from the documented behaviour.

What bites with the real ones bites here too: `created` is local and has no offset, equality looks
at primary keys alone, and a listener is a class method for exactly one class.
"""

from __future__ import annotations

import abc
import functools
import sys
import types
import uuid
from datetime import datetime
from typing import Any

_listening: dict[Any, type] = {}
_listeners: dict[type, list[type]] = {}


def _decorator(name: str, wrap: Any = lambda value: value) -> Any:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(self: Any) -> Any:
            return wrap(function(self))

        # As if each decorator had been written out.
        wrapper.__code__ = wrapper.__code__.replace(co_qualname=f"{name}.<locals>.wrapper")
        return wrapper

    return decorate


class SensitiveValue:
    """Hides a value, and answers for all its attributes."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)

    def __str__(self) -> str:
        return "[hidden]"


attribute = _decorator("attribute")
primary_key_attribute = _decorator("primary_key_attribute")
internal_attribute = _decorator("internal_attribute")
sensitive = _decorator("sensitive", SensitiveValue)


class Event(abc.ABC):
    """The base of all events."""

    entity_type = "event"

    def __init__(
        self,
        previousEventIds: list[str] | None = None,
        reconstructedId: str | None = None,
        reconstructedPreviousEventIds: list[str] | None = None,
    ) -> None:
        self._id = reconstructedId or str(uuid.uuid4())
        self._created = datetime.now()
        self._previous_event_ids = previousEventIds or reconstructedPreviousEventIds or []

    @property
    def id(self) -> str:
        return self._id

    @property
    @internal_attribute
    def created(self) -> datetime:
        return self._created

    @property
    @internal_attribute
    def previous_event_ids(self) -> list[str]:
        return self._previous_event_ids

    @property
    def omit_nulls(self) -> bool:
        return True

    @property
    def is_error(self) -> bool:
        return False

    @classmethod
    def primary_key(cls) -> list[str]:
        marked = "primary_key_attribute.<locals>.wrapper"
        properties = ((name, getattr(cls, name)) for name in dir(cls))
        return [
            name
            for name, prop in properties
            if isinstance(prop, property) and prop.fget.__code__.co_qualname == marked
        ]

    @classmethod
    def from_json(cls, text: str) -> None:
        """As for all IaC events that are shipped."""
        return None

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return False
        return all(getattr(self, key) == getattr(other, key) for key in self.primary_key())

    __hash__ = None  # type: ignore[assignment]


class EventListener(abc.ABC):
    """Knows its listeners by the very class of an event."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in vars(cls).values():
            # Instance methods are passed over in silence.
            if isinstance(method, classmethod) and method.__func__ in _listening:
                _listeners.setdefault(_listening[method.__func__], []).append(cls)

    @classmethod
    def listen_method_for(cls, event_class: type) -> Any:
        for base in cls.__mro__:
            for method in vars(base).values():
                function = getattr(method, "__func__", None)
                if function is not None and _listening.get(function) is event_class:
                    return function
        return None


class PlainListener:
    """A base without a registry: the method's name is all there is."""


def listen(event_class: type) -> Any:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        _listening[wrapper] = event_class
        return wrapper

    return decorate


class StackOperationFactory(abc.ABC):
    """The port."""

    @classmethod
    @abc.abstractmethod
    def instantiate(cls) -> Any: ...

    @abc.abstractmethod
    def new(self, event: Any) -> Any: ...


def _stack_event(name: str, module: str, more: tuple[str, ...] = ()) -> type:
    """An IaC event as they are: `image_*` are bare properties, metadata is not sent."""
    image = "imageName, imageVersion, imageUrl, " if more else ""
    keep = "".join(f"self._{field}, " for field in more)
    source = f"""
class {name}(Event):
    def __init__(self, stackName, projectName, location, {image}metadata={{}},
                 previousEventIds=None, reconstructedId=None):
        self._stack_name = stackName
        self._project_name = projectName
        self._location = location
        self._metadata = metadata
        {f"{keep}= {image}" if more else ""}
        super().__init__(previousEventIds, reconstructedId)

    @property
    @primary_key_attribute
    def stack_name(self): return self._stack_name

    @property
    @primary_key_attribute
    def project_name(self): return self._project_name

    @property
    @attribute
    def location(self): return self._location

    @property
    @attribute
    def metadata(self): return self._metadata
"""
    for field in more:
        source += f"\n    @property\n    def {field}(self): return self._{field}\n"
    if name.endswith("Failed"):
        source += "\n    @property\n    def is_error(self): return True\n"
    scope = {**globals(), "__name__": module}
    exec(source, scope)
    return scope[name]  # type: ignore[return-value]


def iac_events(package: str) -> types.ModuleType:
    """The IaC domain: each event in a module of its own, all of them in the package."""
    root = types.ModuleType(package)
    sys.modules[package] = root
    image = ("image_name", "image_version", "image_url")
    names = {f"Infrastructure{what}": () for what in _ENDINGS}
    names |= {f"DockerResources{what}": image for what in _ENDINGS}
    names |= {"DockerImageDetailsRequested": ()}
    for name, more in names.items():
        module = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
        setattr(root, name, _stack_event(name, f"{package}.{module.lstrip('_')}", more))
    return root


_ENDINGS = (
    "UpdateRequested",
    "Updated",
    "UpdateFailed",
    "RemovalRequested",
    "Removed",
    "RemovalFailed",
)

iac = iac_events("standin.shared.iac.events")
