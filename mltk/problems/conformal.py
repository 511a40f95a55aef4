"""How far intervals must be stretched to hold what they promise: split-conformal prediction.

V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World (2005); J. Lei et al.,
Distribution-free predictive inference for regression (2018). Pure, and never shown a hold-out row.
The promise is for rows that are exchangeable with those it was settled on; these also told when to
stop the training, which costs it little. What it is worth, the coverage of the hold-out says.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from mltk.data.arrays import Array
from mltk.errors import StepError


@dataclasses.dataclass(frozen=True)
class Factor:
    """By what to multiply intervals that are to hold `coverage`, settled on `rows`.

    With fewer rows than `needed` the promise could only be kept by an interval without ends.
    """

    value: float
    coverage: float
    rows: int

    @property
    def needed(self) -> int:
        """Rows from which on the promise can be kept."""
        return math.ceil(self.coverage / (1 - self.coverage) - 1e-9)


def factor(scores: Array, coverage: float) -> Factor:
    """Give the factor for scores [n]: how many times its interval's reach each row is off.

    The smallest score that `coverage` of n + 1 rows do not exceed; the largest where there are too
    few. A score that is no number counts as infinite; StepError if the factor would be.
    """
    count = len(scores)
    rank = min(math.ceil((count + 1) * coverage - 1e-9), count)
    value = float(np.sort(scores)[rank - 1])  # NaN comes last
    if not math.isfinite(value):
        lost = count - int(np.isfinite(scores).sum())
        raise StepError(
            f"no interval holds {100 * coverage:.4g} % of the validation rows: for {lost} of"
            f" {count} the network says no finite number; try a lower learning_rate"
        )
    return Factor(value, coverage, count)


def spread(errors: Array) -> float:
    """Give the factor under which errors [n], in deviations, are most likely."""
    return float(np.sqrt(np.mean(errors**2))) or 1.0


def words(found: Factor) -> str:
    """Say what was settled."""
    share = f"{100 * found.coverage:.4g} %"
    said = f"intervals of {share} times {found.value:.4g}"
    if found.rows < found.needed:
        said += f", by {found.rows} validation rows, of {found.needed} that {share} takes"
    return said
