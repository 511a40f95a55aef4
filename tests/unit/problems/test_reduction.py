"""Reduction: components and neighbourhoods are those of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.preprocessing import StandardScaler

from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import load_problem, neighbours
from mltk.problems.pca import components
from mltk.project.spec import Model

WINE = load_wine().data.astype(np.float32)
STANDARD = StandardScaler().fit_transform(WINE.astype(np.float64))


def model(width: int = 3, **changes: Any) -> Model:
    content = {
        "problem": "reduction",
        "data": {"path": "t.csv"},
        "features": [{"name": f"x{i}"} for i in range(13)],
        "settings": {"width": width},
    }
    return Model.model_validate({**content, **changes})


def test_the_components_are_those_of_scikit_learn() -> None:
    found, theirs = components(WINE, 3), PCA(3).fit(STANDARD)
    assert np.abs(found.directions) == pytest.approx(np.abs(theirs.components_), abs=1e-6)
    assert found.rows(found.code(WINE)) == pytest.approx(
        theirs.inverse_transform(theirs.transform(STANDARD)) * found.scale + found.mean, rel=1e-5
    )
    assert found.code(WINE).std(axis=0) == pytest.approx(np.ones(3))


def test_a_direction_without_spread_has_a_code_of_zero() -> None:
    line = np.column_stack([np.arange(10.0), 2 * np.arange(10.0), np.arange(10.0) + 1])
    code = components(line, 2).code(line)
    assert code[:, 1] == pytest.approx(np.zeros(10), abs=1e-9)


def test_neighbours_are_kept_as_scikit_learn_counts_them() -> None:
    code = components(WINE, 2).code(WINE)
    ours = neighbours.kept(code, STANDARD).mean()
    assert ours == pytest.approx(trustworthiness(STANDARD, code, n_neighbors=10))
    assert neighbours.kept(STANDARD, code).mean() == pytest.approx(
        trustworthiness(code, STANDARD, n_neighbors=10)
    )
    assert (neighbours.kept(STANDARD, STANDARD) == 1).all()
    assert neighbours.kept(STANDARD[:2], STANDARD[:2]).tolist() == [1, 1]


def test_the_mean_explains_nothing_and_the_row_itself_everything() -> None:
    problem = load_problem("reduction")
    code = components(WINE, 3).code(WINE)
    mean = np.tile(WINE.mean(axis=0), (len(WINE), 1))
    nothing, everything = (
        problem.values(model(), WINE, {"code": code, "reconstruction": rows})
        for rows in (mean, WINE)
    )
    assert nothing["reconstruction_error"] == pytest.approx(1, rel=1e-4)
    assert everything["reconstruction_error"] == 0
    known = problem.baselines(model(), Rows(WINE, WINE, ()), WINE)
    assert set(known) == set(problem.baseline_names)
    explained = PCA(3).fit(STANDARD).explained_variance_ratio_.sum()
    pca = problem.values(model(), WINE, known["pca"])["reconstruction_error"]
    assert pca == pytest.approx(1 - explained, rel=1e-4)


def test_a_column_that_is_the_same_in_all_rows_at_hand_does_not_count() -> None:
    rows = np.column_stack([WINE[:, 0], np.full(len(WINE), 7.3, dtype=np.float32)])
    said = {"code": rows[:, :1], "reconstruction": rows + np.array([0, 1])}
    assert load_problem("reduction").values(model(), rows, said)["reconstruction_error"] == 0


def test_a_code_must_be_shorter_than_the_row() -> None:
    with pytest.raises(ConfigError, match="a code of 13 numbers for 13 features reduces nothing"):
        load_problem("reduction").check(model(13))


@pytest.mark.slow
def test_principal_components_as_a_network_need_no_training() -> None:
    from mltk.problems import backend
    from mltk.problems.training import fit

    spec = model(settings={"width": 3, "method": "pca"})
    rows = Rows(WINE, WINE, ())
    backend.prepare(0)
    network = load_problem("reduction").network(spec, rows)
    lines: list[str] = []
    done = fit(network, rows, rows, spec.training, seed=0, log=lines.append)
    assert (done.best_epoch, len(done.curves["loss"])) == (1, 1)
    assert lines[0].startswith("nothing to search for")
    codes = np.zeros((len(WINE), 3), dtype=np.float32)
    said = network.model({"features": WINE, "codes": codes})
    expected = components(WINE, 3)
    assert said["code"].numpy() == pytest.approx(expected.code(WINE), abs=1e-4)
    found = said["reconstruction"].numpy()
    assert found == pytest.approx(expected.rows(expected.code(WINE)), rel=1e-3, abs=1e-3)
    assert said["decoded"].numpy()[0] == pytest.approx(expected.mean, rel=1e-5)
