"""Several labels of two values each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from mltk.data.arrays import Array
from mltk.data.rows import Rows
from mltk.data.split import split_table
from mltk.data.table import read_table
from mltk.errors import ConfigError, DataError, UsageError
from mltk.gate.paired import pair
from mltk.problems import calibration, load_problem
from mltk.project.load import parse
from mltk.project.scaffold import init
from mltk.project.spec import Model, Split

MULTILABEL = load_problem("multilabel")
RANDOM = np.random.default_rng(6)
TRUTH = (RANDOM.random((80, 3)) < [0.5, 0.3, 0.2]).astype(np.int64)
CHANCES = np.clip(0.3 * TRUTH + RANDOM.uniform(0.05, 0.6, (80, 3)), 0, 1)
CUTS = np.array([0.5, 0.4, 0.35])
SAID = {"probabilities": CHANCES, "thresholds": np.tile(CUTS, (80, 1))}


def model(**changes: Any) -> Model:
    told = {"problem": "multilabel", "data": {"path": "t.csv"}, "features": [{"name": "x"}]}
    targets = [{"name": "wet"}, {"name": "cold", "values": ["no", "yes"]}, {"name": "in dust"}]
    return Model.model_validate({**told, "targets": targets, **changes})


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["problem: multilabel", "target: {name: a}"], "the model has one target; write `targets:"),
        (["problem: multilabel"], "multilabel needs a target"),
        (["problem: multilabel", "targets: [{name: a, values: [x, y, z]}]"], "and has x, y, z"),
        (["problem: multilabel", "targets: [{name: a, values: [x, x]}]"], "and has x, x"),
        (["problem: multilabel", "targets: [{name: a b}, {name: a-b}]"], "would be called 'a_b'"),
        (["problem: classification", "targets: [{name: a}]"], "problem: multilabel learns several"),
        (
            ["problem: multilabel", "targets: [{name: a}]", "settings: {threshold: best}"],
            "must be 'none', 'balanced_accuracy' or 'f1'",
        ),
    ],
)
def test_what_are_no_labels_is_refused(lines: list[str], complaint: str) -> None:
    head = ["project: p", "models:", "  m:", "    data: {path: t.csv}", "    features: [{name: x}]"]
    with pytest.raises(ConfigError) as caught:
        parse("\n".join([*head, *(f"    {line}" for line in lines)]))
    assert complaint in caught.value.what


def test_a_project_of_labels_is_not_made_of_one_column(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multilabel learns several columns"):
        init(tmp_path / "new", tmp_path / "t.csv", "wet", problem="multilabel")


def test_metrics_are_those_of_scikit_learn() -> None:
    found = MULTILABEL.values(model(), TRUTH, SAID)
    said = CHANCES >= CUTS
    assert list(found)[:6] == ["log_loss", "macro_f1", "macro_auc", "exact_match", "brier", "ece"]
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(TRUTH, said, average="macro"))
    assert found["macro_auc"] == pytest.approx(metrics.roc_auc_score(TRUTH, CHANCES))
    assert found["exact_match"] == pytest.approx(metrics.accuracy_score(TRUTH, said))
    each = [metrics.log_loss(TRUTH[:, at], CHANCES[:, at]) for at in range(3)]
    assert found["log_loss"] == pytest.approx(np.mean(each))
    assert found["in_dust.log_loss"] == pytest.approx(each[2])
    assert found["in_dust.f1"] == pytest.approx(metrics.f1_score(TRUTH[:, 2], said[:, 2]))
    assert found["cold.auc"] == pytest.approx(metrics.roc_auc_score(TRUTH[:, 1], CHANCES[:, 1]))
    brier = [metrics.brier_score_loss(TRUTH[:, at], CHANCES[:, at]) for at in range(3)]
    assert found["brier"] == pytest.approx(np.mean(brier))


def test_weights_are_repeated_rows_and_labels_without_rows_are_no_error() -> None:
    weights = RANDOM.integers(0, 3, (1, 80)).astype(float)
    rows = np.repeat(np.arange(80), weights[0].astype(int))
    cut = {name: array[rows] for name, array in SAID.items()}
    for measure in MULTILABEL.measures(model(), SAID):
        repeated = measure.value(TRUTH[rows], cut)
        # Its bins are those of the rows at hand.
        near = 0.1 if measure.name == "ece" else 1e-9
        assert measure.compute(TRUTH, SAID, weights)[0] == pytest.approx(repeated, abs=near)
    nothing = MULTILABEL.values(model(), 0 * TRUTH, {**SAID, "probabilities": 0 * CHANCES})
    assert nothing["macro_f1"] == 0 and np.isnan(nothing["macro_auc"])


def test_a_champion_is_met_row_by_row() -> None:
    measures = {each.name: each for each in MULTILABEL.measures(model(), SAID)}
    worse = {**SAID, "probabilities": np.full_like(CHANCES, 0.95)}
    for name in ("log_loss", "macro_f1", "exact_match"):
        assert pair(measures[name], TRUTH, SAID, worse).improvement > 0
    assert pair(measures["exact_match"], TRUTH, SAID, worse).right is not None


def test_platt_scaling_finds_slope_and_shift_and_never_turns_the_order_round() -> None:
    scores = RANDOM.normal(size=20_000)
    truth = (RANDOM.random(20_000) < 1 / (1 + np.exp(-(0.5 * scores - 1)))).astype(np.int64)
    assert calibration.platt(scores, truth) == pytest.approx((0.5, -1), abs=0.06)
    plain = LogisticRegression(C=1e9).fit(scores[:, None], truth)
    expected = (plain.coef_[0, 0], plain.intercept_[0])
    assert calibration.platt(scores, truth) == pytest.approx(expected, abs=1e-3)
    slope, shift = calibration.platt(-scores, truth)
    assert slope == 1 and np.isfinite(shift)
    separated = calibration.platt(np.array([-2.0, -1, 1, 2]), np.array([0, 0, 1, 1]))
    assert np.isfinite(separated).all() and separated[0] > 0


def table(folder: Path, *rows: str, spec: Model | None = None) -> Any:
    (folder / "t.csv").write_text("\n".join(["x,wet,cold,in dust", *rows]) + "\n")
    return read_table(folder / "t.csv", spec or model(), "labels")


def good(count: int = 40) -> list[str]:
    return [
        f"{i * i % 41},{i % 2},{('no', 'yes')[i % 3 == 0]},{('false', 'true')[i % 9 == 0]}"
        for i in range(count)
    ]


def test_labels_are_read_and_every_part_of_the_split_has_both_values(tmp_path: Path) -> None:
    found, report = table(tmp_path, *good())
    assert found.target[:4].tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert report.labels == {"wet": ("0", "1"), "cold": ("no", "yes"), "in dust": ("false", "true")}
    for seed in range(5):
        splits = split_table(found, Split(), seed)
        for part in (splits.train, splits.validation, splits.holdout):
            shares = found.target[list(part)].mean(axis=0)
            assert ((shares > 0) & (shares < 1)).all()


@pytest.mark.parametrize(
    ("rows", "what", "where"),
    [
        (["40,1,maybe,true"], "'maybe' is not one of no, yes", "column 'cold'"),
        (["40,1,yes,"], "the value is missing", "column 'in dust'"),
        (["40,2,yes,true"], "a label has two values, and the column has 3: 0, 1, 2", "'wet'"),
    ],
)
def test_cells_of_labels_are_checked(
    tmp_path: Path, rows: list[str], what: str, where: str
) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, *good(), *rows)
    assert what in caught.value.what and where in str(caught.value.where)


def test_a_label_of_one_value_or_of_few_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="all rows are of one class, '0'"):
        table(tmp_path, *(f"{i},0,{('no', 'yes')[i % 3 == 0]},{'ab'[i % 2]}" for i in range(40)))
    few = [f"{i},{i % 2},{('no', 'yes')[i % 3 == 0]},{'ab'[i < 2]}" for i in range(40)]
    with pytest.raises(DataError, match="class 'b' has 2 rows, too few") as caught:
        table(tmp_path, *few)
    assert caught.value.hint == "bring more such rows, or remove target 'in dust' from mltk.yaml"


def test_a_part_without_a_value_of_a_label_is_refused(tmp_path: Path) -> None:
    early = [f"{i},{i % 2},{('no', 'yes')[i % 3 == 0]},{'ab'[i < 9]}" for i in range(40)]
    spec = model(split={"time": "x"})
    found, _ = table(tmp_path, *early, spec=spec)
    with pytest.raises(DataError, match="no row in validation has 'b' in column 'in dust'"):
        split_table(found, spec.split, 0)


def learnt(count: int, seed: int) -> Rows:
    """The first label is frequent, the second is rare, the third is a coin."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 1)).astype(np.float32)
    odds = np.column_stack([2 * features, 2 * features - 4, 0 * features])
    truth = (random.random((count, 3)) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    return Rows(features, truth, ())


def trained(**settings: Any) -> tuple[Any, list[str], dict[str, Array]]:
    from mltk.problems import backend
    from mltk.problems.training import fit

    training = {"epochs": 40, "learning_rate": 0.05, "patience": 0}
    spec = model(settings=settings, network={"hidden": []}, training=training)
    backend.prepare(0)
    lines: list[str] = []
    network = MULTILABEL.network(spec, learnt(600, 1))
    fit(network, learnt(600, 1), learnt(500, 2), spec.training, seed=0, log=lines.append)
    asked = learnt(4000, 3).features
    return network, lines, {name: each.numpy() for name, each in network.model(asked).items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_weights_find_a_rare_label_and_calibration_brings_its_share_back(tmp_path: Path) -> None:
    truth = learnt(4000, 3).target
    _, _, plain = trained(threshold="none")
    assert (plain["thresholds"] == 0.5).all()
    network, lines, said = trained(class_weights="balanced", calibrate=True)
    assert lines[-1].startswith("wet: say it from ")
    assert "in dust: say it from" in lines[-1] and "scores times" in lines[-1]
    shares = said["probabilities"].mean(axis=0)
    assert shares == pytest.approx(truth.mean(axis=0), abs=0.03)
    cuts = said["thresholds"][0]
    assert (said["thresholds"] == cuts).all() and cuts[1] < 0.5
    scores = [MULTILABEL.values(model(), truth, each)["cold.f1"] for each in (plain, said)]
    assert scores[1] > scores[0]
    found = MULTILABEL.thresholds(model(), truth, said)
    assert [each.name for each in found] == ["decision.wet", "decision.cold", "decision.in dust"]
    assert [each.value for each in found] == pytest.approx(cuts.tolist())
    network.model.save(tmp_path / "m.keras")
    again = MULTILABEL.load_model(tmp_path / "m.keras")(learnt(50, 4).features)
    now = network.model(learnt(50, 4).features)
    for name in ("probabilities", "thresholds"):
        assert (again[name].numpy() == now[name].numpy()).all()


def test_baselines_are_the_shares_and_a_line_for_each_label() -> None:
    known, new = learnt(600, 1), learnt(300, 2)
    said = MULTILABEL.baselines(model(), known, new.features)
    assert said["trivial"]["probabilities"][0] == pytest.approx(known.target.mean(axis=0))
    values = {name: MULTILABEL.values(model(), new.target, each) for name, each in said.items()}
    assert values["linear"]["log_loss"] < values["trivial"]["log_loss"]
    assert values["trivial"]["macro_auc"] == pytest.approx(0.5)
