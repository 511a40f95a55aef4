from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression

from mltk.problems.linear import Design, least_squares, logistic, moments
from mltk.project.spec import Categorical, Numeric


def standardised(features: np.ndarray) -> np.ndarray:
    names = [Numeric(name=f"x{i}") for i in range(features.shape[1])]
    return Design.of(features, names).matrix(features)


def test_least_squares_is_that_of_scikit_learn() -> None:
    features, target = load_diabetes(return_X_y=True)
    design = standardised(features)
    expected = LinearRegression().fit(design[:300], target[:300]).predict(design[300:])
    assert least_squares(design[:300], target[:300], design[300:]) == pytest.approx(expected)


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_digits])
def test_logistic_regression_is_that_of_scikit_learn(load) -> None:
    features, target = load(return_X_y=True)
    design = standardised(features)
    train = np.arange(len(target)) % 3 > 0
    count = len(set(target))
    # Two classes are one score there, and two scores with half the penalty each here.
    model = LogisticRegression(C=2 if count == 2 else 1, tol=1e-8, max_iter=5000)
    model.fit(design[train], target[train])
    ours = logistic(design[train], target[train], count, design[~train])
    assert np.abs(ours - model.predict_proba(design[~train])).max() < 2e-4
    assert (ours.argmax(axis=1) == target[~train]).mean() > 0.95


def test_design_gives_categories_columns_but_the_first_value() -> None:
    features = (
        Numeric(name="x"),
        Categorical(name="c", type="categorical", values=("a", "b", "c")),
    )
    rows = np.array([[1, 0], [3, 1], [5, 2]], dtype=np.float32)
    matrix = Design.of(rows, features).matrix(rows)
    assert matrix[:, 0] == pytest.approx([-1.2247449, 0, 1.2247449])
    assert matrix[:, 1:].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_a_constant_column_has_scale_one() -> None:
    assert moments(np.full((9, 1), 0.1, dtype=np.float32))[1].tolist() == [1.0]
