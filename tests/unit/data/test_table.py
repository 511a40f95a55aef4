from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.checks import unseen
from mltk.data.table import TargetKind, read_table
from mltk.errors import DataError
from mltk.project.spec import Model
from mltk.records import Splits

FEATURES = (
    {"name": "size", "min": 0, "max": 100},
    {"name": "colour", "type": "categorical", "values": ["red", "green", "blue"]},
)
ROWS = [f"{10 + i},{('red', 'green', 'blue')[i % 3]},{i % 2}" for i in range(12)]


def model(**changes: Any) -> Model:
    content: dict[str, Any] = {
        "problem": "regression",
        "data": {"path": "t.csv"},
        "target": {"name": "y"},
        "features": FEATURES,
    }
    return Model.model_validate({**content, **changes})


def csv(*, header: str = "size,colour,y", **replaced: str) -> str:
    rows = list(ROWS)
    for line, text in replaced.items():
        rows[int(line.removeprefix("line")) - 2] = text
    return "\n".join([header, *rows]) + "\n"


def read(folder: Path, content: str | bytes, spec: Model, kind: TargetKind = "numeric") -> Any:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, spec, kind)


def test_a_good_table_is_typed_and_summarised(tmp_path: Path) -> None:
    table, report = read(tmp_path, csv(), model(), "label")
    assert table.features.dtype == np.float32
    assert table.features[:3].tolist() == [[10, 0], [11, 1], [12, 2]]
    assert table.column("colour")[:4].tolist() == [0, 1, 2, 0]
    assert table.target[:3].tolist() == [0, 1, 0]
    assert table.classes == report.classes == ("0", "1")
    assert table.lines[:2].tolist() == [2, 3]
    assert (report.rows, report.columns[0].minimum, report.columns[0].maximum) == (12, 10, 21)
    assert report.columns[1].distinct == 3
    assert report.warnings == ()


# (the cell's row in the file, what the error says, where, hint)
CELLS = [
    ("line5", "abc,red,1", "text 'abc' in a numeric column", "line 5, column 'size'", None),
    ("line5", '"1,5",red,1', "text '1,5' in a numeric", "column 'size'", "use a decimal point"),
    ("line5", "1_0,red,1", "text '1_0' in a numeric", "column 'size'", None),
    ("line6", ",red,1", "the value is missing", "line 6, column 'size'", "`missing: median`"),
    ("line6", "NA,red,1", "the value is missing", "line 6, column 'size'", "`missing: median`"),
    (
        "line6",
        "1,,1",
        "the value is missing",
        "line 6, column 'colour'",
        "`missing: most_frequent`",
    ),
    ("line7", "inf,red,1", "inf is not a finite 32-bit", "line 7, column 'size'", None),
    ("line7", "1e39,red,1", "1e39 is not a finite 32-bit", "line 7, column 'size'", None),
    ("line8", "1,red,nan", "the value is missing", "line 8, column 'y'", None),
    ("line8", "1,red,", "the value is missing", "line 8, column 'y'", None),
    (
        "line9",
        "101,red,1",
        r"101 is out of the declared range \[0, 100\]",
        "line 9, column 'size'",
        None,
    ),
    ("line9", "-1,red,1", "-1 is out of the declared range", "line 9, column 'size'", None),
    (
        "line10",
        "1,gren,1",
        "'gren' is not one of red, green, blue; did you mean 'green'?",
        "line 10, column 'colour'",
        None,
    ),
    ("line13", "1,red", "the row has 2 values, the header has 3", "line 13", None),
]


@pytest.mark.parametrize(("line", "row", "what", "where", "hint"), CELLS)
def test_a_bad_cell_is_named(
    tmp_path: Path, line: str, row: str, what: str, where: str, hint: str | None
) -> None:
    with pytest.raises(DataError, match=what.replace("?", r"\?")) as caught:
        read(tmp_path, csv(**{line: row}), model())
    assert caught.value.where is not None
    assert caught.value.where.startswith("t.csv, ")
    assert caught.value.where.endswith(where)
    assert hint in str(caught.value.hint) if hint else caught.value.hint is None


