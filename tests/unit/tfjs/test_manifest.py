from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.records import Metric
from mltk.tfjs import manifest
from mltk.tfjs.manifest import (
    Feature,
    File,
    Golden,
    GoldenTensor,
    Input,
    Lineage,
    Manifest,
    Output,
)

SCHEMA = Path(manifest.__file__).with_name("bundle.schema.json")


def example(values: tuple[float, ...] = (1.5,)) -> Manifest:
    return Manifest(
        format_version=1,
        name="m",
        problem="regression",
        description="",
        inputs=(
            Input(
                "features",
                (None, 2),
                "float32",
                (Feature("a", unit="kg", minimum=0.0), Feature("b", "categorical", values=("x",))),
            ),
        ),
        outputs=(Output("prediction", (None, 1), "float32", "weight", "kg"),),
        metrics=(Metric("rmse", 1.0, 0.5, 1.5, "kg", False),),
        lineage=Lineage("k", {"data": "md5:0"}),
        quantization="none",
        files=(File("model.json", 3, "00"),),
        total_bytes=3,
        golden=Golden(
            {"features": GoldenTensor((len(values), 1), "float32", values)},
            {"prediction": GoldenTensor((len(values), 1), "float32", values)},
        ),
    )


def test_reading_gives_what_was_written() -> None:
    assert manifest.decode(example().encode()) == example()


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_golden_values_survive_to_the_last_bit(values: list[float]) -> None:
    read = manifest.decode(example(tuple(values)).encode()).golden.outputs["prediction"].data
    assert np.array(read, "float32").tobytes() == np.array(values, "float32").tobytes()


def test_the_bytes_do_not_depend_on_the_order_of_making() -> None:
    parts = {"data": "1", "code": "2"}
    turned = dict(reversed(parts.items()))
    ours, theirs = (
        dataclasses.replace(example(), lineage=Lineage("k", p)).encode() for p in (parts, turned)
    )
    assert ours == theirs


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_json_lacks_are_refused_both_ways(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        example((value,)).encode()
    content = example().encode().replace(b"1.5", json.dumps(value).encode())
    with pytest.raises(ValueError, match="is not a number of JSON"):
        manifest.decode(content)


def test_a_key_that_the_format_does_not_know_is_refused() -> None:
    content = json.loads(example().encode()) | {"colour": "red"}
    with pytest.raises(ValueError, match="colour"):
        manifest.decode(json.dumps(content).encode())


def test_the_schema_accepts_what_is_written_and_refuses_the_rest() -> None:
    schema = manifest.json_schema()
    content = json.loads(example().encode())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.validate(content | {"colour": "red"}, schema)


def test_the_exported_schema_is_current() -> None:
    current = json.dumps(manifest.json_schema(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("MLTK_REGENERATE"):
        SCHEMA.write_text(current, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == current
