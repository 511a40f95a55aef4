from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.problems.backend import keras
from mltk.tfjs import BundleDescription, OutputMeaning, export_model, service
from mltk.tfjs.manifest import Feature, Lineage

ROWS = np.random.default_rng(0).normal(size=(20, 10)).astype("float32")


@pytest.fixture(scope="module")
def standing_node() -> Iterator[None]:
    """A Node.js that stays, for tests of many bundles; its answers are those of a fresh one."""
    service.keep()
    yield
    service.release()


@pytest.fixture
def functional() -> Callable[..., Any]:
    """Give a maker of a model with one input `x` and one output `y`."""

    def make(shape: tuple[int | None, ...], body: Callable[[Any], Any], dtype: str = "float32"):
        keras.utils.set_random_seed(1)
        inputs = keras.Input(shape, name="x", dtype=dtype)
        return keras.Model(inputs, {"y": body(inputs)})

    return make


@pytest.fixture
def bundle(functional: Callable[..., Any], tmp_path: Path) -> Path:
    """A small bundle that says something of everything."""
    model = functional((10,), lambda x: keras.layers.Dense(2, "softmax")(x))
    told = BundleDescription(
        name="small",
        problem="classification",
        features={"x": tuple(Feature(f"f{i}", unit="m") for i in range(10))},
        outputs={"y": OutputMeaning("probability", classes=("no", "yes"))},
        lineage=Lineage("k", {"data": "md5:0"}),
    )
    export_model(model, tmp_path / "bundle", ROWS, description=told)
    return tmp_path / "bundle"
