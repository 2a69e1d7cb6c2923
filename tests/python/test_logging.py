"""What the core logs arrives in Python's `logging`, and nowhere else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project

#: Every deployment changes something, with a handler that fails, which the core logs as an error,
#: and with a package cache that cannot be written, which it notes for whoever debugs.
STORY = """\
import asyncio, logging, os
from semantest_iac import FunctionDeployed, Iac, listen
from semantest_iac.errors import Error

records = []

class Keep(logging.Handler):
    def emit(self, record):
        records.append(record)

@listen(FunctionDeployed)
async def fails(event):
    raise ValueError("not today")

async def change(iac):
    another = {"environment_variables": {"ANOTHER": os.urandom(8).hex()}}
    try:
        return await iac.deploy("rest-api", configuration=another)
    except Error as error:
        return error.answer

async def deploy():
    async with Iac.open(".") as iac:
        iac.include(fails)
        await change(iac)

def names(level):
    return sorted({record.name for record in records if record.levelno == level})
"""
CORE = "semantest_iac.core.application.run_log"
CACHE = "semantest_iac.package.cache"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("logging") / "shop")
    project.file(".semantest/cache/packages.json").mkdir(parents=True)
    # Code that was changed within the last two seconds is not cached, nor tried to.
    time.sleep(3.1)
    yield project
    project.stop()


@pytest.fixture
def another_project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "shop")
    yield project
    project.stop()


def tell(project: Project, lines: str, **environment: str) -> list[str]:
    return project.script(STORY + lines, **environment).splitlines()


def test_a_record_has_the_target_the_level_and_the_fields(project: Project) -> None:
    told = tell(
        project,
        "logging.getLogger('semantest_iac').addHandler(Keep())\n"
        "asyncio.run(deploy())\n"
        "(record,) = records\n"
        "print(record.name, record.levelname, record.target)\n"
        "print(*sorted(record.fields))\n"
        "print(record.fields['handler'])\n"
        "print('a handler failed' in record.getMessage(), 'handler=fails' in record.getMessage())\n",
    )
    assert told == [
        f"{CORE} ERROR semantest_iac_core::application::run_log",
        "error event handler",
        "fails",
        "True True",
    ]


def test_debugging_messages_come_where_they_are_asked_for(project: Project) -> None:
    told = tell(
        project,
        "logging.getLogger('semantest_iac').setLevel(logging.DEBUG)\n"
        "logging.getLogger().addHandler(Keep())\n"
        "asyncio.run(deploy())\n"
        "print(*names(logging.ERROR))\n"
        "print(*names(logging.DEBUG))\n",
    )
    assert told[0] == CORE and CACHE in told[1].split()


def test_the_level_of_one_logger_is_for_that_one(project: Project) -> None:
    told = tell(
        project,
        "logging.getLogger('semantest_iac.package').setLevel(logging.DEBUG)\n"
        "logging.getLogger('semantest_iac.core').setLevel(logging.CRITICAL)\n"
        "logging.getLogger().addHandler(Keep())\n"
        "asyncio.run(deploy())\n"
        "print(*names(logging.ERROR))\n"
        "print(*names(logging.DEBUG))\n",
    )
    assert told == ["", CACHE]


def test_what_is_set_later_counts_from_the_next_run_on(project: Project) -> None:
    told = tell(
        project,
        "logging.getLogger().addHandler(Keep())\n"
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        await change(iac)\n"
        "        print(len(records))\n"
        "        logging.getLogger('semantest_iac.package').setLevel(logging.DEBUG)\n"
        "        await change(iac)\n"
        "        print(*names(logging.DEBUG))\n"
        "        logging.disable(logging.DEBUG)\n"
        "        records.clear()\n"
        "        await change(iac)\n"
        "        print(len(records))\n"
        "asyncio.run(main())\n",
    )
    assert told == ["0", CACHE, "0"]


def test_a_library_prints_nothing(project: Project) -> None:
    assert project.script("import semantest_iac") == ""
    # `script` sees to it that there is nothing on standard error.
    assert tell(project, "asyncio.run(deploy())") == []
    everything = "logging.getLogger('semantest_iac').setLevel(1); asyncio.run(deploy())"
    assert tell(project, everything) == []
    assert tell(project, "asyncio.run(deploy())", SEMANTEST_LOG="trace", RUST_LOG="trace") == []


def test_what_crates_of_others_say_is_not_printed_either(project: Project) -> None:
    lines = (
        "import logging\n"
        "from semantest_iac._logging import emit\n"
        "emit('aws_config::profile', logging.WARNING, 'no profile', {'name': 'default'})\n"
    )
    assert project.script(lines) == ""
    heard = "logging.basicConfig(format='%(name)s: %(message)s', stream=__import__('sys').stdout)\n"
    told = project.script("import logging\n" + heard + lines)
    assert told == "semantest_iac.aws_config.profile: no profile name=default\n"


def test_secrets_are_in_no_message_at_any_level(another_project: Project) -> None:
    project = another_project
    canary = "canary-6e1f09ab52"
    project.replace('GREETING = "hello"', 'GREETING = { secret = "env:CANARY" }')
    told = tell(
        project,
        "logging.basicConfig(filename='everything.log', level=1)\n"
        "logging.getLogger('semantest_iac').setLevel(1)\n"
        "asyncio.run(deploy())\n"
        "async def ask():\n"
        "    async with Iac.open('.') as iac:\n"
        "        os.environ['CANARY'] += '-2'\n"
        "        answer = await change(iac)\n"
        "        print(answer.status, repr(answer), await iac.history('rest-api'))\n"
        "        print(await iac.plan('rest-api'), await iac.drift('rest-api'))\n"
        "        called = await iac.invoke('rest-api', {})\n"
        "        open('answer.txt', 'w').write(str(called))\n"
        "asyncio.run(ask())\n",
        CANARY=canary,
    )
    assert told[0].startswith("deployed")
    assert canary not in "".join(told)
    assert f"{canary}-2" in project.file("answer.txt").read_text(), "the function has it"
    log = project.file("everything.log").read_text()
    assert "a handler failed" in log and canary not in log


def test_a_logging_handler_that_raises_costs_no_message_and_no_run(project: Project) -> None:
    ran = project.script(
        STORY + "class Raises(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        records.append(record)\n"
        "        raise RuntimeError('no place left')\n"
        "logging.getLogger('semantest_iac').addHandler(Raises())\n"
        "logging.getLogger('semantest_iac').setLevel(logging.DEBUG)\n"
        "logging.raiseExceptions = False\n"
        "asyncio.run(deploy())\n"
        "print(*names(logging.ERROR))\n"
        "print(*names(logging.DEBUG))\n"
    )
    told = ran.splitlines()
    assert told[0] == CORE and CACHE in told[1].split()


def test_a_logging_handler_that_raises_is_told_of_as_logging_tells_of_it(project: Project) -> None:
    lines = (
        "import logging\n"
        "from semantest_iac._logging import emit\n"
        "class Raises(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        raise RuntimeError('no place left')\n"
        "logging.getLogger('semantest_iac').addHandler(Raises())\n"
        "emit('semantest_iac_core', 30, 'words', {})\n"
    )
    with pytest.raises(AssertionError, match="no place left"):
        project.script(lines)


def test_a_logging_handler_may_log_and_may_use_the_loop_itself(project: Project) -> None:
    told = tell(
        project,
        "class Logs(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        if not getattr(record, 'own', False):\n"
        "            logging.getLogger(record.name).error('again', extra={'own': True})\n"
        "            asyncio.get_running_loop().create_task(later())\n"
        "async def later():\n"
        "    async with Iac.open('.') as iac:\n"
        "        print(len((await iac.status()).deployments))\n"
        "logging.getLogger('semantest_iac').addHandler(Keep())\n"
        "logging.getLogger('semantest_iac').addHandler(Logs())\n"
        "async def main():\n"
        "    await deploy()\n"
        "    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))\n"
        "asyncio.run(main())\n"
        "print(*(record.getMessage()[:7] for record in records))\n",
    )
    assert told == ["1", "a handl again"]


def test_messages_of_several_runs_keep_their_order(project: Project) -> None:
    told = tell(
        project,
        "logging.getLogger('semantest_iac').addHandler(Keep())\n"
        "async def main():\n"
        "    async with Iac.open('.') as iac:\n"
        "        iac.include(fails)\n"
        "        for _ in range(5):\n"
        "            await change(iac)\n"
        "asyncio.run(main())\n"
        "events = [record.fields['event'] for record in records]\n"
        "print(len(events), events == sorted(events))\n",
    )
    assert told == ["5 True"]
