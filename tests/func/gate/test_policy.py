"""The policies of the gate on real bundles: tries, slices, latency, and champions that are gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mltk.records import Verdict
from mltk.registry import Registry

from .conftest import Run

NewRun = Callable[..., Run]


def _crown(new_run: NewRun, model: str, bundle: str) -> None:
    first = new_run(model, bundle)
    first.gate()
    first.register()


def _judged(run: Run) -> Verdict:
    run.gate()
    return run.workspace.read(Verdict)


def test_a_challenger_that_may_be_better_by_chance_stays_one(new_run: NewRun) -> None:
    _crown(new_run, "chance", "exact")
    run = new_run("chance", "like")
    verdict = _judged(run)
    (trial,) = verdict.trials
    assert (verdict.verdict, verdict.promote, trial.test) == ("pass", False, "t")
    assert trial.p_value is not None and trial.alpha is not None
    assert trial.p_value > trial.alpha == pytest.approx(0.05 * 6 / 3.14159265**2)
    assert trial.low is not None and trial.high is not None
    assert trial.low < (trial.improvement or 0) < trial.high
    assert "better is not shown (paired t-test" in run.results["reason"]


def test_a_model_that_is_as_good_may_be_asked_for(new_run: NewRun) -> None:
    _crown(new_run, "equal", "exact")
    policy = {"promote_when": "not_worse", "margin": 0.05}
    run = new_run("equal", "like", gate={"champion": policy})
    verdict = _judged(run)
    assert verdict.promote
    assert "not worse by 0.05 is shown" in run.results["reason"]
    worse = new_run("equal", "far", gate={"champion": policy})
    assert not _judged(worse).promote


def test_every_further_try_must_be_surer_and_a_rerun_is_no_further_try(
    new_run: NewRun, registry: Registry
) -> None:
    _crown(new_run, "tries", "near")
    alphas = []
    for bundle, number in (("far", 1), ("older", 2), ("far", 1), ("exact", 3)):
        run = new_run("tries", bundle)
        verdict = _judged(run)
        assert verdict.tries == number
        (trial,) = verdict.trials
        alphas.append(trial.alpha)
    assert alphas[0] == alphas[2]
    assert alphas[1] == pytest.approx((alphas[0] or 0) / 4)
    assert "try 3 against it on these rows" in run.results["reason"]

    run.register()
    after = new_run("tries", "near", gate={"champion": {"promote_when": "point"}})
    assert _judged(after).tries == 0  # nobody counts for the bare values
    again = new_run("tries", "far")
    assert _judged(again).tries == 1  # another champion


def test_slices_are_bounded_and_may_stop_a_promotion(new_run: NewRun) -> None:
    _crown(new_run, "sliced", "far")
    asked: dict[str, Any] = {
        "slices": [
            {
                "by": "a",
                "at": [0.0, 0.9],
                "metrics": {"rmse": {"max": 0.3}},
                "min_rows": 5,
                "block_when_worse": True,
            }
        ]
    }
    run = new_run("sliced", "exact", gate=asked)
    verdict = _judged(run)
    named = {check.name: check for check in verdict.checks if check.name.startswith("slice")}
    assert "slice.a below 0.rmse.max" in named
    assert named["slice.a from 0.9"].judged is False
    assert "rows, of 5 that it needs: not judged" in named["slice.a from 0.9"].reason
    assert [trial.name for trial in verdict.trials] == [
        "",
        "a below 0",
        "a from 0 below 0.9",
        "a from 0.9",
    ]
    assert verdict.promote

    run.register()
    worse = new_run("sliced", "far", gate=asked | {"champion": {"promote_when": "point"}})
    verdict = _judged(worse)
    assert not verdict.promote
    assert "a from 0 below 0.9: rmse" in verdict.promote_reason
    assert "significantly worse" in verdict.promote_reason
    assert "STOP a from 0 below 0.9" in worse.gate().output

    failing = new_run(
        "sliced",
        "far",
        gate={
            "slices": [
                {"where": {"a": {"max": 0}}, "metrics": {"rmse": {"max": 1e-9}}, "min_rows": 5}
            ]
        },
    )
    assert "FAIL a below 0: rmse" in failing.gate().output
    assert failing.results["verdict"] == "fail"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (
            {"slices": [{"where": {"a": {"min": 0}}, "metrics": {"rsme": {"max": 1}}}]},
            "did you mean 'rmse'",
        ),
        ({"slices": [{"where": {"aa": {"min": 0}}, "block_when_worse": True}]}, "no column 'aa'"),
        ({"champion": {"metric": "rmsee"}}, "did you mean 'rmse'"),
    ],
)
def test_what_the_gate_cannot_find_is_a_mistake_of_the_project(
    new_run: NewRun, gate: dict[str, Any], said: str
) -> None:
    run = new_run("mistaken", "near", gate=gate)
    assert said in run.gate(code=3).output


def test_a_test_that_does_not_fit_the_metric_is_a_mistake_of_the_project(new_run: NewRun) -> None:
    _crown(new_run, "misfit", "near")
    run = new_run("misfit", "exact", gate={"champion": {"test": "mcnemar"}})
    assert "mcnemar counts right and wrong rows, and rmse does not" in run.gate(code=3).output


def test_a_prediction_is_timed_where_it_has_a_budget(new_run: NewRun) -> None:
    run = new_run("timed", "near", gate={"max_latency_ms": 60000.0})
    (check,) = [each for each in _judged(run).checks if each.name == "latency.wasm"]
    assert check.passed and check.rows == 300
    assert check.low is not None and check.high is not None and check.value is not None
    assert 0 < check.low <= check.value <= check.high
    late = new_run("timed", "near", gate={"max_latency_ms": 1e-9})
    assert "FAIL one prediction takes" in late.gate().output


def test_a_champion_that_is_gone_from_the_store_is_left_to_people(
    new_run: NewRun, registry: Registry
) -> None:
    _crown(new_run, "gone", "near")
    stored = Path(registry.connection.client.get_model_version_download_uri("gone", "1"))
    shutil.rmtree(stored)
    run = new_run("gone", "exact")
    run.gate()
    assert (run.results["verdict"], run.results["promote"]) == ("pass", "false")
    assert "the bundle of version 1 is gone from the registry's store" in run.results["reason"]
    assert "mltk models promote gone challenger" in run.results["reason"]
    run.register()
    assert run.results["alias"] == "challenger"


def test_a_champion_that_is_damaged_in_the_store_is_left_to_people(
    new_run: NewRun, registry: Registry
) -> None:
    _crown(new_run, "damaged", "near")
    stored = Path(registry.connection.client.get_model_version_download_uri("damaged", "1"))
    next(stored.glob("*.bin")).unlink()
    run = new_run("damaged", "exact")
    run.gate()
    assert (run.results["verdict"], run.results["promote"]) == ("pass", "false")
    assert "cannot be compared: the bundle is not what was exported" in run.results["reason"]
    assert "mltk models promote damaged challenger" in run.results["reason"]


@pytest.mark.parametrize("test", ["auto", "bootstrap"])
def test_one_hold_out_row_shows_nothing(new_run: NewRun, test: str) -> None:
    name = f"single-{test}"
    _crown(new_run, name, "far")
    asked = {
        "metrics": {"rmse": {"max": 1.0, "confidence": 0.95}},
        "slices": [{"by": "a", "at": [0.0], "metrics": {"rmse": {"max": 1}}, "min_rows": 2}],
        "champion": {"test": test},
    }
    run = new_run(name, "exact", gate=asked, rows=1)
    verdict = _judged(run)
    assert (verdict.verdict, verdict.promote) == ("pass", False)
    assert "on the same 1 rows" in run.results["reason"]
    assert "better is not shown" in run.results["reason"]
    assert [each.judged for each in verdict.checks if each.name.startswith("slice")] == [False] * 2
    margin = {"champion": {"promote_when": "not_worse", "margin": 5.0, "test": test}}
    assert not _judged(new_run(name, "like", gate=margin, rows=1)).promote


def test_the_verdict_is_one_document_with_all_numbers(new_run: NewRun, registry: Registry) -> None:
    _crown(new_run, "whole", "near")
    run = new_run("whole", "exact", gate={"metrics": {"rmse": {"max": 1, "confidence": 0.95}}})
    verdict = _judged(run)
    text = (run.workspace.root / "verdict.json").read_text()
    assert json.loads(text)["trials"][0].keys() >= {"p_value", "alpha", "low", "high", "rule"}
    assert Verdict.read(run.workspace.root) == verdict
    run.register()
    trial = registry.history("whole")[-1].evidence["trial"]
    assert trial["p_value"] == verdict.trials[0].p_value
    said = run.report(gate_model="Succeeded").output
    assert "better is shown (paired t-test, p" in said
    client = run.registry.connection.client
    found = client.search_runs(
        [run.registry.connection.experiment_id],
        f"tags.`mltk.run-uid` = '{run.uid}' and tags.`mltk.task` = 'gate-model'",
    )
    assert found[0].data.metrics["champion.p"] < found[0].data.metrics["champion.alpha"]
    assert "better is shown" in found[0].data.tags["mltk.check.champion"]
