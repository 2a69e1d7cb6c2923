"""Benchmark of the Python package: what an event costs on its way between Rust and Python.

`cargo xtask bench python` builds what it needs and runs it.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence

import deliveries
import project
from measure import Cost, measure
from semantest_iac._loop import Loop

ROUNDS = int(os.environ.get("SEMANTEST_BENCH_ROUNDS", "9"))
#: Rounds that the disk has a say in take longer.
DISK_ROUNDS = 5


def _table(title: str, costs: dict[str, Cost], against: Mapping[str, Sequence[str]]) -> None:
    """Prints costs; `against` has for a name those it is compared with."""
    print(f"\n{title:<32}{'us CPU':>9}{'us wall':>9}   CPU as a multiple of")
    for name, cost in costs.items():
        ratios = [f"{other}: {cost.times_of(costs[other]):.2f}" for other in against.get(name, ())]
        line = f"{name:<32}{cost.cpu_us:>9.1f}{cost.wall_us:>9.1f}   {', '.join(ratios)}"
        print(line.rstrip())


def _delivery_ratios() -> dict[str, list[str]]:
    ratios = {}
    for at_once in (1, 64):
        theirs = [f"async-runtimes json {at_once}", f"async-runtimes dict {at_once}"]
        ratios[f"ours async {at_once}"] = [*theirs, f"python task {at_once}", "python await"]
    return ratios


async def main() -> None:
    """Measures everything and prints it."""
    load, version = os.getloadavg()[0], platform.python_version()
    print(f"Python {version}, {os.cpu_count()} cores, load before {load:.1f}; medians")
    for name, event in (("flat", deliveries.FLAT), ("nested", deliveries.NESTED)):
        print(f"the {name} event has {len(json.dumps(event.to_cloudevent()))} bytes")
    loop = await Loop.running()
    costs = await measure(deliveries.ways(loop), ROUNDS)
    _table("an event to a handler", costs, _delivery_ratios())
    async with project.filled() as (iac, folder):
        published = await measure(project.publish_ways(iac, folder), DISK_ROUNDS)
        _table("an event published", published, {})
        read = await measure(project.stream_ways(iac), DISK_ROUNDS)
        _table("an event read from the log", read, {"stream": ["stream, one a crossing"]})
    await loop.close()
    figures = {
        name: {"cpu": round(cost.cpu_us, 1), "wall": round(cost.wall_us, 1)}
        for name, cost in {**costs, **published, **read}.items()
    }
    print("\n" + json.dumps({"python": version, "load": load, "us": figures}))


asyncio.run(main())
sys.stdout.flush()
# pyo3-async-runtimes leaves threads that may attach to an interpreter that is going away.
os._exit(0)
