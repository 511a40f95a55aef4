"""How often the gate promotes: models that are no better, and models that are, by simulation.

``python -m bench --only gate`` prints the table of docs/gate.md. A trial draws hold-out rows and
two models whose errors have a part in common, as those of two models of the same data do.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.gate.paired import Pair, pair
from mltk.gate.significance import named, p_value
from mltk.gate.spending import alpha_of_try
from mltk.problems import load_problem
from mltk.problems.measures import Measure

ALPHA = 0.05
FIRST = alpha_of_try(ALPHA, 1)
"""The level of the first try."""

KINDS = ("rmse", "mae", "heavy", "log_loss", "accuracy", "balanced_accuracy", "auc")
"""Metrics; `heavy` is RMSE of errors with heavy tails (Student's t with 3 degrees)."""

Models = tuple[Array, Outputs, Outputs]


@dataclasses.dataclass(frozen=True)
class Power:
    """Share of trials with a promotion, for models that are better by a share."""

    rows: int
    better: float
    share: float


def families(
    kind: str,
    rows: int,
    count: int,
    *,
    tries: int,
    seed: int,
    correct: bool = True,
    policy: str = "better",
) -> int:
    """Of `count` champions, against how many any of `tries` equal models is promoted.

    All tries are on the same rows.
    """
    promoted = 0
    for index in range(count):
        random = np.random.default_rng([seed, index])
        y_true, common = _rows(kind, rows, random)
        champion = _model(kind, y_true, common, random, 0.0)
        promoted += any(
            _promotes(
                _pair(kind, (y_true, _model(kind, y_true, common, random, 0.0), champion)),
                alpha_of_try(ALPHA, number) if correct else ALPHA,
                policy,
                0.0,
            )
            for number in range(1, tries + 1)
        )
    return promoted


def promotions(
    kind: str,
    rows: int,
    trials: int,
    *,
    seed: int,
    better: float = 0.0,
    policy: str = "better",
) -> int:
    """In how many of `trials` first tries a model is promoted whose errors are smaller by a share.

    For `not_worse` the margin is just what the model is worse by.
    """
    return sum(_single(kind, rows, [seed, index], better, policy) for index in range(trials))


def power(trials: int) -> Iterator[Power]:
    """The table: RMSE on some numbers of rows, for models that are better by some shares."""
    for rows in (100, 400, 1600):
        for better in (0.0, 0.02, 0.05, 0.1, 0.2):
            promoted = promotions("rmse", rows, trials, seed=rows, better=better)
            yield Power(rows, better, promoted / trials)


def _single(kind: str, rows: int, seed: list[int], better: float, policy: str) -> bool:
    random = np.random.default_rng(seed)
    y_true, common = _rows(kind, rows, random)
    ours = _model(kind, y_true, common, random, better)
    of = _pair(kind, (y_true, ours, _model(kind, y_true, common, random, 0.0)))
    return _promotes(of, FIRST, policy, better)


def _promotes(of: Pair, alpha: float, policy: str, bound: float) -> bool:
    if policy == "point":
        return of.improvement > 0
    wanted = bound if policy == "not_worse" else 0.0
    return p_value(of, named(of, "auto"), wanted) <= alpha


def _rows(kind: str, rows: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Targets, and what the errors of all models have in common."""
    if kind in ("rmse", "mae"):
        return np.zeros(rows), 0.8 * random.normal(size=rows)
    if kind == "heavy":
        return np.zeros(rows), 0.8 * random.standard_t(3, size=rows)
    if kind == "accuracy":
        return np.zeros(rows, dtype=int), random.uniform(size=rows)
    score = 2 * random.normal(size=rows)
    return (random.uniform(size=rows) < 1 / (1 + np.exp(-score))).astype(int), score


def _model(
    kind: str, y_true: Array, common: Array, random: np.random.Generator, better: float
) -> Outputs:
    own = random.normal(size=len(y_true))
    if kind in ("rmse", "mae", "heavy"):
        return {"prediction": ((1 - better) * (common + 0.6 * own))[:, None]}
    if kind == "accuracy":
        # A tenth of the rows is wrong for all, another for each by itself, and more for the worse.
        wrong = (common < 0.1) | (random.uniform(size=len(y_true)) < (0.1 - better / 0.9))
        return {"probabilities": np.stack([1.0 - wrong, wrong], axis=1)}
    score = 1 / (1 + np.exp(-1.5 * common - 0.7 * own))
    return {"probabilities": np.stack([1 - score, score], axis=1)}


def _pair(kind: str, models: Models) -> Pair:
    return pair(_measure(kind), *models)


@functools.cache
def _measure(kind: str) -> Measure:
    regression = kind in ("rmse", "mae", "heavy")
    problem = load_problem("regression" if regression else "classification")
    known = problem.measures({"probabilities": np.zeros((1, 2))})
    return next(each for each in known if each.name == {"heavy": "rmse"}.get(kind, kind))
