"""Events on their way between the core and ports in Python: nothing of them gets lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from semantest_iac._core import NativeEvent
from semantest_iac._event import ApplicationEvent, CloudEvent, InfrastructureEvent


def event_of(written: Mapping[str, Any]) -> InfrastructureEvent | ApplicationEvent:
    """The event object of a CloudEvents object that the core gave. Its `to_cloudevent()` gives the very same again, also
    what a datetime is too coarse for."""
    return InfrastructureEvent._of(NativeEvent.from_json(json.dumps(written, ensure_ascii=False)))


def is_event(event: object) -> TypeGuard[CloudEvent | Mapping[str, Any]]:
    """Whether it is an event object, or may be a CloudEvents object."""
    return isinstance(event, (CloudEvent, Mapping))


def written(event: CloudEvent | Mapping[str, Any]) -> Mapping[str, Any]:
    """The CloudEvents object of an event."""
    return event.to_cloudevent() if isinstance(event, CloudEvent) else event
