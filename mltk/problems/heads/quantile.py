"""Quantiles of a target that never cross, and intervals that hold what they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems import conformal, intervals
from mltk.problems.base import OutputDescription
from mltk.problems.heads.base import LOWER, UPPER, Head, Part, Scale, Settle, ends_of
from mltk.problems.heads.mean import MAE
from mltk.problems.linear import least_squares
from mltk.problems.measures import Measure
from mltk.problems.targets import PREDICTION

if TYPE_CHECKING:
    from mltk.project.spec import Target

QUANTILES = "quantiles"

_ROUNDED = 1e-9
"""Least reach: two quantiles of a row that is far off may be rounded to the same number."""


class QuantileHead(Head):
    """Pinball loss; `prediction` is the median, `lower` and `upper` the outermost quantiles.

    `quantiles` [n, Q] has all levels. R. Koenker and G. Bassett, Regression quantiles (1978). The
    network gives the median and the steps from one quantile to the next, which are positive, so
    none can be on the wrong side of another.
    """

    def __init__(self, levels: tuple[float, ...], calibrate: bool) -> None:
        self.levels, self.calibrate = levels, calibrate
        self.pairs = len(levels) // 2

    @property
    def width(self) -> int:
        """The median, and a step for each other level."""
        return len(self.levels)

    @property
    def coverages(self) -> tuple[float, ...]:
        """What the intervals hold, the innermost first."""
        ends = zip(self.levels[self.pairs + 1 :], self.levels[self.pairs - 1 :: -1], strict=True)
        return tuple(high - low for high, low in ends)

    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Build the median with distances on both sides that one layer stretches."""
        from mltk.problems.backend import keras
        from mltk.problems.heads.layers import Stretch, away

        median, count = scores[:, :1], self.pairs
        stretch = Stretch((1.0,) * count, name=f"{name}intervals")
        below = stretch(away(scores[:, 1 : count + 1]))
        above = stretch(away(scores[:, count + 1 :]))
        nearest_last = [below[:, at : at + 1] for at in reversed(range(count))]
        trained = keras.ops.concatenate(
            [*(median - each for each in nearest_last), median, median + above], axis=1
        )
        units = keras.layers.Rescaling(scale.stretch, scale.shift, name=f"{name}{QUANTILES}")
        said = units(trained)
        outputs = {
            PREDICTION: said[:, count : count + 1],
            LOWER: said[:, :1],
            UPPER: said[:, -1:],
            QUANTILES: said,
        }
        return Part(outputs, trained, self._settle(stretch, scale) if self.calibrate else None)

    def loss(self, trained: Any, target: Any) -> Any:
        """Give the pinball loss, mean over the levels."""
        from mltk.problems.backend import keras

        levels = np.array(self.levels, dtype=np.float32)
        errors = target[:, None] - trained
        losses = keras.ops.maximum(levels * errors, (levels - 1) * errors)
        return keras.ops.mean(losses, axis=1)

    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Describe the median, the outermost interval, and the quantiles by level."""
        what, labels = target.description or target.name, tuple(f"{x:g}" for x in self.levels)
        return (
            OutputDescription(PREDICTION, f"median of {what}", target.unit),
            *ends_of(what, self.coverages[-1], target.unit),
            OutputDescription(QUANTILES, f"quantiles of {what}", target.unit, labels),
        )

    def measures(self) -> tuple[Measure, ...]:
        """Give the pinball loss first: it is what the training minimises."""
        pinball = intervals.pinball(self.levels, QUANTILES)
        return (pinball, intervals.COVERAGE, intervals.WIDTH, MAE)

    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Say the quantiles of what is known, and a line that is shifted by those of its errors."""
        line = least_squares(known, target, new)
        errors = target - least_squares(known, target, known)
        return {
            "trivial": self._said(np.zeros(len(new)), target),
            "linear": self._said(line, errors),
        }

    def _said(self, centre: Floats, spread: Floats) -> Outputs:
        said = centre[:, None] + np.quantile(spread, self.levels)[None, :]
        middle = said[:, self.pairs : self.pairs + 1]
        return {PREDICTION: middle, LOWER: said[:, :1], UPPER: said[:, -1:], QUANTILES: said}

    def _settle(self, stretch: Any, scale: Scale) -> Settle:
        def settle(trained: Array, target: Array) -> str:
            factors = self.factors(trained, scale.encode(target))
            stretch.times([found.value for found in factors])
            return "; ".join(map(conformal.words, factors))

        return settle

    def factors(self, trained: Array, target: Array) -> list[conformal.Factor]:
        """Give the factor of each interval, the innermost first, from rows the training left out.

        Conformalised quantile regression: Y. Romano, E. Patterson and E. Candes (2019), with the
        distances from the median as the scale, which keeps the quantiles in order: D. Kivaranovic,
        K. Johnson and H. Leeb, Adaptive, distribution-free prediction intervals (2020).
        """
        wide, count = trained.astype(np.float64), self.pairs
        median = wide[:, count]
        over, found = target - median, []
        for at, coverage in enumerate(self.coverages, start=1):
            below, above = median - wide[:, count - at], wide[:, count + at] - median
            reach = np.maximum(np.where(over < 0, below, above), _ROUNDED)
            scores = np.abs(over) / reach
            found.append(conformal.factor(scores, coverage))
        return found
