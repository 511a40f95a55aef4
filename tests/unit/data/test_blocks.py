"""Images and sequences: from columns of their own or from one cell, in the right order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.quality.profile import profile
from mltk.data.rows import Table
from mltk.data.table import read_table
from mltk.errors import DataError
from mltk.project.spec import Model

IMAGE = {"name": "seen", "type": "image", "shape": [2, 3], "min": 0, "max": 99}
SERIES = {"name": "load", "type": "sequence", "length": 3}
N = 20


def model(*features: dict[str, Any]) -> Model:
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": list(features)})


def read(folder: Path, spec: Model, header: str, rows: list[str]) -> Table:
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    return read_table(folder / "t.csv", spec, "numeric")[0]


def test_columns_are_put_in_the_order_of_rows_and_of_time(tmp_path: Path) -> None:
    image = IMAGE | {"columns": "p{row}{column}"}
    series = SERIES | {"columns": "lag_{lag}"}
    spec = model({"name": "x"}, image, series)
    assert spec.columns == (
        *("x", "p00", "p01", "p02", "p10", "p11", "p12"),
        *("lag_3", "lag_2", "lag_1", "y"),
    )
    header = "lag_1,lag_2,lag_3,p12,p11,p10,p02,p01,p00,x,y"
    rows = [f"{row},2,3,12,11,10,2,1,{row % 4},{row * row},{row % 7}" for row in range(N)]
    table = read(tmp_path, spec, header, rows)
    assert table.features[1].tolist() == [1, 1, 1, 2, 10, 11, 12, 3, 2, 1]
    assert table.block("seen")[3].tolist() == [3, 1, 2, 10, 11, 12]
    found = {column.name: column.numbers for column in profile(table, spec).columns}
    assert list(found) == ["x", "seen.mean", "load.mean", "y"]
    assert found["load.mean"] is not None
    assert found["load.mean"].points[0] == pytest.approx(5 / 3)


def test_steps_count_up_and_a_cell_may_hold_them_all(tmp_path: Path) -> None:
    assert model(SERIES | {"columns": "s{step}"}).columns == ("s0", "s1", "s2", "y")
    image = {"name": "c", "type": "image", "shape": [1, 2, 2], "columns": "{channel}/{column}"}
    assert model(image).columns == ("0/0", "1/0", "0/1", "1/1", "y")
    rows = [f"{row} 2  3.5,{row % 7}" for row in range(N)]
    table = read(tmp_path, model(SERIES), "load,y", rows)
    assert table.features[:2].tolist() == [[0, 2, 3.5], [1, 2, 3.5]]


def cells(bad: str) -> list[str]:
    rows = [f"{row} 2 3 4 5 6,{row % 7}" for row in range(N)]
    return [*rows[:4], f"{bad},1", *rows[5:]]


WRONG = [
    ("1 2 3 4 5", "has 5 numbers with blanks between them, and an image of 2 x 3 is asked for"),
    ("1 2 3 4 5 many", "text 'many' in a numeric column"),
    ("1 2 3 4 5 100", "100 is out of the declared range"),
    ("", "the value is missing"),
    ("NA NA NA NA NA NA", "the value is missing"),
]


@pytest.mark.parametrize(("bad", "words"), WRONG)
def test_a_cell_of_another_size_is_named(tmp_path: Path, bad: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, model(IMAGE), "seen,y", cells(bad))
    assert caught.value.where == "t.csv, line 6, column 'seen'"


def test_columns_are_judged_each_and_those_that_lack_are_named(tmp_path: Path) -> None:
    spec = model(SERIES | {"columns": "s{step}"})
    with pytest.raises(DataError, match="there is no column 's2'"):
        read(tmp_path, spec, "s0,s1,y", ["1,2,3"] * N)
    with pytest.raises(DataError, match="the value is missing") as caught:
        read(tmp_path, spec, "s0,s1,s2,y", [*[f"{row},2,3,4" for row in range(N)], "1,2,,3"])
    assert caught.value.where == "t.csv, line 22, column 's2'"


def test_a_step_that_is_the_target_is_a_leak_and_a_constant_one_is_none(tmp_path: Path) -> None:
    spec = model(SERIES)
    rows = [f"{row} 2 {row % 7},{row % 7}" for row in range(N)]
    with pytest.raises(DataError, match="it leaks what is to be learnt"):
        read(tmp_path, spec, "load,y", rows)
    with pytest.raises(DataError, match="the column is constant"):
        read(tmp_path, spec, "load,y", [f"1 2 3,{row % 7}" for row in range(N)])


def test_the_linear_baseline_reads_every_number() -> None:
    from mltk.problems.linear import Design

    spec = model({"name": "x"}, IMAGE, SERIES)
    rows = np.random.default_rng(1).normal(size=(9, 10)).astype(np.float32)
    matrix = Design.of(rows, spec.features).matrix(rows)
    np.testing.assert_allclose(matrix, (rows - rows.mean(0)) / rows.std(0), atol=1e-5)


@pytest.mark.parametrize(
    ("feature", "parts"),
    [
        ({"name": "a", "type": "image", "shape": [64, 64, 3]}, (4, 16, 4, 16, 3, 1)),
        ({"name": "a", "type": "image", "shape": [16, 8]}, (8, 2, 8, 1, 1, 1)),
        ({"name": "a", "type": "sequence", "length": 128}, (64, 2)),
    ],
)
def test_the_linear_baseline_reads_the_means_of_parts_of_a_large_block(
    feature: dict[str, Any], parts: tuple[int, ...]
) -> None:
    from mltk.problems.linear import Design

    spec = model(feature, {"name": "x"})
    width = spec.features[0].width
    rows = np.random.default_rng(2).normal(size=(9, width + 1)).astype(np.float32)
    matrix = Design.of(rows, spec.features).matrix(rows)
    means = rows[:, :-1].reshape(9, *parts).mean(axis=tuple(range(2, len(parts) + 1, 2)))
    expected = np.column_stack([means.reshape(9, -1), rows[:, -1]])
    assert matrix.shape[1] <= 65
    np.testing.assert_allclose(matrix, (expected - expected.mean(0)) / expected.std(0), atol=1e-4)


def test_parts_of_a_block_may_differ_by_one_in_size() -> None:
    from mltk.problems.linear import Design

    spec = model({"name": "a", "type": "sequence", "length": 65})
    rows = np.random.default_rng(3).normal(size=(9, 65)).astype(np.float32)
    matrix = Design.of(rows, spec.features).matrix(rows)
    first, last = rows[:, 0], rows[:, 63:].mean(axis=1)
    assert matrix.shape == (9, 33)
    np.testing.assert_allclose(matrix[:, 0], (first - first.mean()) / first.std(), atol=1e-4)
    np.testing.assert_allclose(matrix[:, -1], (last - last.mean()) / last.std(), atol=1e-4)
