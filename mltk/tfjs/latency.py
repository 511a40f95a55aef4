"""How long a client waits for one prediction: many of them, timed in Node.js."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path

from mltk.data.arrays import Array
from mltk.tfjs.bundle import read_bundle
from mltk.tfjs.javascript import Timed, execute

PREDICTIONS = 300
WARMUP = 30


@dataclasses.dataclass(frozen=True)
class Latency:
    """Milliseconds of one prediction: the median of `predictions`, and the quartiles around it."""

    backend: str
    predictions: int
    median: float
    low: float
    high: float


def measure_latency(
    folder: str | Path, inputs: Mapping[str, Array], backend: str = "wasm"
) -> Latency:
    """Time predictions of single rows of `inputs` (by name) with a bundle in TensorFlow.js.

    Raises what `mltk.tfjs.javascript.execute` does.
    """
    timed = Timed(PREDICTIONS, WARMUP)
    (answer,) = execute(read_bundle(folder), [backend], inputs, timed=timed).answers
    low, median, high = statistics.quantiles(answer.timings, n=4)
    return Latency(backend, len(answer.timings), median, low, high)
