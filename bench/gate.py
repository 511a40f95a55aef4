"""How often the gate promotes: models that are no better, and models that are, by simulation.

``python -m bench --only gate`` prints the tables of docs/gate.md. A trial draws hold-out rows and
two models whose errors have a part in common, as those of two models of the same data do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bench.contests import METRICS, Rows, Setting, draw
from mltk.data.arrays import Outputs
from mltk.gate.significance import named, p_value
from mltk.gate.spending import alpha_of_try

ALPHA = 0.05
FIRST = alpha_of_try(ALPHA, 1)
"""The level of the first try."""

SETTINGS = (
    *(Setting(kind, 100) for kind in METRICS if kind != "outliers"),
    *(Setting(kind, rows) for kind in ("rmse", "heavy") for rows in (30, 400)),
    *(Setting("sure", rows) for rows in (60, 400)),
    *(Setting("rmse", 60, shared) for shared in (0.0, 0.95)),
)
"""Where the gate is held to its promise."""


@dataclasses.dataclass(frozen=True)
class Power:
    """Share of trials with a promotion, for models that are better by a share."""

    rows: int
    better: float
    share: float


def promotions(
    setting: Setting, trials: int, *, seed: int, better: float = 0.0, margin: float = 0.0
) -> int:
    """In how many of `trials` first tries a model is promoted whose errors are smaller by a share.

    With a margin it need only be shown that it is not worse by that (of RMSE, or of accuracy).
    """
    promoted = 0
    for index in range(trials):
        rows = draw(setting, [seed, index])
        promoted += _promotes(rows, rows.challenger(better), rows.champion(), FIRST, -margin)
    return promoted


def families(setting: Setting, count: int, *, tries: int, seed: int, correct: bool = True) -> int:
    """Of `count` champions, against how many any of `tries` equal models is promoted.

    All tries are on the same rows.
    """
    promoted = 0
    for index in range(count):
        rows = draw(setting, [seed, index])
        champion = rows.champion()
        promoted += any(
            _promotes(
                rows, rows.challenger(), champion, alpha_of_try(ALPHA, k) if correct else ALPHA
            )
            for k in range(1, tries + 1)
        )
    return promoted


def by_values(setting: Setting, count: int, *, tries: int, seed: int) -> int:
    """The same by the bare values, without a test."""
    promoted = 0
    for index in range(count):
        rows = draw(setting, [seed, index])
        champion = rows.champion()
        gains = (rows.pair(rows.challenger(), champion).improvement for _ in range(tries))
        promoted += any(gain > 0 for gain in gains)
    return promoted


def power(trials: int) -> Iterator[Power]:
    """The table: RMSE on some numbers of rows, for models that are better by some shares."""
    for rows in (100, 400, 1600):
        for better in (0.0, 0.02, 0.05, 0.1, 0.2):
            promoted = promotions(Setting("rmse", rows), trials, seed=rows, better=better)
            yield Power(rows, better, promoted / trials)


def _promotes(
    rows: Rows, challenger: Outputs, champion: Outputs, alpha: float, bound: float = 0.0
) -> bool:
    of = rows.pair(challenger, champion)
    return p_value(of, named(of, "auto"), bound) <= alpha
