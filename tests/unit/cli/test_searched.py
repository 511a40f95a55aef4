"""The plan of a search and what came of its trials, from the TaskRuns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.cli.outcome import outcome
from mltk.cli.output import short_digest
from mltk.cli.parts import part
from mltk.cli.searched import plan_lines, show_plan, tell, trials
from mltk.project.trials import PlannedTrial, Rung, SearchPlan
from mltk.tekton.objects import Obj

from .conftest import Shell, pipeline_run, task_run

PLAN = SearchPlan(
    tuple(
        PlannedTrial(n, name, {"training.learning_rate": rate, "network.hidden": [8]})
        for n, (name, rate) in enumerate([("a", 0.1), ("b", 0.01), ("c", 9.0), ("d", 0.3)], 1)
    ),
    (Rung(10, 4), Rung(20, 2)),
)


def told(rung: int, number: int, name: str, loss: float | None, **more: Any) -> Obj:
    """A TaskRun of a trial."""
    found = {
        "trial": name, "parameters": {}, "epochs": 10 * rung, "bestEpoch": 7,
        "validationLoss": loss, "stopped": False, "failure": "", **more,
    }  # fmt: skip
    made = task_run(f"search-x-trials-{rung}-{number}", f"trials-{rung}")
    made["status"]["results"] = [{"name": "outcome", "value": json.dumps(found)}]
    made["metadata"]["labels"]["tekton.dev/pipelineRun"] = "search-x"
    return made


MADE = (
    told(1, 0, "a", 0.5),
    told(1, 1, "b", 0.25),
    told(1, 2, "c", None, epochs=0, bestEpoch=None, failure="it diverged"),
    told(1, 3, "d", 0.75),
    told(2, 0, "b", 0.125),
    told(2, 1, "a", 0.375),
)


def test_trials_stand_by_how_far_they_came_and_what_they_came_to() -> None:
    found = trials(PLAN, [part(each) for each in MADE], "b")
    assert [(each.planned.name, each.state, each.epochs, each.loss) for each in found] == [
        ("b", "chosen", 20, 0.125),
        ("a", "done", 20, 0.375),
        ("d", "stopped early", 10, 0.75),
        ("c", "failed", 0, None),
    ]


def test_a_search_that_was_cut_off_says_what_was_not_done() -> None:
    found = trials(PLAN, [part(each) for each in MADE[:2]], "")
    assert [(each.planned.name, each.state) for each in found] == [
        ("b", "done"), ("a", "done"), ("c", "not done"), ("d", "not done"),
    ]  # fmt: skip


@pytest.fixture
def run(shell: Shell) -> Obj:
    results = {
        "verdict": "pass", "reason": "so it is", "trial": "b",
        "bundle-digest": "sha256:" + "a" * 64,
    }  # fmt: skip
    given = [{"name": name, "value": value} for name, value in results.items()]
    for each in MADE:
        shell.keep(each)
    labels = {"mltk.dev/searches": "wine"}
    return shell.keep(pipeline_run("search-x", labels=labels, status={"results": given}))


def test_the_table_says_what_to_write_into_mltk_yaml(shell: Shell, run: Obj) -> None:
    shell.capture.readouterr()
    assert tell(shell.place, "wine", PLAN, outcome(run, []), "table") == 0
    out = shell.capture.readouterr().out
    head, first, *_ = out.splitlines()
    assert head.split("   ")[:2] == ["TRIAL", "LEARNING_RATE"]
    assert first.split() == ["2", "0.01", "[8]", "20", "0.125", "chosen"]
    assert "3       9.0             [8]      -        -                 failed: it diverged" in out
    assert "wine: so it is" in out and short_digest("a" * 64) in out
    assert out.endswith(
        "write into models.wine of mltk.yaml:\n"
        "  training: {learning_rate: 0.01}\n  network: {hidden: [8]}\n"
    )


def test_the_same_as_a_document(shell: Shell, run: Obj) -> None:
    shell.capture.readouterr()
    tell(shell.place, "wine", PLAN, outcome(run, []), "json")
    found = json.loads(shell.capture.readouterr().out)
    assert found["chosen"]["parameters"] == {"training.learning_rate": 0.01, "network.hidden": [8]}
    assert [each["trial"] for each in found["trials"]] == [2, 1, 4, 3]
    assert found["delivery"]["verdict"] == "pass"
    assert found["delivery"]["model"] == "wine"


def test_the_plan_says_what_it_may_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(plan_lines("wine", PLAN)) == [
        "wine: 4 trials, each up to 10 epochs",
        "  the best 2 go on to 20 epochs",
        "  at most 60 epochs in all, and then those of the model that is chosen",
    ]
    show_plan("wine", PLAN, "json", final=True)
    document = json.loads(capsys.readouterr().out)
    assert document["rungs"] == [{"epochs": 10, "trials": 4}, {"epochs": 20, "trials": 2}]
    show_plan("wine", PLAN, "table", final=False)
    assert capsys.readouterr().out == ""
