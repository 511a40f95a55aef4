"""What a regression may say of a number: quantiles, distributions, counts, positive quantities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import linear_model, metrics

from mltk.data.arrays import Array
from mltk.data.rows import Rows, Table
from mltk.errors import ConfigError, StepError
from mltk.problems import conformal, glm, load_problem
from mltk.project.load import parse
from mltk.project.spec import Model

REGRESSION = load_problem("regression")
HEADS = ("mean", "quantile", "gaussian", "poisson", "gamma")
FIVE = [0.05, 0.25, 0.5, 0.75, 0.95]


def model(head: str = "mean", **settings: Any) -> Model:
    return Model.model_validate(
        {
            "problem": "regression",
            "data": {"path": "t.csv"},
            "target": {"name": "y", "unit": "kg"},
            "features": [{"name": "x"}, {"name": "z"}],
            "settings": {"head": head, **settings},
            "network": {"hidden": []},
            "training": {"epochs": 60, "learning_rate": 0.05, "patience": 0},
        }
    )


def rows(head: str, count: int, seed: int = 1) -> Rows:
    """What is expected rises with x, and how far it varies with it."""
    random = np.random.default_rng(seed)
    features = random.uniform(-1, 1, (count, 2)).astype(np.float32)
    expected = np.exp(1 + features[:, 0])
    if head == "poisson":
        return Rows(features, random.poisson(expected).astype(float), ())
    if head == "gamma":
        return Rows(features, random.gamma(4, expected / 4), ())
    return Rows(features, 100 + expected * (1 + random.normal(size=count)), ())


def table(target: list[float]) -> Table:
    features = np.arange(2 * len(target), dtype=np.float32).reshape(-1, 2)
    lines = np.arange(2, len(target) + 2)
    return Table(("x", "z"), features, np.array(target), (), lines)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("{head: median}", "must be 'mean', 'quantile', 'gaussian', 'poisson' or 'gamma'"),
        ("{quantiles: [0.1, 0.5, 0.9]}", "quantiles is for head: quantile, not for mean"),
        (
            "{head: quantile, coverage: 0.8}",
            "coverage is for head: gaussian or poisson or gamma, not for quantile",
        ),
        ("{head: quantile, quantiles: [0.1, 0.9]}", "must be 0.5 with pairs about it"),
        ("{head: quantile, quantiles: [0.1, 0.5, 0.8]}", "must be 0.5 with pairs about it"),
        ("{head: quantile, quantiles: [0.9, 0.5, 0.1]}", "quantiles must rise"),
        ("{head: quantile, quantiles: [0, 0.5, 1]}", "quantiles lie between 0 and 1"),
        ("{head: gaussian, coverage: 1}", "must be less than 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused_at_their_line(
    settings: str, complaint: str
) -> None:
    lines = ["project: p", "models:", "  m:", "    problem: regression"]
    lines += ["    data: {path: t.csv}", "    target: {name: y}", "    features: [{name: x}]"]
    with pytest.raises(ConfigError) as caught:
        parse("\n".join([*lines, f"    settings: {settings}"]))
    assert complaint in caught.value.what
    assert caught.value.where == "mltk.yaml:8"


@pytest.mark.parametrize(
    ("head", "target", "found"),
    [
        ("poisson", [0, 2, 1.5, 3, -1], [(4, "1.5 is refused: head: poisson learns counts")]),
        ("gamma", [1, 0, 2, 3], [(3, "0 is refused: head: gamma learns quantities above 0")]),
        ("mean", [-1, 0, 0.5], []),
    ],
)
def test_a_target_that_a_head_cannot_learn_is_named_by_line(
    head: str, target: list[float], found: list[tuple[int, str]]
) -> None:
    findings = REGRESSION.examine(model(head), table(target))
    assert all(each.column == "y" for each in findings)
    for (line, words), finding in zip(found, findings, strict=False):
        assert (finding.line, finding.message.startswith(words)) == (line, True)
    assert bool(findings) == bool(found)


@pytest.mark.parametrize("head", HEADS)
def test_baselines_have_every_metric_and_a_line_is_better_than_nothing(head: str) -> None:
    known, new = rows(head, 400), rows(head, 400, seed=2)
    said = REGRESSION.baselines(model(head), known, new.features)
    names = {each.name for each in REGRESSION.outputs(model(head), ())}
    assert set(said) == set(REGRESSION.baseline_names)
    assert all(set(outputs) == names for outputs in said.values())
    trivial, linear = (
        REGRESSION.metrics(model(head), new.target, said[each]) for each in ("trivial", "linear")
    )
    sign = 1 if linear[0].greater_is_better else -1
    assert sign * linear[0].value > sign * trivial[0].value
    assert all(each.low <= each.value <= each.high for each in linear)


def values(head: str, outputs: dict[str, Array], y_true: Array, **settings: Any) -> dict[str, Any]:
    return REGRESSION.values(model(head, **settings), y_true, outputs)


def test_metrics_are_those_of_scikit_learn_and_scipy() -> None:
    random = np.random.default_rng(3)
    truth = random.poisson(3.0, 90) + 1.0
    said = random.uniform(1, 5, (90, 1))
    interval = {"prediction": said, "lower": said - 1, "upper": said + 1}
    counts, amounts = (values(head, interval, truth) for head in ("poisson", "gamma"))
    wanted = metrics.mean_poisson_deviance(truth, said[:, 0])
    assert counts["poisson_deviance"] == pytest.approx(wanted)
    wanted = metrics.mean_gamma_deviance(truth, said[:, 0])
    assert amounts["gamma_deviance"] == pytest.approx(wanted)
    wanted = metrics.mean_absolute_percentage_error(truth, said[:, 0])
    assert amounts["mape"] == pytest.approx(wanted)
    quantiles = said + np.array([-1, -0.5, 0, 0.5, 1])
    found = values("quantile", {**interval, "quantiles": quantiles}, truth, quantiles=FIVE)
    wanted = np.mean(
        [
            metrics.mean_pinball_loss(truth, quantiles[:, index], alpha=level)
            for index, level in enumerate(FIVE)
        ]
    )
    assert found["pinball"] == pytest.approx(wanted)
    assert found["coverage"] == np.mean(np.abs(truth - said[:, 0]) <= 1)
    assert found["width"] == pytest.approx(2)


def test_a_normal_distribution_is_scored_by_likelihood_and_crps() -> None:
    random = np.random.default_rng(4)
    truth, mean, deviation = random.normal(size=(3, 50))
    spread = np.abs(deviation) + 0.1
    ends = {"lower": mean[:, None] - 1, "upper": mean[:, None] + 1}
    outputs = {"prediction": mean[:, None], "deviation": spread[:, None], **ends}
    found = values("gaussian", outputs, truth)
    assert found["log_likelihood"] == pytest.approx(stats.norm(mean, spread).logpdf(truth).mean())
    # E|X - y| - E|X - X'| / 2, by many draws.
    drawn = mean + spread * random.normal(size=(40_000, 50))
    by_draws = np.abs(drawn - truth).mean(0) - np.abs(drawn - drawn[::-1]).mean(0) / 2
    assert found["crps"] == pytest.approx(by_draws.mean(), rel=0.01)


@pytest.mark.parametrize(
    ("family", "theirs"),
    [("poisson", linear_model.PoissonRegressor), ("gamma", linear_model.GammaRegressor)],
)
def test_models_with_a_log_link_are_those_of_scikit_learn(family: Any, theirs: Any) -> None:
    known = rows(family, 300)
    design, new = (part.astype(float) for part in (known.features, rows(family, 50, 2).features))
    expected = theirs(alpha=0, tol=1e-10, max_iter=2000).fit(design, known.target)
    found = glm.log_linear(design, known.target, new, family)
    assert found == pytest.approx(expected.predict(new), rel=1e-4)


def test_a_log_link_without_any_count_or_with_collinear_columns_is_no_error() -> None:
    design = np.column_stack([np.arange(8.0), 2 * np.arange(8.0)])
    assert glm.log_linear(design, np.zeros(8), design[:2], "poisson").tolist() == [0, 0]
    counts = np.array([0, 0, 0, 0, 1, 2, 4, 9.0])
    assert np.isfinite(glm.log_linear(design, counts, 100 * design, "poisson")).all()


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.sampled_from([0.5, 0.8, 0.9]))
def test_a_factor_covers_what_it_promises_of_its_own_rows(
    scores: list[float], coverage: float
) -> None:
    found = conformal.factor(np.array(scores), coverage)
    within = np.mean(np.array(scores) <= found.value)
    assert within >= coverage or found.rows < found.needed
    assert ("that" in conformal.words(found)) == (found.rows < found.needed)


def test_of_new_rows_a_factor_covers_the_promised_share_on_average() -> None:
    draws = np.random.default_rng(5).exponential(size=(4000, 29))
    factors = [conformal.factor(each, 0.9).value for each in draws]
    held = 1 - np.exp(-np.array(factors))
    assert held.mean() == pytest.approx(0.9, abs=0.005)  # 27 of 30: exact
    assert conformal.factor(draws[0, :8], 0.9).needed == 9


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_factor_is_a_number_or_refused(odd: float) -> None:
    scores = np.append(np.arange(99.0), odd)
    assert conformal.factor(scores, 0.9).value == 90
    with pytest.raises(StepError, match="for 1 of 100 the network says no finite number"):
        conformal.factor(scores, 0.995)


def network(head: str, train: Rows, **settings: Any) -> Any:
    from mltk.problems import backend

    backend.prepare(0)
    return REGRESSION.network(model(head, **settings), train)


def said(built: Any, features: Array) -> dict[str, Array]:
    return {name: each.numpy() for name, each in built.model(features).items()}


def fitted(head: str, **settings: Any) -> tuple[Any, list[str]]:
    from mltk.problems.training import fit

    built, lines = network(head, rows(head, 400), **settings), []
    spec = model(head, **settings)
    fit(built, rows(head, 400), rows(head, 300, 2), spec.training, seed=0, log=lines.append)
    return built, lines


@pytest.mark.slow
@pytest.mark.parametrize("head", ["quantile", "gaussian", "poisson", "gamma"])
def test_intervals_hold_what_they_promise_even_of_a_network_that_learnt_nothing(head: str) -> None:
    settings = {"quantiles": FIVE} if head == "quantile" else {}
    built = network(head, rows(head, 400), **settings)
    unseen = rows(head, 3000, seed=2)
    assert built.settle is not None
    words = built.settle(built.scores(unseen.features).numpy(), unseen.target)
    assert "intervals of 90 % times " in words
    new = rows(head, 5000, seed=3)
    outputs = said(built, new.features)
    found = REGRESSION.values(model(head, **settings), new.target, outputs)
    assert found["coverage"] == pytest.approx(0.9, abs=0.025)
    assert (outputs["lower"] <= outputs["prediction"]).all()
    assert (outputs["prediction"] <= outputs["upper"]).all()
    if head == "quantile":
        assert (np.diff(outputs["quantiles"], axis=1) >= 0).all()
        inner = outputs["quantiles"][:, [1, 3]]
        held = (inner[:, 0] <= new.target) & (new.target <= inner[:, 1])
        assert held.mean() == pytest.approx(0.5, abs=0.05)
    elif head == "gaussian":
        errors = (new.target - outputs["prediction"][:, 0]) / outputs["deviation"][:, 0]
        assert np.mean(errors**2) == pytest.approx(1, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["poisson", "gamma"])
def test_scores_far_out_are_settled_with_numbers(head: str) -> None:
    from mltk.problems.backend import keras
    from mltk.problems.heads import Scale
    from mltk.problems.heads.loglink import GammaHead, PoissonHead

    scores = keras.Input((1,))
    part = {"poisson": PoissonHead, "gamma": GammaHead}[head](0.9).part(scores, Scale(0, 3))
    far = np.array([[-800.0], [-800.0], [800.0], [0.0]], dtype=np.float32)
    trained = keras.Model(scores, part.trained)(far).numpy()
    assert part.settle is not None
    words = part.settle(trained, np.array([1.0 if head == "gamma" else 0.0, 1, 2, 3]))
    assert words.startswith("intervals of 90 % times ")
    outputs = keras.Model(scores, part.outputs)(far)
    assert np.isfinite(outputs["prediction"].numpy()).all()


@pytest.mark.slow
def test_quantiles_are_in_order_whatever_the_network_says_and_was_settled() -> None:
    from mltk.problems.backend import keras
    from mltk.problems.heads import Scale
    from mltk.problems.heads.quantile import QuantileHead

    scores = keras.Input((5,))
    part = QuantileHead(tuple(FIVE), calibrate=True).part(scores, Scale(100, 3))
    whole = keras.Model(scores, part.outputs["quantiles"])
    random = np.random.default_rng(9)
    for size in (0.1, 10, 1e4):
        whole.get_layer("intervals").times(random.exponential(size=2))
        said = whole(size * random.normal(size=(500, 5)).astype(np.float32)).numpy()
        assert (np.diff(said, axis=1) >= 0).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_quantiles_are_about_those_of_scikit_learn_and_never_cross(tmp_path: Path) -> None:
    built, lines = fitted("quantile")
    assert lines[-1].startswith("intervals of 90 % times ")
    new = rows("quantile", 2000, seed=3)
    outputs = said(built, new.features)
    known = rows("quantile", 400)
    theirs = [
        linear_model.QuantileRegressor(quantile=level, alpha=0)
        .fit(known.features, known.target)
        .predict(new.features)
        for level in (0.05, 0.5, 0.95)
    ]
    losses = [
        values("quantile", {**outputs, "quantiles": each}, new.target)["pinball"]
        for each in (outputs["quantiles"], np.stack(theirs, axis=1))
    ]
    assert losses[0] < 1.03 * losses[1]
    far = said(built, 1000 * new.features)["quantiles"]
    assert (np.diff(far, axis=1) >= 0).all()
    built.model.save(tmp_path / "m.keras")
    again = REGRESSION.load_model(tmp_path / "m.keras")(new.features)
    assert (again["upper"].numpy() == outputs["upper"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["gaussian", "poisson", "gamma"])
def test_a_head_learns_what_its_generalised_linear_model_does(head: str) -> None:
    built, _ = fitted(head)
    new, known = rows(head, 2000, seed=3), rows(head, 400)
    ours = REGRESSION.values(model(head), new.target, said(built, new.features))
    line = REGRESSION.baselines(model(head), known, new.features)["linear"]
    theirs = REGRESSION.values(model(head), new.target, line)
    primary = next(iter(ours))
    if head == "gaussian":
        assert ours[primary] > theirs[primary]  # it learns that the deviation rises
    else:
        assert ours[primary] < 1.03 * theirs[primary]
    assert np.isfinite(list(said(built, 1000 * new.features).values())).all()
