from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.errors import ConfigError
from mltk.gate.rows import hold_out, same_rows
from mltk.gate.slices import Column, groups
from mltk.gate.spending import alpha_of_try, holm
from mltk.project.gating import Slice

RANDOM = np.random.default_rng(5)


def test_all_tries_together_spend_no_more_than_alpha() -> None:
    spent = math.fsum(alpha_of_try(0.05, number) for number in range(1, 100_000))
    assert 0.0499 < spent < 0.05
    with pytest.raises(ValueError, match="from 1"):
        alpha_of_try(0.05, 0)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_at_least_what_bonferroni_does_and_in_order(
    p_values: list[float], alpha: float
) -> None:
    rejected = holm(p_values, alpha)
    for p_value, out in zip(p_values, rejected, strict=True):
        assert out or p_value > alpha / len(p_values)
        assert not out or p_value <= alpha
    kept = [p for p, out in zip(p_values, rejected, strict=True) if not out]
    assert all(p <= min(kept, default=1) for p, out in zip(p_values, rejected, strict=True) if out)


def test_rows_are_known_again_in_any_order_and_after_some_are_added() -> None:
    features, y_true = RANDOM.normal(size=(300, 3)), RANDOM.normal(size=300)
    one, turned = hold_out(features, y_true), hold_out(features[::-1], y_true[::-1])
    assert one == turned
    fewer = hold_out(features[:290], y_true[:290])
    assert fewer.digest != one.digest
    assert same_rows(fewer.smallest, one.smallest)
    other = hold_out(RANDOM.normal(size=(300, 3)), y_true)
    assert not same_rows(one.smallest, other.smallest)
    slid = hold_out(features[280:], y_true[280:])
    assert not same_rows(one.smallest, slid.smallest)


COLUMNS = {
    "sex": Column(np.array([0.0, 1.0, 1.0, 0.0], np.float32), ("m", "f")),
    "age": Column(np.array([30, 40, 59.5, 60], np.float32)),
    "share": Column(np.array([0.7, 0.3, 0.1, 0.5], np.float32)),
}


def _chosen(asked: dict[str, object]) -> dict[str, list[int]]:
    each = Slice.model_validate(asked | {"block_when_worse": True})
    return {group.name: np.flatnonzero(group.chosen).tolist() for group in groups([each], COLUMNS)}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"where": {"sex": "f"}}, {"sex f": [1, 2]}),
        ({"where": {"sex": ["f", "m"]}, "name": "all"}, {"all": [0, 1, 2, 3]}),
        ({"where": {"age": {"min": 40, "max": 60}}}, {"age from 40 below 60": [1, 2]}),
        ({"where": {"sex": "m", "age": {"min": 60}}}, {"sex m and age from 60": [3]}),
        ({"where": {"share": {"min": 0.7}}}, {"share from 0.7": [0]}),
        ({"by": "sex"}, {"sex m": [0, 3], "sex f": [1, 2]}),
        (
            {"by": "age", "at": [40, 60]},
            {"age below 40": [0], "age from 40 below 60": [1, 2], "age from 60": [3]},
        ),
    ],
)
def test_slices_are_rows_by_value_or_range(
    asked: dict[str, object], found: dict[str, list[int]]
) -> None:
    assert _chosen(asked) == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"where": {"sex": "x"}}, "'sex' has no value 'x'"),
        ({"where": {"age": "30"}}, "'age' has no value '30'"),
        ({"where": {"sex": {"min": 1}}}, "holds classes, not numbers"),
        ({"by": "age"}, "'age' holds numbers"),
        ({"by": "sex", "at": [1]}, "holds classes and has no bins"),
    ],
)
def test_what_only_the_data_can_refuse_is_refused(asked: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        _chosen(asked)
    assert caught.value.where == "mltk.yaml: gate.slices[0]"


@given(st.lists(st.integers(-50, 150), min_size=1, max_size=5, unique=True).map(sorted))
def test_bins_leave_out_no_row_and_share_none(ends: list[int]) -> None:
    found = _chosen({"by": "age", "at": [float(end) for end in ends]})
    assert sorted(row for rows in found.values() for row in rows) == [0, 1, 2, 3]
