"""The plugin's process and Pulumi's own stub for it, with names for what the engine sends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

PROGRAM = os.environ.get("SEMANTEST_PULUMI_PLUGIN", "")

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

#: How long anything that is waited for may take, on a machine that does other things too.
PATIENCE = 60.0

TYPE = "semantest:index:Deployment"
NAME = "component"


def urn(stack: str = "production", name: str = NAME) -> str:
    """As the engine names a resource of the program `shop-infrastructure`."""
    return f"urn:pulumi:{stack}::shop-infrastructure::{TYPE}::{name}"


def secret(value: Any) -> dict[str, Any]:
    """A value that Pulumi keeps encrypted."""
    return {SIGNATURE: SECRET, "value": value}


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """What the engine sends for properties."""
    return json_format.ParseDict(values, struct_pb2.Struct())


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Properties as they are on the wire."""
    return json_format.MessageToDict(properties)


class Plugin:
    """A running plugin; it is told to end, and killed only if it does not."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEMANTEST_", "AWS_"))}
        # The engine's address is the last argument; nobody listens there, which an engine that ends looks like.
        command = [PROGRAM, *arguments, "127.0.0.1:9"]
        self.errors = (folder.parent / "plugin.log").open("a+")
        self.process = subprocess.Popen(
            command, cwd=folder, env=kept | environment, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line.strip().isdigit(), (self.first_line, self.log())
        # As Pulumi raises it: without it the answer to a large message would be refused here.
        limits = [(f"grpc.max_{way}_message_length", 400 << 20) for way in ("send", "receive")]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.first_line.strip()}", limits)
        self.stub = ResourceProviderStub(self.channel)

    def log(self) -> str:
        """What it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def __enter__(self) -> Plugin:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, trace: TracebackType | None) -> None:
        self.channel.close()
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)
        self.errors.close()

    def handshake(self) -> messages.ProviderHandshakeResponse:
        """As the engine begins."""
        request = messages.ProviderHandshakeRequest(engine_address="127.0.0.1:9", configure_with_urn=True)
        return self.stub.Handshake(request, timeout=PATIENCE)

    def check_config(self, **config: Any) -> messages.CheckResponse:
        """Judges the provider's configuration."""
        request = messages.CheckRequest(urn=provider_urn(), news=struct(config), name="default")
        return self.stub.CheckConfig(request, timeout=PATIENCE)

    def configured(self, **config: Any) -> messages.ConfigureResponse:
        """Handshake, CheckConfig, Configure: what every run begins with."""
        self.handshake()
        checked = self.check_config(**config)
        assert not checked.failures, checked
        request = messages.ConfigureRequest(
            args=checked.inputs,
            acceptSecrets=True,
            acceptResources=True,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
        )
        return self.stub.Configure(request, timeout=PATIENCE)

    def checked(self, olds: dict[str, Any] | None = None, stack: str = "production", **inputs: Any) -> dict[str, Any]:
        """Inputs with their defaults; there must be nothing wrong with them."""
        answer = self.check(olds, stack, **inputs)
        assert not answer.failures, answer.failures
        return plain(answer.inputs)

    def check(
        self, olds: dict[str, Any] | None = None, stack: str = "production", name: str = NAME, **inputs: Any
    ) -> Any:
        """Judges a resource's inputs."""
        request = messages.CheckRequest(
            urn=urn(stack, name),
            type=TYPE,
            name=name,
            olds=struct(olds or {}),
            news=struct(inputs),
            randomSeed=b"0" * 32,
        )
        return self.stub.Check(request, timeout=PATIENCE)

    def create(self, inputs: dict[str, Any], preview: bool = False) -> messages.CreateResponse:
        """Creates what was checked."""
        request = messages.CreateRequest(urn=urn(), type=TYPE, name=NAME, properties=struct(inputs), preview=preview)
        return self.stub.Create(request, timeout=PATIENCE)

    def created(self, **inputs: Any) -> Created:
        """Check and Create, as `pulumi up` does them for a new resource."""
        checked = self.checked(**inputs)
        answer = self.create(checked)
        return Created(answer.id, checked, plain(answer.properties))

    def diff(self, was: Created, news: dict[str, Any], ignore: tuple[str, ...] = ()) -> messages.DiffResponse:
        """Compares, and holds the answer to what Pulumi's protocol demands of every such answer."""
        request = messages.DiffRequest(
            id=was.id,
            urn=urn(),
            type=TYPE,
            name=NAME,
            olds=struct(was.outputs),
            old_inputs=struct(was.inputs),
            news=struct(news),
            ignoreChanges=list(ignore),
        )
        answer = self.stub.Diff(request, timeout=PATIENCE)
        roots = [path.split(".")[0].split("[")[0] for path in answer.detailedDiff]
        assert len(set(answer.diffs)) == len(answer.diffs), answer
        assert set(answer.diffs) == set(roots), answer
        assert bool(answer.diffs) == (answer.changes == messages.DiffResponse.DIFF_SOME), answer
        assert answer.hasDetailedDiff, answer
        return answer

    def update(self, was: Created, news: dict[str, Any], preview: bool = False) -> Created:
        """Brings it to what was checked."""
        request = messages.UpdateRequest(
            id=was.id,
            urn=urn(),
            type=TYPE,
            name=NAME,
            olds=struct(was.outputs),
            old_inputs=struct(was.inputs),
            news=struct(news),
            preview=preview,
        )
        answer = self.stub.Update(request, timeout=PATIENCE)
        return Created(was.id, news, plain(answer.properties))

    def read(self, id: str, was: Created | None = None) -> messages.ReadResponse:
        """Refresh; or import, where nothing but the id is known."""
        known = {"properties": struct(was.outputs), "inputs": struct(was.inputs)} if was else {}
        request = messages.ReadRequest(id=id, urn=urn(), type=TYPE, name=NAME, **known)
        return self.stub.Read(request, timeout=PATIENCE)

    def delete(self, was: Created, name: str = NAME) -> None:
        """Takes it away."""
        request = messages.DeleteRequest(
            id=was.id,
            urn=urn(name=name),
            type=TYPE,
            name=name,
            properties=struct(was.outputs),
            old_inputs=struct(was.inputs),
        )
        self.stub.Delete(request, timeout=PATIENCE)

    def invoke(self, function: str, **arguments: Any) -> dict[str, Any]:
        """Calls a function of the package; nothing may be wrong with it."""
        request = messages.InvokeRequest(tok=f"semantest:index:{function}", args=struct(arguments))
        answer = self.stub.Invoke(request, timeout=PATIENCE)
        assert not answer.failures, answer.failures
        return plain(getattr(answer, "return"))


class Created:
    """What the engine keeps in its state for a resource."""

    def __init__(self, id: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        self.id, self.inputs, self.outputs = id, inputs, outputs


def provider_urn() -> str:
    """As the engine names the provider that nobody declared."""
    return "urn:pulumi:production::shop-infrastructure::pulumi:providers:semantest::default"
