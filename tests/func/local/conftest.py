from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import InfrastructureError
from mltk.local.backend import LocalBackend
from mltk.local.containers import ContainerRuntime, find_engine
from mltk.local.containers import Engine as ContainerEngine
from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import Obj, is_done
from tests.busybox import Missing, make_image

IMAGE = "localhost/mltk-test-busybox:1"
_PROGRAMS = (
    "sh", "cat", "dd", "echo", "grep", "head", "id", "ls", "mkdir", "printf", "pwd", "rm", "seq",
    "setsid", "sleep", "test", "touch", "tr", "true", "yes",
)  # fmt: skip

# An engine in a process of its own: drives the runs named on its command line.
ENGINE = """
import sys; from pathlib import Path
from mltk.errors import MltkError
from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
with LocalBackend(Path(sys.argv[1])) as backend, ProcessRuntime() as runtime:
    try:
        Engine(backend.store, runtime, jobs=2, grace=0.2).run(sys.argv[2:])
    except KeyboardInterrupt:
        sys.exit(130)
    except MltkError as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""

# One that drives all that nobody drives, until SIGTERM.
SERVER = """
import signal, sys, threading; from pathlib import Path
from mltk.errors import MltkError
from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.process import ProcessRuntime
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with LocalBackend(Path(sys.argv[1]), serves=True) as backend, ProcessRuntime() as runtime:
    try:
        Engine(backend.store, runtime, jobs=4, grace=0.2).serve(stop)
    except MltkError as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""


def pipeline_run(name: str, *tasks: Obj, finally_: Sequence[Obj] = (), **spec: Any) -> Obj:
    """A PipelineRun that holds its Pipeline and that of all its Tasks."""
    pipeline: Obj = {"tasks": list(tasks)}
    if finally_:
        pipeline["finally"] = list(finally_)
    pipeline |= {key: spec.pop(f"pipeline_{key}") for key in ("workspaces", "results", "params")
                 if f"pipeline_{key}" in spec}  # fmt: skip
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"pipelineSpec": pipeline, **spec},
    }


def task(name: str, *scripts: str | Obj, results: Sequence[str] = (), **fields: Any) -> Obj:
    """A PipelineTask with one step per script; `spec_X` are further fields of its taskSpec."""
    steps = [
        {"name": f"s{number}", "image": IMAGE} | (s if isinstance(s, dict) else {"script": s})
        for number, s in enumerate(scripts)
    ]
    spec: Obj = {"steps": steps}
    if results:
        spec["results"] = [{"name": result} for result in results]
    spec |= {key[5:]: fields.pop(key) for key in list(fields) if key.startswith("spec_")}
    return {"name": name, "taskSpec": spec, **fields}


@dataclass
class Local:
    """An engine and its store in a folder of the test."""

    backend: LocalBackend
    runtime: ProcessRuntime | ContainerRuntime

    @property
    def root(self) -> Path:
        return self.backend.layout.root

    def engine(self, **options: Any) -> Engine:
        return Engine(self.backend.store, self.runtime, **{"grace": 0.2, "jobs": 2, **options})

    def run(self, run: Obj, **options: Any) -> Obj:
        """Create the run, drive it to its end, return it."""
        made = self.backend.create(run)
        name, namespace = made["metadata"]["name"], made["metadata"]["namespace"]
        return self.engine(**options).run([name], namespace, kind=run["kind"])[0]

    def task_run(self, name: str) -> Obj:
        return self.backend.get("TaskRun", name, "default")

    def log(self, name: str, step: str = "s0") -> str:
        return "\n".join(self.backend.logs(name, "default", step))

    def start(self, *names: str) -> subprocess.Popen[str]:
        """Start an engine in another process."""
        return self._start(ENGINE, *names)

    def serve(self) -> subprocess.Popen[str]:
        """Start an engine in another process that drives what nobody drives."""
        return self._start(SERVER)

    def _start(self, program: str, *names: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(self.root), *names],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def wait_for_end(self, name: str, kind: str = "pr") -> Obj:
        """Wait until a run has ended."""
        found = (each.obj for each in self.backend.watch(kind, name=name) if is_done(each.obj))
        return next(found)

    def wait_for_log(self, task_run: str, text: str) -> None:
        """Wait until a step has written a line."""
        for event in self.backend.watch("TaskRun"):
            if event.obj["metadata"]["name"] == task_run and event.obj.get("status"):
                break
        assert any(text in line for line in self.backend.logs(task_run, follow=True))


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with LocalBackend(tmp_path / ".mltk") as backend, ProcessRuntime() as runtime:
        yield Local(backend, runtime)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ContainerEngine:
    """The container engine of this machine, which has the image of the tests."""
    try:
        found = find_engine()
    except InfrastructureError as error:
        pytest.skip(error.what)
    changes = ('CMD ["sh"]', "WORKDIR /bin", "ENV FROM=image")
    try:
        make_image(found, tmp_path_factory.mktemp("image"), IMAGE, _PROGRAMS, changes)
    except Missing as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def contained(tmp_path: Path, engine: ContainerEngine) -> Iterator[Local]:
    """The same with steps that are containers of an image."""
    with LocalBackend(tmp_path / ".mltk") as backend, ContainerRuntime(engine) as runtime:
        yield Local(backend, runtime)


@pytest.fixture
def isolated(tmp_path: Path) -> Iterator[Local]:
    """The same with steps that are kept apart."""
    with (
        LocalBackend(tmp_path / ".mltk") as backend,
        ProcessRuntime(isolation=Isolation.of(backend.layout)) as runtime,
    ):
        if why := runtime.plain_because:
            pytest.skip(f"the kernel keeps no steps apart: {why}")
        yield Local(backend, runtime)


def ends(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk needs root and the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
