"""A folder with a store, and the command line called in this process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mltk.cli import main
from mltk.cli.embedded import EmbeddedEngine
from mltk.cli.place import Place
from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj


@dataclasses.dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Tended(EmbeddedEngine):
    """As in a cluster, somebody takes every run to its end."""

    def tends(self, run: Obj) -> bool:
        return True


class _Meanwhile:
    """A backend on which somebody else is a moment earlier, once."""

    def __init__(self, backend: LocalBackend, rival: Callable[[], object]) -> None:
        self._backend, self._rivals = backend, [rival]

    def create(self, obj: Obj) -> Obj:
        while self._rivals:
            self._rivals.pop()()
        return self._backend.create(obj)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


@dataclasses.dataclass(frozen=True)
class Shell:
    """The folder at hand, its objects, and `mltk ...` in it."""

    folder: Path
    backend: LocalBackend
    capture: pytest.CaptureFixture[str]

    def mltk(self, *args: str, code: int = 0) -> Said:
        self.capture.readouterr()
        try:
            ended = main(list(args))
        except SystemExit as exit_:
            ended = int(exit_.code or 0)
        out, err = self.capture.readouterr()
        assert ended == code, f"{out}\n{err}"
        return Said(ended, out, err)

    @property
    def place(self) -> Place:
        """What a command in the folder works on."""
        return Place(self.backend, EmbeddedEngine(self.backend), "default", self.folder)

    def raced(self, rival: Callable[[Place], object]) -> Place:
        """The same without a lock: somebody else does `rival` before the first run is made."""
        engine = _Tended(self.backend)
        theirs = Place(self.backend, engine, "default", self.folder)
        backend: Any = _Meanwhile(self.backend, lambda: rival(theirs))
        return Place(backend, engine, "default", self.folder)

    def keep(self, obj: Obj) -> Obj:
        """Put an object into the store as an engine would, without admission."""
        return self.backend.store.insert(obj)


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    with LocalBackend(tmp_path / ".mltk") as backend:
        yield Shell(tmp_path, backend, capsys)


def pipeline_run(name: str = "talk-abcde", reason: str = "Succeeded", **extra: Any) -> Obj:
    """A PipelineRun that has ended, or runs (`reason` Running)."""
    status = {"Succeeded": "True", "Completed": "True", "Running": "Unknown"}.get(reason, "False")
    ended = {} if status == "Unknown" else {"completionTime": "2026-01-01T00:02:05Z"}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "labels": extra.pop("labels", {}), **extra.pop("metadata", {})},
        "spec": {"pipelineRef": {"name": "talk"}, **extra.pop("spec", {})},
        "status": {
            "startTime": "2026-01-01T00:00:00Z",
            **ended,
            "conditions": [
                {"type": "Succeeded", "status": status, "reason": reason, "message": "as it went"}
            ],
            **extra.pop("status", {}),
        },
    }


def task_run(
    name: str, task: str, reason: str = "Succeeded", exit_code: int = 0, **extra: Any
) -> Obj:
    """A TaskRun of the PipelineRun talk-abcde with one step, `speak`."""
    made = pipeline_run(name, reason, **extra)
    made["kind"] = "TaskRun"
    made["spec"] = {"taskRef": {"name": "say"}}
    made["metadata"]["labels"] = {
        "tekton.dev/pipelineRun": "talk-abcde",
        "tekton.dev/pipelineTask": task,
    }
    ended = {"terminated": {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}}
    made["status"]["steps"] = [
        {"name": "speak", **({"running": {}} if reason == "Running" else ended)}
    ]
    return made
