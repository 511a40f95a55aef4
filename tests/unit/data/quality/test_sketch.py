from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.quality.sketch import SIZE, distance, sketch


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    places = np.union1d(one, other)
    shares = [np.searchsorted(np.sort(each), places, "right") / len(each) for each in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=400)
few = st.lists(st.integers(-30, 30), min_size=1, max_size=400)


@given(values, values)
def test_sketches_are_never_further_apart_than_their_values(
    one: list[float], other: list[float]
) -> None:
    exact = kolmogorov_smirnov(one, other)
    found = distance(sketch(np.array(one)), sketch(np.array(other)))
    assert exact - 2.5 / SIZE - 1e-9 <= found <= exact + 1e-9


@given(few, few)
def test_with_few_distinct_values_the_distance_is_exact(one: list[int], other: list[int]) -> None:
    exact = kolmogorov_smirnov(one, other)
    assert distance(sketch(np.array(one)), sketch(np.array(other))) == pytest.approx(exact)


@given(values)
def test_ranks_and_ends_are_those_of_the_values(found: list[float]) -> None:
    array = np.array(found)
    made = sketch(array)
    assert (made.points[0], made.points[-1]) == (array.min(), array.max())
    assert len(made.points) <= SIZE + 3
    for point, below, at_most in zip(made.points, made.below, made.at_most, strict=True):
        assert (below, at_most) == ((array < point).sum(), (array <= point).sum())
    assert distance(made, made) == 0
