"""Runs that wait in a queue, as `mltk get`, `mltk describe` and the board show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mltk.queueing.annotations import PROJECT, QUEUE, REPLACED_BY
from mltk.queueing.runs import PENDING, problems, rules_of, waits
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    condition,
    labels_of,
    name_of,
    namespace_of,
    reason,
    status_of,
    uid_of,
)

if TYPE_CHECKING:
    from mltk.queueing.standing import Place
    from mltk.tekton.api import Backend


def with_places(backend: Backend, runs: Sequence[Obj], namespace: str | None) -> Sequence[Obj]:
    """PipelineRuns as a list has them; of those that wait the reason is their place.

    Only where one waits in a queue all are read whole.
    """
    if not any(_is_queued(run) and reason(run) == PENDING for run in runs):
        return runs
    # A list in which nobody waits does not wait for the rules to load.
    from mltk.queueing.standing import places, queued_runs

    whole = {_key(run): run for run in backend.list("PipelineRun", namespace)}
    found = places(datetime.now(UTC), queued_runs(whole.values()))
    return [_placed(run, found.get(uid_of(whole.get(_key(run), run)))) for run in runs]


def waiting_word(run: Obj) -> str:
    """How a run stands in its queue, as far as it says so itself; empty for any other."""
    if not _is_queued(run):
        return ""
    marks = annotations_of(run)
    if waits(run):
        return f"Waiting (in {marks[QUEUE]})"
    return f"Replaced (by {marks[REPLACED_BY]})" if is_replaced(run) else ""


def what_it_waits_for(run: Obj) -> str:
    """The same in words that follow "waits:"; empty for a run that does not wait."""
    if not waits(run):
        return ""
    rules = rules_of(run)
    shares = [
        (rules.queue_limit, ""),
        (rules.project_limit, f" of project {labels_of(run).get(PROJECT, '')}"),
    ]
    limits = [f"{limit} at once{whose}" for limit, whose in shares if limit is not None]
    limits += ["until no newer one comes"] if rules.quiet else []
    told = f" ({', '.join(limits)})" if limits else ""
    return f"its turn in queue {annotations_of(run)[QUEUE]}{told}"


def is_replaced(run: Obj) -> bool:
    """Whether a run was cancelled because a newer one waits in its place."""
    return REPLACED_BY in annotations_of(run) and reason(run) == "Cancelled"


def replacement(run: Obj) -> str:
    """What became of a run that a newer one has replaced."""
    marks = annotations_of(run)
    newer, queue = marks[REPLACED_BY], marks.get(QUEUE, "")
    return f"replaced by {newer}, a newer run of queue {queue}, before its turn came"


def queue_notes(backend: Backend, run: Obj) -> list[str]:
    """All that there is to say of a run and its queue, line by line."""
    if run["kind"] != "PipelineRun" or QUEUE not in annotations_of(run):
        return []
    from mltk.queueing.standing import places, queued_runs

    notes = [replacement(run)] if is_replaced(run) else []
    if waits(run):
        runs = queued_runs(backend.list("PipelineRun", namespace_of(run)))
        if (place := places(datetime.now(UTC), runs).get(uid_of(run))) is not None:
            notes += [f"waits as {place}: {place.why}"]
    return [*notes, *problems(run)]


def problem_lines(objs: Iterable[Obj]) -> list[str]:
    """What is wrong with the annotations by which runs are to wait."""
    return [f"{_called(obj)}: {text}" for obj in objs for text in problems(obj)]


def _called(obj: Obj) -> str:
    return f"pipelinerun/{name_of(obj) or obj['metadata'].get('generateName', '')}"


def _is_queued(run: Obj) -> bool:
    """Of ten thousand runs in a list hardly one is."""
    return QUEUE in (run["metadata"].get("annotations") or ())


def _placed(run: Obj, place: Place | None) -> Obj:
    """The run with its place as the reason of its condition."""
    told = condition(run)
    if place is None or told is None:
        return run
    conditions = [{**told, "reason": f"Waiting ({place})"}]
    return {**run, "status": {**status_of(run), "conditions": conditions}}


def _key(run: Obj) -> tuple[str, str]:
    return namespace_of(run), name_of(run)
