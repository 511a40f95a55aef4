"""Several targets of one model: names, metrics, and what cannot be learnt together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from mltk.data.rows import Rows
from mltk.data.table import read_table
from mltk.errors import ConfigError, DataError
from mltk.gate.paired import pair
from mltk.problems import load_problem
from mltk.problems.targets import output_name
from mltk.project.load import parse
from mltk.project.spec import Model
from mltk.steps.results import metrics_text

REGRESSION = load_problem("regression")
TARGETS = [{"name": "load", "unit": "MW"}, {"name": "price (net)", "unit": "EUR", "min": 0}]


def model(**changes: Any) -> Model:
    told = {"problem": "regression", "data": {"path": "t.csv"}, "targets": TARGETS}
    return Model.model_validate({**told, "features": [{"name": "x"}], **changes})


def yaml(*lines: str, problem: str = "regression") -> str:
    head = ["project: p", "models:", "  m:", f"    problem: {problem}", "    data: {path: t.csv}"]
    return "\n".join([*head, "    features: [{name: x}]", *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    ("problem", "lines", "complaint"),
    [
        ("regression", ["target: {name: a}", "targets: [{name: b}]"], "give target, or targets"),
        ("regression", ["targets: [{name: a}, {name: a}]"], "target 'a' is given twice"),
        ("regression", ["targets: [{name: a}, {name: x}]"], "target 'x' is also a feature"),
        ("regression", ["targets: []"], "regression needs a target"),
        ("regression", ["targets: [{name: a b}, {name: a-b}]"], "be called 'a_b', as one of tar"),
        ("regression", ["targets: [{name: features}]"], "called 'features', as the input is"),
        ("density", ["targets: [{name: a}]"], "takes no target"),
        ("density", ["target: {name: a}"], "takes no target"),
        ("regression", ["targets: [{nam: a}]"], "unknown key 'nam'"),
    ],
)
def test_targets_that_mean_nothing_are_refused(
    problem: str, lines: list[str], complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(yaml(*lines, problem=problem))
    assert complaint in caught.value.what


def test_outputs_of_one_target_are_not_taken_for_those_of_another() -> None:
    clash = yaml("targets: [{name: a}, {name: a_lower}]", "settings: {head: quantile}")
    with pytest.raises(ConfigError, match="would be called 'a_lower', as one of target 'a' is"):
        parse(clash)
    parse(clash.replace("quantile", "mean"))


def read(folder: Path, *rows: str) -> tuple[Any, Any]:
    (folder / "t.csv").write_text("\n".join(["x,load,price (net)", *rows]) + "\n")
    return read_table(folder / "t.csv", model(), "numeric")


@pytest.mark.parametrize(
    ("row", "what", "where"),
    [
        ("3,4,", "the value is missing", "line 14, column 'price (net)'"),
        ("3,4,-1", "-1 is out of the declared range", "line 14, column 'price (net)'"),
        ("3,four,1", "text 'four' in a numeric column", "line 14, column 'load'"),
    ],
)
def test_a_cell_of_any_target_is_checked(tmp_path: Path, row: str, what: str, where: str) -> None:
    good = [f"{i},{i * i},{i % 5}" for i in range(12)]
    table, _ = read(tmp_path, *good)
    assert table.target.shape == (12, 2)
    assert table.target_columns(model())["price (net)"].cells.tolist() == [i % 5 for i in range(12)]
    with pytest.raises(DataError) as caught:
        read(tmp_path, *good, row)
    assert what in caught.value.what
    assert where in str(caught.value.where)


def test_each_target_is_looked_at_for_leaks_and_for_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the column is the target 'price \(net\)' in every row"):
        read(tmp_path, *(f"{i},{i * i},{i}" for i in range(12)))
    with pytest.raises(DataError, match="the target is constant") as caught:
        read(tmp_path, *(f"{i},7,{i * i}" for i in range(12)))
    assert "column 'load'" in str(caught.value.where)
    _, report = read(tmp_path, *(f"{i},{2 * i + 1},{i * i}" for i in range(12)))
    assert "gives the target 'load' by a straight line" in report.warnings[0]


RANDOM = np.random.default_rng(2)
TRUTH = np.column_stack([RANDOM.normal(5000, 900, 60), RANDOM.normal(40, 9, 60)])


def said(size: float, seed: int = 1) -> dict[str, Any]:
    off = TRUTH + size * np.random.default_rng(seed).normal(size=(60, 2)) * TRUTH.std(axis=0)
    return {"load": off[:, :1], "price_net": off[:, 1:]}


def test_metrics_are_of_each_target_in_its_unit_and_one_is_over_all() -> None:
    found = {each.name: each for each in REGRESSION.metrics(model(), TRUTH, said(0.5))}
    names = ["load.rmse", "load.mae", "load.r2", "price_net.rmse", "price_net.mae", "price_net.r2"]
    assert list(found) == ["standardised_rmse", *names]
    assert [found[each].unit for each in names] == ["MW", "MW", "", "EUR", "EUR", ""]
    rmse = metrics.root_mean_squared_error(TRUTH[:, 0], said(0.5)["load"])
    assert found["load.rmse"].value == pytest.approx(rmse)
    shares = [found[f"{each}.r2"].value for each in ("load", "price_net")]
    over_all = found["standardised_rmse"]
    assert over_all.value == pytest.approx(np.sqrt(1 - np.mean(shares)))
    assert (over_all.unit, over_all.greater_is_better) == ("", False)
    assert over_all.low < over_all.value < over_all.high


def test_a_champion_is_compared_by_the_metric_over_all() -> None:
    primary = REGRESSION.measures(model(), {})[0]
    better = pair(primary, TRUTH, said(0.3), said(0.6, seed=2))
    assert better.improvement > 0
    assert better.against(0.0).mean() > 0
    worse = pair(primary, TRUTH, said(0.6, seed=2), said(0.3))
    assert worse.improvement == pytest.approx(-better.improvement)


def test_counts_have_a_mean_deviance_over_all() -> None:
    counts = RANDOM.poisson(3.0, (60, 2)).astype(float)
    names = [f"{name}{end}" for name in ("load", "price_net") for end in ("", "_lower", "_upper")]
    outputs = {name: np.full((60, 1), 2.0 + at) for at, name in enumerate(names)}
    spec = model(settings={"head": "poisson"})
    found = REGRESSION.values(spec, counts, outputs)
    each = [found[f"{name}.poisson_deviance"] for name in ("load", "price_net")]
    assert found["mean_poisson_deviance"] == pytest.approx(np.mean(each))


def test_names_of_columns_become_names_of_outputs() -> None:
    assert output_name("CO2 [ppm]") == "CO2_ppm"
    assert output_name("%") == "target"


def test_metrics_of_many_targets_fit_into_a_result() -> None:
    many = {f"target_{index}.rmse": 1 / (index + 3) for index in range(500)}
    text = metrics_text({"standardised_rmse": 0.5, **many})
    assert 1970 < len(text) <= 2000
    assert next(iter(json.loads(text))) == "standardised_rmse"


def test_one_in_the_list_is_called_by_its_name() -> None:
    spec = model(targets=TARGETS[:1], settings={"head": "gaussian"})
    names = [each.name for each in REGRESSION.outputs(spec, ())]
    assert names == ["load", "load_deviation", "load_lower", "load_upper"]
    known = Rows(np.arange(9, dtype=np.float32)[:, None], TRUTH[:9, :1], ())
    said = REGRESSION.baselines(spec, known, known.features)["linear"]
    assert set(said) == set(names)
    assert "load.crps" in REGRESSION.values(spec, known.target, said)


@pytest.mark.slow
def test_a_model_of_two_targets_learns_both_whatever_their_units() -> None:
    from mltk.problems import backend
    from mltk.problems.training import fit

    def rows(count: int, seed: int) -> Rows:
        x = np.random.default_rng(seed).uniform(-1, 1, (count, 1)).astype(np.float32)
        return Rows(x, np.column_stack([1e6 * x, 1e-3 * x**2]), ())

    spec = model(training={"epochs": 60, "learning_rate": 0.02})
    backend.prepare(0)
    network = REGRESSION.network(spec, rows(200, 1))
    fit(network, rows(200, 1), rows(60, 2), spec.training, seed=0, log=lambda _: None)
    unseen = rows(100, 3)
    outputs = {name: each.numpy() for name, each in network.model(unseen.features).items()}
    found = REGRESSION.values(spec, unseen.target, outputs)
    assert found["load.r2"] > 0.98
    assert found["price_net.r2"] > 0.9
