from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tfjs.manifest import Trial
from mltk.tfjs.quantize import _stated, pick

TRIALS = (
    Trial("none", 400, 0.0),
    Trial("uint16", 200, 2e-6),
    Trial("float16", 200, 3e-4),
    Trial("uint8", 100, 5e-3),
)


@pytest.mark.parametrize(
    ("tolerance", "taken"), [(1e-9, "none"), (1e-4, "uint16"), (1e-3, "uint16"), (1e-2, "uint8")]
)
def test_the_smallest_that_is_exact_enough_is_taken(tolerance: float, taken: str) -> None:
    assert pick(TRIALS, tolerance).quantization == taken


def test_what_gives_no_numbers_is_never_taken() -> None:
    assert pick((TRIALS[0], Trial("uint8", 100, None)), 1.0).quantization == "none"


def test_nothing_gained_is_nothing_quantized() -> None:
    same = (TRIALS[0], Trial("uint16", 400, 0.0), Trial("uint8", 400, 0.0))
    assert pick(same, 1.0).quantization == "none"


@given(st.floats(1e-12, 10))
def test_an_error_is_never_stated_smaller_than_it_is(error: float) -> None:
    stated = _stated(error)
    assert stated is not None
    assert stated >= error * (1 - 1e-12)
    assert stated <= error * 1.11


def test_what_is_no_number_is_not_stated() -> None:
    assert _stated(math.nan) is _stated(math.inf) is None
