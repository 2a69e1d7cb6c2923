"""`python -m semantest_iac`: the very command line that the `semantest-iac` program has."""

from __future__ import annotations

import sys

from semantest_iac import _core
from semantest_iac._host import host_command


def main() -> int:
    """Runs the command line with this process's arguments and returns its exit code."""
    return _core.run(sys.argv[1:], host_command())


if __name__ == "__main__":
    sys.exit(main())
