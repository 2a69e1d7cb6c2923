"""Events of ours and of anybody else, delivered to the listeners of a PythonEDA application."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from semantest_iac.pythoneda.constructor import from_envelope
from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac._cloudevent import join_ids
from semantest_iac.pythoneda.envelope import Envelope, chain, check_envelope, previous_ids
from semantest_iac.pythoneda.equivalents import names_for
from semantest_iac.pythoneda.listeners import Listener, candidates, listeners_for
from semantest_iac.pythoneda.names import name_set
from semantest_iac.pythoneda.refusal import invalid_input

_OPERATION: Final = "pythoneda.bridge"
_REMEMBERED: Final = 100_000


class Bridge:
    """Calls the listeners of an application with events that come from outside.

        bridge = Bridge(EventListener, [FunctionDeployed, InfrastructureUpdated])
        for answer in await bridge.deliver(envelope):
            await iac.publish(answer)

    Args:
        listeners: The application's class EventListener, whose derived classes are asked; or a list
            of listener classes.
        classes: The classes that events are made of: a list, or a mapping from their names (or full
            types).
        source: Source of the resulting events; that of their classes where not given.
        sensitive: As for `to_envelope`, for the resulting events.
    """

    def __init__(
        self,
        listeners: type | Iterable[type],
        classes: Mapping[str, type] | Iterable[type],
        *,
        source: str | None = None,
        sensitive: str | Iterable[str] = (),
    ) -> None:
        self._candidates = candidates(listeners)
        self._classes = _table(classes)
        self._source = source
        self._sensitive = name_set(sensitive)
        self._delivered: OrderedDict[str, None] = OrderedDict()
        self._done: dict[str, dict[str, list[Envelope]]] = {}

    async def deliver(self, envelope: object) -> list[Envelope]:
        """Hands the event to all listeners for exactly its class; gives back their answers.

        Those have the event in their ancestry. An event whose id was delivered before is not
        delivered again; nor is one that the table of classes does not have, or that nobody listens
        for.

        Raises:
            HandlerFailedError: A listener raised, after all others were called. The event may be
                delivered again: those that had succeeded are not called again.
            InvalidInputError: The event cannot be made of its class, or a listener answers with
                something else.
        """
        event = to_envelope(envelope)
        event_class = self._class_of(event)
        id_ = event["id"]
        if event_class is None or id_ in self._delivered:
            return []
        listening = listeners_for(self._candidates(), event_class)
        made = from_envelope(event, event_class) if listening else None
        self._remember(id_)
        done = self._done.pop(id_, {})
        failed: list[tuple[Listener, Exception]] = []
        try:
            for listener in listening:
                if listener.name not in done:
                    try:
                        done[listener.name] = await self._call(listener, made, event)
                    except Exception as error:
                        failed.append((listener, error))
        except BaseException:
            self._forget(id_, done)
            raise
        if failed:
            self._forget(id_, done)
            raise _failure(failed, event)
        return _once(answer for answers in done.values() for answer in answers)

    def _class_of(self, event: Envelope) -> type | None:
        names = (event["type"], *names_for(event))
        return next((self._classes[name] for name in names if name in self._classes), None)

    async def _call(self, listener: Listener, made: object, event: Envelope) -> list[Envelope]:
        answer = listener.call(made)
        if inspect.isawaitable(answer):
            answer = await answer
        return [self._answer(each, event, listener) for each in _flat(answer)]

    def _answer(self, answer: object, event: Envelope, listener: Listener) -> Envelope:
        try:
            envelope = to_envelope(answer, self._source, sensitive=self._sensitive)
        except ValueError as error:
            text = f"{listener.name} must answer with a list of events: {error}"
            raise invalid_input(_OPERATION, text, listener=listener.name) from error
        return _caused(envelope, event)

    def _remember(self, id_: str) -> None:
        self._delivered[id_] = None
        if len(self._delivered) > _REMEMBERED:
            self._delivered.popitem(last=False)

    def _forget(self, id_: str, done: dict[str, list[Envelope]]) -> None:
        self._delivered.pop(id_, None)
        if done:
            self._done[id_] = done
        if len(self._done) > _REMEMBERED:
            # Delivered once and given up by whoever did: the oldest first.
            self._done.pop(next(iter(self._done)))


def _table(classes: Mapping[str, type] | Iterable[type]) -> dict[str, type]:
    if isinstance(classes, Mapping):
        table = dict(classes)
    else:
        listed = list(classes)
        table = {getattr(cls, "__name__", str(cls)): cls for cls in listed}
        if len(table) < len(listed):
            text = "two classes have the same name: give a mapping from types"
            raise invalid_input(_OPERATION, text, field="classes")
    for name, cls in table.items():
        if not isinstance(cls, type):
            raise invalid_input(_OPERATION, f"`{name}` is no class", field="classes")
    return table


def _flat(answer: object) -> list[object]:
    """Listeners answer with a list, one event or nothing; in some versions a list of lists."""
    if answer is None:
        return []
    if isinstance(answer, (list, tuple)):
        return [each for item in answer for each in _flat(item)]
    return [answer]


def _caused(answer: Envelope, event: Envelope) -> Envelope:
    """The answer with the event in its ancestry, whether or not the listener said so."""
    if answer["id"] == event["id"]:
        return answer
    previous = list(dict.fromkeys([*previous_ids(answer), *chain(event)]))
    if answer["id"] in previous:
        previous.remove(answer["id"])
    caused = {
        **answer,
        "causationid": previous[0],
        "previouseventids": join_ids(previous),
        "correlationid": event.get("correlationid") or previous[-1],
    }
    return check_envelope(caused)


def _once(answers: Iterable[Envelope]) -> list[Envelope]:
    return list({answer["id"]: answer for answer in answers}.values())


def _failure(failed: list[tuple[Listener, Exception]], event: Envelope) -> Exception:
    from semantest_iac.errors import HandlerFailedError

    (listener, cause), *others = failed
    if not others and isinstance(cause, ValueError) and hasattr(cause, "operation"):
        # What a listener answered was wrong; that says it best itself.
        return cause
    text = f"{listener.name} raised {type(cause).__name__}: {cause}"
    context = {"listener": listener.name, "event": event["id"]}
    error = HandlerFailedError(text, operation=_OPERATION, context=context)
    for other, also in others:
        error.add_note(f"{other.name} raised {type(also).__name__}: {also}")
    error.__cause__ = cause
    return error
