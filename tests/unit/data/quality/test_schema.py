from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mltk.data.quality.profile import profile
from mltk.data.quality.schema import ColumnSchema, Schema, infer, violations
from mltk.data.rows import Table
from tests.unit.data.quality.tables import drawn, spec, table

numbers = arrays.arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.just(np.nan),
)


@given(numbers)
def test_a_table_fits_the_schema_that_was_inferred_from_it(x: np.ndarray) -> None:
    rows = table({"x": x, "colour": np.arange(len(x)) % 4 - 1}, np.arange(len(x)))
    assert violations(infer(profile(rows, spec())), rows, spec()) == ()


def test_outliers_do_not_widen_the_range_but_may_come_again() -> None:
    x = np.concatenate([np.linspace(20, 80, 999), [900]])
    rows = table({"x": x, "colour": np.arange(1000) % 3}, x)
    column = infer(profile(rows, spec())).columns[0]
    # One row in a thousand lies beyond; the sketch bounds that by one in two hundred.
    assert (column.min, column.max, column.outside) == (0, 109.6, 0.01)


def held(**columns: ColumnSchema) -> Schema:
    usual = infer(profile(drawn(60, 1), spec()))
    return Schema(60, tuple(columns.get(each.name, each) for each in usual.columns))


def broken(name: str, rows: list[int], value: float) -> Table:
    found = drawn(60, 1)
    found.features[rows, found.names.index(name)] = value
    return found


CASES = [
    (held(), broken("x", [4, 9], 50), "x", "2 rows (the first on line 6): 50, 3.33% of the rows"),
    (
        held(colour=ColumnSchema("colour", "categorical", values=("green", "red"))),
        broken("colour", list(range(60)), 0),
        None,
        "",
    ),
    (
        held(colour=ColumnSchema("colour", "categorical", values=("green", "red"))),
        broken("colour", [7], 2),
        "colour",
        "expected one of green, red; ",
    ),
    (held(), broken("x", [3], np.nan), "x", "expected a value; 1 row (the first on line 5): no"),
    (held(x=ColumnSchema("x", "numeric", missing=0.1)), broken("x", [3], np.nan), None, ""),
    (
        held(x=ColumnSchema("x", "categorical", values=("a",))),
        drawn(60, 1),
        "x",
        "expected a categorical column; the column is numeric",
    ),
]


@pytest.mark.parametrize(("schema", "rows", "column", "message"), CASES)
def test_what_does_not_fit_is_told_with_its_rows(
    schema: Schema, rows: Table, column: str | None, message: str
) -> None:
    found = violations(schema, rows, spec())
    if column is None:
        assert found == ()
        return
    (violation,) = found
    assert violation.column == column
    assert message in violation.message


def test_columns_that_came_and_went_are_told() -> None:
    schema = infer(profile(drawn(60, 1), spec()))
    other = table({"x2": np.arange(60), "colour": np.arange(60) % 3}, np.arange(60) % 3)
    found = violations(schema, other, spec(["x2"]))
    assert [(each.column, each.found) for each in found] == [
        ("x2", "it has no such column; did you mean 'x'?"),
        ("x", "the model no longer uses it"),
    ]


def test_a_new_class_of_the_target_is_a_violation() -> None:
    two = table({"x": np.arange(8), "colour": np.arange(8) % 3}, np.arange(8) % 2, ("no", "yes"))
    three = table(
        {"x": np.arange(8), "colour": np.arange(8) % 3}, np.arange(8) % 3, ("maybe", "no", "yes")
    )
    (violation,) = violations(infer(profile(two, spec())), three, spec())
    assert violation.message == ("expected one of no, yes; 3 rows (the first on line 2): maybe")
