"""What it costs to start a step, in a pod where nothing is warm.

Measured is the processor's time and not the clock's, so that a busy machine shows what an idle one
shows; the first round fills the disk cache and does not count.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mltk.steps import STEPS

_LIGHT, _WITH_MLFLOW, _WITH_TENSORFLOW = 25, 100, 180
"""Budgets, as multiples of a Python that does nothing."""

_MLFLOW = ("mltk.registry.client",)
# Beside the step's own module: what its work imports, with MLflow behind a server.
_WORK = {
    "fetch": ("mltk.project.load",),
    "validate": ("mltk.project.load", "mltk.problems.regression"),
    "train": ("mltk.project.load", "mltk.problems.regression", "mltk.problems.training"),
    "evaluate": ("mltk.project.load", "mltk.problems.backend", "mltk.problems.plots"),
    "export": ("mltk.project.load", "mltk.problems.backend", "mltk.tfjs.export"),
    "verify": ("mltk.project.load", "mltk.tfjs.verify"),
    "gate": ("mltk.project.load", *_MLFLOW),
    "register": _MLFLOW,
    "deploy": (),
    "report": ("mltk.project.load", *_MLFLOW),
}


@dataclass(frozen=True)
class Start:
    """Processor seconds of one step's imports, and those of a Python that does nothing."""

    step: str
    seconds: float
    bare: float
    budget: float


def measure(folder: Path, rounds: int = 3) -> Iterator[Start]:
    """Start every step `rounds` times, and a bare Python beside it."""
    for step, home in STEPS.items():
        modules = (home.partition(":")[0], *_WORK[step])
        code = "; ".join(f"import {module}" for module in modules)
        _cpu("pass", folder), _cpu(code, folder)
        bare, whole = zip(
            *((_cpu("pass", folder), _cpu(code, folder)) for _ in range(rounds)), strict=True
        )
        yield Start(step, statistics.median(whole), statistics.median(bare), _budget(step))


def _budget(step: str) -> float:
    if step in ("train", "evaluate", "export"):
        return _WITH_TENSORFLOW
    return _WITH_MLFLOW if step in ("gate", "register", "report") else _LIGHT


def _cpu(code: str, folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
