"""`python -m semantest_iac` and `semantest-iac`: one command line, wherever the package is."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import MODULE, SCRIPT, Project, clean_environment, ended, run, start

both = pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "shop")
    yield project
    project.stop()


@both
def test_a_project_is_deployed_told_of_and_taken_away(project: Project, command: list[str]) -> None:
    def ask(*arguments: str, code: int = 0):  # type: ignore[no-untyped-def]
        return project.json(*arguments, code=code, command=command)

    assert len(ask("plan", "--detailed-exitcode", code=3)["steps"]) == 2
    deployed = ask("deploy")
    assert deployed["status"] == "deployed"
    with urllib.request.urlopen(deployed["endpoint"], timeout=10) as answer:
        assert answer.read() == b"hello"
    assert ask("deploy")["status"] == "unchanged"
    assert ask("plan", "--detailed-exitcode")["steps"]
    assert [each["status"] for each in ask("status")["deployments"]] == ["deployed"]
    types = [event["type"] for event in ask("history")["events"]]
    assert "com.semantest.iac.FunctionDeployed" in types
    assert ask("destroy", "--yes")["status"] == "removed"
    assert [each["status"] for each in ask("status")["deployments"]] == ["removed"]


@both
def test_wrong_usage_a_wrong_project_and_a_failure_have_their_exit_codes(
    project: Project, command: list[str]
) -> None:
    def kind(*arguments: str, code: int) -> str:
        error = project.json(*arguments, code=code, command=command)["error"]
        return str(error["kind"])

    assert kind("deploy", "--nonsense", code=2) == "invalid_input"
    assert kind("deploy", "--component", "nowhere", code=2) == "invalid_project"
    assert kind("deploy", "--project", "nowhere", code=2) == "invalid_project"
    project.replace('GREETING = "hello"', 'GREETING = { secret = "env:NEVER_SET" }')
    assert kind("deploy", code=1) == "secret_unresolved"


@both
def test_it_calls_itself_by_the_name_of_the_program(tmp_path: Path, command: list[str]) -> None:
    from semantest_iac import __version__

    assert run([*command, "--version"], tmp_path, 0).stdout == f"semantest-iac {__version__}\n"
    for verb in ([], ["deploy"], ["local"]):
        told = run([*command, *verb, "--help"], tmp_path, 0)
        assert f"Usage: {' '.join(['semantest-iac', *verb])} " in told.stdout
        assert "__main__" not in told.stdout and told.stderr == ""
    refused = run([*command, "deploy", "--nonsense"], tmp_path, 2)
    assert "semantest-iac deploy" in refused.stderr and refused.stdout == ""


def test_both_say_the_same(project: Project) -> None:
    for arguments in (["--help"], ["plan"], ["status"], ["deploy", "--nonsense"], ["events"]):
        module, script = (run([*each, *arguments], project.folder) for each in (MODULE, SCRIPT))
        assert (module.returncode, module.stdout, module.stderr) == (
            script.returncode,
            script.stdout,
            script.stderr,
        )


def test_the_local_host_is_this_python_and_stops_when_told(project: Project) -> None:
    project.json("deploy")
    assert project.host is not None
    started = Path(f"/proc/{project.host}/cmdline").read_text(encoding="utf-8").split("\0")
    assert started[0] == sys.executable
    project.stop()
    assert project.host is None


def test_it_works_from_a_folder_that_pip_installed_it_to(project: Project, tmp_path: Path) -> None:
    wheel = os.environ.get("SEMANTEST_WHEEL")
    assert wheel, "SEMANTEST_WHEEL is not set: run `cargo xtask test`"
    target = tmp_path / "with spaces and ü"
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    run([sys.executable, *pip, wheel], tmp_path, 0)
    # This interpreter has the package installed as well: `-S` hides it.
    python = [sys.executable, "-S", "-m", "semantest_iac"]
    arguments = ["--project", str(project.folder), "--output", "json"]
    ran = run([*python, "deploy", *arguments], tmp_path, 0, PYTHONPATH=str(target))
    assert json.loads(ran.stdout)["status"] == "deployed"
    assert project.host is not None
    maps = Path(f"/proc/{project.host}/maps").read_text(encoding="utf-8")
    assert str(target / "semantest_iac") in maps, "the host runs the very same package"


def test_it_works_from_another_folder_and_with_a_path_that_is_not_ascii(tmp_path: Path) -> None:
    project = Project(tmp_path / "größe 日本")
    try:
        ran = run(
            [*MODULE, "deploy", "--project", project.folder, "--output", "json"], Path("/"), 0
        )
        assert json.loads(ran.stdout)["status"] == "deployed"
    finally:
        project.stop()


def test_what_lies_in_the_current_folder_does_not_get_in_the_way_of_the_host(
    project: Project,
) -> None:
    for name in ("signal.py", "os.py", "json.py", "sitecustomize.py"):
        project.file(name).write_text("raise SystemExit('the wrong module')\n", encoding="utf-8")
    project.json("deploy", command=SCRIPT)
    assert project.host is not None


@both
def test_arguments_that_are_no_text_are_passed_on_as_they_are(
    tmp_path: Path, command: list[str]
) -> None:
    for place in ("C.UTF-8", "C", "POSIX"):
        folder = os.fsencode(tmp_path / place) + b"\xff\xfe"
        os.mkdir(folder)
        run([*command, "init", folder], tmp_path, 0, LC_ALL=place)
        assert os.path.exists(folder + b"/semantest.toml")
        refused = run([*command, "status", b"\xff\xfe"], tmp_path, 2, LC_ALL=place)
        assert "Traceback" not in refused.stderr


@both
@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["events"]], ids=" ".join)
def test_whoever_stops_reading_is_not_told_of_it(
    project: Project, command: list[str], arguments: list[str]
) -> None:
    project.json("deploy")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=project.folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    code, _, stderr = ended(process)
    assert stderr == "" and code >= 0, (code, stderr)


@both
def test_without_any_standard_streams_it_ends_as_ever(tmp_path: Path, command: list[str]) -> None:
    closed = 'exec "$0" "$@" <&- >&- 2>&-'
    run(["sh", "-c", closed, *command, "--version"], tmp_path, 0)
    run(["sh", "-c", closed, *command, "--nonsense"], tmp_path, 2)


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr is not None
    read = ""
    while text not in read:
        line = process.stderr.readline()
        assert line, f"no {text!r} in:\n{read}"
        read += line
    return read


@both
def test_the_first_interrupt_finishes_what_is_under_way_and_meanwhile_others_are_held(
    project: Project, command: list[str]
) -> None:
    project.add("orders")
    deploy = ["deploy", "--component", "orders", "--output", "json"]
    with project.silent_host():
        process = start([*command, *deploy], project.folder)
        wait_for(process, "creating function.orders")
        held = project.json(*deploy[:-2], code=4, command=command)
        assert held["error"]["kind"] == "held"
        waiting = start([*command, *deploy, "--wait", "600"], project.folder)
        wait_for(waiting, "waiting: `")
        waiting.send_signal(signal.SIGINT)
        code, stdout, stderr = ended(waiting)
        assert code == 130 and "Traceback" not in stderr, (code, stderr)
        assert json.loads(stdout)["error"]["kind"] == "cancelled"
        process.send_signal(signal.SIGINT)
        wait_for(process, "stopping: what is under way is finished first")
    code, stdout, stderr = ended(process)
    assert code == 130, (code, stdout, stderr)
    assert "Traceback" not in stderr and "KeyboardInterrupt" not in stderr
    assert json.loads(stdout)["error"]["kind"] == "cancelled"
    assert project.json(*deploy[:-2])["status"] == "deployed", "the next run goes on from there"


@both
def test_the_second_interrupt_ends_at_once(project: Project, command: list[str]) -> None:
    project.add("orders")
    with project.silent_host():
        process = start([*command, "deploy", "--component", "orders"], project.folder)
        wait_for(process, "creating function.orders")
        process.send_signal(signal.SIGINT)
        wait_for(process, "stopping")
        process.send_signal(signal.SIGINT)
        code, _, stderr = ended(process)
        assert code == 130, "the host still sleeps"
        assert "Traceback" not in stderr and "KeyboardInterrupt" not in stderr


@both
def test_an_interrupt_ends_what_only_follows_without_a_word(
    project: Project, command: list[str]
) -> None:
    project.json("deploy")
    process = start([*command, "events", "--follow"], project.folder)
    assert process.stdout is not None and process.stdout.readline()
    process.send_signal(signal.SIGINT)
    code, _, stderr = ended(process)
    assert (code, stderr) == (130, "")


def test_an_interrupt_while_it_starts_leaves_no_traceback(tmp_path: Path) -> None:
    # The interpreter's own start is Python's affair: what is tried is from our first line on.
    watched = (
        "import os, signal, sys\n"
        "import semantest_iac.__main__ as program\n"
        "run = program._core.run\n"
        "class Core:\n"
        "    @staticmethod\n"
        "    def run(*arguments):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "program._core = Core\n"
        "sys.exit(program.main())\n"
    )
    ran = run([sys.executable, "-c", watched], tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_it_imports_nothing_but_the_native_module(tmp_path: Path) -> None:
    lines = (
        "import sys\n"
        "import semantest_iac.__main__\n"
        "print(*sorted(name for name in sys.modules if name.startswith('semantest_iac')))\n"
        "print(*({'asyncio', 'logging', 'json', 'dataclasses', 'typing'} & {*sys.modules}))\n"
    )
    ran = run([sys.executable, "-c", lines], tmp_path, 0)
    assert ran.stdout.splitlines() == [
        "semantest_iac semantest_iac.__main__ semantest_iac._core semantest_iac._host",
        "",
    ]
