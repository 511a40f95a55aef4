from __future__ import annotations

import pytest

from mltk.data.reader import parse
from mltk.errors import DataError
from mltk.project.infer import Inference, delimiter_of, infer


def inferred(
    columns: dict[str, list[object]], target: str, problem: str | None = None
) -> Inference:
    rows = zip(*columns.values(), strict=True)
    text = "\n".join([",".join(columns), *(",".join(str(cell) for cell in row) for row in rows)])
    return infer(parse(text, "t.csv", ","), target, problem, "t.csv")


N = 30
Y: list[object] = [0.5 * row for row in range(N)]
X: list[object] = [row * row % 17 for row in range(N)]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (Y, "regression"),
        ([row % 3 for row in range(N)], "classification"),
        ([row * 7 for row in range(N)], "regression"),
        (["ill" if row % 2 else "well" for row in range(N)], "classification"),
        ([1.5 if row % 2 else 2.5 for row in range(N)], "regression"),
    ],
)
def test_the_problem_follows_from_the_target(target: list[object], problem: str) -> None:
    assert inferred({"x": X, "y": target}, "y").problem == problem


def test_a_kind_that_is_asked_for_is_not_inferred() -> None:
    found = inferred({"x": X, "y": [row % 3 for row in range(N)]}, "y", "regression")
    assert (found.problem, found.classes) == ("regression", ())


def test_classes_are_in_the_order_of_numbers() -> None:
    found = inferred({"x": X, "y": [8 + row % 3 for row in range(N)]}, "y")
    assert found.classes == ("8", "9", "10")


def test_text_with_few_values_is_a_vocabulary() -> None:
    found = inferred({"region": ["b", "a", "c"] * 10, "y": Y}, "y")
    assert found.features[0].values == ("a", "b", "c")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([1] * N, "constant, always 1"),
        (["a"] * N, "constant, always 'a'"),
        (list(range(100, 100 + N)), "numbers the rows"),
        ([f"name {row}" for row in range(N)], "text with 30 different values in 30 rows"),
        (
            [f"a good day {row}" for row in range(N)],
            "text with 30 different values in 30 rows; `type: text` would learn from its words",
        ),
        (["", *["NA"] * 27, 1, 2], "28 of 30 values are missing, first in line 2"),
        (["", *[5] * 29], "constant, always 5"),
        (["oops", *X[1:]], "numbers, but in line 2: text 'oops'"),
    ],
)
def test_a_column_is_left_out_with_the_reason(cells: list[object], reason: str) -> None:
    found = inferred({"c": cells, "x": X, "y": Y}, "y")
    assert [column.name for column in found.features] == ["x"]
    assert found.left_out[0].reason.startswith(reason)


def test_gaps_are_filled_where_most_values_are_there() -> None:
    found = inferred({"x": ["", *X[1:]], "region": ["b", "NA", "c"] * 10, "y": Y}, "y")
    assert [(column.name, column.missing) for column in found.features] == [
        ("x", "median"),
        ("region", "category"),
    ]
    assert found.features[0].note.endswith("; 1 of 30 values are missing, first in line 2")
    assert found.features[1].values == ("b", "c")


DATES = [f"{2024 + row // 12}-{1 + row % 12:02}-{1 + row % 28:02}" for row in range(N)]
TIMES = [
    (DATES, ("weekday", "year_day"), "2024-01-01 .. 2026-06-02"),
    ([f"2026-01-01T{row % 24:02}:00" for row in range(N)], ("hour",), "2026-01-01 .. 2026-01-01"),
    ([f"2026-01-{1 + row % 5:02}" for row in range(N)], ("trend",), "2026-01-01 .. 2026-01-05"),
]


@pytest.mark.parametrize(("cells", "parts", "note"), TIMES)
def test_times_become_the_parts_in_which_they_differ(
    cells: list[object], parts: tuple[str, ...], note: str
) -> None:
    (column,) = inferred({"when": cells, "y": Y}, "y").features
    assert (column.parts, column.note, column.missing) == (parts, note, "")


def test_a_column_of_which_one_cell_is_no_time_is_no_time() -> None:
    found = inferred({"when": ["2026-02-30", *DATES[1:]], "x": X, "y": Y}, "y")
    assert found.left_out[0].reason.startswith("text with 30 different values")


def test_a_kind_that_learns_the_rows_takes_no_gaps() -> None:
    text = "\n".join(
        ["a,b", *(f"{row * row % 7},{'' if row == 3 else row % 5}" for row in range(N))]
    )
    found = infer(parse(text, "t.csv", ","), None, "density", "t.csv", texts=False)
    assert [column.name for column in found.features] == ["a"]
    assert found.left_out[0].reason.startswith("1 of 30 values are missing, first in line 5")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": X, "yy": Y}, "no column 'y'; did you mean 'yy'"),
        ({"x": X, "y": ["nan", *Y[1:]]}, "the target is missing"),
        ({"x": X, "y": [1] * N}, "one value only"),
        ({"x": X, "y": ["oops", *Y[1:]]}, "text 'oops' in a numeric column"),
        ({"x": [1] * N, "y": Y}, "no column is left to learn from: 'x' constant"),
        ({"y": Y}, "there is no other"),
    ],
)
def test_what_cannot_be_learnt(columns: dict[str, list[object]], words: str) -> None:
    with pytest.raises(DataError) as caught:
        inferred(columns, "y")
    assert words in caught.value.what


@pytest.mark.parametrize("column", ["x", "y"])
def test_decimal_commas_are_one_complaint(column: str) -> None:
    cells = {"x": [f"{row}" for row in range(N)], "y": [f"{row * row}" for row in range(N)]}
    cells[column] = [f"{row % 4},5" for row in range(N)]
    rows = [";".join(row) for row in zip(cells["x"], cells["y"], strict=True)]
    with pytest.raises(DataError, match=r"a decimal comma, e\.g\. '0,5'") as caught:
        infer(parse("\n".join(["x;y", *rows]), "t.csv", ";"), "y", None, "t.csv")
    assert caught.value.where == f"t.csv, line 2, column '{column}'"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ('"a, b";c\n1;2\n', ";"),
        ("a\n1\n", ","),
        ("", ","),
    ],
)
def test_the_delimiter_splits_every_line_alike(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter
