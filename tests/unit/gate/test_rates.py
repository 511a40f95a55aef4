"""By simulation: how often the gate promotes a model that is no better, and one that is.

Every count is seeded, and compared with a bound that a gate which keeps its promise exceeds with a
chance of one in a million.
"""

from __future__ import annotations

import pytest
from scipy import stats

from bench import gate as simulation
from bench.contests import METRICS, Setting

ALPHA = simulation.ALPHA


def _most(rate: float, trials: int) -> int:
    return int(stats.binom.ppf(1 - 1e-6, trials, rate))


@pytest.mark.parametrize(
    "setting",
    [
        *(Setting(kind, 60) for kind in METRICS if kind != "outliers"),
        *(Setting("rmse", rows) for rows in (20, 400)),
        *(Setting("rmse", 60, shared) for shared in (0.0, 0.95)),
    ],
    ids=lambda setting: f"{setting.kind}-{setting.rows}-{setting.shared}",
)
def test_a_single_try_of_a_model_that_is_no_better(setting: Setting) -> None:
    trials = 4000
    promoted = simulation.promotions(setting, trials, seed=1)
    assert promoted <= _most(simulation.FIRST, trials)


@pytest.mark.parametrize("kind", ["rmse", "accuracy"])
def test_twenty_tries_against_one_champion(kind: str) -> None:
    families, setting = 300, Setting(kind, 60)
    promoted = simulation.families(setting, families, tries=20, seed=2)
    assert promoted <= _most(ALPHA, families)
    careless = simulation.families(setting, families, tries=20, seed=2, correct=False)
    # McNemar's exact test is on the safe side, and so shows less of it.
    assert careless > {"rmse": 3, "accuracy": 1.5}[kind] * ALPHA * families


def test_twenty_tries_by_the_bare_values_always_promote_one() -> None:
    assert simulation.by_values(Setting("rmse", 60), 20, tries=20, seed=3) >= 17


@pytest.mark.parametrize("kind", ["rmse", "accuracy"])
@pytest.mark.parametrize("rows", [60, 200])
def test_a_model_that_is_just_too_much_worse_is_rarely_called_not_worse(
    kind: str, rows: int
) -> None:
    trials, setting = 4000, Setting(kind, rows)
    promoted = simulation.promotions(setting, trials, seed=4, better=-0.1, margin=0.1)
    assert promoted <= _most(simulation.FIRST, trials)


def test_a_better_model_is_promoted_the_more_often_the_better_and_the_more_rows() -> None:
    few, more, much = (
        simulation.promotions(Setting("rmse", rows), 100, seed=5, better=better)
        for rows, better in ((100, 0.05), (100, 0.15), (400, 0.15))
    )
    print(f"power, 5 % on 100 rows: {few} %, 15 % on 100: {more} %, 15 % on 400: {much} %")  # noqa: T201
    assert few < more < much
    assert much > 75
