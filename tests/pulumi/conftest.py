"""A project of its own for each test, and the plugin started in it as the engine starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin import PROGRAM, Plugin

PROJECT = f"""\
project = "shop"

[environments.production]
provider = "local"

[components.rest-api]
code = "code"
runtime = "python{sys.version_info.major}.{sys.version_info.minor}"
handler = "hello.handler"
environment_variables = {{ GREETING = "hello" }}

[components.orders]
kind = "rest-api"
code = "code"
runtime = "python{sys.version_info.major}.{sys.version_info.minor}"
handler = "hello.handler"
"""

CODE = """\
import json, os

def handler(event, context):
    names = [name for name in os.environ if name in ("GREETING", "TOKEN")]
    return {"statusCode": 200, "body": json.dumps({name: os.environ[name] for name in names})}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with a project in it; what was started for it is stopped in the end."""
    folder = tmp_path / "shop"
    (folder / "code").mkdir(parents=True)
    (folder / "semantest.toml").write_text(PROJECT)
    (folder / "code" / "hello.py").write_text(CODE)
    yield folder
    stop_host(folder)


def stop_host(folder: Path) -> None:
    """Ends the process that runs the project's functions, where there is one."""
    lock = folder / ".semantest" / "local" / "host.lock"
    if lock.exists() and (process := lock.read_text().strip()):
        subprocess.run(["kill", process], check=False, capture_output=True)


@pytest.fixture
def plugin(project: Path) -> Iterator[Plugin]:
    """The plugin, told of the component as `pulumi up -s production -c semantest:component=rest-api` does."""
    with Plugin(project) as started:
        started.configured(component="rest-api")
        yield started


def pytest_configure(config: pytest.Config) -> None:
    """Without the program there is nothing to test, and nothing to skip."""
    if not os.access(PROGRAM, os.X_OK):
        raise pytest.UsageError("SEMANTEST_PULUMI_PLUGIN names no program: use `cargo xtask pulumi`")
