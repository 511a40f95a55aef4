"""What the runs on screen look like right now: pure, from objects to lines.

A run is a heading and one line a task: glyph, name, duration, and the step at hand or what failed.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from mltk.cli.duration import exact
from mltk.cli.obstacle import is_pending, obstacle
from mltk.cli.parts import task_of
from mltk.cli.waiting import is_replaced, replacement, what_it_waits_for
from mltk.local.annotations import CACHED_FROM
from mltk.queueing.runs import waits
from mltk.tekton.labels import PIPELINE_RUN, PIPELINE_TASK
from mltk.tekton.objects import Obj, condition, is_done, labels_of, parse_time, reason, spec_of

WAITING, BLOCKED, RUNNING, SUCCEEDED, FAILED, SKIPPED, CACHED = (
    "Waiting", "Blocked", "Running", "Succeeded", "Failed", "Skipped", "Cached",
)  # fmt: skip

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_GLYPHS = {WAITING: "·", BLOCKED: "!", SUCCEEDED: "✓", FAILED: "✗", SKIPPED: "-", CACHED: "✓"}
_ASCII = {
    WAITING: ".",
    BLOCKED: "!",
    RUNNING: "*",
    SUCCEEDED: "+",
    FAILED: "x",
    SKIPPED: "-",
    CACHED: "+",
}
_COLOURS = {
    BLOCKED: "33",
    RUNNING: "36",
    SUCCEEDED: "32",
    FAILED: "31",
    CACHED: "32",
    WAITING: "2",
    SKIPPED: "2",
}


@dataclasses.dataclass(frozen=True)
class Look:
    """How to draw: columns and lines of the terminal, colour, characters beyond ASCII."""

    width: int = 80
    height: int = 1000
    colour: bool = False
    unicode: bool = True


@dataclasses.dataclass(frozen=True)
class Row:
    """One task, or a run as a whole."""

    name: str
    state: str
    seconds: float | None = None
    message: str = ""


@dataclasses.dataclass
class _Run:
    obj: Obj
    tasks: dict[str, Obj] = dataclasses.field(default_factory=dict)


class Board:
    """The runs that somebody watches; `take` every object that changes."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def take(self, obj: Obj) -> list[str]:
        """Note a changed run or a part of one; return one plain line for each change of state."""
        name, task = obj["metadata"]["name"], task_of(obj)
        parent = labels_of(obj).get(PIPELINE_RUN)
        if parent and task:
            run = self._runs.setdefault(parent, _Run({"kind": "PipelineRun"}))
            before = _task_row(task, run.tasks.get(name), None)
            run.tasks[name] = obj
            if obj["kind"] == "PipelineRun":
                self._runs.setdefault(name, _Run(obj)).obj = obj
            return _change(parent, before, _task_row(task, obj, None))
        run = self._runs.setdefault(name, _Run({"kind": obj["kind"]}))
        before = _task_row("", run.obj, None)
        run.obj = obj
        return _change(name, before, _task_row("", obj, None))

    def lines(self, now: datetime, look: Look) -> list[str]:
        """Draw all runs; when they do not fit, finished runs shrink to their heading."""
        blocks = [[_run_row(name, run, now), *_task_rows(run, now)] for name, run in self._items()]
        if sum(map(len, blocks)) > look.height:
            blocks = [_shrunk(block) for block in blocks]
        drawn = [
            _draw(row, look, now, indent=2 if i else 0)
            for block in blocks
            for i, row in enumerate(block)
        ]
        return drawn[: look.height]

    def _items(self) -> list[tuple[str, _Run]]:
        # A copy at once: the engine's threads take objects while the painter's draws.
        return list(self._runs.items())


def _change(run: str, before: Row, after: Row) -> list[str]:
    name = f"  {after.name}" if after.name else ""
    same = before.state == after.state and (after.state != BLOCKED or before == after)
    if same or after.state == WAITING:
        return []
    if after.state == BLOCKED:
        return [f"{run}{name} waits: {after.message}"]
    took = f"  {exact(after.seconds)}" if after.seconds is not None else ""
    message = f"  {after.message}" if after.message and after.state == FAILED else ""
    return [f"{run}{name}  {after.state}{took}{message}"]


def _run_row(name: str, run: _Run, now: datetime) -> Row:
    row = _task_row(name, run.obj, now)
    told = run.obj["kind"] == "TaskRun" or row.state == BLOCKED
    return dataclasses.replace(row, message=row.message if told else "")


