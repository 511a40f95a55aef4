"""By simulation: how often the gate promotes a model that is no better, and one that is.

Every count is seeded, and compared with a bound that a gate which keeps its promise exceeds with a
chance of one in a million.
"""

from __future__ import annotations

import pytest
from scipy import stats

from bench import gate as simulation

ALPHA = 0.05


def _most(rate: float, trials: int) -> int:
    return int(stats.binom.ppf(1 - 1e-6, trials, rate))


@pytest.mark.parametrize("kind", simulation.KINDS)
def test_a_single_try_of_a_model_that_is_no_better(kind: str) -> None:
    trials = 1500
    promoted = simulation.promotions(kind, 60, trials, seed=1)
    assert promoted <= _most(simulation.FIRST, trials)


@pytest.mark.parametrize("kind", ["rmse", "accuracy"])
def test_twenty_tries_against_one_champion(kind: str) -> None:
    families = 300
    promoted = simulation.families(kind, 60, families, tries=20, seed=2)
    assert promoted <= _most(ALPHA, families)
    careless = simulation.families(kind, 60, families, tries=20, seed=2, correct=False)
    # McNemar's exact test is on the safe side, and so shows less of it.
    assert careless > {"rmse": 3, "accuracy": 1.5}[kind] * ALPHA * families


def test_twenty_tries_by_the_bare_values_always_promote_one() -> None:
    assert simulation.families("rmse", 60, 20, tries=20, seed=3, policy="point") >= 17


def test_a_model_that_is_just_too_much_worse_is_rarely_called_not_worse() -> None:
    trials = 1500
    for kind in ("rmse", "accuracy"):
        promoted = simulation.promotions(kind, 100, trials, seed=4, better=-0.1, policy="not_worse")
        # Near the nominal rate: the variance at the margin is itself estimated.
        assert promoted <= _most(1.3 * simulation.FIRST, trials)


def test_a_better_model_is_promoted_the_more_often_the_better_and_the_more_rows() -> None:
    few, more, much = (
        simulation.promotions("rmse", rows, 100, seed=5, better=better)
        for rows, better in ((100, 0.05), (100, 0.15), (400, 0.15))
    )
    assert few < more < much
    assert much > 75
