"""Ways to have a handler in Python handle an event of 1 KB; each handler reads two fields of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

# Of Rust, and without types.
import async_runtimes_bench  # type: ignore[import-untyped]

from measure import Way
from semantest_iac import _core, listen
from semantest_iac._handlers import deliverer
from semantest_iac._listen import listens_of
from semantest_iac._loop import Loop
from semantest_iac.events import EnvironmentConfigured, FunctionDeployed

#: Events of a round, by how much one costs.
CROSSINGS, TASKS, CALLS = 3000, 20_000, 100_000

_ABOUT: Any = {
    "source": "/semantest-iac/shop",
    "subject": "shop/production/orders",
    "correlation_id": "01981c3e-0000-7000-8000-000000000001",
    "causation_id": "01981c3e-0000-7000-8000-000000000002",
    "previous_event_ids": ("01981c3e-0000-7000-8000-000000000002",),
}

FLAT = FunctionDeployed(
    function_name="shop-production-orders-checkout",
    arn="arn:aws:lambda:eu-west-1:123456789012:function:shop-production-orders-checkout:live",
    endpoint="https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/production/" + "x" * 200,
    component="orders",
    environment="production",
    provider="aws",
    **_ABOUT,
)

NESTED = EnvironmentConfigured(
    component="orders",
    environment="production",
    variables={
        f"VARIABLE_{n}": {"secret": f"env:SECRET_{n}"} if n % 2 else f"value-{n}" for n in range(8)
    },
    tags={f"team-{n}": f"owner-{n}" for n in range(8)},
    **_ABOUT,
)


@listen(FunctionDeployed)
async def handle(event: FunctionDeployed) -> None:
    """Reads two fields."""
    assert event.function_name and event.component


@listen(FunctionDeployed)
def handle_now(event: FunctionDeployed) -> None:
    """Reads two fields."""
    assert event.function_name and event.component


@listen(EnvironmentConfigured)
async def handle_nested(event: EnvironmentConfigured) -> None:
    """Reads two fields that hold others."""
    assert event.variables and event.tags


async def handle_json(text: str) -> None:
    """Reads two fields."""
    data = json.loads(text)["data"]
    assert data["function_name"] and data["component"]


async def handle_dict(event: dict[str, Any]) -> None:
    """Reads two fields."""
    data = event["data"]
    assert data["function_name"] and data["component"]


@dataclass(frozen=True)
class Deployed:
    """The same event in a program that has nothing but Python."""

    event_id: str
    function_name: str
    component: str
    arn: str


_DEPLOYED = Deployed(FLAT.event_id, FLAT.function_name, FLAT.component, FLAT.arn)


async def _unpublished(event: object) -> NoReturn:
    raise AssertionError("no handler returns anything here")


def _ours(
    loop: Loop, handler: Callable[[Any], Any], event: Any, at_once: int
) -> Callable[[int], Awaitable[None]]:
    (listener,) = listens_of(handler)
    deliver = deliverer(listener, listener.marks[0], _unpublished)
    text = json.dumps(event.to_cloudevent())
    return lambda times: _core.deliver_repeatedly(loop.bridge, deliver, text, times, at_once)


async def _theirs(handler: Callable[[Any], Any], as_dict: bool, at_once: int, times: int) -> None:
    text = json.dumps(FLAT.to_cloudevent())
    await async_runtimes_bench.deliver_repeatedly(handler, text, as_dict, times, at_once)


async def _called(times: int) -> None:
    for _ in range(times):
        await handle(_DEPLOYED)  # type: ignore[arg-type]


async def _woken(times: int) -> None:
    async_runtimes_bench.wake_repeatedly(times)


async def _tasks(at_once: int, times: int) -> None:
    for _ in range(times // at_once):
        await asyncio.gather(*(asyncio.create_task(_handle_deployed()) for _ in range(at_once)))


async def _handle_deployed() -> None:
    await handle(_DEPLOYED)  # type: ignore[arg-type]


def ways(loop: Loop) -> list[Way]:
    """All of them: ours, pyo3-async-runtimes, Python alone."""
    found = [
        Way("threads waking each other", _woken, CROSSINGS),
        Way("python await", _called, CALLS),
    ]
    for at_once in (1, 64):
        each: dict[str, Callable[[int], Awaitable[object]]] = {
            "ours async": _ours(loop, handle, FLAT, at_once),
            "ours async nested": _ours(loop, handle_nested, NESTED, at_once),
            "ours sync": _ours(loop, handle_now, FLAT, at_once),
            "async-runtimes json": partial(_theirs, handle_json, False, at_once),
            "async-runtimes dict": partial(_theirs, handle_dict, True, at_once),
        }
        found += [Way(f"{name} {at_once}", run, CROSSINGS) for name, run in each.items()]
        found.append(Way(f"python task {at_once}", partial(_tasks, at_once), TASKS))
    return found
