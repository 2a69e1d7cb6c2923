"""A project's own log: publishing to it and reading it as a stream."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from measure import Way
from semantest_iac import ApplicationEvent, Iac, _stream

#: Events in the log, and events of a round.
RECORDED, PUBLISHED = 20_480, 200
#: Publishers at once: they share commits.
AT_ONCE = 64


@asynccontextmanager
async def filled() -> AsyncIterator[tuple[Iac, Path]]:
    """An open project whose log has events of 1 KB, and its folder."""
    # Beside this file rather than in /tmp, which may be memory.
    with TemporaryDirectory(dir=os.environ.get("SEMANTEST_BENCH_FOLDER")) as name:
        folder = Path(name)
        (folder / "semantest.toml").write_text('project = "bench"\n')
        async with Iac.open(folder) as iac:
            await _publish_all(iac, RECORDED)
            yield iac, folder


def _event() -> ApplicationEvent:
    data = {"order": "o-1", "lines": ["x" * 60] * 10}
    return ApplicationEvent("com.example.shop.OrderPlaced", data)


async def _publish_all(iac: Iac, times: int) -> None:
    async def some(count: int) -> None:
        for _ in range(count):
            await iac.publish(_event())

    await asyncio.gather(*(some(times // AT_ONCE) for _ in range(AT_ONCE)))


async def _publish(iac: Iac, times: int) -> None:
    for _ in range(times):
        await iac.publish(_event())


async def _synced(folder: Path, times: int) -> None:
    """What the disk alone takes: a page appended and made durable."""
    with (folder / "raw").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())


async def _read(iac: Iac, page: int, times: int) -> None:
    seen = 0
    with patch.object(_stream, "PAGE", page):
        async for event in iac.events():
            assert event.position and isinstance(event, ApplicationEvent) and event.name
            seen += 1
            if seen == times:
                return


def publish_ways(iac: Iac, folder: Path) -> list[Way]:
    """One at a time, several at once, and the disk alone."""
    whole = PUBLISHED // AT_ONCE * AT_ONCE
    return [
        Way("publish 1", lambda times: _publish(iac, times), PUBLISHED),
        Way(f"publish {AT_ONCE}", lambda times: _publish_all(iac, times), whole),
        Way("append + fdatasync", lambda times: _synced(folder, times), PUBLISHED),
    ]


def stream_ways(iac: Iac) -> list[Way]:
    """The log as the package reads it, and with one event a crossing."""
    return [
        Way("stream", lambda times: _read(iac, _stream.PAGE, times), RECORDED),
        Way("stream, one a crossing", lambda times: _read(iac, 1, times), RECORDED // 20),
    ]
