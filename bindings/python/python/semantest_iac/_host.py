"""How the local host is started from Python: the background process that runs a project's functions."""

from __future__ import annotations

import os
import sys

# Finds this very package wherever it is (a virtual environment, `--target`, a path set by the
# application), also where the environment variables that led to it are not passed on.
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from semantest_iac.__main__ import main; sys.exit(main())"
)


def host_command() -> list[str]:
    """Program and arguments; the project's folder is appended."""
    if not sys.executable:
        # An embedding program that does not say which interpreter it has.
        return ["semantest-iac", "local", "host", "--project"]
    package = os.path.dirname(os.path.realpath(__file__))
    return [sys.executable, "-I", "-c", _START, os.path.dirname(package), "local", "host", "--project"]
