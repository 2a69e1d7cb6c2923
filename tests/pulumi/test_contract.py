"""Our subset of Pulumi's protocol is Pulumi's: each name, number and type, read off Pulumi's own descriptors."""

from __future__ import annotations

import os
import re
from pathlib import Path

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default

# Only for what they bring into the pool.
from pulumi.runtime.proto import engine_pb2, errors_pb2, plugin_pb2, provider_pb2  # noqa: F401

ROOT = Path(os.environ["SEMANTEST_ROOT"])
SOURCES = sorted((ROOT / "crates/semantest-iac-pulumi/proto").glob("**/*.proto"))
FIELD = re.compile(r"(?P<label>repeated |optional )?(?P<type>map<[^>]+>|[\w.]+) (?P<name>\w+) = (?P<number>\d+)")
CALL = re.compile(r"rpc (\w+)\s*\(([\w.]+)\)\s*returns\s*\(([\w.]+)\)")
VALUE = re.compile(r"(\w+) = (\d+)")

SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("string", "bool", "double", "float", "int32", "int64", "uint32", "uint64", "bytes")
}


def package() -> str:
    """Ours is theirs, or no method would be found."""
    packages = {re.search(r"^package ([\w.]+);", text(source), re.M).group(1) for source in SOURCES}  # type: ignore[union-attr]
    assert packages == {"pulumirpc"}, packages
    return packages.pop()


def text(source: Path) -> str:
    """Without comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source.read_text(), flags=re.S)


def blocks(kind: str, body: str) -> list[tuple[str, str]]:
    """Name and body of the messages, enums or services right in `body`."""
    found = []
    for start in re.finditer(rf"\b{kind} (\w+)\s*\{{", body):
        depth, at = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(body[at], 0)
            at += 1
        found.append((start.group(1), body[start.end() : at - 1]))
    return found


def without_blocks(body: str) -> str:
    """A message's own fields."""
    while (shorter := re.sub(r"\b(?:message|enum) \w+\s*\{[^{}]*\}", "", body)) != body:
        body = shorter
    return re.sub(r"\boneof \w+\s*\{|\}", "", body)


def type_of(field: FieldDescriptor) -> str:
    """As it is written in a .proto file, with no package and no outer message."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return f"map<{type_of(key)}, {type_of(value)}>"
    named = field.message_type or field.enum_type
    return named.name if named is not None else SCALARS[field.type]


def short(written: str) -> str:
    """The same of what is written in ours."""
    inner = re.fullmatch(r"map<\s*([\w.]+)\s*,\s*([\w.]+)\s*>", written)
    if inner:
        return f"map<{short(inner.group(1))}, {short(inner.group(2))}>"
    return written.rsplit(".", 1)[-1]


def repeated(field: FieldDescriptor) -> bool:
    """A map is, on the wire, and is not written so."""
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return field.is_repeated and not is_map


def compared(name: str, body: str) -> int:
    """Compares a message and what is in it with theirs; how many names and numbers agreed."""
    theirs = Default().FindMessageTypeByName(name)
    agreed = 0
    for match in FIELD.finditer(without_blocks(body)):
        field = theirs.fields_by_name.get(match["name"])
        assert field is not None, f"{name} of Pulumi has no {match['name']}"
        ours = (int(match["number"]), short(match["type"]), match["label"] == "repeated ")
        assert ours == (field.number, type_of(field), repeated(field)), f"{name}.{field.name}"
        agreed += 1
    for kind, values in blocks("enum", body):
        agreed += agreed_values(theirs.enum_types_by_name[kind], values)
    return agreed + sum(compared(f"{name}.{inner}", part) for inner, part in blocks("message", body))


def agreed_values(theirs: EnumDescriptor, values: str) -> int:
    """Compares an enum."""
    found = VALUE.findall(values)
    for value, number in found:
        assert theirs.values_by_name[value].number == int(number), f"{theirs.name}.{value}"
    return len(found)


def test_every_message_and_field_of_ours_is_pulumis() -> None:
    """A wrong number would be a field that is silently lost."""
    agreed = 0
    for source in SOURCES:
        body = text(source)
        inside = {name for _, part in blocks("message", body) for name, _ in blocks("message", part)}
        outer = [(name, part) for name, part in blocks("message", body) if name not in inside]
        agreed += sum(compared(f"{package()}.{name}", part) for name, part in outer)
        for name, values in blocks("enum", body):
            if name not in {inner for _, part in outer for inner, _ in blocks("enum", part)}:
                agreed += agreed_values(Default().FindEnumTypeByName(f"{package()}.{name}"), values)
    assert agreed > 60, f"only {agreed} were found in {SOURCES}"


def test_every_call_of_ours_is_pulumis() -> None:
    """Names, requests and answers of the service."""
    calls = 0
    for source in SOURCES:
        for name, body in blocks("service", text(source)):
            theirs = Default().FindServiceByName(f"{package()}.{name}")
            for call, request, answer in CALL.findall(body):
                method = theirs.methods_by_name[call]
                written = (short(request), short(answer))
                assert written == (method.input_type.name, method.output_type.name), call
                calls += 1
    assert calls >= 14, f"only {calls} calls were found"
