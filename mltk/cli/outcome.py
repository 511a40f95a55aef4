"""How runs ended: what `mltk run` says at its end and the code that it ends with. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from mltk.cli.board import seconds_of
from mltk.cli.labels import MODEL
from mltk.cli.parts import Part
from mltk.cli.waiting import is_replaced, replacement
from mltk.errors import ConfigError, GateRejected, InfrastructureError, StepError
from mltk.local.annotations import CACHE, CACHE_KEY, PARAMS, TRUE
from mltk.tekton.objects import (  # fmt: skip
    Obj,
    annotations_of,
    condition,
    is_done,
    is_success,
    labels_of,
    message,
    name_of,
    namespace_of,
    params_of,
    reason,
    results,
    status_of,
)

# Codes of a step that tell whose fault it was; any other failure of a step is just that.
_TELLING = (ConfigError.exit_code, InfrastructureError.exit_code)
# Reasons of a PipelineRun and of a TaskRun that somebody ended.
CANCELLED = ("Cancelled", "TaskRunCancelled")


@dataclasses.dataclass(frozen=True)
class Failure:
    """The TaskRun that failed first, and the step in it that did (None: no step is to blame).

    `task` is that of its `Part`. A CustomRun, or a run without TaskRuns, may stand in its place.
    """

    task_run: str
    task: str
    step: str | None
    exit_code: int
    message: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one run ended; texts are empty where a run has no such result.

    `metrics` are the hold-out metrics by name, the primary one first; `champion` is how the gate
    found the model against the champion (`mltk.steps.judge.comparison`), empty where it met none.
    `reason` is the gate's word for a verdict, else the condition's. It took `seconds`, waiting
    included. One that failed `resumes` when a rerun has nothing to do again: what was done is
    restored from the cache.
    """

    run: str
    namespace: str
    kind: str
    model: str
    status: str
    verdict: str
    reason: str
    version: str
    alias: str
    digest: str
    metrics: dict[str, float]
    champion: dict[str, Any]
    tracking_uri: str
    failure: Failure | None
    resumes: bool = False
    seconds: float | None = None

    @property
    def exit_code(self) -> int:
        """0, 4 for a model that the gate refused, else what the failing step says."""
        if self.failure is not None:
            code = self.failure.exit_code
            return code if code in _TELLING else StepError.exit_code
        return GateRejected.exit_code if self.verdict == "fail" else 0

    def as_dict(self) -> dict[str, Any]:
        """For `-o json`."""
        return {**_camel(dataclasses.asdict(self)), "exitCode": self.exit_code}


def outcome(run: Obj, parts: Sequence[Part], *, keeps: bool = True) -> Outcome:
    """Read how a finished run ended from its object and what it consists of.

    `keeps` says whether its engine put what was done into the cache.
    """
    found = results(run)
    params = params_of(run)
    return Outcome(
        run=name_of(run),
        namespace=namespace_of(run),
        kind=run["kind"],
        model=labels_of(run).get(MODEL, ""),
        status=reason(run),
        verdict=str(found.get("verdict", "")),
        reason=str(found.get("reason", "" if "verdict" in found else message(run))),
        version=str(found.get("model-version", "")),
        alias=str(found.get("alias", "")),
        digest=str(found.get("bundle-digest", "")),
        metrics=_numbers(found.get("metrics")),
        champion=_numbers(found.get("comparison")),
        tracking_uri=str(params.get("tracking-uri", "")),
        failure=None if is_success(run) else failure(run, parts),
        resumes=keeps and not is_success(run) and _is_kept(parts),
        seconds=seconds_of(run, None),
    )


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The code for several runs: of the first that failed, else 4 if a gate said no, else 0."""
    codes = [each.exit_code for each in outcomes]
    failed = (code for code in codes if code not in (0, GateRejected.exit_code))
    return next(failed, max(codes, default=0))


def failure(run: Obj, parts: Sequence[Part]) -> Failure:
    """Find what made `run` fail: the first of its parts to end badly, else the run itself."""
    failed = [each for each in parts if is_done(each.obj) and not is_success(each.obj)]
    if not failed:
        why = replacement(run) if is_replaced(run) else message(run) or reason(run)
        return Failure(name_of(run), "", None, StepError.exit_code, why)
    found = min(failed, key=_ended)
    first, step = found.obj, _failed_step(found.obj)
    return Failure(
        task_run=name_of(first),
        task=found.task,
        step=step["name"] if step else None,
        exit_code=step["terminated"]["exitCode"] if step else StepError.exit_code,
        message=(condition(first) or {}).get("message", ""),
    )


def _is_kept(parts: Sequence[Part]) -> bool:
    """Whether all that was done may be restored; only the embedded engine gives it a key."""
    made = [each.obj for each in parts if each.obj["kind"] != "PipelineRun"]
    marks = [annotations_of(each) for each in made if is_success(each)]
    return bool(marks) and all(
        each.get(CACHE) in (TRUE, PARAMS) and CACHE_KEY in each for each in marks
    )


def _ended(part: Part) -> tuple[str, bool]:
    """When it ended; a run ends in the same second as that of its TaskRuns that made it fail."""
    ended = str(status_of(part.obj).get("completionTime", ""))
    return ended, part.obj["kind"] == "PipelineRun"


def last_words(lines: Sequence[str], *, most: int = 12) -> list[str]:
    """The end of a step's log from its last `error:` on; the last lines when there is none."""
    starts = [i for i, line in enumerate(lines) if line.startswith("error:")]
    return list(lines[starts[-1] :][:most] if starts else lines[-5:])


def _failed_step(task_run: Obj) -> Obj | None:
    for step in status_of(task_run).get("steps", ()):
        if step.get("terminated", {}).get("exitCode", 0) != 0:
            found: Obj = step
            return found
    return None


def _numbers(text: object) -> dict[str, Any]:
    try:
        found = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def _camel(value: dict[str, Any]) -> dict[str, Any]:
    """Keys in the way of Kubernetes; names of metrics stay what they are."""
    named = {}
    for key, each in value.items():
        first, *rest = key.split("_")
        inner = _camel(each) if key == "failure" and each else each
        named[first + "".join(part.title() for part in rest)] = inner
    return named
