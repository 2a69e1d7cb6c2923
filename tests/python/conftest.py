"""A project of its own for each test, on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Who runs the tests in the background may have had Ctrl-C ignored, and programs that are started inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = f"""\
project = "shop"

[environments.dev]
provider = "local"

[components.rest-api]
code = "code"
runtime = "python{sys.version_info.major}.{sys.version_info.minor}"
handler = "hello.handler"
environment_variables = {{ GREETING = "hello" }}

[components.other]
kind = "rest-api"
code = "code"
runtime = "python{sys.version_info.major}.{sys.version_info.minor}"
handler = "hello.handler"
"""

CODE = """\
import os

def handler(event, context):
    return {"statusCode": 200, "body": os.environ.get("GREETING", "")}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with a project in it; what was started for it is stopped in the end."""
    folder = tmp_path / "shop"
    (folder / "code").mkdir(parents=True)
    (folder / "semantest.toml").write_text(PROJECT)
    (folder / "code" / "hello.py").write_text(CODE)
    yield folder
    stop = [sys.executable, "-m", "semantest_iac", "local", "stop", "--project", str(folder)]
    subprocess.run(stop, capture_output=True, check=False, timeout=60)
