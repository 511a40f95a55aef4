"""What a client makes of a record in JavaScript, held against what mltk makes of a cell."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from typing import Any

import numpy as np
import pytest

from mltk.data.table import encoded
from mltk.project.spec import Model
from mltk.steps.inputs import as_sent, described, invented_rows
from mltk.tfjs.node import RUNTIME, find_node

_SCRIPT = f"""
import {{ readFileSync }} from "node:fs";
import {{ encodeRows }} from "{(RUNTIME / "rows.mjs").as_uri()}";
const said = JSON.parse(readFileSync(0, "utf8")).map(({{ features, record }}) => {{
  try {{
    const {{ values }} = encodeRows({{ features, dtype: "float32" }}, [record]);
    return {{ values: Array.from(values, (value) => (Number.isNaN(value) ? null : value)) }};
  }} catch (error) {{
    return {{ error: `${{error.name}}: ${{error.message}}` }};
  }}
}});
console.log(JSON.stringify(said));
"""


def ask(pairs: list[tuple[list[dict[str, Any]], dict[str, Any]]]) -> list[dict[str, Any]]:
    """Ask Node.js for the columns of records, each of features as bundle.json has them."""
    jobs = [{"features": features, "record": record} for features, record in pairs]
    done = subprocess.run(
        [find_node().path, "--input-type=module", "-e", _SCRIPT],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def features(*said: dict[str, Any]) -> tuple[Any, ...]:
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": said}).features


def told(feature: Any) -> dict[str, Any]:
    """A feature as bundle.json tells of it: what is usual is not said."""
    shown = vars(described(feature)).items()
    return {key: value for key, value in shown if key in ("name", "type", "values") or value}


def when(**said: Any) -> dict[str, Any]:
    return {"name": "x", "type": "datetime", "parts": ["hour"], **said}


CELLS: list[tuple[dict[str, Any], list[Any]]] = [
    (when(), ["1970-01-01", "2026-11-01T08:30", "1969-12-31 23:59:59.25", "2024-02-29T00:00:00"]),
    (when(), ["2026-11-01T00:00:00Z", "2026-11-01T00:30:00+01:00", "2026-11-01T00:30:00-0530"]),
    (
        when(timezone="Europe/Berlin"),
        ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-10-25T01:30:00Z", "2026-07-01"],
    ),
    (when(timezone="Europe/Berlin"), ["2026-03-29T02:30:00", "1900-01-01T00:00:00Z"]),
    (when(timezone="Asia/Kathmandu"), ["1969-06-01T12:00:00Z", "2026-06-01T12:00:00.125Z"]),
    (when(timezone="America/St_Johns", time_format="epoch"), [0, 1793520000, -1, 1793520000.5]),
    (when(timezone="Pacific/Apia", time_format="epoch_ms"), [1325239200000, 1325239199999, 250]),
    (
        {"name": "x", "type": "text", "length": 5, "buckets": 999_983},
        [
            "A great, GREAT day",
            "don't",
            "!!!",
            "1 2 3 4 5 6",
            "ΟΔΟΣ. ΟΔΟΣ",
            "J\u030c",
            "οδος",
        ],
    ),
    ({"name": "x"}, [0.1, -0.0, 3e38]),
    ({"name": "x", "type": "categorical", "values": ["a", "ü", "1"]}, ["a", "ü", "1"]),
]


def test_javascript_makes_the_columns_that_python_makes() -> None:
    pairs, wanted = [], []
    for said, cells in CELLS:
        (feature,) = features(said)
        for cell in cells:
            columns, findings = encoded(feature, [f"{cell}"], [1])
            assert findings == []
            wanted.append(np.asarray(columns, dtype=np.float32).ravel().tolist())
            pairs.append(([told(feature)], {"x": cell}))
    found = [each["values"] for each in ask(pairs)]
    assert found == wanted


ISO: dict[str, bool] = {
    "2026-01-05": True,
    "2026-01-05T08": True,
    "2026-01-05 08+01": True,
    "2026-01-05T08:30": True,
    "2026-01-05T08:30:00+01": True,
    "2026-01-05T08:30:00+0130": True,
    "2026-01-05T08:30:00-01:30": True,
    "2026-01-05T08:30:00.1234569Z": True,
    "20260105": False,
    "2026-W02-1": False,
    "2026-01-05T083000": False,
    "2026-01-05x08:30:00": False,
    "2026-01-05T08:30:00,5": False,
    "2026-01-05T08:30:00.": False,
    "2026-01-05T08:30:00+01:00:30": False,
    "2026-01-05T08:30:00+01:75": False,
    "2026-01-05T08:30:00+24:00": False,
    "2026-01-05Z": False,
    "2026-01-05T24:00": False,
    "2026-01-05t08:30z": False,
    "٢٠٢٦-01-05": False,
}


def test_python_and_javascript_read_the_same_of_iso_8601() -> None:
    (feature,) = features(when(timezone="Europe/Berlin"))
    answers = ask([([told(feature)], {"x": text}) for text in ISO])
    for (text, fine), answer in zip(ISO.items(), answers, strict=True):
        columns, findings = encoded(feature, [text], [1])
        assert (findings == [], "values" in answer) == (fine, fine), text
        if fine:
            assert answer["values"] == np.asarray(columns, dtype=np.float32).ravel().tolist(), text


def test_every_character_of_unicode_is_read_alike() -> None:
    """Also between letters, and with marks after it; what Python does not know, nobody asks."""
    known = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
    ]
    (feature,) = features({"name": "x", "type": "text", "length": 600, "buckets": 1_000_000})
    texts = [
        " ".join(f"a{one}b {one}\u0301{one}" for one in known[start : start + 90])
        for start in range(0, len(known), 90)
    ]
    columns, _ = encoded(feature, texts, range(len(texts)))
    found = [each["values"] for each in ask([([told(feature)], {"x": text}) for text in texts])]
    differ = [
        text
        for text, ours, theirs in zip(texts, columns, found, strict=True)
        if ours.tolist() != theirs
    ]
    assert differ == []
    assert (columns > 0).sum() > 2 * len(known)


REFUSED = [
    (when(), "2026-02-30", "'x' takes a Date or ISO 8601 as 2026-11-01T08:30:00, not '2026-02-30'"),
    (when(), 1793520000, "takes a Date or ISO 8601"),
    (when(), "yesterday", "takes a Date or ISO 8601"),
    (when(time_format="epoch"), "soon", "takes a Date or epoch"),
    ({"name": "x"}, "3", "'x' takes a number, not '3'"),
    ({"name": "x", "type": "sequence", "length": 3}, [1, 2], "takes 3 numbers, not 2 values"),
    ({"name": "x", "type": "sequence", "length": 2}, [1, "2"], "takes 2 numbers"),
    ({"name": "x", "type": "sequence", "length": 2}, "12", "takes 2 numbers"),
    ({"name": "x"}, None, "there is no value of 'x'"),
    ({"name": "x", "type": "text"}, " \n", "there is no value of 'x'"),
    ({"name": "x", "type": "categorical", "values": ["a", "b"]}, "c", "not one of the values of"),
]


def test_what_is_no_value_is_refused_by_name() -> None:
    said = ask([([told(*features(one))], {"x": value}) for one, value, _ in REFUSED])
    for (_, value, words), answer in zip(REFUSED, said, strict=True):
        assert words in answer["error"], value
        assert answer["error"].startswith("RangeError: ")


def test_an_image_may_be_rows_of_pixels() -> None:
    (image,) = features({"name": "x", "type": "image", "shape": [2, 2, 1]})
    for value in ([1, 2, 3, 4], [[1, 2], [3, 4]], [[[1], [2]], [[3], [4]]]):
        (answer,) = ask([([told(image)], {"x": value})])
        assert answer["values"] == [1, 2, 3, 4]


def test_what_is_missing_is_nan_in_every_column() -> None:
    chosen = features(
        {"name": "n", "missing": "mean"},
        when(missing="mean"),
        {"name": "c", "type": "categorical", "values": ["a", "b"], "missing": "category"},
        {"name": "t", "type": "text", "length": 2, "missing": "empty"},
    )
    (answer,) = ask([([told(each) for each in chosen], {"x": None, "c": None, "t": " "})])
    assert answer["values"] == [None] * 6


@pytest.mark.parametrize("form", ["iso", "epoch", "epoch_ms"])
def test_golden_records_make_the_golden_rows(form: str) -> None:
    chosen = features(
        {"name": "n", "missing": "mean"},
        when(missing="mean", time_format=form, timezone="Europe/Lisbon"),
        {"name": "c", "type": "categorical", "values": ["a", "b"]},
        {"name": "t", "type": "text", "length": 9},
    )
    draw = np.random.default_rng(2)
    columns = [draw.normal(size=9), draw.integers(0, 30000, 9), draw.uniform(0, 86400, 9)]
    numbers = draw.integers(1, 2048, (9, 9))
    invented = np.column_stack([*columns, np.arange(9) % 2, numbers]).astype(np.float32)
    rows, records = as_sent(chosen, invented)
    assert [record["x"] is None for record in records] == [turn == 1 for turn in range(9)]
    assert [record["n"] is None for record in records] == [turn == 0 for turn in range(9)]
    found = ask([([told(each) for each in chosen], dict(record)) for record in records])
    read = np.array([each["values"] for each in found], dtype=np.float32)
    np.testing.assert_array_equal(read, rows)
    assert (rows[:, 4:] > 0).any(axis=1).all()
    assert len({record["t"] for record in records}) == 9


@pytest.mark.parametrize("seed", range(5))
def test_a_time_or_a_text_with_gaps_is_invented_whole_or_not_at_all(seed: int) -> None:
    chosen = features(
        when(missing="mean"), {"name": "t", "type": "text", "length": 3, "missing": "empty"}
    )
    known = np.array([[row, 9 * row, 1, 2, 0] for row in range(6)], dtype=np.float32)
    known[:3, :2] = known[2:4, 2:] = np.nan
    gaps = np.isnan(invented_rows(known, 20, seed, chosen))
    assert (gaps[:, 0] == gaps[:, 1]).all()
    assert (gaps[:, 2:] == gaps[:, 2:3]).all()
    _, records = as_sent(chosen, invented_rows(known, 20, seed, chosen))
    assert {record["x"] is None for record in records} == {True, False}


def test_columns_that_are_the_values_need_no_records() -> None:
    invented = np.array([[1, 0], [2, 1]], dtype=np.float32)
    chosen = features({"name": "n"}, {"name": "c", "type": "categorical", "values": ["a", "b"]})
    rows, records = as_sent(chosen, invented)
    assert records == ()
    assert (rows == invented).all()
