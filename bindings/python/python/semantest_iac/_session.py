"""An open project on one event loop: how calls reach the native module, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from semantest_iac import _core, _logging
from semantest_iac._host import host_command
from semantest_iac._loop import Loop
from semantest_iac._patience import waiting
from semantest_iac.errors import InvalidInputError

if TYPE_CHECKING:
    from semantest_iac._port import Port
    from semantest_iac._port_raised import Raised

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How a project is opened."""

    directory: str
    host_command: list[str]
    parallelism: int | None
    lease_wait_s: float
    owner: str | None
    traceparent: str | None
    providers: tuple[Port, ...] = ()
    bus: Port | None = None
    store: Port | None = None
    secret_resolvers: tuple[Port, ...] = ()
    raised: Raised | None = None

    @classmethod
    def checked(
        cls,
        directory: str | os.PathLike[str],
        *,
        parallelism: int | None,
        lease_wait: float,
        owner: str | None,
        traceparent: str | None,
        **ports: object,
    ) -> Settings:
        """Settings as a user gives them.

        Raises:
            InvalidInputError: One of them cannot be.
        """
        try:
            path = os.fspath(directory)
        except TypeError:
            raise refused("directory must be a path, not " + type(directory).__name__) from None
        if not isinstance(path, str) or "\0" in path:
            raise refused("directory must be a path given as text")
        if parallelism is not None and (not _is_integer(parallelism) or parallelism < 1):
            raise refused(f"parallelism must be a number of calls from 1 on, not {parallelism!r}")
        for name, text in (("owner", owner), ("traceparent", traceparent)):
            if text is not None and not isinstance(text, str):
                raise refused(f"{name} must be text, not {type(text).__name__}")
        if isinstance(lease_wait, bool) or not isinstance(lease_wait, (int, float)) or not lease_wait >= 0:
            raise refused(f"lease_wait must be a number of seconds, not {lease_wait!r}")
        return cls(
            directory=path,
            host_command=host_command(),
            parallelism=parallelism,
            lease_wait_s=float(lease_wait),
            owner=owner,
            traceparent=traceparent,
            **_given_ports(ports),
        )


def _given_ports(given: dict[str, Any]) -> dict[str, Any]:
    if all(one is None or one == () for one in given.values()):
        return {}
    # Most applications have none, and need not wait for what is only used for them.
    from semantest_iac._ports import Ports

    ports = Ports.given(**given)
    return {name: getattr(ports, name) for name in (*given, "raised")}


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def refused(message: str, **context: str) -> InvalidInputError:
    """The error for an argument that cannot be."""
    return InvalidInputError(message, operation="python.call", context=MappingProxyType(context))


def as_json(value: object, what: str) -> str:
    """JSON text.

    Raises:
        InvalidInputError: JSON has no form for something in it.
    """
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise refused(f"{what} cannot be written as JSON: {error}") from None


class Session:
    """A project that is open on the running loop."""

    def __init__(self, loop: Loop, engine: _core.Engine) -> None:
        self._loop = loop
        self._engine: _core.Engine | None = engine
        self._running: set[asyncio.Future[Any]] = set()

    @classmethod
    async def open(cls, settings: Settings) -> Session:
        """Opens the project that `settings` name."""
        loop = await Loop.running()
        _logging.follow_levels()
        try:
            engine = await _core.Engine.open(loop.bridge, settings)
        except BaseException:
            await loop.close()
            raise
        return cls(loop, engine)

    @property
    def engine(self) -> _core.Engine:
        """The native project.

        Raises:
            RuntimeError: The caller runs on another loop.
        """
        if not self._loop.is_running_here:
            raise RuntimeError("this Iac was opened on another event loop: open it where you use it")
        if self._engine is None:
            raise refused("this Iac is closed")
        return self._engine

    @property
    def project(self) -> str:
        """The project's name."""
        if self._engine is None:
            raise refused("this Iac is closed")
        return self._engine.project

    async def ask(self, name: str, **about: object) -> Any:
        """Asks a question (`semantest_iac::query` in Rust) and gives its answer."""
        question = as_json({name: about}, name)
        return json.loads(await self.wait_for(self.engine.query(question)))

    async def wait_for(self, future: Awaitable[T]) -> T:
        """Waits for something that changes nothing."""
        with waiting():
            return await future

    async def carry_out(self, start: Callable[[_core.CancelToken], asyncio.Future[T]]) -> T:
        """Waits for a run. Where this task is cancelled meanwhile, the run is asked to end, finishes what is under way,
        records that it was cancelled, and only then the cancellation goes on. A second one does not wait."""
        _logging.follow_levels()
        token = _core.CancelToken()
        run = start(token)
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        with waiting():
            try:
                return await asyncio.shield(run)
            except asyncio.CancelledError:
                token.cancel()
                run.add_done_callback(_hear)
                await asyncio.wait([run])
                raise

    async def close(self) -> None:
        """Waits for runs that are under way, then ends. Twice is harmless."""
        while self._running:
            await asyncio.wait(self._running)
        await self._loop.close()
        # Exceptions may keep this object through their frames; the log is let go now.
        self._engine = None


def _hear(run: asyncio.Future[Any]) -> None:
    """Nobody asks for the outcome of a run whose caller was cancelled: it stands in the log."""
    if not run.cancelled():
        run.exception()
