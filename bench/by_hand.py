"""The demo's work in one hand-written script: what the pipeline is compared with.

    python -m bench.by_hand PROJECT STATE [MODEL...]

One process does for each model of PROJECT (or those named), one after another, what the Tasks do:
fetch, validate, train, evaluate, export, prove in Node.js, judge, register, report. It imports
everything once, has no engine, no isolation and no record of what it did; the order is written down
by hand.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mltk.project.load import load
from mltk.steps import step


def main(project: Path, state: Path, *names: str) -> None:
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.strip()
    for model in names or load(project / "mltk.yaml").models:
        deliver(project, revision, model, state)


def deliver(project: Path, revision: str, model: str, state: Path) -> None:
    workspace = state / model
    workspace.mkdir(parents=True)

    def call(name: str, *args: str) -> None:
        step.main([name, f"--workspace={workspace}", *args], standalone_mode=False)

    call("fetch", f"--repo-url={project}", f"--revision={revision}", f"--model={model}")
    for name in ("validate", "train", "evaluate", "export", "verify"):
        call(name)
    registry = (f"--tracking-uri=sqlite:///{state}/.mltk/mlflow.db", "--experiment=by-hand")
    run = (f"--run-name={model}", f"--run-uid={model}")
    call("gate", *registry)
    call("register", *registry, *run)
    call("report", *registry, *run, f"--model={model}", f"--repo-url={project}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
