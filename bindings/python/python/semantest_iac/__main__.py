"""`python -m semantest_iac`: the very command line that the `semantest-iac` program has."""

from __future__ import annotations

import signal
import sys

from semantest_iac import _core
from semantest_iac._host import host_command


def main() -> int:
    """Runs the command line with this process's arguments and returns its exit code."""
    _leave_interrupts_to_the_command_line()
    return _core.run(sys.argv[1:], host_command())


def _leave_interrupts_to_the_command_line() -> None:
    # Else Python's own handler, called after ours, would have the interpreter raise
    # KeyboardInterrupt once the command line has come to its orderly end.
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        # Not the main thread: it is for whoever called this to say what an interrupt does.
        pass


if __name__ == "__main__":
    sys.exit(main())
