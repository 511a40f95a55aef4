from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mltk.data.arrays import Outputs
from mltk.gate.contest import counts_tries, of_all, of_slices
from mltk.gate.paired import Pair, pair
from mltk.gate.significance import examine, p_value
from mltk.problems import load_problem
from mltk.problems.measures import Measure
from mltk.project.gating import Contest, Gate
from mltk.project.spec import Model

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.normal(size=120)
NOISE = RANDOM.normal(size=120)


_SPEC = {"data": {"path": "t.csv"}, "target": {"name": "y"}, "features": [{"name": "x"}]}


def _said(scale: float, own: float = 0.0, seed: int = 0) -> Outputs:
    extra = np.random.default_rng(seed).normal(size=120)
    return {"prediction": (TRUTH + scale * NOISE + own * extra)[:, None]}


def _measure(name: str, problem: str = "regression") -> Measure:
    outputs = {"probabilities": np.full((1, 2), 0.5)}
    spec = Model.model_validate(_SPEC | {"problem": problem})
    (found,) = (m for m in load_problem(problem).measures(spec, outputs) if m.name == name)
    return found


def _pair(name: str, ours: Outputs, theirs: Outputs) -> Pair:
    return pair(_measure(name), TRUTH, ours, theirs)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_the_comparison_is_paired(name: str) -> None:
    # Both are far off, and the one always by a little less: only pairing can see it.
    of = _pair(name, _said(9.9), _said(10.0))
    assert of.improvement > 0
    found = examine(of, "auto", 0.0, 0.05)
    assert found.p_value < 1e-6
    assert found.low is not None and found.low > 0


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
@pytest.mark.parametrize("test", ["t", "bootstrap"])
def test_a_model_does_not_improve_on_itself(name: str, test: str) -> None:
    of = _pair(name, _said(1.0), _said(1.0))
    found = examine(of, test, 0.0, 0.05)
    assert found.p_value >= 0.5
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0.5, 2),
    st.floats(-0.3, 0.3),
    st.floats(0.001, 0.4),
    st.sampled_from(["rmse", "mae", "r2"]),
)
def test_interval_and_p_value_say_the_same(
    scale: float, bound: float, alpha: float, name: str
) -> None:
    of = _pair(name, _said(scale, 0.4, 1), _said(1.0, 0.4, 2))
    found = examine(of, "t", bound, alpha)
    assert found.low is not None and found.high is not None
    assert found.low <= of.improvement <= found.high
    if abs(found.low - bound) > 1e-6:
        assert (found.low > bound) == (found.p_value <= alpha)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_the_two_roles_mirror_each_other(name: str) -> None:
    one = _pair(name, _said(1.0, 0.5, 1), _said(1.0, 0.7, 2))
    other = _pair(name, _said(1.0, 0.7, 2), _said(1.0, 0.5, 1)).mirrored()
    for test in ("t", "bootstrap"):
        ours, theirs = (examine(of, test, 0.0, 0.05) for of in (one, other))
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-3)
        assert ours.p_value == pytest.approx(theirs.p_value)


def test_the_bootstrap_and_the_t_test_agree_where_both_hold() -> None:
    of = _pair("mae", _said(1.0, 0.5, 1), _said(1.0, 0.7, 2))
    t, resampled = (examine(of, test, 0.0, 0.05) for test in ("t", "bootstrap"))
    assert resampled.low == pytest.approx(t.low, abs=0.15 * ((t.high or 0) - (t.low or 0)))
    assert resampled.p_value == pytest.approx(t.p_value, abs=0.02)


def _right(won: int, lost: int, both: int = 50) -> Pair:
    """Rows that only the challenger gets right, only the champion, and both."""
    y_true = np.zeros(won + lost + both, dtype=int)
    ours, theirs = np.zeros_like(y_true), np.zeros_like(y_true)
    theirs[:won], ours[won : won + lost] = 1, 1
    said = ({"probabilities": np.eye(2)[each]} for each in (ours, theirs))
    return pair(_measure("accuracy", "classification"), y_true, *said)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (3, 3), (10, 2), (2, 10), (25, 5)])
