"""What mltk.yaml may say of a feature, and what it hears where that means nothing."""

from __future__ import annotations

import pytest

from mltk.errors import ConfigError
from mltk.project.load import parse

HEAD = """\
project: demo
models:
  m:
    problem: {problem}
    data: {{path: t.csv}}{target}
    features:
      - {{name: other}}
      - {feature}
"""


def read(feature: str, problem: str = "regression") -> None:
    target = "" if problem == "density" else "\n    target: {name: y}"
    parse(HEAD.format(feature=feature, problem=problem, target=target))


WRONG = [
    ("{name: x, missing: constant}", "feature 'x': missing: constant needs a fill_value"),
    ("{name: x, missing: mean, fill_value: 3}", "feature 'x': fill_value is for missing: constant"),
    (
        "{name: x, missing: constant, fill_value: 1.0e+300}",
        "feature 'x': fill_value 1e+300 is not a finite 32-bit number",
    ),
    (
        "{name: x, missing: constant, fill_value: -1, min: 0}",
        "feature 'x': fill_value -1 is not within min and max",
    ),
    ("{name: x, missing: constant, fill_value: 9, max: 8.5}", "9 is not within min and max"),
    ("{name: x, missing_indicator: true}", "missing_indicator needs missing: mean, median or"),
    ("{name: x, missing: zero}", "must be 'error', 'mean', 'median' or 'constant'"),
    (
        "{name: x, type: categorical, values: [a, b], missing: median}",
        "must be 'error', 'most_frequent' or 'category'",
    ),
    ("{name: x, type: datetime}", "'parts' is missing"),
    ("{name: x, type: datetime, parts: [day]}", "must be 'hour', 'weekday', 'month', 'year_day'"),
    ("{name: x, type: datetime, parts: [hour, hour]}", "parts of feature 'x' repeat"),
    (
        "{name: x, type: datetime, parts: [hour], timezone: Europe/Berlim}",
        "'Europe/Berlim' is no time zone, as Europe/Berlin is; did you mean 'Europe/Berlin'?",
    ),
    (
        "{name: x, type: datetime, parts: [hour], missing_indicator: true}",
        "missing_indicator needs missing: mean",
    ),
    ("{name: x, type: text, length: 1}", "must be at least 2, but is 1"),
    ("{name: x, type: text, missing: mean}", "must be 'error' or 'empty'"),
    ("{name: x, type: image, shape: [8]}", "must have at least 2 entry or entries"),
    (
        "{name: x, type: image, shape: [8, 8], columns: 'pixel_{row}'}",
        "columns of feature 'x' must hold {row} and {column}",
    ),
    (
        "{name: x, type: sequence, length: 3, columns: 'lag'}",
        "columns of feature 'x' must hold {step} or {lag}",
    ),
    ("{name: x, type: sequence, length: 3, missing: mean}", "unknown key 'missing'"),
    ("{name: x, type: date}", "has type 'date', which must be one of"),
]


@pytest.mark.parametrize(("feature", "words"), WRONG)
def test_what_means_nothing_is_refused_with_its_line(feature: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(feature)
    said = str(caught.value)
    assert words in said
    assert said.startswith("mltk.yaml:9: ")


def test_a_kind_that_learns_the_rows_says_so_when_the_file_is_read() -> None:
    with pytest.raises(ConfigError, match="none of 'x' may be missing"):
        read("{name: x, missing: mean}", "density")
    read("{name: x}", "density")


def test_a_step_of_a_sequence_is_not_the_target() -> None:
    feature = "{name: x, type: sequence, length: 2, columns: 'y{step}'}"
    text = HEAD.format(feature=feature, problem="regression", target="\n    target: {name: y1}")
    with pytest.raises(ConfigError, match="target 'y1' is also a feature"):
        parse(text)


def test_a_time_is_no_slice() -> None:
    feature = "{name: x, type: datetime, parts: [hour]}"
    feature += "\n    gate: {slices: [{by: x, block_when_worse: true}]}"
    with pytest.raises(ConfigError, match="a slice is by a numeric or a categorical column"):
        read(feature)


def test_a_kind_that_learns_the_rows_takes_numbers() -> None:
    with pytest.raises(ConfigError, match="takes numeric features, and 'x' is datetime"):
        read("{name: x, type: datetime, parts: [hour]}", "density")
