"""Types as users see them, and words for everything that is public."""

import importlib
import inspect
import re
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from projects import Project, run

import semantest_iac

HERE = Path(__file__).parent
MODULES = [
    semantest_iac,
    *(
        importlib.import_module(f"semantest_iac.{name}")
        for name in "answers blocking blueprint configuration conformance eda errors events ports "
        "pythoneda records".split()
    ),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def found_in(cache: Path, *paths: str) -> list[str]:
    mypy = [sys.executable, "-P", "-m", "mypy", "--strict", "--no-error-summary"]
    checked = run([*mypy, "--cache-dir", cache, *paths], HERE)
    assert checked.stderr == ""
    return checked.stdout.splitlines()


# Types


def test_the_package_itself_is_typed(cache: Path) -> None:
    assert found_in(cache, "-p", "semantest_iac") == []


@pytest.mark.parametrize("program", sorted(path.name for path in (HERE / "typed").glob("*.py")))
def test_a_program_that_uses_it_as_it_is_meant_is_accepted(cache: Path, program: str) -> None:
    assert found_in(cache, f"typed/{program}") == []


def test_every_mistake_is_found_and_nothing_else(cache: Path) -> None:
    mistakes: Counter[tuple[int, str]] = Counter()
    for number, line in enumerate((HERE / "mistyped.py").read_text().splitlines(), 1):
        kinds = line.partition("# expect: ")[2].split()
        mistakes.update((number, kind) for kind in kinds)
    told = "\n".join(found_in(cache, "mistyped.py"))
    reported = re.findall(r"^mistyped\.py:(\d+): error: .*\[([\w-]+)\]$", told, re.MULTILINE)
    assert Counter((int(line), kind) for line, kind in reported) == mistakes


# Words


def public_names(module: ModuleType) -> list[str]:
    if listed := getattr(module, "__all__", None):
        return list(listed)
    return [
        name
        for name, member in vars(module).items()
        if not name.startswith("_") and getattr(member, "__module__", None) == module.__name__
    ]


def public_things() -> dict[str, object]:
    """Classes and functions, and what classes say of their own."""
    things: dict[str, object] = {}
    for module in MODULES:
        things[module.__name__] = module
        for name in public_names(module):
            thing = getattr(module, name)
            if not inspect.isclass(thing) and not inspect.isfunction(thing):
                continue
            place = f"{thing.__module__}.{thing.__qualname__}"
            things[place] = thing
            members = vars(thing) if inspect.isclass(thing) else {}
            for member, value in members.items():
                function = getattr(value, "__func__", getattr(value, "fget", value))
                if not member.startswith("_") and inspect.isfunction(function):
                    things[f"{place}.{member}"] = getattr(thing, member)
    return things


def test_everything_that_is_public_says_what_it_is_for() -> None:
    things = public_things()
    assert len(things) > 200
    silent = [name for name, thing in things.items() if not (inspect.getdoc(thing) or "").strip()]
    assert silent == []


# Examples in words run


def blocks(text: str) -> list[str]:
    """Python in fences, or indented below a paragraph."""
    text = inspect.cleandoc(text)
    fenced = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"\n\n((?: {4}.*\n|\n)+)", text + "\n")
    return fenced or [inspect.cleandoc(block) for block in indented if "import" in block]


def in_a_program(block: str) -> str:
    """As it stands; what awaits outside of a function is put into one."""
    if not re.search(r"^(async |await )(?!def)", block, re.MULTILINE):
        return block
    inner = "".join(f"    {line}\n" for line in block.splitlines())
    return f"import asyncio\nasync def main():\n{inner}\nasyncio.run(main())\n"


EXAMPLES = {
    "semantest_iac": semantest_iac.__doc__,
    "blocking": semantest_iac.blocking.__doc__,
    "eda": semantest_iac.eda.__doc__,
    "the README": str(metadata.metadata("semantest-iac").get_payload()),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_does_what_it_shows(example: str, tmp_path: Path) -> None:
    found = blocks(EXAMPLES[example] or "")
    assert found, EXAMPLES[example]
    for number, block in enumerate(found):
        project = Project(tmp_path / str(number))
        try:
            project.script(in_a_program(block))
            (deployment,) = project.json("status")["deployments"]
            assert deployment["status"] == "deployed"
        finally:
            project.stop()
