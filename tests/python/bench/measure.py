"""Processor time per event of several ways to do the same, in turns: noise meets all of them."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Way:
    """One way, by its name: `run(times)` does it so many times."""

    name: str
    run: Callable[[int], Awaitable[object]]
    times: int


@dataclass
class Cost:
    """What one event cost in each round, in microseconds."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def cpu_us(self) -> float:
        """Of the whole process, all its threads; the median of the rounds."""
        return statistics.median(self.cpu)

    @property
    def wall_us(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.wall)

    def times_of(self, other: Cost) -> float:
        """How many times the processor time of `other` it takes: the median of the rounds."""
        return statistics.median(own / its for own, its in zip(self.cpu, other.cpu, strict=True))


async def measure(ways: Sequence[Way], rounds: int) -> dict[str, Cost]:
    """The cost of each way, by its name."""
    costs = {way.name: Cost() for way in ways}
    for way in ways:
        await way.run(max(1, way.times // 10))
    # What ran before has an effect: a processor that was just idle is slow to wake.
    order, chance = list(ways), random.Random(0)
    for _ in range(rounds):
        chance.shuffle(order)
        for way in order:
            gc.collect()
            cpu, wall = time.process_time(), time.perf_counter()
            await way.run(way.times)
            cost = costs[way.name]
            cost.cpu.append((time.process_time() - cpu) / way.times * 1e6)
            cost.wall.append((time.perf_counter() - wall) / way.times * 1e6)
    return costs
