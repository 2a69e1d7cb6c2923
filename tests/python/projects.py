"""Projects in folders of their own, and Python run on them the way a user runs it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

#: How long anything that is waited for may take, on a machine that does other things too.
PATIENCE = 60.0

#: `python -m semantest_iac`, and the script beside the interpreter.
MODULE = [sys.executable, "-m", "semantest_iac"]
SCRIPT = [str(Path(sys.executable).with_name("semantest-iac"))]

PROJECT = """\
project = "shop"

[environments.dev]
provider = "local"
"""

COMPONENT = """
[components.{name}]
kind = "rest-api"
code = "{name}"
runtime = "python3.12"
handler = "app.handler"
routes = ["GET /"]
environment_variables = {{ GREETING = {greeting} }}
"""

FUNCTION = """\
import os


def handler(event, context):
    return {"statusCode": 200, "body": os.environ["GREETING"]}
"""


def clean_environment(**added: str) -> dict[str, str]:
    """This process's environment without anything that says how Python or we are to behave."""
    kept = ("PYTHON", "SEMANTEST_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(kept)} | added


def run(
    command: Sequence[str | bytes | Path], cwd: Path, check: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; `check` is the exit code that it has to have."""
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=2 * PATIENCE,
    )
    if check is not None:
        assert ran.returncode == check, (ran.returncode, ran.stdout, ran.stderr)
    return ran


def start(
    command: Sequence[str | Path], cwd: Path, **environment: str
) -> subprocess.Popen[str]:
    """Starts a program whose output is read."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Waits for its end: exit code and what is left of standard output and standard error."""
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, stdout, stderr


def eventually(what: str, look: Callable[[], T]) -> T:
    """What `look` finds in the end, which is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


class Project:
    """A project that is deployed to this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.file("semantest.toml").write_text(PROJECT, encoding="utf-8")
        self.add("rest-api")

    def file(self, name: str) -> Path:
        return self.folder / name

    def add(self, name: str, greeting: str = '"hello"') -> None:
        """A component with one function."""
        (self.folder / name).mkdir(parents=True)
        (self.folder / name / "app.py").write_text(FUNCTION, encoding="utf-8")
        with self.file("semantest.toml").open("a", encoding="utf-8") as toml:
            toml.write(COMPONENT.format(name=name, greeting=greeting))

    def replace(self, old: str, new: str) -> None:
        """In `semantest.toml`."""
        text = self.file("semantest.toml").read_text(encoding="utf-8")
        assert old in text, text
        self.file("semantest.toml").write_text(text.replace(old, new), encoding="utf-8")

    def json(self, *arguments: str, code: int = 0, command: Sequence[str] = MODULE) -> Any:
        """The one object that a command prints with `--output json`."""
        ran = run([*command, *arguments, "--output", "json"], self.folder, code)
        answer = json.loads(ran.stdout)
        assert isinstance(answer, dict)
        return answer

    def script(self, lines: str, check: int | None = 0, **environment: str) -> str:
        """Runs lines of Python in the project's folder; what they printed."""
        ran = run([sys.executable, "-c", lines], self.folder, check, **environment)
        assert ran.stderr == "" or check != 0, ran.stderr
        return ran.stdout

    @property
    def host(self) -> int | None:
        """The process id of the local host, if it runs."""
        about = self.file(".semantest/local/host.json")
        pid = json.loads(about.read_text(encoding="utf-8"))["pid"] if about.exists() else None
        return pid if pid is not None and Path(f"/proc/{pid}").exists() else None

    @contextlib.contextmanager
    def silent_host(self) -> Iterator[int]:
        """Meanwhile the local host answers nobody: what is deployed waits."""
        self.json("deploy", "--component", "rest-api")
        pid = self.host
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ends what runs for it."""
        # `-P`: whatever lies in the folder.
        run([sys.executable, "-P", *MODULE[1:], "local", "stop"], self.folder, 0)