def _task_rows(run: _Run, now: datetime) -> list[Row]:
    status = run.obj.get("status", {})
    spec = status.get("pipelineSpec", {})
    planned = [task["name"] for part in ("tasks", "finally") for task in spec.get(part, [])]
    skipped = {skip["name"]: skip.get("reason", "") for skip in status.get("skippedTasks", [])}
    made: dict[str, list[Obj]] = {name: [] for name in planned}
    # sorted() copies at once, as of the runs; -2 comes before -10.
    for _, obj in sorted(run.tasks.items(), key=lambda each: (len(each[0]), each[0])):
        made.setdefault(labels_of(obj)[PIPELINE_TASK], []).append(obj)
    rows: list[Row] = []
    for task, objs in made.items():
        if objs:
            rows += [_task_row(task_of(obj), obj, now) for obj in objs]
        elif task in skipped:
            rows.append(Row(task, SKIPPED, message=skipped[task]))
        else:
            rows.append(Row(task, WAITING))
    return rows


def _task_row(name: str, obj: Obj | None, now: datetime | None) -> Row:
    if obj is not None and obj["kind"] == "CustomRun" and condition(obj) is None:
        return Row(name, BLOCKED, None, _unserved(obj))
    if obj is None or not obj.get("status"):
        return Row(name, WAITING)
    found = condition(obj) or {}
    if not is_done(obj):
        return _unended_row(name, obj, now)
    if found.get("status") != "True":
        return Row(name, FAILED, seconds_of(obj, now), _why(obj))
    cached = CACHED_FROM in (obj["metadata"].get("annotations") or {})
    return Row(name, CACHED if cached else SUCCEEDED, seconds_of(obj, now))


def _unended_row(name: str, obj: Obj, now: datetime | None) -> Row:
    if waits(obj):
        return Row(name, BLOCKED, None, what_it_waits_for(obj))
    if obj["kind"] == "TaskRun" and is_pending(obj):
        found = obstacle(obj)
        return Row(name, WAITING) if found is None else Row(name, BLOCKED, None, found.what)
    return Row(name, RUNNING, seconds_of(obj, now), _current_step(obj))


def _unserved(custom_run: Obj) -> str:
    spec = spec_of(custom_run)
    asked = spec.get("customRef") or spec.get("customSpec") or {}
    what = f"{asked.get('kind', '')} ({asked.get('apiVersion', '')})"
    return f"a controller of yours is to run {what}"


def seconds_of(obj: Obj, now: datetime | None) -> float | None:
    """How long a run took, or has taken up to `now`; None before its start or without `now`."""
    status = obj.get("status", {})
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return None
    last = parse_time(end) if end else now
    return (last - parse_time(start)).total_seconds() if last else None


def _current_step(obj: Obj) -> str:
    steps: list[dict[str, Any]] = obj["status"].get("steps", [])
    running = (step["name"] for step in steps if "terminated" not in step)
    return next(running, "")


def _why(obj: Obj) -> str:
    found = condition(obj) or {}
    message = str(found.get("message", "")).splitlines()
    why = reason(obj)
    if is_replaced(obj):
        return f"{why}: {replacement(obj)}"
    if (known := obstacle(obj)) is not None:
        return f"{why}: {known.what}"
    return f"{why}: {message[0]}" if message else why


def _shrunk(block: list[Row]) -> list[Row]:
    head, *tasks = block
    return [head, *(row for row in tasks if row.state in (RUNNING, BLOCKED, FAILED))]


def _draw(row: Row, look: Look, now: datetime, indent: int) -> str:
    took = exact(row.seconds) if row.seconds is not None else ""
    width = 26 - indent
    text = f"{' ' * indent}{_glyph(row.state, look, now)} {row.name:<{width}} {took:>7}"
    text = f"{text}  {' '.join((_word(row.state), row.message)).strip()}".rstrip()[: look.width]
    return f"\x1b[{_COLOURS[row.state]}m{text}\x1b[0m" if look.colour else text


def _word(state: str) -> str:
    return {CACHED: "cached", BLOCKED: "waits:", SKIPPED: "skipped:"}.get(state, "")


def _glyph(state: str, look: Look, now: datetime) -> str:
    if not look.unicode:
        return _ASCII[state]
    return _GLYPHS.get(state) or _SPINNER[now.microsecond // 100_000]
