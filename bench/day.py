"""Many models of one project, two at a time, against two scripts that share them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk.project.load import load

MODELS = 24
AT_ONCE = 2

_PROJECT = """\
version: 1
project: day
models:
  wine:
    matrix: {{seed: {seeds}}}
    problem: regression
    data: {{path: data/wine.csv}}
    target: {{name: alcohol, unit: "% vol"}}
    features: [{{name: malic_acid}}, {{name: ash}}, {{name: hue}}, {{name: proline}}]
    network: {{hidden: [16], activation: tanh}}
    training: {{epochs: 200, batch_size: 16, patience: 0}}
    gate: {{metrics: {{rmse: {{max: 100}}}}, baseline: none}}
    seed: $(matrix.seed)
"""


@dataclass(frozen=True)
class Day:
    """Seconds of the command, and of the scripts."""

    together: float
    by_hand: float


def measure(repository: Path, folder: Path, mltk: str) -> Day:
    """Deliver them both ways, each into a registry of its own."""
    clone = folder / "clone"
    _call(["git", "clone", "--quiet", str(repository), str(clone)], folder)
    (clone / "mltk.yaml").write_text(_PROJECT.format(seeds=list(range(MODELS))))
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    _call(["git", *who, "commit", "--quiet", "--all", "--message", "Many models"], clone)
    names = list(load(clone / "mltk.yaml").models)
    script = [sys.executable, "-m", "bench.by_hand", str(clone)]
    shares = [[*script, f"{folder}/hand-{n}", *names[n::AT_ONCE]] for n in range(AT_ONCE)]
    by_hand = _seconds(shares, repository)
    command = [mltk, "run", "--all", "--parallel", str(AT_ONCE)]
    return Day(_seconds([command], clone, {"PYTHONPATH": str(repository)}), by_hand)


def _seconds(
    commands: Sequence[list[str]], folder: Path, environment: dict[str, str] | None = None
) -> float:
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for command in commands
    ]
    for process in started:
        _, said = process.communicate()
        if process.returncode:
            raise SystemExit(said.decode())
    return time.perf_counter() - began


def _call(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
