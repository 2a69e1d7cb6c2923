"""Benchmark of the Python package: what an event costs on its way between Rust and Python.

`cargo xtask bench python` builds what it needs and runs it.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys

import deliveries
import project
from measure import Cost, measure
from semantest_iac._loop import Loop

ROUNDS = int(os.environ.get("SEMANTEST_BENCH_ROUNDS", "9"))


def _table(title: str, costs: dict[str, Cost], against: dict[str, str]) -> None:
    """Prints costs; `against` has for a name the one it is compared with."""
    print(f"\n{title:<34} {'us CPU':>9} {'us wall':>9}   ratio (CPU)")
    for name, cost in costs.items():
        other = against.get(name)
        ratio = f"{cost.times_of(costs[other]):7.2f} x {other}" if other is not None else ""
        print(f"{name:<34} {cost.cpu_us:>9.1f} {cost.wall_us:>9.1f} {ratio}".rstrip())


async def main() -> None:
    """Measures everything and prints it."""
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}, medians of {ROUNDS} rounds")
    loop = await Loop.running()
    handled = await measure(deliveries.ways(loop), ROUNDS)
    print(f"a delivered event: {len(json.dumps(deliveries.FLAT.to_cloudevent()))} bytes; nested: "
          f"{len(json.dumps(deliveries.NESTED.to_cloudevent()))} bytes")
    against = {name: f"ours async {name.rpartition(' ')[2]}" for name in handled if " json " in name or " dict " in name}
    against |= {"ours async 1": "python task 1", "ours async 64": "python task 64"}
    _table("an event to a handler", handled, against)
    async with project.filled() as (iac, folder):
        published = await measure(project.publish_ways(iac, folder), 5)
        _table("an event published", published, {})
        read = await measure(project.stream_ways(iac), 5)
        _table("an event read from the log", read, {"stream, one a crossing": "stream"})
    await loop.close()
    figures = {
        name: {"cpu_us": round(cost.cpu_us, 1), "wall_us": round(cost.wall_us, 1)}
        for name, cost in (handled | published | read).items()
    }
    print("\n" + json.dumps({"load": load, "python": platform.python_version(), "us": figures}))


asyncio.run(main())
sys.stdout.flush()
# pyo3-async-runtimes leaves threads that may attach to an interpreter that is going away.
os._exit(0)
