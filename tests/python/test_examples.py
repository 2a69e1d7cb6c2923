"""The examples do what their READMEs show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"
SHOWN = re.findall(r"```\n\$ python (\S+)\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)


def test_the_readme_shows_every_example() -> None:
    assert sorted(name for name, _ in SHOWN) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize(("name", "output"), SHOWN)
def test_an_example_prints_what_its_readme_shows(name: str, output: str, tmp_path: Path) -> None:
    folder = tmp_path / "python"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".semantest", "__pycache__"))
    ran = subprocess.run(
        [sys.executable, name], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, output), ran.stderr
