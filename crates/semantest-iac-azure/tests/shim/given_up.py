"""Asks a packaged function with more patience and with less; prints what was answered, and what the function did.

usage: python given_up.py <folder of the package>
"""
import concurrent.futures
import json
import logging
import os
import sys
import time

sys.path.insert(0, sys.argv[1])

from semantest.definition import read_definition  # noqa: E402
from semantest.pool import Runtime  # noqa: E402

lines = []


class Kept(logging.Handler):
    def emit(self, record):
        lines.append(json.loads(record.getMessage())["message"])


logging.getLogger("semantest").addHandler(Kept())
definition = read_definition()
runtime = Runtime(definition, os.environ, {})
role = definition["functions"][0]["role"]


def ask(word, seconds=None):
    job = runtime.invoke(role, {"word": word}, seconds=seconds)
    return job and job.payload.decode()


# Nobody waits for the first by the time its process has started.
answered = [ask("given up", 0.001)]
with concurrent.futures.ThreadPoolExecutor(2) as threads:
    answered += threads.map(ask, ["first", "second"], [None, 60])
answered.append(ask("last"))
# What a function prints may come after its answer.
while "began last" not in lines:
    time.sleep(0.01)
print(json.dumps({"answered": answered, "lines": sorted(lines)}), flush=True)
runtime.end()
os._exit(0)
