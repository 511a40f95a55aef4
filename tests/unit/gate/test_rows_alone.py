"""Kinds without a target meet a champion by the same rules: only better models win often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mltk.data.arrays import Array, Outputs
from mltk.gate.contest import of_all, of_slices
from mltk.gate.paired import Pair, pair
from mltk.gate.significance import examine, named, p_value
from mltk.problems import load_problem
from mltk.problems.measures import Measure
from mltk.project.gating import Contest, Gate
from mltk.project.spec import Model

ALPHA = 0.05
MIXING = np.random.default_rng(1).normal(size=(2, 6))
UNMIXING = np.linalg.pinv(MIXING)


def _measure(kind: str, name: str) -> Measure:
    spec = {"problem": kind, "data": {"path": "t.csv"}, "features": [{"name": "x"}]}
    known = load_problem(kind).measures(Model.model_validate(spec), {})
    (found,) = (each for each in known if each.name == name)
    return found


def _rows(count: int, random: np.random.Generator) -> Array:
    hidden = random.normal(size=(count, 2))
    return (hidden @ MIXING + 0.3 * random.normal(size=(count, 6))).astype(np.float32)


def _reduced(real: Array, noise: float, random: np.random.Generator) -> Outputs:
    return {
        "code": real @ UNMIXING + noise * random.normal(size=(len(real), 2)),
        "reconstruction": real + noise * random.normal(size=real.shape),
    }


def _drawn(real: Array, noise: float, random: np.random.Generator) -> Outputs:
    other = _rows(len(real), random)
    return {"sample": (other + noise * random.normal(size=real.shape)).astype(np.float32)}


def _dense(real: Array, noise: float, random: np.random.Generator) -> Outputs:
    likely = -0.5 * (real.astype(float) ** 2).sum(axis=1)
    return {"log_density": (likely - noise * random.standard_exponential(len(real)))[:, None]}


MODELS = {"density": _dense, "reduction": _reduced, "generative": _drawn}
METRICS = [
    ("density", "log_likelihood"),
    ("density", "bits_per_dimension"),
    ("reduction", "reconstruction_error"),
    ("reduction", "trustworthiness"),
    ("reduction", "continuity"),
    ("generative", "mmd2"),
    ("generative", "told_apart"),
]


def _pair(kind: str, name: str, rows: int, noises: tuple[float, float], seed: list[int]) -> Pair:
    random = np.random.default_rng(seed)
    real = _rows(rows, random)
    ours, theirs = (MODELS[kind](real, noise, random) for noise in noises)
    return pair(_measure(kind, name), real, ours, theirs)


@pytest.mark.parametrize(("kind", "name"), METRICS)
def test_equal_models_are_promoted_no_more_often_than_promised(kind: str, name: str) -> None:
    trials = 200
    promoted = 0
    for index in range(trials):
        of = _pair(kind, name, 60, (0.4, 0.4), [7, index])
        promoted += p_value(of, named(of, "auto"), 0.0) <= ALPHA
    assert promoted <= int(stats.binom.ppf(1 - 1e-4, trials, ALPHA))


@pytest.mark.parametrize(("kind", "name"), METRICS)
def test_a_model_that_is_clearly_better_takes_the_place(kind: str, name: str) -> None:
    trial = of_all(_pair(kind, name, 200, (0.05, 2.0), [1]), Gate(), 1)
    assert trial.passed, trial.reason
    assert trial.test == "t"
    assert trial.low is not None and 0 < trial.low < (trial.improvement or 0)
    worse = of_all(_pair(kind, name, 200, (2.0, 0.05), [1]), Gate(), 1)
    assert not worse.passed


@pytest.mark.parametrize(("kind", "name"), METRICS)
def test_a_model_does_not_improve_on_itself(kind: str, name: str) -> None:
    random = np.random.default_rng(3)
    real = _rows(70, random)
    said = MODELS[kind](real, 0.4, random)
    of = pair(_measure(kind, name), real, said, said)
    assert examine(of, "auto", 0.0, ALPHA).p_value >= 0.5


@pytest.mark.parametrize(("kind", "name"), METRICS)
def test_what_the_rows_say_has_the_improvement_as_its_mean(kind: str, name: str) -> None:
    of = _pair(kind, name, 90, (0.2, 0.6), [5])
    if name != "mmd2":  # of which the jackknife takes the bias away
        assert of.against(0.0).mean() == pytest.approx(of.improvement)
    assert of.mirrored().against(0.1).mean() == pytest.approx(-of.against(-0.1).mean())


@pytest.mark.parametrize("name", ["trustworthiness", "continuity"])
def test_neighbours_cannot_be_drawn_twice(name: str) -> None:
    of = _pair("reduction", name, 60, (0.2, 0.6), [5])
    with pytest.raises(ValueError, match=f"{name} is of the neighbours of rows"):
        examine(of, "bootstrap", 0.0, ALPHA)
    assert examine(of.mirrored(), "auto", 0.0, ALPHA).p_value > 0.5


@pytest.mark.parametrize(("kind", "name"), METRICS[:5])
def test_a_slice_of_a_row_or_two_is_told_and_not_judged(kind: str, name: str) -> None:
    pairs = [(f"{n}", _pair(kind, name, n, (0.2, 0.6), [n]), 30) for n in (1, 2)]
    one, two = of_slices(pairs, Contest())
    assert one.passed and two.passed
    assert two.reason == "2: not judged, 2 rows, of 30 that it needs"
