"""The port behind which an application of PythonEDA changes its infrastructure, carried out by
semantest-iac.

Such an application asks its `StackOperationFactory` for an operation and performs it. With the
factory made here it runs on ours as it is.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from semantest_iac.pythoneda.constructor import from_envelope
from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac.pythoneda.envelope import Envelope, chain, derived_id, new_envelope
from semantest_iac.pythoneda.equivalents import to_request
from semantest_iac.pythoneda.names import to_snake
from semantest_iac.pythoneda.outcome import Outcome, outcome_of
from semantest_iac.pythoneda.refusal import invalid_input

_OPERATION: Final = "pythoneda.stack_operation"

# Event → what follows when it was done, and when it was not. Without a name nothing does.
_FOLLOWS: Final[Mapping[str, tuple[str, str]]] = {
    "InfrastructureUpdateRequested": ("InfrastructureUpdated", "InfrastructureUpdateFailed"),
    "InfrastructureRemovalRequested": ("InfrastructureRemoved", "InfrastructureRemovalFailed"),
    "DockerResourcesUpdateRequested": ("DockerResourcesUpdated", "DockerResourcesUpdateFailed"),
    "DockerResourcesRemovalRequested": ("DockerResourcesRemoved", "DockerResourcesRemovalFailed"),
    "DockerImageDetailsRequested": ("", ""),
}


def stack_operation_factory(
    StackOperationFactory: type,
    deploy: Any,
    *,
    classes: Mapping[str, type] | Iterable[type] = (),
) -> type:
    """Makes an adapter for the port `StackOperationFactory`, as a class on it.

        SemantestStackOperationFactory = stack_operation_factory(StackOperationFactory, iac)

    `new(event)` gives an operation, whose `await perform()` gives a list with one event of the
    application's: InfrastructureUpdated, InfrastructureUpdateFailed, InfrastructureRemoved or
    InfrastructureRemovalFailed, with the outputs or the error in its `metadata`. What fails is told
    by an event, not raised. Events about Docker resources are answered with their failure:
    components of kind `container-service` take their place here.

    Args:
        StackOperationFactory: The port.
        deploy: An `Iac`, or whatever has `publish(envelope)`; or an async function that takes the
            envelope of a request and gives back what `publish` does, or the envelopes of the events
            that followed.
        classes: Classes of the resulting events, as a list or by name; where not given, those
            beside the class of the event that asks.

    Raises:
        InvalidInputError: The port is no class or nothing can deploy; from `new`, for an event that
            is no request to this port, or whose outcomes have no class.
    """
    if not isinstance(StackOperationFactory, type):
        raise invalid_input(_OPERATION, "the first argument is the port's class", field="port")
    publish = getattr(deploy, "publish", None) or deploy
    if not callable(publish):
        raise invalid_input(_OPERATION, "`deploy` has `publish`, or is a function", field="deploy")
    given = (
        dict(classes) if isinstance(classes, Mapping) else {cls.__name__: cls for cls in classes}
    )

    # Class methods: PythonEDA makes an instance of an adapter, callers of ours need none.
    def new(cls: type, event: object) -> StackOperation:
        return StackOperation(event, publish, given)

    def instantiate(cls: type) -> Any:
        return cls()

    body = {
        "__module__": str(sys._getframe(1).f_globals.get("__name__", __name__)),
        "__doc__": "Operations on stacks, carried out by semantest-iac.",
        "new": classmethod(new),
        "instantiate": classmethod(instantiate),
    }
    name = "SemantestStackOperationFactory"
    return type(StackOperationFactory)(name, (StackOperationFactory,), body)


class StackOperation:
    """One change of a stack."""

    def __init__(
        self, event: object, publish: Callable[[Envelope], Any], given: Mapping[str, type]
    ) -> None:
        self._event = event
        self._publish = publish
        # An application may have derived a class of its own from the request's.
        known = (cls.__name__ for cls in type(event).__mro__ if cls.__name__ in _FOLLOWS)
        name = self._name = next(known, "")
        if not name:
            name = type(event).__name__
            text = f"{name} is no request to a stack: known are {', '.join(_FOLLOWS)}"
            raise invalid_input(_OPERATION, text, event=name)
        # Found before anything is changed: what was done must be told.
        self._classes = [_class_called(wanted, event, given) for wanted in _FOLLOWS[name] if wanted]
        self._unreadable: Exception | None = None
        try:
            self._incoming = to_envelope(event)
        except ValueError as error:
            # What stands in `metadata` is the user's: that it cannot be read is told by an event
            # too.
            self._unreadable = error
            self._incoming = to_envelope(event, exclude="metadata")
        self._incoming["type"] = f"{type(event).__module__}.{name}"
        self._outcome: Outcome | None = None

    @property
    def event(self) -> object:
        """The event that asked."""
        return self._event

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None before it did."""
        return self._outcome

    async def perform(self) -> list[Any]:
        """Does it, and tells how it ended by an event of the application's own class."""
        if not self._classes:
            return []
        outcome = self._outcome = await self._carried_out()
        done, failed = self._classes
        cls = failed if outcome.error else done
        return [from_envelope(self._told(cls.__name__, outcome), cls)]

    async def retrieve_container_registry_credentials(self) -> dict[str, str]:
        """None: applications ask for them after an update, and we keep no registry."""
        return {}

    async def _carried_out(self) -> Outcome:
        if self._name.startswith("DockerResources"):
            text = "semantest-iac deploys containers as components of kind container-service"
            return Outcome({}, {"kind": "unsupported", "message": text, "operation": _OPERATION})
        if self._unreadable:
            return Outcome.of_exception(self._unreadable)
        try:
            answer = self._publish(to_request(self._incoming))
            if inspect.isawaitable(answer):
                answer = await answer
            return outcome_of(answer)
        except Exception as error:
            return Outcome.of_exception(error)

    def _told(self, name: str, outcome: Outcome) -> Envelope:
        asked = self._incoming["data"]
        given = asked.get("metadata")
        metadata = dict(given) if isinstance(given, Mapping) else {}
        metadata |= outcome.outputs
        if outcome.error:
            metadata["error"] = outcome.error
        return new_envelope(
            f"{type(self._event).__module__}.{name}",
            {**asked, "metadata": metadata},
            previous=chain(self._incoming),
            # The event delivered twice has one outcome.
            id=derived_id(self._incoming["source"], self._incoming["id"], name),
            correlation=self._incoming.get("correlationid"),
        )


def _class_called(name: str, event: object, given: Mapping[str, type]) -> type:
    """Among those given, else beside the event's class, in what the application has loaded."""
    if name in given:
        return given[name]
    for cls in type(event).__mro__:
        module = cls.__module__
        while module and module != "builtins":
            for place in (module, f"{module}.{to_snake(name)}"):
                found = getattr(sys.modules.get(place), name, None)
                if isinstance(found, type) and found.__name__ == name:
                    return found
            module = module.rpartition(".")[0]
    text = f"there is no class {name} beside {type(event).__name__}: give it in classes="
    raise invalid_input(_OPERATION, text, event=name)
