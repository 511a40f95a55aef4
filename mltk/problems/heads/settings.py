"""Settings of a regression: which head, and what it is asked for."""

from __future__ import annotations

import itertools
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from mltk.problems.base import Settings

_HEADS_OF: dict[str, tuple[str, ...]] = {
    "quantiles": ("quantile",),
    "coverage": ("gaussian", "poisson", "gamma"),
    "calibrate": ("quantile", "gaussian"),
}
_SAME = 1e-9


class RegressionSettings(Settings):
    """What `settings` of a regression may say."""

    changes_loss: ClassVar = frozenset({"head", "quantiles"})

    head: Literal["mean", "quantile", "gaussian", "poisson", "gamma"] = Field(
        "mean", description="What is learnt of the target: its mean, quantiles, or distribution."
    )
    quantiles: tuple[float, ...] = Field(
        (0.05, 0.5, 0.95),
        description="Of the head quantile: shares of values that lie below, in pairs about 0.5.",
    )
    coverage: float = Field(
        0.9,
        gt=0,
        lt=1,
        description="Of gaussian, poisson and gamma: share of the values in the interval.",
    )
    calibrate: bool = Field(
        True, description="Whether the intervals are corrected on the validation rows."
    )

    @model_validator(mode="after")
    def _of_this_head(self) -> RegressionSettings:
        for name, heads in _HEADS_OF.items():
            if name in self.model_fields_set and self.head not in heads:
                raise ValueError(f"{name} is for head: {' or '.join(heads)}, not for {self.head}")
        return self

    @model_validator(mode="after")
    def _pairs(self) -> RegressionSettings:
        levels = self.quantiles
        if not all(0 < level < 1 for level in levels):
            raise ValueError("quantiles lie between 0 and 1, as in [0.05, 0.5, 0.95]")
        if any(high - low < _SAME for low, high in itertools.pairwise(levels)):
            raise ValueError("quantiles must rise, as in [0.05, 0.5, 0.95]")
        middle = len(levels) % 2 and abs(levels[len(levels) // 2] - 0.5) < _SAME
        mirrored = [abs(a + b - 1) < _SAME for a, b in zip(levels, levels[::-1], strict=True)]
        if len(levels) < 3 or not (middle and all(mirrored)):
            raise ValueError(
                "quantiles must be 0.5 with pairs about it, as in [0.05, 0.25, 0.5, 0.75, 0.95]:"
                " the median is the prediction, each pair the ends of an interval"
            )
        return self
