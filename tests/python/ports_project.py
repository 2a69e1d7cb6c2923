"""A project whose cloud, log, bus and vault are written in Python."""

from pathlib import Path
from typing import Any

import pytest
from ports_in_memory import MemoryBus, MemoryProvider, MemoryStore, MemoryVault

from semantest_iac import Iac

PROJECT = """
project = "shop"

[environments.dev]
provider = "elsewhere"

[components.rest-api]
code = "rest-api"
runtime = "python3.12"
handler = "index.handler"
environment_variables = { PASSWORD = { secret = "vault:password" }, TEXT = "ü ${not.a.reference}" }
"""

CANARY = "canary-77ab02fe"


class Elsewhere:
    """What outlives the runs, and how a project is opened over it."""

    def __init__(self, folder: Path, cloud: MemoryProvider | None = None) -> None:
        self.folder = folder
        self.cloud = cloud or MemoryProvider()
        self.log = MemoryStore()
        self.bus = MemoryBus()
        self.vault = MemoryVault({"vault:password": CANARY})

    def open(self, **others: Any) -> Iac:
        ports = {
            "providers": [self.cloud],
            "store": self.log,
            "bus": self.bus,
            "secret_resolvers": [self.vault],
        }
        return Iac.open(self.folder, **{**ports, **others})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "semantest.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "rest-api").mkdir()
    (tmp_path / "rest-api" / "index.py").write_text("def handler(event, context):\n    return {}\n")
    return tmp_path
