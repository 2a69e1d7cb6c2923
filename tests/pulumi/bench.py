"""What the plugin costs: `cargo xtask bench pulumi`. Numbers, never a test."""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from google.protobuf import empty_pb2

from conftest import CODE, PROJECT, stop_host
from plugin import PATIENCE, PROGRAM, Created, Plugin

ROUNDS = 21


def children_cpu() -> float:
    """Processor seconds of the processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(folder: Path) -> tuple[float, float]:
    """Seconds from the start of the process to its handshake, and the processor's of its whole life."""
    before, began = children_cpu(), time.perf_counter()
    with Plugin(folder) as plugin:
        plugin.handshake()
        took = time.perf_counter() - began
        end(plugin)
    return took, children_cpu() - before


def end(plugin: Plugin) -> None:
    """As the engine does."""
    plugin.stub.Cancel(empty_pb2.Empty(), timeout=PATIENCE)
    plugin.process.terminate()
    plugin.process.wait(timeout=PATIENCE)


def nothing_to_do(folder: Path, was: Created) -> float:
    """Processor seconds of what an `up` with nothing to do asks of the plugin: once for the preview, once for the update."""
    before = children_cpu()
    for _ in ("preview", "update"):
        with Plugin(folder) as plugin:
            plugin.configured(component="rest-api")
            assert not plugin.diff(was, plugin.checked(olds=was.inputs)).diffs
            end(plugin)
    return children_cpu() - before


def shown(what: str, values: list[float]) -> None:
    """The median and the range, in thousandths of a second."""
    thousandths = sorted(1000 * value for value in values)
    print(f"{what:<58}{statistics.median(thousandths):7.1f} ms   {thousandths[0]:.1f} to {thousandths[-1]:.1f}")


def main() -> None:
    """All of it, in a project that is thrown away."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "shop"
        (folder / "code").mkdir(parents=True)
        (folder / "semantest.toml").write_text(PROJECT)
        (folder / "code" / "hello.py").write_text(CODE)
        print(f"{'size of the program':<58}{Path(PROGRAM).stat().st_size / 1e6:7.1f} MB")
        starts = [start(folder) for _ in range(ROUNDS)]
        shown("start to handshake", [took for took, _ in starts])
        shown("start, handshake and end: processor", [used for _, used in starts])
        try:
            with Plugin(folder) as plugin:
                plugin.configured(component="rest-api")
                was = plugin.created()
                end(plugin)
            shown("an up with nothing to do, its preview included: processor", [nothing_to_do(folder, was) for _ in range(ROUNDS)])
        finally:
            stop_host(folder)


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("SEMANTEST_PULUMI_PLUGIN names no program: use `cargo xtask bench pulumi`")
    main()
