from __future__ import annotations

import dataclasses

import pytest

from mltk.errors import ConfigError
from mltk.gate.budgets import Storage
from mltk.project.gating import Gate
from mltk.project.spec import Export
from mltk.records import BackendCheck, Check, Evaluation, Metric, Trial, Verification
from mltk.steps.judge import Encounter, answer, decide, judge, remark, summary
from mltk.tfjs.latency import Latency

EVALUATION = Evaluation(
    rows=89,
    metrics=(
        Metric("rmse", 71.2, 64.0, 79.0, "score", False),
        Metric("r2", 0.25, 0.1, 0.4, "", True),
    ),
    baselines={"trivial": {"rmse": 77.0, "r2": 0.0}, "linear": {"rmse": 55.5, "r2": 0.5}},
)


def _proof(cpu: float = 2e-7, wasm: float = 4e-7) -> Verification:
    found = {"cpu": cpu, "wasm": wasm}
    return Verification("sha256:0", {}, tuple(BackendCheck(b, 89, e, e) for b, e in found.items()))


def _limits(metric: str, confidence: float) -> tuple[float, float]:
    """As if every metric were uncertain by ten at 90 %, and by more where one is to be surer."""
    value = {"rmse": 71.2, "r2": 0.25}[metric]
    return value - 100 * (confidence - 0.8), value + 100 * (confidence - 0.8)


def _judge(
    gate: dict[str, object], proof: Verification | None = None, latency: Latency | None = None
) -> dict[str, Check]:
    asked = Gate.model_validate(gate)
    proof = proof or _proof()
    checks = judge(asked, Export(), EVALUATION, proof, 123_000, _limits, latency=latency)
    return {check.name: check for check in checks}


def test_a_threshold_says_by_how_much_it_is_missed() -> None:
    found = _judge({"metrics": {"rmse": {"max": 60}, "r2": {"min": 0.3}}})
    assert found["metric.rmse.max"].reason == "rmse 71.2 exceeds 60 by 11.2 score"
    assert found["metric.r2.min"].reason == "r2 0.25 is below 0.3 by 0.05"
    assert not found["metric.rmse.max"].passed
    assert (found["metric.rmse.max"].value, found["metric.rmse.max"].limit) == (71.2, 60)


def test_a_threshold_that_is_met_exactly_passes() -> None:
    check = _judge({"metrics": {"rmse": {"max": 71.2}}})["metric.rmse.max"]
    assert (check.passed, check.reason) == (True, "rmse 71.2 is at most 71.2 score")


def test_an_unknown_metric_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'rmse'") as caught:
        _judge({"metrics": {"rsme": {"max": 60}}})
    assert caught.value.hint == "metrics of this model: rmse, r2"


@pytest.mark.parametrize(
    ("asked", "passed"),
    [("none", {}), ("trivial", {"trivial": True}), ("linear", {"trivial": True, "linear": False})],
)
def test_the_primary_metric_must_beat_the_baselines_asked_for(
    asked: str, passed: dict[str, bool]
) -> None:
    found = _judge({"baseline": asked})
    assert {n.split(".")[1]: c.passed for n, c in found.items() if "baseline" in n} == passed
    if "linear" in passed:
        reason = "rmse 71.2 does not beat the linear baseline's 55.5: worse by 15.7 score"
        assert found["baseline.linear"].reason == reason


def test_every_backend_asked_for_must_agree_with_keras() -> None:
    found = _judge({"parity": 1e-5}, _proof(wasm=2e-4))
    assert found["parity.cpu"].passed
    assert "0.0002 of the output's scale, more than 1e-05" in found["parity.wasm"].reason
    only_cpu = Verification("sha256:0", {}, _proof().backends[:1])
    assert _judge({}, only_cpu)["parity.wasm"].reason == "the export was not run on wasm"


def test_the_bundle_has_a_budget() -> None:
    assert "size" not in _judge({})
    assert _judge({"max_size_kb": 100})["size"].reason.endswith("exceed 100 by 23 kB")
    assert _judge({"max_size_kb": 123})["size"].passed


def test_a_bound_with_a_confidence_must_hold_for_the_confidence_bound() -> None:
    loose = _judge({"metrics": {"rmse": {"max": 82, "confidence": 0.9}}})["metric.rmse.max"]
    assert loose.passed
    assert loose.reason == "rmse 71.2: its upper 90 % bound 81.2 is at most 82 score"
    tight = _judge({"metrics": {"rmse": {"max": 82, "confidence": 0.95}}})["metric.rmse.max"]
    assert not tight.passed
    assert tight.reason == "rmse 71.2: its upper 95 % bound 86.2 exceeds 82 by 4.2 score"
    assert tight.rule == "upper 95 % confidence bound (bootstrap) <= limit"
    assert (tight.value, tight.low, tight.high) == (71.2, pytest.approx(56.2), pytest.approx(86.2))
    assert tight.confidence == pytest.approx(0.9)
    below = _judge({"metrics": {"r2": {"min": 0.2, "confidence": 0.9}}})["metric.r2.min"]
    assert "its lower 90 % bound -9.75 is below 0.2" in below.reason


