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
