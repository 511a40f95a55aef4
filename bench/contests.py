"""Two models on hold-out rows, drawn with a known difference in a metric, for `bench.gate`."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.gate.paired import Pair, pair
from mltk.problems import load_problem
from mltk.problems.measures import Measure
from mltk.project.spec import Model

METRICS = {
    "rmse": "rmse",
    "mae": "mae",
    "heavy": "rmse",
    "outliers": "rmse",
    "log_loss": "log_loss",
    "sure": "log_loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "auc": "auc",
}
"""Kinds of draws with their metrics.

What the errors of `heavy` have in common is Student's t with 3 degrees. In two kinds the models are
equal in the metric and unlike in all else: a twentieth of what is the challenger's own in
`outliers` is four times as large, and in `sure` it is too sure where the champion is not sure
enough.
"""

_REGRESSION = ("rmse", "mae", "heavy", "outliers")
_OUTLIER, _RARE = 4.0, 0.05
_SURE, _UNSURE = 1.6, 0.549398576
"""Factors of the log odds that give the same expected log loss (by Gauss-Hermite quadrature)."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is drawn: a kind, on how many rows; errors of numbers correlate by `shared`."""

    kind: str
    rows: int
    shared: float = 0.64


@dataclasses.dataclass(frozen=True)
class Rows:
    """Hold-out rows: the targets [n], and what the errors of all models have in common [n]."""

    setting: Setting
    y_true: Array
    common: Array
    random: np.random.Generator

    def champion(self) -> Outputs:
        """Draw the model that is met."""
        if self.setting.kind == "sure":
            return _probabilities(_UNSURE * self.common)
        return self._model(self._own(), 0.0)

    def challenger(self, better: float = 0.0) -> Outputs:
        """Draw a model that is better by a share of the error; of accuracy by so much."""
        if self.setting.kind == "sure":
            return _probabilities(_SURE * self.common)
        own = self._own()
        if self.setting.kind == "outliers":
            rare = self.random.uniform(size=len(own)) < _RARE
            own *= np.where(rare, _OUTLIER, 1.0) / math.sqrt(1 + _RARE * (_OUTLIER**2 - 1))
        return self._model(own, better)

    def pair(self, challenger: Outputs, champion: Outputs) -> Pair:
        """Hold the one against the other in the metric of the kind."""
        return pair(_measure(self.setting.kind), self.y_true, challenger, champion)

    def _own(self) -> Array:
        own: Array = self.random.normal(size=len(self.y_true))
        return own

    def _model(self, own: Array, better: float) -> Outputs:
        if self.setting.kind in _REGRESSION:
            error = self.common + math.sqrt(1 - self.setting.shared) * own
            return {"prediction": ((1 - better) * error)[:, None]}
        if self.setting.kind == "accuracy":
            # A tenth is wrong for all, another for each by itself, and more for the worse.
            alone = self.random.uniform(size=len(own)) < 0.1 - better / 0.9
            return _one_of_two((self.common < 0.1) | alone)
        return _probabilities(1.5 * self.common + 0.7 * own)


def draw(setting: Setting, seed: list[int]) -> Rows:
    """Draw the hold-out rows of a trial."""
    random = np.random.default_rng(seed)
    kind, rows = setting.kind, setting.rows
    if kind in _REGRESSION:
        errors = random.standard_t(3, size=rows) if kind == "heavy" else random.normal(size=rows)
        return Rows(setting, np.zeros(rows), math.sqrt(setting.shared) * errors, random)
    if kind == "accuracy":
        return Rows(setting, np.zeros(rows, dtype=int), random.uniform(size=rows), random)
    odds = 2 * random.normal(size=rows)
    truth = (random.uniform(size=rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return Rows(setting, truth, odds, random)


def _probabilities(odds: Array) -> Outputs:
    second = 1 / (1 + np.exp(-odds))
    return {"probabilities": np.stack([1 - second, second], axis=1)}


def _one_of_two(second: Array) -> Outputs:
    return {"probabilities": np.stack([1.0 - second, second], axis=1)}


@functools.cache
def _measure(kind: str) -> Measure:
    name = "regression" if kind in _REGRESSION else "classification"
    told = {"data": {"path": "t.csv"}, "target": {"name": "y"}, "features": [{"name": "x"}]}
    spec = Model.model_validate({"problem": name, **told})
    known = load_problem(name).measures(spec, {"probabilities": np.zeros((1, 2))})
    return next(each for each in known if each.name == METRICS[kind])
