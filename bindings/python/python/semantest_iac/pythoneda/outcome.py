"""How a request ended, told from whatever carried it out answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac.pythoneda.envelope import Envelope, event_name
from semantest_iac.pythoneda.json_value import plain

_OPERATION: Final = "pythoneda.stack_operation"
_DONE: Final = ("InfrastructureUpdated", "InfrastructureRemoved")
_FAILED: Final = ("InfrastructureUpdateFailed", "InfrastructureRemovalFailed")
_STATUSES: Final = ("deployed", "unchanged", "removed")
# What an application wants to know of an answer or an outcome.
_OUTPUTS: Final = (
    "component",
    "provider",
    "environment",
    "version",
    "endpoint",
    "functions",
    "changes",
)


@dataclass(frozen=True)
class Outcome:
    """How a request ended."""

    outputs: dict[str, Any]
    """What came out of it, by name."""
    error: dict[str, Any] | None = None
    """Why it failed, as in `--output json`; None where it did not."""

    @classmethod
    def of_exception(cls, error: Exception) -> Outcome:
        """A failure that was raised. Only errors of semantest-iac know their kind."""
        kind = getattr(error, "kind", None)
        record: dict[str, Any] = {
            "kind": kind if isinstance(kind, str) else "internal",
            "message": str(error) or type(error).__name__,
        }
        for name in ("operation", "context", "retry"):
            if (value := getattr(error, name, None)) and isinstance(kind, str):
                record[name] = dict(value) if isinstance(value, Mapping) else str(value)
        answer = getattr(error, "answer", None)
        outputs = {} if answer is None else _outputs(answer)
        return cls(outputs, record)


def outcome_of(answer: Any) -> Outcome:
    """From what `publish` answers, or from the events that followed."""
    if isinstance(answer, Mapping) and "specversion" in answer:
        answer = [answer]
    if isinstance(answer, Iterable) and not isinstance(answer, (str, bytes, Mapping)):
        return _of_events([to_envelope(event) for event in answer])
    status = _part(_part(answer, "result"), "status") or _part(answer, "status")
    told = str(getattr(status, "value", status))
    if told in _STATUSES:
        return Outcome({"status": told, **_outputs(answer)})
    error = _part(_part(answer, "result"), "error") or _part(answer, "error")
    if told == "failed" or error is not None:
        return Outcome(_outputs(answer), _record(error))
    return _untold()


def _of_events(events: list[Envelope]) -> Outcome:
    ending = next((each for each in reversed(events) if event_name(each) in _DONE + _FAILED), None)
    if ending is None:
        return _untold()
    data = ending.get("data") if isinstance(ending.get("data"), dict) else {}
    assert isinstance(data, dict)
    outputs = _outputs(data)
    functions = [each["data"] for each in events if event_name(each) == "FunctionDeployed"]
    if functions:
        names = ("function_name", "arn", "endpoint")
        outputs["functions"] = [
            {name: data.get(name) for name in names} for data in functions if isinstance(data, dict)
        ]
    if event_name(ending) in _DONE:
        return Outcome(outputs)
    return Outcome(outputs, _record(data.get("error")))


def _untold() -> Outcome:
    return Outcome(
        {}, {"kind": "internal", "message": "how it ended was not told", "operation": _OPERATION}
    )


def _outputs(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _OUTPUTS:
        value = _part(_part(answer, "result"), name)
        value = _part(answer, name) if value is None else value
        if value is not None:
            found[name] = _json(value, name)
    return found


def _record(error: Any) -> dict[str, Any]:
    told = _json(error, "error")
    if isinstance(told, dict) and told:
        return told
    return {"kind": "deployment_failed", "message": told if isinstance(told, str) else "it failed"}


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)


def _json(value: Any, field: str) -> Any:
    return plain(value, field, attributes_of=_written)


def _written(value: object) -> dict[str, Any] | None:
    to_dict = getattr(value, "to_dict", None)
    written = to_dict() if callable(to_dict) else None
    return written if isinstance(written, dict) else None