def test_accuracy_is_tested_exactly_by_mcnemar(won: int, lost: int) -> None:
    found = examine(_right(won, lost), "auto", 0.0, 0.05)
    assert found.test == "mcnemar"
    tail = sum(math.comb(won + lost, k) for k in range(won, won + lost + 1)) / 2 ** (won + lost)
    assert found.p_value == pytest.approx(tail)


@pytest.mark.parametrize(("won", "lost", "both"), [(0, 1, 43), (9, 3, 60), (20, 20, 0)])
def test_the_interval_of_a_difference_of_shares_ends_where_the_score_says(
    won: int, lost: int, both: int
) -> None:
    """By Tango's definition: the variance is that of the most likely shares at the bound."""
    rows = won + lost + both
    found = examine(_right(won, lost, both), "mcnemar", 0.0, 0.025)
    for bound, sign in ((found.low, 1), (found.high, -1)):
        assert bound is not None
        shares = np.linspace(max(0.0, -bound), (1 - bound) / 2, 400_001)[1:-1]
        likely = lost * np.log(shares) + won * np.log(shares + bound)
        likely += both * np.log(1 - 2 * shares - bound)
        best = float(shares[np.argmax(likely)])
        deviation = math.sqrt(rows * (2 * best + bound - bound**2))
        assert (won - lost - rows * bound) / deviation == pytest.approx(sign * 1.96, abs=0.01)


def _gaining(gains: list[float]) -> Pair:
    """Rows whose absolute error is smaller by a gain with the challenger."""
    theirs = np.full(len(gains), 10.0)
    said = ({"prediction": each[:, None]} for each in (theirs - gains, theirs))
    return pair(_measure("mae"), np.zeros(len(gains)), *said)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=40), st.floats(-0.5, 0.5))
def test_skewness_never_makes_a_challenger_surer(gains: list[float], bound: float) -> None:
    of = _gaining(gains)
    deviation = float(np.std(of.against(bound)))
    if deviation > 1e-6:
        student = stats.ttest_1samp(of.against(bound), 0.0, alternative="greater").pvalue
        assert p_value(of, "t", bound) >= student * (1 - 1e-9)


def test_a_few_great_losses_weigh_more_than_in_a_t_test() -> None:
    gains = [0.5 + 0.01 * row for row in range(40)]
    lost, won = _gaining([*gains, -6.0, -5.0]), _gaining([*gains, 6.0, 5.0])
    student = stats.ttest_1samp(lost.against(0.0), 0.0, alternative="greater").pvalue
    assert p_value(lost, "t", 0.0) > 1.5 * student
    # Where the few are won, the t-test is on the safe side already.
    student = stats.ttest_1samp(won.against(0.0), 0.0, alternative="greater").pvalue
    assert p_value(won, "t", 0.0) == pytest.approx(student)


def test_no_difference_on_few_rows_does_not_show_that_there_is_none() -> None:
    margin = 0.05
    few, many = (examine(_right(0, 0, rows), "auto", -margin, 0.05) for rows in (20, 400))
    assert few.p_value > 0.05 > many.p_value


@pytest.mark.parametrize("test", ["t", "bootstrap"])
@pytest.mark.parametrize("rows", [2, 4, 6])
def test_a_few_rows_that_all_say_the_same_may_do_so_by_chance(test: str, rows: int) -> None:
    found = examine(_gaining([1.0] * rows), test, 0.0, 0.03)
    assert found.p_value == 0.5**rows


def test_a_test_of_counts_is_refused_for_a_mean() -> None:
    with pytest.raises(ValueError, match="mcnemar counts right and wrong rows, and rmse does not"):
        examine(_pair("rmse", _said(1.0), _said(2.0)), "mcnemar", 0.0, 0.05)


