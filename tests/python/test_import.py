"""Importing, forking, and ending: what a process goes through with the package in it."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from projects import Project, run

import semantest_iac


USE = """\
import asyncio, importlib, os, sys, time
import semantest_iac

def use():
    import semantest_iac
    from semantest_iac.errors import InvalidProjectError

    heard = []

    @semantest_iac.listen("AppThing")
    async def hear(event):
        heard.append(event)

    async def main():
        async with semantest_iac.Iac.open(".") as iac:
            iac.include(hear)
            await iac.publish({"type": "com.example.AppThing", "data": {}})
            try:
                await iac.deploy("nowhere")
            except InvalidProjectError:
                return isinstance(heard[0], semantest_iac.ApplicationEvent)

    return asyncio.run(main())

def forked(child):
    '''Exit code of a child that does it, and how long it took.'''
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit(7)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(code, time.monotonic() - began < 30)

def refused():
    try:
        use()
    except RuntimeError as error:
        print(error, flush=True)
"""
FORKED = (
    "semantest_iac was in use before this process was forked, and its threads are not in the "
    "child: start the child with multiprocessing's `spawn` or `forkserver`, or fork before the "
    "first use"
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "shop")
    yield project
    project.stop()


def tell(project: Project, lines: str) -> list[str]:
    return project.script(USE + lines).splitlines()


# Names


def test_all_that_is_public_is_there_and_listed() -> None:
    assert set(semantest_iac.__all__) <= set(dir(semantest_iac))
    assert set(semantest_iac.events.__all__) <= set(semantest_iac.__all__)
    for name in semantest_iac.__all__:
        assert getattr(semantest_iac, name) is not None
    names: dict[str, object] = {}
    exec("from semantest_iac import *", names)
    assert set(semantest_iac.__all__) <= set(names)


def test_public_modules_need_no_import_of_their_own(tmp_path: Path) -> None:
    modules = "answers blocking blueprint configuration conformance eda errors events ports"
    for module in [*modules.split(), "pythoneda", "records"]:
        lines = f"import semantest_iac; print(semantest_iac.{module}.__name__)"
        told = run([sys.executable, "-c", lines], tmp_path, 0)
        assert (told.stdout, told.stderr) == (f"semantest_iac.{module}\n", "")


def test_a_name_that_is_not_there_is_refused_as_anywhere() -> None:
    with pytest.raises(AttributeError, match="module 'semantest_iac' has no attribute 'nothing'"):
        _ = semantest_iac.nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'semantest_iac'"):
        exec("from semantest_iac import nothing")
    assert not hasattr(semantest_iac, "__wrapped__")


# Importing


def test_importing_again_is_harmless_and_silent(project: Project) -> None:
    told = tell(
        project,
        "def forget(kept):\n"
        "    for name in [*sys.modules]:\n"
        "        if name.startswith('semantest_iac') and name not in kept:\n"
        "            del sys.modules[name]\n"
        "print(use())\n"
        "importlib.reload(sys.modules['semantest_iac'])\n"
        "print(use())\n"
        "forget(['semantest_iac._core'])\n"
        "print(use())\n"
        "forget([])\n"
        "print(use())\n"
        "import logging\n"
        "print(len(logging.getLogger('semantest_iac').handlers))\n",
    )
    assert told == ["True"] * 4 + ["1"]


def test_many_threads_may_import_it_at_once(project: Project) -> None:
    told = project.script(
        "import threading\n"
        "seen = []\n"
        "def look():\n"
        "    import semantest_iac\n"
        "    seen.append((semantest_iac.Iac, semantest_iac.FunctionDeployed, semantest_iac.eda))\n"
        "threads = [threading.Thread(target=look) for _ in range(16)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(len(seen), len(set(seen)))\n"
    )
    assert told == "16 1\n"


def test_it_can_be_used_in_a_thread_and_in_one_loop_after_another(project: Project) -> None:
    told = tell(
        project,
        "import threading\n"
        "thread = threading.Thread(target=lambda: print(use()))\n"
        "thread.start()\n"
        "thread.join()\n"
        "print(use(), use())\n",
    )
    assert told == ["True", "True True"]


def test_a_second_interpreter_is_refused_and_leaves_the_first_alone(project: Project) -> None:
    told = tell(
        project,
        "try:\n"
        "    import _interpreters as interpreters\n"
        "except ImportError:\n"
        "    import _xxsubinterpreters as interpreters\n"
        "lines = '''\n"
        "try:\n"
        "    import semantest_iac\n"
        "except ImportError as error:\n"
        "    print('interpreter' in str(error), flush=True)\n"
        "'''\n"
        "print(use(), flush=True)\n"
        "other = interpreters.create()\n"
        "getattr(interpreters, 'run_string', None) and interpreters.run_string(other, lines)\n"
        "hasattr(interpreters, 'run_string') or interpreters.exec(other, lines)\n"
        "interpreters.destroy(other)\n"
        "print(use())\n",
    )
    assert told == ["True", "True", "True"]


# Forking


def test_a_fork_before_the_first_use_works_on_both_sides(project: Project) -> None:
    told = tell(project, "forked(lambda: print(use(), flush=True))\nprint(use())\n")
    assert told == ["True", "7 True", "True"]


def test_a_child_forked_after_use_is_told_so_at_once_and_ends_in_order(project: Project) -> None:
    told = tell(project, "print(use(), flush=True)\nforked(refused)\nprint(use())\n")
    assert told == ["True", FORKED, "7 True", "True"]


def test_a_child_of_multiprocessing_is_told_so_as_well(project: Project) -> None:
    project.file("story.py").write_text(
        USE + "import multiprocessing\n"
        "def child(answers):\n"
        "    try:\n"
        "        answers.put(str(use()))\n"
        "    except RuntimeError as error:\n"
        "        answers.put(str(error))\n"
        "if __name__ == '__main__':\n"
        "    print(use())\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        context = multiprocessing.get_context(method)\n"
        "        answers = context.Queue()\n"
        "        process = context.Process(target=child, args=(answers,))\n"
        "        process.start()\n"
        "        print(answers.get(timeout=60))\n"
        "        process.join()\n"
        "        print(process.exitcode)\n"
    )
    ran = run([sys.executable, "story.py"], project.folder, 0)
    assert ran.stdout.splitlines() == ["True", FORKED, "0", "True", "0", "True", "0"]
    assert ran.stderr == ""


def test_a_child_forked_while_a_project_is_open_takes_nothing_from_its_parent(
    project: Project,
) -> None:
    told = tell(
        project,
        "from semantest_iac.blocking import Iac\n"
        "def refused_here():\n"
        "    try:\n"
        "        iac.status()\n"
        "    except RuntimeError as error:\n"
        "        print(error, flush=True)\n"
        "with Iac.open('.') as iac:\n"
        "    print(len(iac.status().deployments), flush=True)\n"
        "    forked(refused_here)\n"
        "    print(len(iac.status().deployments))\n",
    )
    assert told == ["0", FORKED, "7 True", "0"]


def test_a_child_that_lets_go_of_an_open_project_ends_in_order(project: Project) -> None:
    told = tell(
        project,
        "import gc\n"
        "async def main():\n"
        "    global iac\n"
        "    iac = await semantest_iac.Iac.open('.')\n"
        "    def lets_go():\n"
        "        global iac\n"
        "        del iac\n"
        "        gc.collect()\n"
        "        os._exit(7)\n"
        "    forked(lets_go)\n"
        "    print(len((await iac.status()).deployments))\n"
        "    await iac.close()\n"
        "asyncio.run(main())\n",
    )
    assert told == ["7 True", "0"]


# Ending

ENDINGS = {
    "closed": (
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        iac.include(hear)\n"
        "        await iac.publish(thing)\n"
        "asyncio.run(main())\n",
        0,
    ),
    "never closed": (
        "async def main():\n"
        "    iac = await Iac.open('.')\n"
        "    iac.include(hear)\n"
        "    await iac.publish(thing)\n"
        "asyncio.run(main())\n",
        0,
    ),
    "never closed and kept": (
        "kept = []\n"
        "async def main():\n"
        "    kept.append(await Iac.open('.'))\n"
        "    kept[0].include(hear)\n"
        "    await kept[0].publish(thing)\n"
        "asyncio.run(main())\n",
        0,
    ),
    "a task under way": (
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        iac.include(hear)\n"
        "        asyncio.create_task(iac.publish(thing))\n"
        "        asyncio.create_task(iac.status())\n"
        "        await asyncio.sleep(0)\n"
        "asyncio.run(main())\n",
        0,
    ),
    "a task under way and never closed": (
        "async def main():\n"
        "    iac = await Iac.open('.')\n"
        "    tasks.append(asyncio.create_task(iac.publish(thing)))\n"
        "    tasks.append(asyncio.create_task(anext(iac.events(follow=True, after=10**6))))\n"
        "    await asyncio.sleep(0.01)\n"
        "tasks = []\n"
        "asyncio.run(main())\n",
        0,
    ),
    "sys.exit in a handler": (
        "@listen('AppThing')\n"
        "async def leave(event):\n"
        "    sys.exit(5)\n"
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        iac.include(leave)\n"
        "        await iac.publish(thing)\n"
        "asyncio.run(main())\n",
        5,
    ),
    "sys.exit after a publication": (
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        await iac.publish(thing)\n"
        "        sys.exit(5)\n"
        "asyncio.run(main())\n",
        5,
    ),
    "interrupted": (
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        await iac.publish(thing)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        await iac.status()\n"
        "        await asyncio.sleep(60)\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(5)\n",
        5,
    ),
    "interrupted in a handler": (
        "@listen('AppThing')\n"
        "def interrupt(event):\n"
        "    raise KeyboardInterrupt\n"
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        iac.include(interrupt)\n"
        "        await iac.publish(thing)\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except (KeyboardInterrupt, Error):\n"
        "    sys.exit(5)\n",
        5,
    ),
    "blocking": (
        "from semantest_iac import blocking\n"
        "iac = blocking.Iac.open('.').__enter__()\n"
        "iac.publish(thing)\n",
        0,
    ),
}
BEGINNING = """\
import asyncio, logging, os, signal, sys
from semantest_iac import Iac, listen
from semantest_iac.errors import Error
logging.basicConfig(filename='log.txt', level=1)
thing = {'type': 'com.example.AppThing', 'data': {'words': 'x' * 900}}
@listen('AppThing')
async def hear(event):
    await asyncio.sleep(0)
"""


def test_fifty_short_runs_all_end_in_order(tmp_path: Path) -> None:
    projects = [Project(tmp_path / str(number)) for number in range(5)]

    def end(number: int) -> str:
        name, (lines, code) = [*ENDINGS.items()][number % len(ENDINGS)]
        place = projects[number % len(projects)].folder
        ran = run([sys.executable, "-X", "faulthandler", "-c", BEGINNING + lines], place)
        wrong = ran.returncode != code or ran.stdout or ran.stderr
        return f"{name}: {ran.returncode} {ran.stdout}{ran.stderr}" if wrong else ""

    with ThreadPoolExecutor(4) as several:
        ended = list(several.map(end, range(50)))
    assert [each for each in ended if each] == []
