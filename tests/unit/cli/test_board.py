"""The board of live progress, drawn without a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from mltk.cli.board import Board, Look

from .conftest import pipeline_run, task_run

NOW = datetime(2026, 1, 1, 0, 1, 0, tzinfo=UTC)
SPEC = {
    "pipelineSpec": {
        "tasks": [{"name": "first"}, {"name": "second"}, {"name": "third"}],
        "finally": [{"name": "report"}],
    },
    "skippedTasks": [{"name": "third", "reason": "When Expressions evaluated to false"}],
}


def _board() -> Board:
    board = Board()
    board.take(pipeline_run(reason="Running", status=SPEC))
    board.take(task_run("talk-abcde-first", "first"))
    board.take(task_run("talk-abcde-second", "second", "Running"))
    return board


def test_a_line_a_task_in_the_order_of_the_pipeline() -> None:
    assert _board().lines(NOW, Look(width=99, unicode=False)) == [
        "* talk-abcde                    1m0s",
        "  + first                       2m5s",
        "  * second                      1m0s  speak",
        "  - third                             skipped: When Expressions evaluated to false",
        "  . report",
    ]


def test_lines_fit_the_terminal() -> None:
    lines = _board().lines(NOW, Look(width=20, height=3, unicode=False))
    assert lines == ["* talk-abcde        ", "  * second          "]


def test_colour_does_not_count_as_width() -> None:
    lines = _board().lines(NOW, Look(width=20, colour=True))
    assert all(line.startswith("\x1b[") and line.endswith("\x1b[0m") for line in lines)
    assert all(len(line) - len("\x1b[36m\x1b[0m") <= 20 for line in lines)


def test_elsewhere_a_line_for_each_change_of_state() -> None:
    board = Board()
    assert board.take(pipeline_run(reason="Running")) == ["talk-abcde  Running"]
    assert board.take(pipeline_run(reason="Running", labels={"a": "b"})) == []
    failed = task_run("talk-abcde-first", "first", "Failed", exit_code=3)
    assert board.take(failed) == ["talk-abcde  first  Failed  2m5s  Failed: as it went"]
    assert board.take(pipeline_run()) == ["talk-abcde  Succeeded  2m5s"]


def test_a_restored_task_says_so() -> None:
    board = _board()
    restored = task_run("talk-abcde-second", "second")
    restored["metadata"]["annotations"] = {"mltk.dev/cached-from": "talk-zzzzz-second"}
    board.take(restored)
    assert board.lines(NOW, Look())[2].endswith("cached")


def test_combinations_of_a_matrix_have_lines_of_their_own_in_their_order() -> None:
    board = _board()
    for number in (10, 2):
        board.take(task_run(f"talk-abcde-third-{number}", "third", "Running"))
    lines = board.lines(NOW, Look(width=40, unicode=False))
    assert [line.split()[1] for line in lines] == [
        "talk-abcde", "first", "second", "third-2", "third-10", "report",
    ]  # fmt: skip
    failed = task_run("talk-abcde-third-2", "third", "Failed", exit_code=3)
    assert board.take(failed) == ["talk-abcde  third-2  Failed  2m5s  Failed: as it went"]


def test_a_run_within_is_a_line_of_its_run_and_has_its_own_tasks() -> None:
    board = Board()
    board.take(pipeline_run(reason="Running"))
    labels = {"tekton.dev/pipelineRun": "talk-abcde", "tekton.dev/pipelineTask": "inner"}
    inner = pipeline_run("talk-abcde-inner", "Running", labels=labels)
    assert board.take(inner) == ["talk-abcde  inner  Running"]
    deep = task_run("talk-abcde-inner-deep", "deep", "Running")
    deep["metadata"]["labels"]["tekton.dev/pipelineRun"] = "talk-abcde-inner"
    assert board.take(deep) == ["talk-abcde-inner  deep  Running"]
    lines = board.lines(NOW, Look(width=40, unicode=False))
    assert [line.split()[1] for line in lines] == [
        "talk-abcde", "inner", "talk-abcde-inner", "deep",
    ]  # fmt: skip


def test_a_custom_run_waits_for_its_controller() -> None:
    board = Board()
    custom = task_run("talk-abcde-ask", "ask")
    custom |= {"kind": "CustomRun", "spec": {"customRef": {"kind": "Ask", "apiVersion": "e.g/v1"}}}
    ended = dict(custom)
    del custom["status"]
    waits = "talk-abcde  ask waits: a controller of yours is to run Ask (e.g/v1)"
    assert board.take(custom) == [waits]
    assert board.take(ended) == ["talk-abcde  ask  Succeeded  2m5s"]
