"""Every architecture of docs/exporter.md, exported and run in TensorFlow.js."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.problems.backend import keras
from mltk.tfjs import check_exportable, export_model
from tests.func.tfjs.architectures import ARCHITECTURES
from tests.func.tfjs.models_table import PAGE, measure, named, passes

# Keras warns of its own flaws in some of them.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("standing_node")]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_both_backends_of_node_compute_what_keras_does(name: str, tmp_path: Path) -> None:
    found = measure(ARCHITECTURES[name], ("cpu", "wasm"), tmp_path / "bundle")
    assert all(passes(backend, error) for backend, error in found.items()), found


def test_the_page_lists_just_these() -> None:
    assert named(PAGE.read_text(encoding="utf-8")) == list(ARCHITECTURES)


@pytest.mark.parametrize(
    "name",
    ["Conv2D grouped", "causal transformer", "bidirectional LSTM", "IntegerLookup", "float16"],
)
def test_an_export_is_the_same_twice(name: str, tmp_path: Path) -> None:
    digests = set()
    for folder in ("a", "b"):
        keras.utils.set_random_seed(1)
        model = ARCHITECTURES[name].build()
        digests.add(export_model(model, tmp_path / folder, ARCHITECTURES[name].rows["x"]))
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["LSTM with masked steps", "MultiHeadAttention", "IntegerLookup"])
def test_what_is_exported_passes_the_check_before_training(name: str) -> None:
    check_exportable(ARCHITECTURES[name].build(), backends=("cpu", "wasm", "webgl", "webgpu"))
