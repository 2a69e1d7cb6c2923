"""The stories of `tests/vectors/scenarios.json`, told to Python's front door.

`tests/vectors/README.md` says what the words mean.
"""

import asyncio
import http.client
import json
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from semantest_iac import Error, Iac

TOLD: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "scenarios.json").read_text(encoding="utf-8")
)


def differs(pattern: Any, value: Any, saved: dict[str, Any], at: str = "") -> str | None:
    """The first place where `value` does not fit `pattern`."""
    if isinstance(pattern, dict):
        word = next((key for key in pattern if key.startswith("$")), None)
        if word is not None:
            return _word(word, pattern[word], value, saved, at)
        if not isinstance(value, dict):
            return f"{at or 'it'} is no object but {value!r}"
        parts = ((wanted, value.get(key), f"{at}.{key}") for key, wanted in pattern.items())
        found = (differs(wanted, part, saved, where) for wanted, part, where in parts)
        return next(filter(None, found), None)
    if isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            return f"{at or 'it'} is no list of {len(pattern)} but {value!r}"
        pairs = enumerate(zip(pattern, value, strict=True))
        found = (differs(wanted, item, saved, f"{at}[{index}]") for index, (wanted, item) in pairs)
        return next(filter(None, found), None)
    if pattern != value or isinstance(pattern, bool) is not isinstance(value, bool):
        return f"{at or 'it'} is {value!r}, not {pattern!r}"
    return None


def _word(word: str, wanted: Any, value: Any, saved: dict[str, Any], at: str) -> str | None:
    items = value if isinstance(value, list) else []
    match word:
        case "$contains":
            texts = [wanted] if isinstance(wanted, str) else wanted
            fits = isinstance(value, str) and all(text in value for text in texts)
        case "$has":
            fits = all(any(not differs(one, item, saved) for item in items) for one in wanted)
        case "$each":
            places = enumerate(items)
            found = (differs(wanted, item, saved, f"{at}[{index}]") for index, item in places)
            return next(filter(None, found), None) if items else f"{at or 'it'} has nothing in it"
        case "$length":
            fits = isinstance(value, list) and len(value) == wanted
        case "$present":
            fits = value is not None
        case "$save":
            saved[wanted] = value
            fits = value is not None
        case "$saved":
            if wanted not in saved:
                return f"{at or 'it'}: nothing was saved as {wanted!r}"
            return differs(saved[wanted], value, {}, at)
        case _:
            raise ValueError(f"{word} is no word of patterns")
    return None if fits else f"{at or 'it'} is {value!r}, not {word} {wanted!r}"


def name_of(event: dict[str, Any]) -> str:
    return str(event["type"].rsplit(".", 1)[-1])


