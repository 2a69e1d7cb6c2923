"""Runs a program in a terminal of its own: keys come from standard input, what it shows goes to standard output.

Once the program has ended, the last line tells its exit code and whether the terminal is as it was before.
"""
import json
import os
import pty
import select
import sys
import termios

child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
before = termios.tcgetattr(terminal)
sources = [terminal, sys.stdin.fileno()]
ended = None
while True:
    ready, _, _ = select.select(sources, [], [], 0.05)
    for source in ready:
        try:
            text = os.read(source, 65536)
        except OSError:  # nobody has the terminal any more
            text = b""
        if source == terminal:
            os.write(sys.stdout.fileno(), text)
        elif text:
            os.write(terminal, text)
        else:
            sources.remove(source)
    if ended is None:
        finished, status = os.waitpid(child, os.WNOHANG)
        ended = os.waitstatus_to_exitcode(status) if finished else None
    elif not ready or ready == [terminal] and not text:
        break
try:
    put_back = termios.tcgetattr(terminal)[:6] == before[:6]
except termios.error as error:
    put_back = str(error)
print("\n" + json.dumps({"code": ended, "put_back": put_back}), flush=True)
