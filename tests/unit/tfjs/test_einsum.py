from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tfjs.einsum import Product, as_product

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6}


def _computed(plan: Product, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    kept = [SIZES[x] for x in plan.batch]
    rows, columns, inner = (
        int(np.prod([SIZES[x] for x in part])) for part in (plan.rows, plan.columns, plan.inner)
    )
    first = left.transpose(plan.left_order).reshape(*kept, rows, inner)
    second = right.transpose(plan.right_order).reshape(*kept, inner, columns)
    made = [SIZES[x] for x in (*plan.batch, *plan.rows, *plan.columns)]
    return (first @ second).reshape(made).transpose(plan.order)


@st.composite
def equations(draw: st.DrawFn) -> str:
    """Equations in which every index is of the batch, inner, or of one operand and the result."""
    roles = {label: draw(st.sampled_from("BIRC-")) for label in SIZES}
    wheres = {"B": (1, 1, 1), "I": (1, 1, 0), "R": (1, 0, 1), "C": (0, 1, 1), "-": (0, 0, 0)}
    parts = [
        "".join(draw(st.permutations([x for x in SIZES if wheres[roles[x]][place]])))
        for place in range(3)
    ]
    return f"{parts[0]},{parts[1]}->{parts[2]}"


@given(equations())
def test_the_product_is_the_sum(equation: str) -> None:
    operands, _ = equation.split("->")
    first, second = operands.split(",")
    plan = as_product(equation)
    if not first or not second:
        assert plan is None
        return
    assert plan is not None
    left, right = (
        np.random.default_rng(1).integers(-4, 5, [SIZES[x] for x in labels])
        for labels in (first, second)
    )
    np.testing.assert_array_equal(_computed(plan, left, right), np.einsum(equation, left, right))


@pytest.mark.parametrize(
    "equation",
    ["...a,ab->...b", "aa,ab->ab", "ab,c->c"],
    ids=["ellipsis", "diagonal", "summed alone"],
)
def test_what_is_no_product_stays(equation: str) -> None:
    assert as_product(equation) is None
