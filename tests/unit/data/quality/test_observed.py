"""Times among what is said of a table: by their parts, and not by how time goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.data.checks import whole_table
from mltk.data.quality.drift import drift
from mltk.data.quality.leakage import leaks
from mltk.data.quality.profile import profile
from mltk.data.quality.schema import infer, violations
from mltk.data.rows import Table
from mltk.data.table import read_table
from mltk.errors import DataError
from mltk.project.spec import Model
from mltk.records import Splits


def spec(*parts: str) -> Model:
    when = {"name": "when", "type": "datetime", "parts": parts}
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": [{"name": "x"}, when]})


def read(folder: Path, month: int, hours: int = 24, count: int = 200, *parts: str) -> Table:
    asked = spec(*(parts or ("hour", "weekday", "trend")))
    rows = [
        f"{row % 13},2026-{month:02}-{1 + row % 28:02}T{row * 5 % hours:02}:00,{row % 9}"
        for row in range(count)
    ]
    (folder / "t.csv").write_text("\n".join(["x,when,y", *rows]))
    return read_table(folder / "t.csv", asked, "numeric")[0]


def test_a_later_table_has_not_drifted_and_one_of_other_hours_has(tmp_path: Path) -> None:
    asked = spec("hour", "weekday", "trend")
    before, later, morning = read(tmp_path, 1), read(tmp_path, 6), read(tmp_path, 1, 8)
    champion = profile(before, asked)
    assert [column.name for column in champion.columns] == ["x", "when.hour", "when.weekday", "y"]
    assert champion.columns[2].counts[0].value in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    for table, drifted in ((later, []), (morning, ["when.hour"])):
        shifts, notes = drift(champion, profile(table, asked), alpha=0.01, effect=0.1)
        assert notes == ()
        assert [shift.column for shift in shifts if shift.drifted] == drifted
    schema = infer(profile(morning, asked))
    assert violations(schema, morning, asked) == ()
    (found,) = violations(schema, before, asked)
    assert found.column == "when.hour"


def test_a_part_in_which_no_time_differs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="all times have the same hour") as caught:
        read(tmp_path, 1, 1)
    assert caught.value.where == "t.csv, column 'when'"
    assert caught.value.hint == "remove hour from the parts of feature 'when' in mltk.yaml"
    with pytest.raises(DataError, match="the column is constant"):
        rows = "".join(f"{row % 13},2026-01-01,{row % 9}\n" for row in range(20))
        (tmp_path / "t.csv").write_text("x,when,y\n" + rows)
        read_table(tmp_path / "t.csv", spec("hour", "trend"), "numeric")


def test_a_text_counts_by_its_words(tmp_path: Path) -> None:
    text = {"name": "note", "type": "text", "length": 9, "missing": "empty"}
    asked = Model.model_validate({**spec("hour").model_dump(), "features": [{"name": "x"}, text]})

    def read_notes(words: int) -> Table:
        notes = [("a b c d e f " * 2)[: 2 * (row % words)].strip() for row in range(60)]
        rows = [f"{row % 13},{note},{row % 9}" for row, note in enumerate(notes)]
        (tmp_path / "t.csv").write_text("\n".join(["x,note,y", *rows]))
        return read_table(tmp_path / "t.csv", asked, "numeric")[0]

    short, long = read_notes(3), read_notes(10)
    found = profile(short, asked).column("note.words")
    assert found is not None
    assert (found.type, found.missing) == ("numeric", 20)
    shifts, _ = drift(profile(short, asked), profile(long, asked), alpha=0.01, effect=0.1)
    drifted = [(each.column, each.what) for each in shifts if each.drifted]
    assert drifted == [("note.words", "values")]
    assert violations(infer(profile(short, asked)), long, asked)[0].column == "note.words"


def test_rows_of_another_time_are_no_copies(tmp_path: Path) -> None:
    table = read(tmp_path, 1, 24, 26)
    table.features[1] = table.features[0]
    table.target[1] = table.target[0]
    assert whole_table(table, spec("hour")) == []
    (leak,) = leaks(table, Splits((0, *range(2, 20)), (), (1, *range(20, 26))), spec("hour").split)
    assert (leak.kind, leak.rows) == ("duplicates", 1)
    table.features[1, 2] += 1
    assert leaks(table, Splits((0, *range(2, 20)), (), (1,)), spec("hour").split) == ()
