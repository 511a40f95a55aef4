"""Drawn rows: measured so that the truth scores best, whatever its noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.gate.paired import pair
from mltk.gate.significance import examine
from mltk.problems import load_problem, twosample
from mltk.project.spec import Model

GENERATIVE = load_problem("generative")


def moons(count: int, seed: int) -> np.ndarray:
    """Two columns of which no Gaussian draws the like, in units of their own."""
    random = np.random.default_rng(seed)
    angle = random.uniform(0, np.pi, count)
    side = random.integers(0, 2, count) * 2 - 1
    rows = np.column_stack([side * np.cos(angle), side * np.sin(angle)])
    return ((rows + 0.1 * random.standard_normal((count, 2))) * [1, 50] + 7).astype(np.float32)


def model(**changes: Any) -> Model:
    content = {
        "problem": "generative",
        "data": {"path": "t.csv"},
        "features": [{"name": "a"}, {"name": "b"}],
    }
    return Model.model_validate({**content, **changes})


def values(drawn: np.ndarray, real: np.ndarray) -> dict[str, float]:
    return GENERATIVE.values(model(), real, {"sample": drawn})


def test_the_discrepancy_is_the_mean_over_pairs() -> None:
    real, drawn = moons(12, 1), moons(12, 2) + np.array([1, 0])
    standard, ours = ((part - real.mean(0)) / real.std(0) for part in (real, drawn))

    def squared(one: np.ndarray, other: np.ndarray) -> float:
        return float(((one - other) ** 2).sum())

    pairs = [(i, j) for i in range(12) for j in range(12)]
    median = np.median([squared(standard[i], standard[j]) for i, j in pairs if i < j])

    def kernel(one: np.ndarray, other: np.ndarray) -> float:
        widths = (0.25, 0.5, 1, 2, 4)
        return float(np.mean([np.exp(-squared(one, other) / median / 2 / w**2) for w in widths]))

    inside = [kernel(rows[i], rows[j]) for rows in (standard, ours) for i, j in pairs if i != j]
    across = [kernel(standard[i], ours[j]) for i, j in pairs]
    expected = 2 * np.mean(inside) - 2 * np.mean(across)
    assert values(drawn, real)["mmd2"] == pytest.approx(expected, rel=1e-4)


def test_rows_are_told_apart_as_by_their_nearest_neighbour() -> None:
    real, drawn = moons(40, 1), moons(40, 2) * np.array([1, 1.2])
    both = np.concatenate([real, drawn])
    both = (both - real.mean(0)) / real.std(0)
    kinds = np.arange(80) < 40
    scores = cross_val_score(KNeighborsClassifier(1), both, kinds, cv=LeaveOneOut())
    assert values(drawn, real)["told_apart"] == pytest.approx(scores.mean())


def test_the_truth_scores_best_and_its_discrepancy_is_about_nothing() -> None:
    real = moons(400, 1)
    truth = [values(moons(400, seed), real) for seed in range(2, 12)]
    assert np.mean([one["mmd2"] for one in truth]) == pytest.approx(0, abs=2e-3)
    assert np.mean([one["told_apart"] for one in truth]) == pytest.approx(0.5, abs=0.02)
    gaussians = GENERATIVE.baselines(model(), Rows(real, real, ()), real)
    assert set(gaussians) == set(GENERATIVE.baseline_names)
    for said in gaussians.values():
        assert values(said["sample"], real)["mmd2"] > 4 * max(abs(one["mmd2"]) for one in truth)


def test_copies_of_the_rows_are_found_out() -> None:
    real = moons(100, 1)
    assert values(real + np.float32(1e-4), real)["told_apart"] < 0.05


def test_the_interval_is_about_the_value() -> None:
    real = moons(200, 1)
    said = GENERATIVE.baselines(model(), Rows(real, real, ()), real)["trivial"]
    metric, _ = GENERATIVE.metrics(model(seed=1), real, said)
    assert 0 < metric.low < metric.value < metric.high
    better = {"sample": moons(200, 5)}
    (measure, _) = GENERATIVE.measures(model(), said)
    found = examine(pair(measure, real, better, said), "auto", 0, 0.05)
    assert found.low is not None and found.low > 0
    assert found.p_value < 0.05


def test_drawn_rows_have_no_slices() -> None:
    gate = {"slices": [{"by": "a", "at": [0], "block_when_worse": True}]}
    with pytest.raises(ConfigError, match="not on slices of them"):
        GENERATIVE.check(model(gate=gate))


def test_only_some_rows_are_looked_at_where_there_are_many() -> None:
    real, drawn = moons(1500, 1), moons(1500, 2)
    most = twosample.MOST_ROWS
    assert values(drawn, real) == values(drawn[:most], real[:most])


def test_noise_is_as_wide_as_the_model_asks_and_the_same_for_a_seed() -> None:
    real = moons(50, 1)
    asked = GENERATIVE.inputs({"noise": 5}, real, seed=3)
    assert set(asked) == {"noise"} and asked["noise"].shape == (50, 5)
    assert asked["noise"].dtype == np.float32
    assert (asked["noise"] == GENERATIVE.inputs({"noise": 5}, real, seed=3)["noise"]).all()
    assert (asked["noise"] != GENERATIVE.inputs({"noise": 5}, real, seed=4)["noise"]).any()


@pytest.mark.slow
def test_an_autoencoder_draws_what_no_gaussian_does() -> None:
    from mltk.problems import backend
    from mltk.problems.training import fit

    rows = load_breast_cancer().data.astype(np.float32)
    spec = model(
        features=[{"name": f"x{i}"} for i in range(30)],
        network={"hidden": [128, 64], "l2": 1e-4},
        training={"epochs": 120, "learning_rate": 0.002},
    )
    train, validation = (Rows(part, part, ()) for part in (rows[:350], rows[350:430]))
    backend.prepare(0)
    network = GENERATIVE.network(spec, train)
    fit(network, train, validation, spec.training, seed=0, log=lambda line: None)
    real = rows[430:]
    noise = GENERATIVE.inputs({"noise": 8 + 30}, real, seed=0)["noise"]
    ours = values(network.model(noise)["sample"].numpy(), real)["mmd2"]
    gaussians = GENERATIVE.baselines(spec, train, real)
    theirs = {name: values(one["sample"], real)["mmd2"] for name, one in gaussians.items()}
    assert ours < theirs["gaussian"] < theirs["trivial"]


@pytest.mark.slow
def test_a_diffusion_draws_what_an_autoencoder_smears() -> None:
    from mltk.problems import backend
    from mltk.problems.training import fit

    train, validation = (Rows(part, part, ()) for part in (moons(600, 1), moons(200, 2)))
    real, found = moons(400, 3), dict[str, dict[str, float]]()
    for generator, width in (("vae", 8 + 2), ("diffusion", 2)):
        spec = model(
            network={"hidden": [128, 128]},
            training={"epochs": 100, "batch_size": 64, "patience": 0},
            settings={"generator": generator},
        )
        backend.prepare(0)
        network = GENERATIVE.network(spec, train)
        fit(network, train, validation, spec.training, seed=0, log=lambda line: None)
        noise = GENERATIVE.inputs({"noise": width}, real, seed=0)["noise"]
        found[generator] = values(network.model(noise)["sample"].numpy(), real)
    assert found["diffusion"]["mmd2"] < found["vae"]["mmd2"] / 2
    assert found["diffusion"]["told_apart"] < 0.6 < found["vae"]["told_apart"]