@pytest.mark.parametrize("target", [True, False])
def test_decimal_commas_are_one_complaint(tmp_path: Path, target: bool) -> None:
    sizes = [f"{i}" if target else f"+{i},5 " for i in range(11)] + [""]
    values = [f"-{i},25" if target else f"{i}" for i in range(11)] + ["3"]
    rows = [f"{size};red;{value}" for size, value in zip(sizes, values, strict=True)]
    spec = model(data={"path": "t.csv", "delimiter": ";"})
    with pytest.raises(DataError) as caught:
        read(tmp_path, "\n".join(["size;colour;y", *rows]), spec)
    example = "-0,25" if target else "+0,5"
    assert caught.value.what.startswith(f"the numbers have a decimal comma, e.g. '{example}'")
    assert caught.value.where == f"t.csv, line 2, column '{'y' if target else 'size'}'"
    assert "sed -E" in str(caught.value.hint)


def test_labels_may_have_commas(tmp_path: Path) -> None:
    content = labelled(*['"1,5"', '"2,5"'] * 6)
    assert read(tmp_path, content, model(), "label")[0].classes == ("1,5", "2,5")


def test_the_command_for_decimal_commas_does_what_it_says(tmp_path: Path) -> None:
    rows = [f"{i},5;{('red', 'green')[i % 2]};{i},{i}5" for i in range(12)]
    spec = model(data={"path": "t.csv", "delimiter": ";"})
    with pytest.raises(DataError) as caught:
        read(tmp_path, "\n".join(["size;colour;y", *rows]), spec)
    command = str(caught.value.hint).split("`")[1]
    (tmp_path / "OLD.csv").write_bytes((tmp_path / "t.csv").read_bytes())
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    table, _ = read(tmp_path, (tmp_path / "NEW.csv").read_bytes(), spec)
    assert table.target[:3].tolist() == [0.05, 1.15, 2.25]


FILES: list[tuple[str | bytes, str, str]] = [
    (b"", "the file is empty", "t.csv"),
    (b"\n\n", "the file is empty", "t.csv"),
    ("size,colour,y\n", "there is a header but no rows", "t.csv"),
    (
        csv(header="sise,colour,y"),
        "there is no column 'size'; did you mean 'sise'",
        "t.csv, line 1",
    ),
    (
        csv(header="size,colour,size"),
        "column 'size' is there twice",
        "t.csv, line 1, column 'size'",
    ),
    (csv(header="size;colour;y"), "the header is one column", "t.csv, line 1"),
    (csv(header="size,,y"), "column 2 has no name", "t.csv, line 1"),
    (csv().replace("red", "rött", 1).encode("latin-1"), "byte 0xf6 is not UTF-8", "t.csv, line 2"),
    (csv().encode("utf-16"), "the file is UTF-16", "t.csv"),
    (csv(line4='1,"red,1'), "not CSV: unexpected end of data", "t.csv, line 4"),
    ("\n".join(csv().splitlines()[:6]), "5 rows are too few", "t.csv"),
]


