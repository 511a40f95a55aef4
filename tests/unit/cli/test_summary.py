"""What is said of runs that have ended, and what comes next."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from mltk.cli.drive import drive
from mltk.cli.outcome import outcome
from mltk.cli.parts import part
from mltk.cli.place import Place
from mltk.cli.summary import against, failure_lines, finish
from mltk.records import Trial
from mltk.steps.judge import Encounter, comparison
from mltk.tekton.objects import Obj

from .conftest import Shell, pipeline_run, task_run

WINE = {"mltk.dev/model": "wine"}
KEPT = {"mltk.dev/cache": "true", "mltk.dev/cache-key": "abc"}


@pytest.fixture
def place(shell: Shell) -> Place:
    return shell.place


def _verdict(verdict: str, reason: str) -> Obj:
    results = {"verdict": verdict, "reason": reason}
    given = [{"name": name, "value": value} for name, value in results.items()]
    return pipeline_run(reason="Completed", labels=WINE, status={"results": given})


def _failed(
    shell: Shell,
    code: int,
    *,
    labels: dict[str, str],
    reason: str = "Failed",
    before: Sequence[dict[str, str]] = (KEPT,),
) -> list[str]:
    """What is said of a run whose step logged one line and ended with `code`.

    `before` are the annotations of the TaskRuns that went before, well.
    """
    done = [
        part(task_run(f"talk-abcde-{n}", f"before-{n}", metadata={"annotations": marks}))
        for n, marks in enumerate(before)
    ]
    child = task_run("talk-abcde-first", "first", reason, exit_code=code)
    shell.keep(child)
    logs = shell.backend.layout.logs(child)
    logs.mkdir(parents=True)
    (logs / "speak.log").write_text("961 parameters, 98 rows\n", encoding="utf-8")
    run = pipeline_run(reason=reason, labels=labels)
    return list(failure_lines(shell.place, outcome(run, [*done, part(child)])))


def test_the_gates_reason_stands_under_the_table(shell: Shell, place: Place) -> None:
    found = outcome(_verdict("pass", "there is no champion yet"), [])
    shell.capture.readouterr()
    assert finish(place, [found], "table") == 0
    said = shell.capture.readouterr().out.splitlines()
    assert said[2] == "wine: there is no champion yet"
    assert "      mltk logs talk-abcde --task report" in said


def test_a_refusal_is_said_once(shell: Shell, place: Place) -> None:
    found = outcome(_verdict("fail", "rmse 2 exceeds 1"), [])
    shell.capture.readouterr()
    assert finish(place, [found], "table") == 4
    out, err = shell.capture.readouterr()
    assert err == "wine: the gate said no: rmse 2 exceeds 1\n"
    assert "exceeds" not in out


def _met(challenger: float | None, champion: float | None, gain: float | None) -> Encounter:
    trial = Trial("", "rmse", 89, "better", False, "", "t", challenger, champion, gain)
    return Encounter("3", (trial,))


@pytest.mark.parametrize(
    ("met", "cell"),
    [
        (None, "-"),
        (_met(51.25, 53.5, 2.25), "better by 2.25 (rmse 53.5 of version 3)"),
        (_met(54.5, 53.5, -1.0), "worse by 1 (rmse 53.5 of version 3)"),
        (_met(53.5, 53.5, 0.0), "equal (rmse 53.5 of version 3)"),
        (_met(None, 53.5, None), "not comparable (rmse 53.5 of version 3)"),
        (Encounter("3", identical=True), "identical (version 3)"),
        (Encounter("3", obstacle="other features"), "not comparable (version 3)"),
    ],
)
def test_the_table_shows_the_model_against_the_champion(
    shell: Shell, place: Place, met: Encounter | None, cell: str
) -> None:
    run = _verdict("pass", "so it is")
    told = {"name": "comparison", "value": json.dumps(comparison(met))}
    run["status"]["results"].append(told)
    found = outcome(run, [])
    assert against(found.champion) == cell
    shell.capture.readouterr()
    finish(place, [found], "table")
    head, row = shell.capture.readouterr().out.splitlines()[:2]
    assert row[head.index("CHAMPION") :].startswith(cell)
    finish(place, [found], "json")
    assert json.loads(shell.capture.readouterr().out)[0]["champion"] == comparison(met)


@pytest.mark.parametrize(
    ("code", "labels", "remedy"),
    [
        (3, WINE, "correct it, then: mltk run"),
        (1, WINE, "mltk rerun talk-abcde    (goes on from the task that failed)"),
        (5, WINE, "mltk rerun talk-abcde    (goes on from the task that failed)"),
        # `mltk run` knows nothing of a pipeline of the user's own.
        (3, {}, "mltk rerun talk-abcde    (goes on from the task that failed)"),
    ],
)
def test_what_mends_a_failure(shell: Shell, code: int, labels: dict[str, str], remedy: str) -> None:
    said = _failed(shell, code, labels=labels)
    assert said[-1] == f"  {remedy}"
    assert "  961 parameters, 98 rows" in said


@pytest.mark.parametrize(
    "before",
    [
        (),
        ({},),
        (KEPT, {}),
        # A cluster keeps nothing, whatever the author of a Task promises.
        ({"mltk.dev/cache": "true"},),
        # So does this machine without a promise.
        ({"mltk.dev/cache-key": "abc"},),
    ],
)
def test_a_rerun_that_does_all_again_is_not_said_to_go_on(
    shell: Shell, before: Sequence[dict[str, str]]
) -> None:
    assert _failed(shell, 1, labels=WINE, before=before)[-1] == "  mltk rerun talk-abcde"


def test_a_run_that_kept_nothing_is_not_said_to_go_on(shell: Shell) -> None:
    kept = part(task_run("talk-abcde-0", "before-0", metadata={"annotations": KEPT}))
    failed = part(task_run("talk-abcde-first", "first", "Failed", exit_code=1))
    run = pipeline_run(reason="Failed")
    said = [
        list(failure_lines(shell.place, outcome(run, [kept, failed], keeps=keeps)))[-1]
        for keeps in (True, False)
    ]
    again = "  mltk rerun talk-abcde"
    assert said == [f"{again}    (goes on from the task that failed)", again]


def test_what_the_user_must_correct_is_not_run_again_as_it_is(shell: Shell) -> None:
    message = "[User error] invalid input params for task"
    run = pipeline_run(reason="Failed", status={"conditions": [_condition(message)]})
    said = list(failure_lines(shell.place, outcome(run, [])))
    assert said[-1] == "  correct it, then: mltk create -f FILE"


def _condition(message: str) -> Obj:
    reason = "ParameterTypeMismatch"
    return {"type": "Succeeded", "status": "False", "reason": reason, "message": message}


def test_a_cancelled_run_has_no_last_words(shell: Shell) -> None:
    said = _failed(shell, 143, labels=WINE, reason="Cancelled")
    assert "961" not in "".join(said)
    assert said[-1].startswith("  mltk rerun talk-abcde")


def test_waiting_for_a_refused_model_ends_with_the_reason(shell: Shell) -> None:
    shell.keep(_verdict("fail", "rmse 2 exceeds 1"))
    said = shell.mltk("wait", "talk-abcde", code=4)
    assert said.out == "talk-abcde  Completed  the gate said no: rmse 2 exceeds 1\n"


def test_only_a_cancelled_run_is_said_to_be_cancelled(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place.engine, "drive", interrupted)
    reasons = {"one": "Completed", "two": "Cancelled", "three": "Running"}
    runs = [shell.keep(pipeline_run(name, reason)) for name, reason in reasons.items()]
    shell.capture.readouterr()
    with pytest.raises(KeyboardInterrupt):
        drive(place, runs)
    assert shell.capture.readouterr().err.splitlines() == [
        "one had ended: Completed",
        "two was cancelled; go on with: mltk rerun two",
    ]
