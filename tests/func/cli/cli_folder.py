"""The real `mltk` command in a folder of its own, with pipelines of shell steps."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

MLTK = str(Path(sys.executable).parent / "mltk")
REPOSITORY = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(REPOSITORY)}


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder without mltk.yaml: any Tekton pipeline runs there."""

    path: Path

    def mltk(self, *args: str, code: int = 0, text: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [MLTK, *args],
            cwd=self.path,
            env=ENVIRONMENT,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = f"mltk {' '.join(args)} ended {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in said
        assert done.returncode == code, said
        return done

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [MLTK, *args],
            cwd=self.path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def json(self, *args: str) -> Any:
        return json.loads(self.mltk(*args, "-o", "json").stdout)

    def write(self, name: str, *objects: Any) -> str:
        (self.path / name).write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        return name

    def until(self, *words: str, reason: str) -> Any:
        """Follow `mltk get -w` until one of the objects has the reason; return that object."""
        with self.start("get", *words, "-w", "-o", "json") as watch:
            assert watch.stdout is not None
            for line in watch.stdout:
                seen = json.loads(line)
                conditions = seen.get("status", {}).get("conditions", [])
                if any(condition["reason"] == reason for condition in conditions):
                    watch.kill()
                    return seen
        raise AssertionError(f"no {reason} in {words}")


def task(name: str, script: str, **spec: Any) -> Any:
    """A Task of one step, `do`."""
    step = {"name": "do", "image": "busybox", "script": script}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"steps": [step], **spec},
    }


def pipeline(name: str, *tasks: str) -> Any:
    """A Pipeline of Tasks, one after the other."""
    listed = [
        {"name": each, "taskRef": {"name": each}, **({"runAfter": [tasks[i - 1]]} if i else {})}
        for i, each in enumerate(tasks)
    ]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": name},
        "spec": {"tasks": listed},
    }


def run_of(name: str) -> Any:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": f"{name}-"},
        "spec": {"pipelineRef": {"name": name}},
    }
