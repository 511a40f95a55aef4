"""The proof that a bundle computes in JavaScript what Keras computed in Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mltk.data.arrays import Array
from mltk.errors import ConfigError, StepError
from mltk.records import BackendCheck, Verification
from mltk.tfjs.bundle import Bundle, read_bundle
from mltk.tfjs.deviation import deviation
from mltk.tfjs.javascript import Answer, execute

TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows with what Keras says about them, both by name, [n, ...]."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def verify_bundle(
    folder: str | Path,
    backends: Sequence[str] = ("cpu", "wasm"),
    rows: Rows | None = None,
    *,
    tolerance: float | None = TOLERANCE,
) -> Verification:
    """Run a bundle in TensorFlow.js on every backend, and measure how far it is off.

    The golden rows of the bundle are always run; `rows` are too, and are what the checks then
    count. The error of an output is its largest absolute error, and that divided by the largest
    absolute expected value; the check of a backend holds the largest over outputs and rows.

    Raises StepError when a file of the bundle is changed, when the model does not run on a
    backend, gives a number that is not finite, or misses the golden rows by more than `tolerance`
    (relative; None only measures).
    """
    bundle = read_bundle(folder)
    reply = execute(bundle, backends, rows.inputs if rows else None)
    checks = tuple(_check(bundle, answer, rows, tolerance) for answer in reply.answers)
    return Verification(bundle.digest, reply.runtime, checks)


def predict_bundle(
    folder: str | Path, inputs: Array | Mapping[str, Array], backend: str = "cpu"
) -> dict[str, Array]:
    """Give the outputs of a bundle by name, computed by TensorFlow.js.

    `inputs` is an array when the model has one input, else arrays by name.
    """
    bundle = read_bundle(folder)
    if not isinstance(inputs, Mapping):
        first, *others = bundle.manifest.inputs
        if others:
            names = ", ".join(port.name for port in bundle.manifest.inputs)
            raise ConfigError("the model has several inputs", hint=f"give rows by name: {names}")
        inputs = {first.name: inputs}
    return execute(bundle, [backend], inputs).answers[0].outputs


def _check(
    bundle: Bundle, answer: Answer, rows: Rows | None, tolerance: float | None
) -> BackendCheck:
    golden = answer.golden
    if golden.not_finite:
        raise _not_finite(bundle, answer.backend, "a golden row")
    if tolerance is not None and golden.relative > tolerance:
        raise StepError(
            f"the golden rows are off by {golden.relative:.2g} of the output's scale on the "
            f"{answer.backend} backend, more than {tolerance:.2g}",
            where=str(bundle.folder),
        )
    if rows is None:
        return BackendCheck(answer.backend, golden.rows, golden.absolute, golden.relative)
    found = [_errors(bundle, answer, name, rows.outputs[name]) for name in sorted(rows.outputs)]
    return BackendCheck(
        answer.backend,
        len(next(iter(rows.inputs.values()))),
        max([golden.absolute, *(absolute for absolute, _ in found)]),
        max([golden.relative, *(relative for _, relative in found)]),
    )


def _errors(bundle: Bundle, answer: Answer, name: str, expected: Array) -> tuple[float, float]:
    if name not in answer.outputs:
        raise ConfigError(
            f"rows are given for output '{name}', which the model does not have",
            hint=f"its outputs: {', '.join(answer.outputs)}",
        )
    found = answer.outputs[name].astype(np.float64)
    wanted = np.asarray(expected, dtype=np.float64)
    if found.shape != wanted.shape:
        raise StepError(
            f"output '{name}' has shape {found.shape} on the {answer.backend} backend, "
            f"Keras gave {wanted.shape}",
            where=str(bundle.folder),
        )
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        raise _not_finite(bundle, answer.backend, f"row {bad[0][0]} of output '{name}'")
    if not np.isfinite(wanted).all():
        raise StepError(f"Keras gave numbers that are not finite for output '{name}'")
    return deviation(found, wanted)


def _not_finite(bundle: Bundle, backend: str, what: str) -> StepError:
    return StepError(
        f"{what} is not a finite number on the {backend} backend", where=str(bundle.folder)
    )