@pytest.mark.parametrize(("budget", "passed"), [(2.0, True), (1.0, True), (0.9, False)])
def test_a_prediction_has_a_budget_of_time(budget: float, passed: bool) -> None:
    found = _judge({"max_latency_ms": budget}, latency=Latency("wasm", 300, 1.0, 0.5, 4.0))
    check = found["latency.wasm"]
    assert (check.passed, check.low, check.high, check.rows) == (passed, 0.5, 4.0, 300)
    assert "takes 1 ms on wasm (median of 300, half of them 0.5 to 4 ms)" in check.reason
    assert "latency.wasm" not in _judge({})


def test_what_was_not_judged_is_no_answer() -> None:
    assert answer(Check("a", True, None, None, "few rows", judged=False)) == "skip"
    assert answer(Check("a", True, 1, 2, "fine")) == "ok"


def _trial(passed: bool, name: str = "") -> Trial:
    said = f"{name or 'all'}: {'fine' if passed else 'worse'}"
    return Trial(name, "rmse", 89, "rule", passed, said, "t", 67.5, 70.0, 2.5, 0.5, 4.5)


@pytest.mark.parametrize(
    ("encounter", "promote", "words"),
    [
        (None, True, "no champion yet"),
        (Encounter("3", identical=True), False, "is the champion (version 3) already"),
        (
            Encounter("3", (_trial(True),), 2),
            True,
            "rmse 67.5 against 70 of the champion (version 3) on the same 89 rows: all: fine",
        ),
        (Encounter("3", (_trial(False),)), False, "all: worse"),
        (Encounter("3", (_trial(True), _trial(False, "sex 1"))), False, "all: fine; sex 1: worse"),
        (Encounter("3", (_trial(True), _trial(True, "sex 1"))), True, "same 89 rows: all: fine"),
        (
            Encounter("3", obstacle="it takes other features"),
            False,
            "promote it by hand: mltk models promote wine challenger",
        ),
    ],
)
def test_the_champion_falls_when_all_trials_say_so(
    encounter: Encounter | None, promote: bool, words: str
) -> None:
    verdict = decide("wine", (Check("a", True, 1, 2, "fine"),), encounter)
    assert (verdict.verdict, verdict.promote) == ("pass", promote)
    assert words in summary(verdict)
    assert verdict.champion_version == (encounter.version if encounter else None)
    assert verdict.trials == (encounter.trials if encounter else ())


def test_a_failed_check_fails_the_model_and_is_the_reason() -> None:
    checks = (Check("a", True, 1, 2, "fine"), Check("b", False, 3, 2, "b 3 exceeds 2 by 1"))
    verdict = decide("wine", checks, None)
    assert (verdict.verdict, verdict.promote) == ("fail", False)
    assert summary(verdict) == "b 3 exceeds 2 by 1"


def test_a_linear_model_that_does_better_is_noted_where_the_gate_does_not_ask() -> None:
    note = remark(Gate(), EVALUATION)
    assert note == "a linear model does better, rmse 55.5 against 71.2"
    assert remark(Gate(baseline="linear"), EVALUATION) == ""
    beaten = dataclasses.replace(EVALUATION, baselines={"linear": {"rmse": 71.2}})
    assert remark(Gate(), beaten) == ""

    passed = decide("wine", (), None, note=note)
    assert summary(passed) == f"there is no champion yet; note: {note}"
    failed = decide("wine", (Check("b", False, 3, 2, "b 3 exceeds 2"),), None, note=note)
    assert summary(failed) == f"b 3 exceeds 2; note: {note}"


def test_a_storage_that_was_chosen_is_told_and_may_cost_its_tolerance() -> None:
    storage = Storage("uint8", 0.26, 9e-3, (("float16 at 51%", "0.0002"),))
    export = Export.model_validate({"quantization": "auto", "tolerance": 0.01})
    gate, proof = Gate(), _proof(cpu=9e-3, wasm=9e-3)
    found = {c.name: c for c in judge(gate, export, EVALUATION, proof, 1, _limits, storage)}
    assert found["parity.cpu"].passed
    assert found["parity.cpu"].limit == 0.01
    assert found["quantization"].passed
    assert found["quantization"].reason == (
        "weights are stored as uint8: 26% of their size at an error of 0.009 of the output's "
        "scale, within 0.01 (others: float16 at 51% 0.0002)"
    )
    assert not _judge({}, proof)["parity.cpu"].passed