class Teller:
    """Tells one story in a folder of its own."""

    def __init__(self, story: dict[str, Any], folder: Path) -> None:
        self.story, self.folder = story, folder
        self.iac: Iac | None = None
        self.position = 0
        self.endpoint = ""
        self.saved: dict[str, Any] = {}
        self.seen: list[str] = []

    async def tell(self) -> None:
        files = TOLD["projects"].get(self.story.get("project"), {}) | self.story.get("files", {})
        for path, lines in files.items():
            self.write(path, lines)
        try:
            for number, step in enumerate(self.story["steps"], 1):
                wrong = await self.step(step)
                assert not wrong, f"step {number} ({step['do']}): {wrong}"
        finally:
            await self.close()
            self.stop_host()
        seen = "\n".join(self.seen).encode()
        for text in self.story.get("absent", []):
            assert text.encode() not in seen, f"{text} was said"
            for file in filter(Path.is_file, self.folder.rglob("*")):
                assert text.encode() not in file.read_bytes(), f"{text} is in {file}"

    async def step(self, step: dict[str, Any]) -> str | None:
        answer, error = None, None
        try:
            answer = await self.call(step["do"], self.filled(step.get("with", {})))
        except Error as raised:
            answer = raised.answer and raised.answer.to_dict()
            names = ("kind", "message", "operation", "retry", "context")
            error = {name: getattr(raised, name) for name in names}
        recorded = await self.recorded()
        self.seen += [json.dumps(one, ensure_ascii=False) for one in (answer, error, recorded)]
        if isinstance(answer, dict):
            ran = answer.get("result") or answer
            self.endpoint = ran.get("endpoint") or self.endpoint
        return (
            self.wrong_end(step, answer, error)
            or self.wrong_record(step, recorded)
            or self.wrong_get(step.get("get"))
        )

    def wrong_end(
        self, step: dict[str, Any], answer: Any, error: dict[str, Any] | None
    ) -> str | None:
        wanted = step.get("error")
        if (error is None) is not (wanted is None):
            return f"it ended with {error or answer!r}, and the story has {wanted or 'no error'!r}"
        if wanted is not None:
            pattern = {key: value for key, value in wanted.items() if key != "message_contains"}
            pattern["message"] = {"$contains": wanted.get("message_contains", "")}
            if wrong := differs(pattern, error, self.saved, "error"):
                return wrong
        return differs(step["expect"], answer, self.saved, "answer") if "expect" in step else None

    def wrong_record(self, step: dict[str, Any], events: list[dict[str, Any]]) -> str | None:
        names = [name_of(event) for event in events]
        for key in ("recorded", "recorded_in_any_order"):
            if key not in step:
                continue
            wanted = [{"event": one} if isinstance(one, str) else one for one in step[key]]
            wanted_names = [one["event"] for one in wanted]
            in_order = key == "recorded"
            if wanted_names != names if in_order else sorted(wanted_names) != sorted(names):
                return f"{names} were recorded, not {wanted_names}"
            left = list(events)
            for one in wanted:
                places = [0] if in_order else range(len(left))
                fit = [(self.is_not(one, left[place]), place) for place in places]
                wrong, place = next((pair for pair in fit if pair[0] is None), fit[0])
                if wrong:
                    return wrong
                del left[place]
        each = step.get("each_recorded", {})
        found = (differs(each, event, self.saved, name_of(event)) for event in events)
        return next(filter(None, found), None)

    def is_not(self, wanted: dict[str, Any], event: dict[str, Any]) -> str | None:
        if wanted["event"] != name_of(event):
            return f"no {wanted['event']} as told was recorded"
        return differs(wanted.get("is", {}), event, self.saved, wanted["event"])

    def wrong_get(self, wanted: dict[str, Any] | None) -> str | None:
        if wanted is None:
            return None
        host = urlsplit(self.endpoint).netloc
        with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            connection.request("GET", wanted["path"])
            response = connection.getresponse()
            body = response.read().decode()
        pattern = {key: value for key, value in wanted.items() if key != "path"}
        data = json.loads(body) if "json" in wanted else None
        got = {"status": response.status, "body": body, "json": data}
        return differs(pattern, got, self.saved, "the response")

    async def call(self, do: str, given: dict[str, Any]) -> Any:
        match do:
            case "write":
                await self.touched(given["path"])
                return self.write(given["path"], given["lines"])
            case "remove_file":
                await self.touched(given["path"])
                return (self.folder / given["path"]).unlink()
            case "stop_host":
                return self.stop_host()
        if self.iac is None:
            self.iac = await Iac.open(self.folder)
        match do:
            case "history":
                history = await self.iac.history(**given)
                return {"events": [event.to_cloudevent() for event in history]}
            case "events":
                events = self.iac.events(*given.pop("names", ()), **given)
                return {"events": [event.to_cloudevent() async for event in events]}
            case "state" if "time" in given:
                given["time"] = datetime.fromisoformat(given["time"])
        answer: dict[str, Any] = (await getattr(self.iac, do)(**given)).to_dict()
        return answer

    def filled(self, value: Any) -> Any:
        """`{"$saved": name}` stands for what was saved, in arguments too."""
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$saved" in value:
            return self.saved[value["$saved"]]
        return {key: self.filled(item) for key, item in value.items()}

    async def recorded(self) -> list[dict[str, Any]]:
        if self.iac is None:
            return []
        events = [event async for event in self.iac.events(after=self.position)]
        if events:
            self.position = events[-1].position or 0
        return [event.to_cloudevent() for event in events]

    async def touched(self, path: str) -> None:
        if path == "semantest.toml":
            await self.close()

    async def close(self) -> None:
        iac, self.iac = self.iac, None
        if iac is not None:
            await iac.close()

    def write(self, path: str, lines: list[str]) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def stop_host(self) -> None:
        if (self.folder / ".semantest" / "local").is_dir():
            stop = [sys.executable, "-m", "semantest_iac", "local", "stop", "--project"]
            subprocess.run([*stop, str(self.folder)], check=True, capture_output=True)


@pytest.mark.parametrize("story", TOLD["stories"], ids=lambda story: story["name"])
def test_the_story_goes_as_told(
    story: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in story.get("environment", {}).items():
        monkeypatch.setenv(name, value)
    asyncio.run(Teller(story, tmp_path).tell())


def test_patterns_fit_what_they_should() -> None:
    for one in TOLD["patterns"]:
        assert (differs(one["pattern"], one["value"], {}) is None) is one["fits"], one
