from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tfjs.einsum import Product, as_product

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6}


def _computed(plan: Product, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    first = left.transpose(plan.left_order).reshape(plan.left_shape)
    second = right.transpose(plan.right_order).reshape(plan.right_shape)
    return (first @ second).reshape(plan.shape).transpose(plan.order)


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


@given(equations(), st.sampled_from([None, *SIZES]))
def test_the_product_is_the_sum(equation: str, open_label: str | None) -> None:
    operands, _ = equation.split("->")
    first, second = operands.split(",")
    shapes = [tuple(SIZES[x] for x in labels) for labels in (first, second)]
    told = [tuple(None if x == open_label else SIZES[x] for x in part) for part in (first, second)]
    plan = as_product(equation, *told)
    if not first or not second:
        assert plan is None
        return
    assert plan is not None
    left, right = (np.random.default_rng(1).integers(-4, 5, shape) for shape in shapes)
    np.testing.assert_array_equal(_computed(plan, left, right), np.einsum(equation, left, right))


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [
        ("...a,ab->...b", (2, 3), (3, 4)),
        ("aa,ab->ab", (2, 2), (2, 3)),
        ("ab,c->c", (2, 3), (4,)),
        ("ab,bc->ac", (None, 3), (3, None)),
    ],
    ids=["ellipsis", "diagonal", "summed alone", "two open sizes"],
)
def test_what_is_no_product_stays(
    equation: str, left: tuple[int | None, ...], right: tuple[int | None, ...]
) -> None:
    assert as_product(equation, left, right) is None


def test_what_one_operand_leaves_open_the_other_knows() -> None:
    plan = as_product("ab,bc->ac", (None, None), (3, 4))
    assert plan is not None
    assert plan.left_shape == (-1, 3)
