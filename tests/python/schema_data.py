"""Data of the shape that a JSON Schema describes, made from the schemas that are checked in."""

import json
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def schema(path: str) -> dict[str, Any]:
    """A schema by its path under `schemas/`, without the ending."""
    document: dict[str, Any] = json.loads((SCHEMAS / f"{path}.schema.json").read_text())
    return document


def event_names() -> list[str]:
    """Names of all events that have a schema."""
    return sorted(path.name.split(".")[0] for path in (SCHEMAS / "events").iterdir())


def sample(document: dict[str, Any], full: bool, part: dict[str, Any] | None = None) -> Any:
    """A value that fits `part` of `document`: with every field, or with the required ones only."""
    part = document if part is None else part
    if "$ref" in part:
        return sample(document, full, document["$defs"][part["$ref"].rsplit("/", 1)[1]])
    if "const" in part:
        return part["const"]
    for choices in ("oneOf", "anyOf"):
        if choices in part:
            # The last choice that is not null: the most particular one.
            chosen = [choice for choice in part[choices] if choice.get("type") != "null"][-1]
            return sample(document, full, chosen)
    kinds = part.get("type", "anything")
    return _value(document, full, part, kinds if isinstance(kinds, str) else kinds[0])


def _value(document: dict[str, Any], full: bool, part: dict[str, Any], kind: str) -> Any:
    inner = part.get("items") or part.get("additionalProperties")
    item = inner if isinstance(inner, dict) else {}
    match kind:
        case "object" if "properties" in part:
            required = part.get("required", [])
            chosen = [key for key in part["properties"] if full or key in required]
            return {key: sample(document, full, part["properties"][key]) for key in chosen}
        case "object":
            return {"a key": sample(document, full, item)} if full else {}
        case "array":
            return [sample(document, full, item)] if full else []
        case "string":
            return "a text"
        case "integer":
            return 3
        case "number":
            return 0.5
        case "boolean":
            return True
        case _:
            return {"anything": [1, "two", None]}
