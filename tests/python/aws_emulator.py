"""AWS on this machine: ministack on a free loopback port, as `cargo xtask test` installed it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from projects import PATIENCE, clean_environment

REGION = "eu-west-1"

#: Runs a command until it ends or nobody holds our standard input any more, then ends everything it
#: started: also where the tests are killed nothing is left.
LEASH = """\
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
(cat <&3 >/dev/null; kill -KILL 0) &
wait $child
kill -KILL 0
"""


def environment(url: str) -> dict[str, str]:
    """What a program needs so that it speaks to the emulator, and to nothing of this machine's owner."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "SEMANTEST_AWS_QUOTAS": "off",
    }


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Where it listens, until the end of the block."""
    tools = os.environ.get("SEMANTEST_TOOLS")
    assert tools, "SEMANTEST_TOOLS is not set: run `cargo xtask test`"
    program = Path(tools) / "emulators/bin/ministack"
    assert program.exists(), f"{program} is missing: run `cargo xtask test`"
    # Somebody else can take a free port before the emulator does.
    for _ in range(3):
        with _started(program) as url:
            if url is not None:
                yield url
                return
    raise AssertionError("no emulator answers; `cargo xtask test` installs it anew")


@contextlib.contextmanager
def _started(program: Path) -> Iterator[str | None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": "123456789012",
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "false",
    }
    process = subprocess.Popen(
        ["sh", "-c", LEASH, "sh", str(program)],
        env=clean_environment(**settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        yield url if _answers(process, f"{url}/_ministack/health") else None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        time.sleep(0.05)
    return False
