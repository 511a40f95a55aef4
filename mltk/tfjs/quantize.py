"""Which storage of the weights: each is tried, and measured against the exact weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mltk.data.arrays import Array
from mltk.tfjs import converter
from mltk.tfjs.deviation import deviation
from mltk.tfjs.manifest import Quantization, Trial

CANDIDATES: tuple[Quantization, ...] = ("none", "uint16", "float16", "uint8")
TOLERANCE = 1e-4
"""Largest error that `auto` accepts, relative to the output's scale."""


def choose(
    exact: converter.Converted, inputs: Mapping[str, Array], tolerance: float
) -> tuple[converter.Converted, tuple[Trial, ...]]:
    """Try every storage on the rows of `inputs`, and take the best; the trials are told too."""
    wanted = converter.run(exact, inputs)
    trials = tuple(_try(exact, quantization, inputs, wanted) for quantization in CANDIDATES)
    # The rest is left to the rounding of a runtime: the two add up when the bundle is judged.
    return converter.quantize(exact, pick(trials, 0.9 * tolerance).quantization), trials


def pick(trials: Sequence[Trial], tolerance: float) -> Trial:
    """Take the smallest of those that are within the tolerance; of equal ones the most exact.

    Weights that are not quantized are always within it. Pure.
    """
    fit = [
        trial
        for trial in trials
        if trial.max_relative_error is not None and trial.max_relative_error <= tolerance
    ]
    return min(fit, key=lambda trial: (trial.weight_bytes, trial.max_relative_error))


def _try(
    exact: converter.Converted,
    quantization: Quantization,
    inputs: Mapping[str, Array],
    wanted: Mapping[str, Array],
) -> Trial:
    candidate = converter.quantize(exact, quantization)
    error = 0.0
    if candidate.quantized:
        error = _error(converter.run(candidate, inputs), wanted)
    return Trial(quantization, converter.weight_bytes(candidate), _stated(error))


def _error(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> float:
    """Give the largest error of an output, divided by its largest value, over all outputs."""
    errors = (deviation(found[name], array)[1] for name, array in wanted.items())
    return max(errors, key=_not_a_number_last, default=0.0)


def _not_a_number_last(error: float) -> float:
    return math.inf if math.isnan(error) else error


def _stated(error: float) -> float | None:
    """Two digits, upwards: more would differ between machines, and so would digests."""
    if not math.isfinite(error):
        return None
    if error == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(error)) - 1)
    return float(f"{math.ceil(error / step) * step:.1e}")