def test_many_rows_are_left_out_in_groups() -> None:
    rows = 5000
    draw = np.random.default_rng(8)
    y_true = draw.integers(0, 2, rows)

    def said(noise: float) -> Outputs:
        score = 1 / (1 + np.exp(-(2.0 * y_true - 1 + noise * draw.normal(size=rows))))
        return {"probabilities": np.stack([1 - score, score], axis=1)}

    of = pair(_measure("auc", "classification"), y_true, said(1.0), said(2.0))
    assert len(of.against(0.0)) == 2000
    t, resampled = (examine(of, test, 0.0, 0.05) for test in ("t", "bootstrap"))
    assert (t.low, t.high) == pytest.approx((resampled.low, resampled.high), abs=0.003)


GATE = Gate.model_validate({})


def test_the_reason_of_a_trial_tells_all_that_it_rests_on() -> None:
    of = _pair("rmse", _said(0.9, 0.1, 1), _said(1.0, 0.1, 2))
    trial = of_all(of, GATE, 3)
    assert trial.passed
    assert trial.alpha == pytest.approx(0.05 * 6 / (9 * math.pi**2))
    assert trial.confidence == pytest.approx(1 - 2 * (trial.alpha or 0))
    assert "better is shown (paired t-test, p " in trial.reason
    assert "try 3 against it on these rows" in trial.reason
    assert "% interval" in trial.reason


@pytest.mark.parametrize(
    ("gate", "passed", "words"),
    [
        ({}, False, "better is not shown"),
        ({"min_improvement": 0.001}, False, "an improvement of more than 0.001 is not shown"),
        ({"champion": {"promote_when": "point"}}, True, "the interval does not exclude chance"),
        ({"champion": {"promote_when": "point"}, "min_improvement": 1}, False, "1 are asked"),
        ({"champion": {"promote_when": "not_worse", "margin": 0.5}}, True, "not worse by 0.5 is"),
        ({"champion": {"promote_when": "not_worse", "margin": 1e-4}}, False, "is not shown"),
    ],
)
def test_the_policy_decides(gate: dict[str, object], passed: bool, words: str) -> None:
    # As good as each other, the challenger ahead by chance.
    ours, theirs = _said(1.0, 0.5, 1), _said(1.0, 0.5, 2)
    of = _pair("rmse", ours, theirs)
    of = of if of.improvement > 0 else of.mirrored()
    trial = of_all(of, Gate.model_validate(gate), 0)
    assert (trial.passed, words in trial.reason) == (passed, True), trial.reason
    assert counts_tries(Contest()) and not counts_tries(Contest(promote_when="point"))


def test_a_slice_stops_a_promotion_only_when_it_is_surely_worse() -> None:
    worse = _pair("rmse", _said(1.5, 0.1, 1), _said(1.0, 0.1, 2))
    alike = _pair("rmse", _said(1.0, 0.1, 1), _said(1.0, 0.1, 2))
    few = dataclasses.replace(worse, rows=29)
    undefined = dataclasses.replace(worse, improvement=math.nan)
    named = [("old", worse, 30), ("young", alike, 30), ("few", few, 30), ("one", undefined, 30)]
    trials = {trial.name: trial for trial in of_slices(named, Contest())}
    assert {name: trial.passed for name, trial in trials.items()} == {
        "old": False,
        "young": True,
        "few": True,
        "one": True,
    }
    assert "significantly worse (p " in trials["old"].reason
    assert trials["few"].reason == "few: not judged, 29 rows, of 30 that it needs"
    assert "rmse is not defined" in trials["one"].reason
    assert trials["one"].p_value is None


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1", "auc", "ece"])
def test_a_single_row_is_told_and_not_judged(name: str) -> None:
    said = {"probabilities": np.array([[0.2, 0.8]])}
    of = pair(_measure(name, "classification"), np.array([1]), said, said)
    (trial,) = of_slices([("one", of, 30)], Contest())
    assert trial.passed
    assert "not judged, 1 rows, of 30" in trial.reason
