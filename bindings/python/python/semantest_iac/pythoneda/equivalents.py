"""Events of ours and those of PythonEDA's IaC domain that mean the same.

| ours | PythonEDA |
|---|---|
| DeploymentRequested | InfrastructureUpdateRequested |
| RemovalRequested | InfrastructureRemovalRequested |
| InfrastructureUpdated, InfrastructureUpdateFailed | the same |
| InfrastructureRemoved, InfrastructureRemovalFailed | the same |

There, `stack_name` is `<provider>-<environment>`, `project_name` the project, `location` the
region, and `metadata` has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from semantest_iac._cloudevent import TYPE_PREFIX
from semantest_iac.pythoneda.envelope import (
    Envelope,
    chain,
    check_envelope,
    derived_id,
    event_name,
    new_envelope,
    subject_of,
)
from semantest_iac.pythoneda.json_form import data_of
from semantest_iac.pythoneda.refusal import invalid_input

PACKAGE: Final = "pythoneda.shared.iac.events"
"""Where PythonEDA has its IaC events: the type of what is made here is a name in it."""

PROVIDERS: Final = ("aws", "azure", "local")
"""What is a provider at the front of a stack's name; any other name is an environment's."""

_THERE: Final = {
    "DeploymentRequested": "InfrastructureUpdateRequested",
    "RemovalRequested": "InfrastructureRemovalRequested",
    "InfrastructureUpdated": "InfrastructureUpdated",
    "InfrastructureUpdateFailed": "InfrastructureUpdateFailed",
    "InfrastructureRemoved": "InfrastructureRemoved",
    "InfrastructureRemovalFailed": "InfrastructureRemovalFailed",
}
_OPERATION: Final = "pythoneda.to_request"


def names_for(envelope: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that the event may be known by: its own, and its equivalent's if it is ours."""
    name = event_name(envelope)
    there = _THERE.get(name, name) if envelope["type"] == TYPE_PREFIX + name else name
    return (name,) if there == name else (name, there)


def as_pythoneda(envelope: Envelope, name: str) -> Envelope:
    """The event as PythonEDA's `name`, if it is one of ours that means that; else as it is."""
    own = event_name(envelope)
    if envelope["type"] != TYPE_PREFIX + own or _THERE.get(own) != name:
        return envelope
    data = data_of(envelope, "pythoneda.from_envelope")
    if "stack_name" in data:
        # The bare name was given to an event that has that form already.
        return envelope
    parts = [data.get("provider"), data.get("environment", "dev")]
    region = data.get("region")
    translated: dict[str, Any] = {
        "stack_name": "-".join(str(part) for part in parts if part),
        "project_name": _project(envelope),
        "location": region if isinstance(region, str) else "",
        "metadata": {key: value for key, value in data.items() if key != "region"},
    }
    changed = {**envelope, "type": f"{PACKAGE}.{name}", "data": translated}
    changed.pop("dataschema", None)
    return check_envelope({**changed, "subject": subject_of(translated)})


def to_request(envelope: Envelope) -> Envelope:
    """The request of ours for an InfrastructureUpdateRequested or InfrastructureRemovalRequested.

    What `metadata` does not say is taken from the name of the stack (`aws-production`, or an
    environment alone) and of the project, which is the component's then. The same event always
    gives the same request, so that one that is delivered twice is carried out once.

    Raises:
        InvalidInputError: It is another event, or does not say what to deploy.
    """
    name = event_name(envelope)
    data = data_of(envelope, _OPERATION)
    metadata = {} if data.get("metadata") is None else data["metadata"]
    if not isinstance(metadata, Mapping):
        raise invalid_input(_OPERATION, "`metadata` is no object", field="metadata")
    provider, environment = _stack(data.get("stack_name"))
    wanted: dict[str, Any] = {
        "component": _text(metadata, "component", data.get("project_name")),
        "environment": _text(metadata, "environment", environment),
    }
    if name == "InfrastructureUpdateRequested":
        ours = "DeploymentRequested"
        wanted |= _about_deployment(metadata, provider, data.get("location"))
    elif name == "InfrastructureRemovalRequested":
        ours = "RemovalRequested"
    else:
        raise invalid_input(
            _OPERATION, f"{name} asks for nothing that semantest-iac does", event=name
        )
    return new_envelope(
        ours,
        wanted,
        previous=chain(envelope),
        source=envelope["source"],
        id=derived_id(envelope["source"], envelope["id"], ours),
        time=envelope["time"],
        correlation=envelope.get("correlationid"),
    )


def _about_deployment(
    metadata: Mapping[str, Any], provider: str | None, location: object
) -> dict[str, Any]:
    configuration = metadata.get("configuration")
    configuration = {} if configuration is None else configuration
    if not isinstance(configuration, Mapping):
        raise invalid_input(_OPERATION, "`configuration` is no object", field="configuration")
    more: dict[str, Any] = {"configuration": dict(configuration)}
    if metadata.get("provider") or provider:
        more["provider"] = _text(metadata, "provider", provider)
    if location:
        more["region"] = _text({}, "location", location)
    return more


def _stack(name: object) -> tuple[str | None, object]:
    if isinstance(name, str):
        front, dash, rest = name.partition("-")
        if dash and rest and front in PROVIDERS:
            return front, rest
    return None, name


def _text(metadata: Mapping[str, Any], key: str, otherwise: object) -> str:
    value = metadata.get(key)
    value = otherwise if value is None or value == "" else value
    if not isinstance(value, str) or not value:
        raise invalid_input(_OPERATION, f"`{key}` must be text that is not empty", field=key)
    return value


def _project(envelope: Mapping[str, Any]) -> str:
    """From `<project>/<environment>/<component>`, else from `/semantest-iac/<project>`."""
    stream, source = envelope.get("subject") or "", envelope["source"]
    if stream.count("/") == 2:
        return str(stream.split("/")[0])
    return source.rpartition("/")[2] if source.startswith("/semantest-iac/") else ""
