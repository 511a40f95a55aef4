"""Steps as processes of this machine, cold and from the fork server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError
from mltk.local.forkserver import WarmCommand
from mltk.local.process import ProcessRuntime
from mltk.local.runtime import Launch, NeverStarted, RunningStep

from .conftest import ends
from .victims import fork_servers, new_fork_server

HERE = str(Path(__file__).parent)
MODULE = ("warm_module",)
WARM = [
    WarmCommand(("facts",), "warm_module:facts", MODULE, ("colorsys",)),
    WarmCommand(("hangs",), "warm_module:hangs", MODULE),
    WarmCommand(("fails",), "warm_module:fails", MODULE),
    WarmCommand(("polite",), "warm_module:polite", MODULE),
    WarmCommand(("env",), "warm_module:facts", ("no_such_module",)),
]


@pytest.fixture(scope="module")
def runtime() -> Iterator[ProcessRuntime]:
    path = os.pathsep.join(filter(None, (HERE, os.environ.get("PYTHONPATH"))))
    with ProcessRuntime(WARM, {**os.environ, "PYTHONPATH": path, "ONLY": "machine"}) as runtime:
        runtime.prewarm()
        yield runtime


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "step.log"


def start(runtime: ProcessRuntime, log: Path, *argv: str, **variables: str) -> RunningStep:
    return runtime.start(Launch(argv, variables, log.parent, log), threading.Event())


def wait_for(log: Path, text: str) -> None:
    with subprocess.Popen(
        ["tail", "-n", "+1", "-F", log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as tail:
        assert tail.stdout is not None
        for line in tail.stdout:
            if text in line.decode():
                break
        tail.kill()


def test_output_and_exit_code_of_a_command(runtime: ProcessRuntime, log: Path) -> None:
    step = start(runtime, log, "sh", "-c", "echo $A $ONLY; pwd; cat; echo err >&2; exit 3", A="1")
    assert step.wait() == 3
    assert log.read_text() == f"1 machine\n{log.parent}\nerr\n"


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        ("no-such-command", "said", "cannot start 'no-such-command': No such file or directory"),
        ("/etc/passwd", "said", "cannot start '/etc/passwd': Permission denied"),
        ("true", "/", "cannot write '/': Is a directory"),
    ],
)
def test_what_cannot_start_is_known_where_output_goes_to_a_file_too(
    runtime: ProcessRuntime, log: Path, command: str, file: str, said: str
) -> None:
    launch = Launch((command,), {}, log.parent, log, files=(file, ""))
    step = runtime.start(launch, threading.Event())
    assert isinstance(step, NeverStarted)
    assert log.read_text() == f"mltk: {said}\n"


def test_death_by_signal_has_no_exit_code(runtime: ProcessRuntime, log: Path) -> None:
    assert start(runtime, log, "sh", "-c", "kill -KILL $$").wait() == -1


def test_interpreter_of_mltk_comes_first_on_the_path(runtime: ProcessRuntime, log: Path) -> None:
    assert start(runtime, log, "sh", "-c", "echo ${PATH%%:*}").wait() == 0
    assert log.read_text().strip() == str(Path(sys.executable).parent)


@pytest.mark.parametrize(
    ("argv", "code", "reason"),
    [
        (("no-such-command",), 127, "No such file or directory"),
        (("/etc",), 126, "Permission denied"),
        (("echo", "a\0b"), 126, "embedded null byte"),
    ],
)
def test_command_that_cannot_start_says_why(
    runtime: ProcessRuntime, log: Path, argv: tuple[str, ...], code: int, reason: str
) -> None:
    assert start(runtime, log, *argv).wait() == code
    assert reason in log.read_text()


def test_what_a_step_leaves_behind_ends_with_it(runtime: ProcessRuntime, log: Path) -> None:
    assert start(runtime, log, "sh", "-c", "sleep 600 & echo $!").wait() == 0
    assert ends(int(log.read_text()))


def test_who_keeps_the_output_of_a_step_open_is_not_waited_for(
    runtime: ProcessRuntime, log: Path
) -> None:
    daemon = "trap '' PIPE; echo $$; while sleep 0.01; do echo more || exit; done"
    script = f'setsid sh -c "{daemon.replace("$", chr(92) + "$")}" & sleep 0.2; echo last'
    assert start(runtime, log, "sh", "-c", script).wait() == 0
    lines = log.read_text().splitlines()
    assert "last" in lines
    assert ends(int(lines[0]))


def test_stop_ends_a_step_that_does_not_listen(runtime: ProcessRuntime, log: Path) -> None:
    step = start(runtime, log, "sh", "-c", "trap '' TERM; echo up; while :; do sleep 600; done")
    wait_for(log, "up")
    step.stop(grace=0.1)
    assert step.wait() == -1


def test_machine_that_starts_no_process_is_an_infrastructure_error(
    runtime: ProcessRuntime, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(InfrastructureError, match="temporarily unavailable"):
        start(runtime, log, "true")


def test_warm_command_behaves_as_a_fresh_process(runtime: ProcessRuntime, log: Path) -> None:
    assert start(runtime, log, "facts", "7", COLOUR="red").wait() == 7
    said = log.read_text().splitlines()
    assert set(said) == {
        "argv facts 7",
        f"cwd {log.parent}",
        "colour red home machine",
        "leader True",
        "handlers True",
        "main thread True",
        "warm True True",
        "colorsys True",
        "stdin ''",
        "err",
        "thread",
        "atexit",
    }


def test_warm_command_ends_in_the_ways_of_a_console_script(
    runtime: ProcessRuntime, log: Path
) -> None:
    assert start(runtime, log, "fails").wait() == 1
    assert "ValueError: on purpose" in log.read_text()
    assert start(runtime, log, "polite").wait() == 1
    assert "a message is exit code 1" in log.read_text()


def test_warm_command_is_stopped_with_its_group(runtime: ProcessRuntime, log: Path) -> None:
    step = start(runtime, log, "hangs")
    wait_for(log, "hanging")
    step.stop(grace=0.1)
    assert step.wait() == -1


def test_failing_preload_starts_cold_and_says_so(runtime: ProcessRuntime, log: Path) -> None:
    assert start(runtime, log, "env").wait() == 0
    said = log.read_text()
    assert "cold start: ModuleNotFoundError: No module named 'no_such_module'" in said
    assert "ONLY=machine" in said


def test_step_that_configures_the_interpreter_starts_cold(
    runtime: ProcessRuntime, log: Path
) -> None:
    assert start(runtime, log, "facts", "0", PYTHONHASHSEED="1").wait() == 127


def test_step_ends_with_its_fork_server_and_the_next_one_has_another(tmp_path: Path) -> None:
    """A step that may have begun is not begun again; those that come are none the worse for it."""
    log, environment = tmp_path / "step.log", {**os.environ, "PYTHONPATH": HERE, "ONLY": "1"}
    others = fork_servers(os.getpid())
    with ProcessRuntime(WARM[:2], environment) as runtime:
        step = start(runtime, log, "hangs")
        wait_for(log, "hanging")
        process = step.identity
        assert process
        server = new_fork_server(others)
        os.kill(server, signal.SIGKILL)
        assert step.wait() == -1
        assert ends(process.pid)
        said = "mltk: the fork server ended (-9), and the step with it"
        assert log.read_text() == f"hanging\n{said}\n"
        assert start(runtime, log, "facts", "0").wait() == 0
    assert "warm True True" in log.read_text()


def test_fork_server_that_is_killed_while_it_imports_is_followed_by_another(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import os\nopen(os.environ['PIPE']).read()\n")
    os.mkfifo(tmp_path / "pipe")
    environment = {**os.environ, "PIPE": str(tmp_path / "pipe")}
    path = os.pathsep.join((str(tmp_path), HERE))
    slow = WarmCommand(("facts",), "warm_module:facts", ("slow_module", "warm_module"))
    others = fork_servers(os.getpid())
    with ProcessRuntime([slow], {**environment, "PYTHONPATH": path}) as runtime:
        runtime.prewarm()
        server = new_fork_server(others)
        with ThreadPoolExecutor(1) as pool:
            step = pool.submit(start, runtime, tmp_path / "step.log", "facts", "0")
            os.kill(server, signal.SIGKILL)
            assert ends(server)  # else it might still be the one that hears
            (tmp_path / "pipe").write_text("go on")
            assert step.result().wait() == 0
    assert "warm True True" in (tmp_path / "step.log").read_text()


def test_fork_server_ends_with_its_engine_and_takes_the_steps_along(tmp_path: Path) -> None:
    engine = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, threading; from pathlib import Path\n"
            "from mltk.local.process import ProcessRuntime\n"
            "from mltk.local.runtime import Launch\n"
            "from mltk.local.forkserver import WarmCommand\n"
            "runtime = ProcessRuntime([WarmCommand(('hangs',), 'warm_module:hangs')])\n"
            "launch = Launch(('hangs',), {}, Path.cwd(), Path('step.log'))\n"
            "step = runtime.start(launch, threading.Event())\n"
            "print(step.identity.pid, flush=True); step.wait()",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, HERE])},
        stdout=subprocess.PIPE,
    )
    with engine:
        assert engine.stdout is not None
        step = int(engine.stdout.readline())
        wait_for(tmp_path / "step.log", "hanging")
        engine.send_signal(signal.SIGKILL)
    assert ends(step)


def test_a_command_is_not_sought_in_the_folder_of_the_engine(
    runtime: ProcessRuntime, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-such-command").mkdir()
    monkeypatch.chdir(tmp_path)
    launch = Launch(("no-such-command",), {}, log.parent, log, files=("said", ""))
    runtime.start(launch, threading.Event())
    assert "No such file or directory" in log.read_text()
