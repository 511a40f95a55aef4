"""Models at random: the same numbers in JavaScript, or a refusal that names what is in the way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from mltk.errors import ConfigError, StepError
from mltk.problems.backend import keras
from mltk.tfjs import Rows, check_exportable, export_model, verify_bundle
from tests.func.tfjs.random_models import models

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("standing_node")]
COUNT = int(os.environ.get("MLTK_FUZZ", "12"))
LIMIT = 1e-4


@settings(
    max_examples=COUNT,
    deadline=None,
    derandomize=COUNT <= 12,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(models())
def test_the_same_numbers_or_a_named_refusal(drawn: tuple[str, Any, tuple[int, ...]]) -> None:
    words, model, shape = drawn
    keras.utils.set_random_seed(5)
    rows = np.random.default_rng(7).normal(size=(5, *shape)).astype("float32")
    try:
        check_exportable(model)
    except ConfigError as refusal:
        assert refusal.hint, words
        return
    expected = np.asarray(model(rows, training=False)["y"])
    with tempfile.TemporaryDirectory() as home:
        try:
            export_model(model, Path(home, "bundle"), rows)
        except StepError as refusal:
            # A number that is not finite, which is Keras' own.
            assert not np.isfinite(expected).all(), (words, refusal)
            return
        found = verify_bundle(
            Path(home, "bundle"), rows=Rows({"x": rows}, {"y": expected}), tolerance=LIMIT
        )
        for check in found.backends:
            assert check.max_relative_error <= LIMIT, (words, check)
