"""Cells without a value: where they are let through, and what the checks then say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.checks import unseen, untaught
from mltk.data.quality.leakage import leaks
from mltk.data.quality.profile import profile
from mltk.data.quality.schema import infer, violations
from mltk.data.rows import Table
from mltk.data.split import split_table
from mltk.data.table import read_table
from mltk.errors import DataError
from mltk.project.spec import Model
from mltk.records import Splits, TableReport

SIZE = {"name": "size", "min": 0, "missing": "median"}
COLOUR = {"name": "colour", "type": "categorical", "values": ["red", "green"]}
COLOUR |= {"missing": "category"}


def model(*features: dict[str, Any], target: str = "y") -> Model:
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": target}}
    return Model.model_validate({**section, "features": list(features or (SIZE, COLOUR))})


def read(folder: Path, spec: Model, **columns: list[Any]) -> tuple[Table, TableReport]:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines))
    return read_table(folder / "t.csv", spec, "numeric")


N = 24
SIZES: list[Any] = [row * row % 11 if row % 4 else ("NA", "", "nan")[row % 3] for row in range(N)]
COLOURS = [("red", "green", "?", "red", "green")[row % 5] for row in range(N)]
Y = [row * 0.5 for row in range(N)]


def test_gaps_are_nan_where_the_project_file_says_what_they_count_as(tmp_path: Path) -> None:
    table, report = read(tmp_path, model(), size=SIZES, colour=COLOURS, y=Y)
    assert np.isnan(table.column("size")).tolist() == [row % 4 == 0 for row in range(N)]
    assert np.isnan(table.column("colour")).tolist() == [row % 5 == 2 for row in range(N)]
    size, colour = report.columns
    assert (size.missing, size.minimum, size.maximum) == (6, 0, 9)
    assert (colour.missing, colour.distinct) == (5, 2)


@pytest.mark.parametrize(
    ("cell", "message"),
    [("many", "text 'many'"), ("inf", "not a finite"), ("-1", "out of the declared range")],
)
def test_a_cell_that_is_wrong_stays_an_error(tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, model(), size=[cell, *SIZES[1:]], colour=COLOURS, y=Y)


def test_a_value_of_the_vocabulary_is_none_that_is_missing(tmp_path: Path) -> None:
    colour = COLOUR | {"values": ["red", "green", "none"]}
    colours = ["none", *COLOURS[1:]]
    table, _ = read(tmp_path, model(SIZE, colour), size=SIZES, colour=colours, y=Y)
    assert table.column("colour")[0] == 2


TEACH_NOTHING = [
    ({"size": ["NA"] * N}, SIZE, "the column has no value in any row"),
    ({"size": ["", *[5] * (N - 1)]}, SIZE, "the column is constant"),
    ({"size": [*Y[:20], "", "", "", ""]}, SIZE, "the column is the target in every row that has"),
]


@pytest.mark.parametrize(("changes", "size", "message"), TEACH_NOTHING)
def test_what_teaches_nothing_is_refused(
    tmp_path: Path, changes: dict[str, list[Any]], size: dict[str, Any], message: str
) -> None:
    columns = {"size": SIZES, "colour": COLOURS, "y": Y} | changes
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, model(size, COLOUR), **columns)
    assert caught.value.where == "t.csv, column 'size'"


def test_that_values_are_missing_may_be_all_there_is_to_learn(tmp_path: Path) -> None:
    told = SIZE | {"missing_indicator": True}
    sizes = [5 if row % 3 else "" for row in range(N)]
    table, _ = read(tmp_path, model(told, COLOUR), size=sizes, colour=COLOURS, y=Y)
    assert np.isnan(table.column("size")).sum() == 8


def test_warnings_compare_the_rows_that_have_a_value(tmp_path: Path) -> None:
    scaled = ["" if row % 5 == 0 else 3 * row * 0.5 + 1 for row in range(N)]
    rare = ["", "red", "green", *[""] * 400]
    _, report = read(tmp_path, model(), size=scaled, colour=COLOURS, y=Y)
    assert report.warnings == (
        "column 'size' gives the target by a straight line: may it leak it?",
    )
    sizes, target = list(range(403)), [(row * 7) % 403 for row in range(403)]
    _, report = read(tmp_path, model(), size=sizes, colour=rare, y=target)
    assert report.warnings == ("column 'colour': 99.5% of the values are missing",)
    columns = {"size": ["", *SIZES[:-1]], "colour": ["?", *COLOURS[:-1]], "y": [1, *Y[:-1]]}
    doubled = {name: [*cells, cells[0]] for name, cells in columns.items()}
    _, report = read(tmp_path, model(), **doubled)
    assert report.warnings == ("1 rows repeat others, e.g. line 26 repeats line 2",)
    table, _ = read(tmp_path, model(), **doubled)
    (leak,) = leaks(table, Splits(tuple(range(1, 25)), (), (0,)), model().split)
    assert (leak.kind, leak.lines) == ("duplicates", (2, 26))


def test_training_rows_without_any_value_are_refused_and_new_gaps_are_told(
    tmp_path: Path,
) -> None:
    table, _ = read(tmp_path, model(), size=SIZES, colour=COLOURS, y=Y)
    gaps = tuple(range(0, N, 4))
    others = tuple(row for row in range(N) if row not in gaps)
    (finding,) = untaught(table, Splits(gaps, others[:9], others[9:]), model())
    assert (finding.column, finding.message) == (
        "size",
        "the column has no value in any of the 6 rows that train",
    )
    whole = tuple(row for row in range(N) if row % 5 != 2)
    splits = Splits(whole, (2, 7, 12), (17, 22))
    assert untaught(table, splits, model()) == []
    (warning,) = unseen(table, splits, model())
    assert warning.startswith("column 'colour': no row in train has no value, which 5 rows of")
    assert split_table(table, model().split, 0) == split_table(table, model().split, 0)


def test_profile_and_schema_count_them(tmp_path: Path) -> None:
    table, _ = read(tmp_path, model(), size=SIZES, colour=COLOURS, y=Y)
    found = profile(table, model())
    assert [column.missing for column in found.columns] == [6, 5, 0]
    assert violations(infer(found), table, model()) == ()
    strict = infer(profile(read(tmp_path, model(), **_whole())[0], model()))
    assert [(each.column, each.rows) for each in violations(strict, table, model())] == [
        ("size", 6),
        ("colour", 5),
    ]


def _whole() -> dict[str, list[Any]]:
    sizes = [row * row % 11 for row in range(N)]
    return {"size": sizes, "colour": ["red", "green"] * (N // 2), "y": Y}
