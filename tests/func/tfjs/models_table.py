"""Measure every architecture and write the table of docs/exporter.md: `make models-table`."""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mltk.errors import MltkError
from mltk.problems.backend import keras
from mltk.tfjs import export_model, read_bundle
from mltk.tfjs.callee import callee
from mltk.tfjs.chromium import Chromium
from mltk.tfjs.javascript import PAGE_BACKENDS, execute
from tests.func.tfjs.architectures import ARCHITECTURES, Architecture

PAGE = Path(__file__).parents[3] / "docs" / "exporter.md"
BEGIN, END = "<!-- models-table -->\n", "<!-- end of models-table -->\n"
BACKENDS = ("cpu", "wasm", "browser-wasm", "webgl")
LIMITS: Mapping[str, float] = {"webgl": 1e-3, "webgpu": 1e-3}
LIMIT = 2e-6
"""Largest error of the output's scale that passes; a sine of a graphics card is coarse."""

BATCHES = (2, 7)
"""Seven rows at these sizes come in batches of 1, 2 and 7."""


def measure(
    architecture: Architecture,
    backends: Sequence[str],
    folder: Path,
    browser: Chromium | None = None,
) -> dict[str, float]:
    """Export an architecture, and give the largest error over all batches by backend.

    Keras computes the expected outputs, in float32.
    """
    keras.utils.set_random_seed(1)
    model = architecture.build()
    rows = dict(architecture.rows)
    sample = rows if len(rows) > 1 else next(iter(rows.values()))
    export_model(model, folder, sample)
    called = callee(model, sample)
    arrays = called.arrange(sample)
    expected = {name: np.asarray(tensor) for name, tensor in called(arrays).items()}
    inputs = {spec.name: array for spec, array in zip(called.inputs, arrays, strict=True)}
    errors = dict.fromkeys(backends, 0.0)
    for batch in BATCHES:
        # A page takes seconds where Node.js takes a tenth of one, and knows no other batches.
        chosen = [b for b in backends if batch == BATCHES[0] or b not in PAGE_BACKENDS]
        reply = execute(read_bundle(folder), chosen, inputs, batch=batch, browser=browser)
        for answer in reply.answers:
            for name, wanted in expected.items():
                error = _error(answer.outputs[name], wanted)
                errors[answer.backend] = max(errors[answer.backend], error)
    return errors


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        return math.inf
    off = np.abs(found.astype(float) - wanted.astype(float)).max()
    # Not a number, too, is an error.
    return (
        float(off / (np.abs(wanted.astype(float)).max() or 1.0)) if np.isfinite(off) else math.inf
    )


def passes(backend: str, error: float) -> bool:
    """Tell whether an error is rounding."""
    return error <= LIMITS.get(backend, LIMIT)


def named(page: str) -> list[str]:
    """Give the architectures that the table of a page lists."""
    return re.findall(r"^\| \w[^|]* \| ([^|]*) \|", _table(page), re.MULTILINE)[1:]


def _table(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


def render(found: Mapping[str, Mapping[str, float]]) -> str:
    """Give the table as Markdown."""
    lines = [
        f"| kind | architecture | {' | '.join(BACKENDS)} |",
        f"|---|---|{'---|' * len(BACKENDS)}",
    ]
    for name, errors in found.items():
        values = " | ".join(
            f"{errors[backend]:.0e}" if errors[backend] else "0" for backend in BACKENDS
        )
        lines.append(f"| {ARCHITECTURES[name].group} | {name} | {values} |")
    worst = [max(errors[backend] for errors in found.values()) for backend in BACKENDS]
    total = (
        f"{len(found)} of {len(ARCHITECTURES)} architectures pass on all backends. Largest error: "
        + ", ".join(f"{name} {error:.1e}" for name, error in zip(BACKENDS, worst, strict=True))
    )
    return "\n".join([total + ".", "", *lines]) + "\n"


def _measured(names: Iterable[str], backends: Sequence[str]) -> dict[str, dict[str, float]]:
    found = {}
    with Chromium() as browser, tempfile.TemporaryDirectory() as home:
        for name in names:
            try:
                errors = measure(ARCHITECTURES[name], backends, Path(home, "bundle"), browser)
            except MltkError as error:
                sys.stderr.write(f"{name}: {error}\n")
                continue
            bad = [f"{backend} {e:.1e}" for backend, e in errors.items() if not passes(backend, e)]
            sys.stderr.write(f"{name}: {', '.join(bad) or 'passes'}\n")
            if not bad:
                found[name] = errors
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names that hold this; writes no page")
    parser.add_argument("--backends", default=",".join(BACKENDS), help="writes no page")
    chosen = parser.parse_args()
    backends = tuple(chosen.backends.split(","))
    names = [name for name in ARCHITECTURES if chosen.only in name]
    found = _measured(names, backends)
    if len(names) == len(ARCHITECTURES) and backends == BACKENDS:
        page = PAGE.read_text(encoding="utf-8")
        page = page.replace(f"{BEGIN}{_table(page)}{END}", f"{BEGIN}\n{render(found)}\n{END}")
        PAGE.write_text(page, encoding="utf-8")
    return 0 if len(found) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