@pytest.mark.parametrize(("content", "what", "where"), FILES)
def test_a_bad_file_is_named(tmp_path: Path, content: str | bytes, what: str, where: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read(tmp_path, content, model())
    assert caught.value.where == where


def labelled(*labels: str) -> str:
    return "size,colour,y\n" + "\n".join(
        f"{10 + i},{('red', 'green', 'blue')[i % 3]},{label}" for i, label in enumerate(labels)
    )


TABLES = [
    (labelled(*"aaaaaaaaaaaa"), "label", "all rows are of one class, 'a'", "column 'y'"),
    (labelled(*"aaaaaaaaaabb"), "label", "class 'b' has 2 rows, too few", "column 'y'"),
    (labelled(*"1" * 12), "numeric", "the target is constant", "column 'y'"),
    (
        csv().replace("green", "red").replace("blue", "red"),
        "numeric",
        "the column is constant",
        "column 'colour'",
    ),
]


@pytest.mark.parametrize(("content", "kind", "what", "where"), TABLES)
def test_a_table_that_teaches_nothing_is_refused(
    tmp_path: Path, content: str, kind: TargetKind, what: str, where: str
) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read(tmp_path, content, model(), kind)
    assert caught.value.where == f"t.csv, {where}"


def test_a_feature_that_is_the_target_is_a_leak(tmp_path: Path) -> None:
    rows = "\n".join(f"{10 + i},{10 + i}.0" for i in range(12))
    spec = model(features=[{"name": "size"}])
    with pytest.raises(DataError, match="it leaks what is to be learnt") as caught:
        read(tmp_path, f"size,y\n{rows}", spec)
    assert caught.value.where == "t.csv, column 'size'"
    assert str(caught.value.hint).startswith("remove feature 'size' from mltk.yaml")
    for kind, values in (("categorical", "no yes"), ("numeric", "0 1")):
        a, b = values.split()
        copied = "\n".join(f"{i},{(a, b)[i % 2]},{(a, b)[i % 2]}" for i in range(12))
        feature = {"name": "told", "type": kind} | ({"values": [a, b]} if kind != "numeric" else {})
        with pytest.raises(DataError, match="it leaks") as caught:
            read(tmp_path, f"n,told,y\n{copied}", model(features=[feature]), "label")
        assert caught.value.where == "t.csv, column 'told'"


def test_a_feature_that_renames_the_classes_is_worth_a_look(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{('no', 'yes')[i % 2]},{('good', 'bad')[i % 2]}" for i in range(12))
    told = {"name": "told", "type": "categorical", "values": ["no", "yes"]}
    spec = model(features=[{"name": "n"}, told])
    _, report = read(tmp_path, f"n,told,y\n{rows}", spec, "label")
    assert report.warnings == (
        "column 'told' has a value of its own for each class: may it leak it?",
    )


def test_a_feature_that_is_the_target_in_another_unit_is_worth_a_look(tmp_path: Path) -> None:
    rows = "\n".join(f"{i * i % 13},{32 + 1.8 * (i * i % 13):.1f},{i % 3}" for i in range(30))
    spec = model(features=[{"name": "fahrenheit"}, {"name": "n"}], target={"name": "celsius"})
    _, report = read(tmp_path, f"celsius,fahrenheit,n\n{rows}", spec)
    assert report.warnings[0] == (
        "column 'fahrenheit' gives the target by a straight line: may it leak it?"
    )


def test_a_category_that_only_rows_that_judge_have_is_told(tmp_path: Path) -> None:
    table, _ = read(tmp_path, csv(), model())
    parts = Splits(train=tuple(range(0, 12, 3)), validation=(1, 4, 7, 10), holdout=())
    assert unseen(table, parts, model()) == [
        "column 'colour': no row in train has green, which 4 rows of the others have, e.g. line 3:"
        " the model will guess"
    ]
    assert unseen(table, Splits((0, 1, 2), (3, 4), (5, 6)), model()) == []


def test_a_column_without_a_value_is_one_complaint(tmp_path: Path) -> None:
    for column, feature in (("size", FEATURES[0]), ("colour", FEATURES[1])):
        empty = "\n".join(f"{i},{('', 'NA', '?')[i % 3]},{2 * i}" for i in range(12))
        spec = model(features=[{"name": "n"}, {**feature, "name": column}])
        with pytest.raises(DataError, match="the column has no value in any row") as caught:
            read(tmp_path, f"n,{column},y\n{empty}", spec)
        assert caught.value.where == f"t.csv, column '{column}'"
        assert (
            caught.value.hint == f"remove '{column}' from mltk.yaml, or bring a table that has it"
        )


def test_a_class_with_one_row_and_a_value_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="class 'b' has 1 rows, too few"):
        read(tmp_path, labelled(*"aaaaaaaaaaab"), model(), "label")
    with pytest.raises(DataError, match="inf is not a finite 32-bit number") as caught:
        read(tmp_path, csv(line4="inf,blue,0"), model(features=[{"name": "size"}]))
    assert caught.value.where == "t.csv, line 4, column 'size'"


def test_a_table_without_a_target_has_its_features_in_its_place(tmp_path: Path) -> None:
    table, report = read(tmp_path, csv(), model(problem="density", target=None), "rows")
    assert (table.target == table.features).all()
    assert (table.classes, report.rows) == ((), 12)
    assert report.warnings == ("columns that the model does not use: y",)


def test_a_declared_class_without_rows_is_refused(tmp_path: Path) -> None:
    spec = model(target={"name": "y", "values": ["0", "1", "2"]})
    with pytest.raises(DataError, match="class '2' has 0 rows"):
        read(tmp_path, csv(), spec, "label")


def test_more_features_than_rows_are_refused(tmp_path: Path) -> None:
    names = [f"x{i}" for i in range(12)]
    rows = "\n".join(",".join(str(i * j % 7) for j in range(13)) for i in range(1, 12))
    spec = model(features=[{"name": name} for name in names])
    with pytest.raises(DataError, match="12 features for 11 rows"):
        read(tmp_path, ",".join([*names, "y"]) + "\n" + rows, spec)


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not there") as caught:
        read_table(tmp_path / "t.csv", model(), "numeric")
    assert caught.value.hint == "dvc pull"


def test_all_findings_come_in_one_error_and_at_most_twenty_in_full(tmp_path: Path) -> None:
    content = "size,colour,y\n" + "x,pink,0\n" * 12
    with pytest.raises(DataError, match="24 things are wrong") as caught:
        read(tmp_path, content, model())
    lines = caught.value.what.splitlines()
    assert lines[1] == "  line 2, column 'size': text 'x' in a numeric column"
    assert lines[2].startswith("  line 2, column 'colour': 'pink' is not one of")
    assert len(lines) == 22
    assert lines[-1] == "  and 4 more"


def test_blank_lines_quotes_and_a_byte_order_mark_are_no_findings(tmp_path: Path) -> None:
    content = csv(line3='11,"green",1').replace("\n10,", "\n\n10,", 1)
    table, _ = read(tmp_path, b"\xef\xbb\xbf" + content.encode(), model())
    assert table.lines[:2].tolist() == [3, 4]


def test_lines_are_those_of_the_file_when_a_cell_spans_lines(tmp_path: Path) -> None:
    note = csv(header="size,colour,y,note").replace("\n", ",ok\n").replace(",note,ok", ",note")
    content = note.replace("ok", '"a\nb"', 1).replace("12,blue", "x,blue")
    with pytest.raises(DataError, match="text 'x'") as caught:
        read(tmp_path, content, model())
    assert caught.value.where == "t.csv, line 5, column 'size'"


def test_what_is_worth_a_look_becomes_a_warning(tmp_path: Path) -> None:
    rows = [f"{i},red,{i * i},z" for i in range(199)] + ["5,green,5,z"]
    _, report = read(
        tmp_path,
        "size,colour,y,note\n" + "\n".join(rows),
        model(features=[{"name": "size"}, FEATURES[1]]),
    )
    assert report.warnings == (
        "column 'colour': 99.5% of the values are the same",
        "column 'colour': no row has blue",
        "columns that the model does not use: note",
    )


def test_repeated_rows_become_a_warning(tmp_path: Path) -> None:
    _, report = read(tmp_path, csv(line9=ROWS[1]), model())
    assert report.warnings == ("1 rows repeat others, e.g. line 9 repeats line 3",)


def test_labels_that_are_numbers_sort_by_number(tmp_path: Path) -> None:
    content = labelled(*["10", "9", "2"] * 4)
    assert read(tmp_path, content, model(), "label")[0].classes == ("2", "9", "10")
