"""Missing values: what the training rows teach, and the graph that puts it in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.errors import ConfigError
from mltk.problems import load_problem
from mltk.problems.imputing import Imputation
from mltk.problems.linear import Design
from mltk.project.spec import Model

NAN = np.nan
FEATURES: list[dict[str, Any]] = [
    {"name": "mean", "missing": "mean"},
    {"name": "median", "missing": "median", "missing_indicator": True},
    {"name": "constant", "missing": "constant", "fill_value": -1},
    {"name": "strict"},
    {"name": "own", "type": "categorical", "values": list("abc"), "missing": "category"},
    {"name": "most", "type": "categorical", "values": list("abc"), "missing": "most_frequent"},
]
KNOWN = np.array(
    [
        [1, 1, 4, 0, 0, 2],
        [NAN, 2, NAN, 1, NAN, NAN],
        [3, 90, 8, 2, 2, 2],
        [5, NAN, 6, 3, 1, 0],
    ],
    dtype=np.float32,
)


def model(features: list[dict[str, Any]], problem: str = "regression", **changes: Any) -> Model:
    section = {"problem": problem, "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": features, **changes})


def test_what_stands_in_is_learnt_from_the_rows_that_train() -> None:
    spec = model(FEATURES)
    imputation = Imputation.of(KNOWN, spec.features)
    new = np.full((1, 6), NAN, dtype=np.float32)
    assert imputation.whole(new)[0].tolist() == [3, 2, -1, pytest.approx(NAN, nan_ok=True), -1, 2]
    assert imputation.whole(KNOWN)[0].tolist() == KNOWN[0].tolist()
    assert imputation.told == (1, 4)
    assert imputation.indicators(KNOWN).tolist() == [[0, 0], [0, 1], [0, 0], [1, 0]]


def test_a_gap_that_no_training_row_has_gets_no_indicator() -> None:
    spec = model(FEATURES)
    whole = np.nan_to_num(KNOWN, nan=1.0)
    assert Imputation.of(whole, spec.features).told == ()
    assert Design.of(whole, spec.features).matrix(KNOWN).shape == (4, 4 + 2 + 2)


def test_the_graph_and_the_linear_design_fill_alike() -> None:
    from mltk.problems import network
    from mltk.problems.backend import keras

    spec = model(FEATURES)
    new = np.concatenate([KNOWN, np.full((1, 6), NAN, dtype=np.float32)])
    new[-1, 3] = 7
    graph = keras.Model(*network.columns(spec, KNOWN))(new).numpy()
    design = Design.of(KNOWN, spec.features).matrix(new)
    # The design leaves out the first value of each category, which the graph has.
    kept = [*range(4), 5, 6, 8, 9, 10, 11]
    assert graph.shape == (5, 12)
    np.testing.assert_allclose(graph[:, kept], design, atol=1e-6)
    assert np.isfinite(graph).all()


def test_a_value_that_must_be_there_is_not_made_up() -> None:
    from mltk.problems import network
    from mltk.problems.backend import keras

    new = np.full((1, 6), NAN, dtype=np.float32)
    graph = keras.Model(*network.columns(model(FEATURES), KNOWN))(new).numpy()[0]
    assert np.isnan(graph).tolist() == [index == 3 for index in range(12)]


def test_a_table_without_gaps_has_the_graph_that_it_had() -> None:
    from mltk.problems import network
    from mltk.problems.backend import keras

    plain = [{"name": "x"}, {"name": "z"}]
    graph = keras.Model(*network.columns(model(plain), KNOWN[[0, 2, 3]][:, [0, 3]]))
    assert [type(layer).__name__ for layer in graph.layers] == ["InputLayer", "Normalization"]


@pytest.mark.parametrize("problem", ["density", "reduction", "generative"])
def test_a_kind_that_learns_the_rows_takes_none(problem: str) -> None:
    features = [{"name": "a"}, {"name": "b"}, {"name": "c", "missing": "mean"}]
    with pytest.raises(ConfigError, match="none of 'c' may be missing") as caught:
        load_problem(problem).check(model(features, problem, target=None))
    assert "remove `missing: mean`" in str(caught.value.hint)
