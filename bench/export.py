"""What the export and its proof cost beside the training, in a process that is warm already.

    python -m bench.export PROJECT STATE

prints the seconds of the processor that train, export and verify of one model of PROJECT take, as
JSON. Each has been done once before, as a warm start has. `second` are those until a second model
trains that is forked from a process with all imports done.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click

from mltk.cli import warm
from mltk.local.warm import preload
from mltk.steps import step

MODEL = "diabetes-progression"
ROUNDS = 3


def main(project: Path, state: Path) -> dict[str, float]:
    """Give the least seconds of three rounds, by step."""
    for command in warm.WARM:
        preload(*command.imports)
    state.mkdir(parents=True)
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.strip()
    _call(state, "fetch", f"--repo-url={project}", f"--revision={revision}", f"--model={MODEL}")
    _call(state, "validate")
    # Before this process computes anything, as the one from which an engine forks its steps.
    second = [_begun(state) for _ in range(2)][-1]
    found: dict[str, list[float]] = {"train": [], "export": [], "verify": []}
    for _ in range(1 + ROUNDS):
        # Else the step finds that it was trained before.
        (state / "model.keras").unlink(missing_ok=True)
        found["train"].append(_call(state, "train"))
        _call(state, "evaluate")
        for name in ("export", "verify"):
            found[name].append(_call(state, name))
    return {name: min(seconds[1:]) for name, seconds in found.items()} | {"second": second}


def _begun(state: Path) -> float:
    """Seconds from the fork of a step that trains until it says of what, and then trains."""
    reading, writing = os.pipe()
    if not os.fork():
        began = time.process_time()

        def echo(*_: object, **__: object) -> None:
            os.write(writing, f"{time.process_time() - began}".encode())
            os._exit(0)

        click.echo = echo
        step.main(["train", f"--workspace={state}"], standalone_mode=False)
    os.close(writing)
    with open(reading) as said:  # noqa: PTH123  (a number, not a path)
        return float(said.read())


def _call(state: Path, name: str, *arguments: str) -> float:
    began = _processor()
    with contextlib.redirect_stdout(io.StringIO()):
        step.main([name, f"--workspace={state}", *arguments], standalone_mode=False)
    return _processor() - began


def _processor() -> float:
    """Seconds of the processor, Node's too: those of a clock tell how busy the machine is."""
    return time.process_time() + sum(os.times()[2:4]) + sum(map(_of_child, _children()))


def _children() -> list[str]:
    """The processes that this one has started and not waited for: the Node.js that stays."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


def _of_child(process: str) -> float:
    try:
        threads = [path.read_text() for path in Path("/proc", process).glob("task/*/schedstat")]
    except OSError:
        return 0
    return sum(int(each.split()[0]) for each in threads) / 1e9


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
