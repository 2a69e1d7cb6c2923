"""What all exceptions of this package have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from semantest_iac.answers import DeployAnswer, PublishAnswer
    from semantest_iac.records import ErrorRecord


class Error(Exception):
    """Something that semantest-iac could not do.

    Attributes:
        kind: What went wrong, as a word: the same for every language and in `--output json`.
        message: What is wrong and what to do, in words.
        operation: What was being done.
        retry: Whether the same call can succeed when made again.
        context: Facts by name.
        answer: How the run ended, where it was one that failed.
        failures: Handlers that failed for good meanwhile, by name, with what they raised. They stop no run.
    """

    kind: str = "unknown"

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        retry: Literal["never", "later", "exhausted"] = "never",
        context: Mapping[str, str] | None = None,
        answer: PublishAnswer | DeployAnswer | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.retry: Literal["never", "later", "exhausted"] = retry
        self.context: dict[str, str] = dict(context or {})
        self.answer = answer
        self.failures: list[tuple[str, BaseException]] = []

    def __str__(self) -> str:
        return self.message

    @staticmethod
    def of(
        record: ErrorRecord | Mapping[str, object],
        answer: PublishAnswer | DeployAnswer | None = None,
    ) -> Error:
        """The exception for an error that is told as data.

        A kind that this version does not know gives a plain `Error` that has it as its `kind`.
        """
        # errors.py stands on this module.
        from semantest_iac.errors import ERROR_CLASSES

        told = record if isinstance(record, Mapping) else record.to_dict()
        kind = str(told.get("kind", Error.kind))
        context = told.get("context")
        retry = told.get("retry")
        error = ERROR_CLASSES.get(kind, Error)(
            str(told.get("message", kind)),
            operation=str(told.get("operation", "")),
            retry="later" if retry == "later" else "exhausted" if retry == "exhausted" else "never",
            context={str(key): str(value) for key, value in context.items()}
            if isinstance(context, Mapping)
            else None,
            answer=answer,
        )
        if type(error) is Error:
            error.kind = kind
        return error
