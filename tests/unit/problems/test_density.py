"""Densities: what they are worth is known where the truth is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.neighbors import KernelDensity

from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import gaussian, kde, load_problem
from mltk.project.load import parse
from mltk.project.spec import Model

RANDOM = np.random.default_rng(3)
keras_warns = pytest.mark.filterwarnings(
    # Keras 3 saves TensorFlow 2.19 variables in a way that numpy 2 means to change.
    "ignore:__array__ implementation:DeprecationWarning"
)


def model(width: int = 2, **changes: Any) -> Model:
    content = {
        "problem": "density",
        "data": {"path": "t.csv"},
        "features": [{"name": f"x{i}"} for i in range(width)],
        "network": {"hidden": [24], "activation": "tanh"},
        "training": {"epochs": 60, "learning_rate": 0.01, "patience": 20},
    }
    return Model.model_validate({**content, **changes})


def rings(count: int, seed: int) -> np.ndarray:
    """Two columns that no Gaussian describes, in units of their own."""
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, count)
    radius = 1 + 0.1 * random.standard_normal(count)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    return (ring * [100, 0.01] + [1000, 5]).astype(np.float32)


def as_rows(features: np.ndarray) -> Rows:
    return Rows(features, features, ())


def trained(spec: Model) -> Any:
    from mltk.problems import backend
    from mltk.problems.training import fit

    backend.prepare(spec.seed)
    train, validation = as_rows(rings(600, 1)), as_rows(rings(200, 2))
    network = load_problem("density").network(spec, train)
    fit(network, train, validation, spec.training, seed=spec.seed, log=lambda line: None)
    return network


def test_the_gaussian_is_that_of_scipy() -> None:
    known = RANDOM.multivariate_normal([1e4, 0], [[4, 1], [1, 0.5]], 200).astype(np.float32)
    wide = known.astype(np.float64)
    truth = multivariate_normal(wide.mean(axis=0), np.cov(wide.T, bias=True))
    assert gaussian.fit(known).log_density(known) == pytest.approx(truth.logpdf(wide), abs=1e-3)
    drawn = gaussian.fit(known).sample(20_000, seed=1)
    assert np.cov(drawn.T) == pytest.approx(np.cov(known.T), rel=0.05)


def test_the_kernel_density_is_that_of_scikit_learn_at_its_best_bandwidth() -> None:
    known, new = rings(150, 4), rings(50, 5)
    mean, scale = known.astype(float).mean(axis=0), known.astype(float).std(axis=0)
    left_out = [
        sum(
            KernelDensity(bandwidth=one)
            .fit(np.delete((known - mean) / scale, row, axis=0))
            .score_samples(((known - mean) / scale)[[row]])[0]
            for row in range(0, 150, 5)
        )
        for one in kde.BANDWIDTHS
    ]
    # On every fifth row the best may be a neighbour of the best on all of them.
    near = kde.BANDWIDTHS[max(0, int(np.argmax(left_out)) - 1) :][:3]
    ours = kde.log_density(known, new)
    theirs = [
        KernelDensity(bandwidth=one).fit((known - mean) / scale).score_samples((new - mean) / scale)
        - np.log(scale).sum()
        for one in near
    ]
    assert min(np.abs(ours - one).max() for one in theirs) < 1e-3


@keras_warns
@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["flow", "mixture"])
def test_a_density_is_one_beats_the_baselines_and_is_saved_whole(
    estimator: str, tmp_path: Path
) -> None:
    problem = load_problem("density")
    spec = model(settings={"estimator": estimator})
    network = trained(spec)
    first = np.linspace(1000 - 250, 1000 + 250, 300)
    second = np.linspace(5 - 0.025, 5 + 0.025, 300)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(network.model(grid)["log_density"].numpy().astype(float))
    # Each value in float32, as a client has it; a column of 5 has steps of 5e-7 there.
    assert density.sum() * (first[1] - first[0]) * (second[1] - second[0]) == pytest.approx(
        1, abs=0.02
    )
    new = rings(400, 6)
    said = {"log_density": network.model(new)["log_density"].numpy()}
    ours = problem.values(spec, new, said)["log_likelihood"]
    known = as_rows(np.concatenate([rings(600, 1), rings(200, 2)]))
    baselines = problem.baselines(spec, known, new)
    theirs = {name: problem.values(spec, new, one) for name, one in baselines.items()}
    assert ours > theirs["trivial"]["log_likelihood"] + 0.1
    assert theirs["kde"]["log_likelihood"] > theirs["trivial"]["log_likelihood"] + 0.1
    network.model.save(tmp_path / "m.keras")
    again = problem.load_model(tmp_path / "m.keras")(new)["log_density"].numpy()
    assert (again == said["log_density"]).all()


def test_bits_per_dimension_are_nats_per_column_in_another_unit() -> None:
    said = {"log_density": np.array([[-2.0], [-4.0]])}
    values = load_problem("density").values(model(), np.zeros((2, 3)), said)
    assert values == pytest.approx({"log_likelihood": -3, "bits_per_dimension": 1 / np.log(2)})


def test_the_threshold_is_the_stated_quantile_of_validation() -> None:
    spec = model(settings={"quantile": 0.1})
    scores = np.arange(101.0)[:, None]
    (found,) = load_problem("density").thresholds(spec, scores, {"log_density": scores})
    assert (found.output, found.side, found.value) == ("log_density", "below", 10)
    assert (found.rows, found.quantile) == (101, 0.1)


def test_what_a_density_cannot_learn_is_refused() -> None:
    problem = load_problem("density")
    with pytest.raises(ConfigError, match="learns from the features alone, and takes no target"):
        problem.check(model(target={"name": "y"}))
    with pytest.raises(ConfigError, match="takes numeric features, and 'c' is categorical"):
        features = [{"name": "x"}, {"name": "c", "type": "categorical", "values": ["a", "b"]}]
        problem.check(model(features=features))
    with pytest.raises(ConfigError, match="a flow couples columns") as caught:
        problem.check(model(1, settings={"estimator": "flow"}))
    assert "estimator: mixture" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="regression needs a target"):
        load_problem("regression").check(model(problem="regression"))


FILE = """
project: p
models:
  m:
    problem: density
    data: {path: t.csv}
    features: [{name: a}, {name: b}]
    settings:
      SETTING
    gate: {baseline: BASELINE}
"""


@pytest.mark.parametrize(
    ("setting", "baseline", "where", "what"),
    [
        ("quantil: 0.1", "kde", "mltk.yaml:9", "unknown key 'quantil' in models.m.settings"),
        ("quantile: 2", "kde", "mltk.yaml:9", "models.m.settings.quantile: must be less than 0.5"),
        ("quantile: 0.1", "kd", "mltk.yaml:5", "density has no baseline 'kd'; did you mean 'kde'?"),
    ],
)
def test_settings_are_checked_with_the_file(
    setting: str, baseline: str, where: str, what: str
) -> None:
    text = FILE.replace("SETTING", setting).replace("BASELINE", baseline)
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.where == where
    assert what in caught.value.what
    fine = FILE.replace("SETTING", "quantile: 0.1").replace("BASELINE", "kde")
    assert parse(fine).models["m"].settings == {"quantile": 0.1}
