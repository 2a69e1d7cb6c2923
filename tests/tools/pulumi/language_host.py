"""Stands in for Pulumi's language hosts of Python and Node.js, which cannot be built from Go's module proxy.

Only the host is ours, and all it does is start the program: the engine, the SDK and our plugin are the real ones. Linked as
`pulumi-language-python` and `pulumi-language-nodejs` it serves the engine that started it; called with `--program FILE` it is
the Python process that runs a program (its settings come on standard input).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import runpy
import subprocess
import sys
from concurrent import futures
from pathlib import Path

PROGRAM = "--program"


def run_program(file: str) -> None:
    """Runs a Python program as Pulumi's own host does."""
    import pulumi.runtime
    from pulumi.runtime.settings import Settings

    given = json.load(sys.stdin)
    pulumi.runtime.set_all_config(given["config"], given["secret_keys"])
    pulumi.runtime.configure(Settings(**given["settings"]))
    program = file if file.endswith(".py") else str(Path(file, "__main__.py"))

    async def run() -> None:
        await pulumi.runtime.run_in_stack(lambda: runpy.run_path(program, run_name="__main__"))

    asyncio.run(run())


def node(request: object, engine: str, pwd: str) -> list[str]:
    """The command that runs a program for Node.js: the SDK brings it."""
    settings = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "stack": request.stack,
        "pwd": pwd,
        "parallel": str(request.parallel),
        "dry-run": "true" if request.dryRun else "",
    }
    options = [part for name, value in settings.items() if value for part in (f"--{name}", value)]
    return ["node", "node_modules/@pulumi/pulumi/cmd/run", *options, request.info.entry_point]


def python(request: object, engine: str) -> str:
    """What the process of a Python program is told."""
    settings = {
        "project": request.project,
        "stack": request.stack,
        "monitor": request.monitor_address,
        "engine": engine,
        "parallel": request.parallel,
        "dry_run": request.dryRun,
        "organization": request.organization,
    }
    secret_keys = list(request.configSecretKeys)
    return json.dumps({"config": dict(request.config), "secret_keys": secret_keys, "settings": settings})


def serve(name: str, engine: str) -> None:
    """Serves the engine as the host called `name`."""
    import grpc
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

    class Host(language_pb2_grpc.LanguageRuntimeServicer):
        def Handshake(self, request: object, context: object) -> object:
            return language_pb2.LanguageHandshakeResponse()

        def GetPluginInfo(self, request: object, context: object) -> object:
            return plugin_pb2.PluginInfo(version="0.0.0")

        def GetRequiredPackages(self, request: object, context: object) -> object:
            return language_pb2.GetRequiredPackagesResponse()

        def GetRequiredPlugins(self, request: object, context: object) -> object:
            return language_pb2.GetRequiredPluginsResponse()

        def Run(self, request: object, context: object) -> object:
            pwd = request.info.program_directory or request.pwd
            if name.endswith("nodejs"):
                command, told = node(request, engine, pwd), ""
            else:
                program = str(Path(pwd, request.info.entry_point))
                command = [sys.executable, __file__, PROGRAM, program]
                told = python(request, engine)
            environment = os.environ | {"PULUMI_NODEJS_TYPESCRIPT": "true"}
            ended = subprocess.run(
                command, cwd=pwd, env=environment, input=told, text=True, capture_output=True
            )
            sys.stderr.write(ended.stdout + ended.stderr)
            error = ended.stdout + ended.stderr if ended.returncode else ""
            return language_pb2.RunResponse(error=error)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    # The engine interrupts its plugins in the end.
    with contextlib.suppress(KeyboardInterrupt):
        server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1:2] == [PROGRAM]:
        run_program(sys.argv[2])
    else:
        serve(Path(sys.argv[0]).name, sys.argv[-1])
