"""Runs that wait, as lists, descriptions and the board show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mltk.cli.board import Board, Look
from mltk.cli.columns import status_word
from mltk.cli.controller import Controller
from mltk.cli.outcome import outcome
from mltk.cli.planning import stamped
from mltk.cli.waiting import queue_notes, with_places
from mltk.errors import InfrastructureError
from mltk.local.encoding import brief
from mltk.tekton.objects import Obj, reason
from tests.unit.queueing.made import pipeline_run

from .conftest import Shell

PENDING = {"conditions": [{"type": "Succeeded", "status": "Unknown",
                           "reason": "PipelineRunPending", "message": ""}]}  # fmt: skip
CANCELLED = {"conditions": [{"type": "Succeeded", "status": "False", "reason": "Cancelled",
                             "message": "PipelineRun was cancelled"}],
             "startTime": "2026-01-01T00:00:00Z",
             "completionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
RULES = {"queue": "q", "queue-limit": "1", "project-limit": "4", "quiet-period": "30s"}


def _replaced() -> Obj:
    said = {**RULES, "replaced-by": "newer"}
    return pipeline_run(annotations=said, spec={"status": "Cancelled"}, status=CANCELLED)


def test_board_says_what_a_run_waits_for() -> None:
    board = Board()
    said = board.take(pipeline_run(annotations=RULES, status=PENDING))
    words = "its turn in queue q (1 at once, 4 at once of project p, until no newer one comes)"
    assert said == [f"r waits: {words}"]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert board.lines(now, Look(width=200, unicode=False)) == [f"! {'r':<36}waits: {words}"]
    # YAML makes numbers of what is not quoted, and this machine takes it.
    said = board.take(pipeline_run(annotations={"queue": 7, "queue-limit": 1}, status=PENDING))
    assert said == ["r waits: its turn in queue 7 (1 at once)"]


def test_pending_run_without_a_queue_is_shown_as_before() -> None:
    board = Board()
    assert board.take(pipeline_run(status=PENDING)) == ["r  Running"]
    runs = [pipeline_run(status=PENDING)]
    assert with_places(_Objects(None), runs, "default") is runs  # type: ignore[arg-type]
    assert status_word(runs[0]) == "PipelineRunPending"


def test_list_shows_the_place_of_a_run_that_waits() -> None:
    runs = [pipeline_run(annotations=RULES, status=PENDING)]
    listed = [json.loads(brief(run)) for run in runs]
    (shown,) = with_places(_Objects(runs), listed, "default")  # type: ignore[arg-type]
    assert reason(shown) == "Waiting (1st of 1 in q)"


def test_run_that_was_replaced_says_by_which_at_its_end() -> None:
    words = "replaced by newer, a newer run of queue q, before its turn came"
    assert Board().take(_replaced()) == [f"r  Failed  0s  Cancelled: {words}"]
    found = outcome(_replaced(), [])
    assert found.failure is not None
    assert found.failure.message == words
    assert status_word(json.loads(brief(_replaced()))) == "Replaced (by newer)"
    assert queue_notes(_Objects([]), _replaced()) == [words]  # type: ignore[arg-type]


def test_runs_that_do_not_wait_cost_no_second_look() -> None:
    runs = [pipeline_run(spec={"status": None})]
    assert with_places(_Objects(None), runs, "default") is runs  # type: ignore[arg-type]


def test_run_that_is_to_wait_is_stamped_and_no_other_is_touched() -> None:
    now = datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    plain = pipeline_run()
    assert stamped(plain, now) is plain
    made = stamped(pipeline_run(annotations={"queue": "q"}), now)
    assert made["metadata"]["annotations"] == {
        "mltk.dev/queue": "q",
        "mltk.dev/queued-at": "2026-01-01T00:00:00.000005Z",
    }


def test_cluster_where_nobody_would_let_them_go_is_named(shell: Shell) -> None:
    backend = shell.backend
    for name, kind, fields in (
        ("model-delivery", "Pipeline", {"spec": {"tasks": []}}),
        ("mltk", "ConfigMap", {"data": {"queue": "false"}}),
    ):
        version = "v1" if kind == "ConfigMap" else "tekton.dev/v1"
        backend.store.insert(
            {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
        )
    controller, run = Controller(backend), pipeline_run(annotations={"queue": "q"})
    with pytest.raises(InfrastructureError, match="would wait for ever") as failure:
        controller.equip("default", [run])
    assert "--set queue.enabled=true --namespace default" in str(failure.value.hint)
    controller.equip("default", [pipeline_run(spec={"status": None})])
    backend.patch("cm", "mltk", "default", {"data": {"queue": "true"}})
    controller.equip("default", [run])


class _Objects:
    """A backend that has some PipelineRuns, or must not be asked (None)."""

    def __init__(self, runs: list[Obj] | None) -> None:
        self.runs = runs

    def list(self, *_: Any) -> list[Obj]:
        assert self.runs is not None
        return self.runs
