"""The status of a PipelineRun: condition, children, skipped tasks, results.

Rules: ``GetPipelineConditionStatus``, ``GetChildReferences``, ``GetSkippedTasks`` and
``ApplyTaskResultsToPipelineResults`` in Tekton's ``pipelinerun/resources``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mltk.tekton import matrix, params, when
from mltk.tekton.child import Child, Fan, Standing, reference
from mltk.tekton.durations import format_duration
from mltk.tekton.facts import Facts, ignores_failure
from mltk.tekton.objects import Obj, name_of, spec_of
from mltk.tekton.plan import Plan
from mltk.tekton.references import looks_like_result, parse_result, result_variables
from mltk.tekton.skipping import TIMEOUT_REASONS, WHEN, Outlook
from mltk.tekton.spillover import spilled_by, spillover
from mltk.tekton.substitution import Value, Variables, merged, references, text, value
from mltk.tekton.verdicts import listed

_SHOWN = 1024  # characters of what is wrong with tasks that could not have their results


@dataclass(frozen=True)
class Verdict:
    """The condition Succeeded: `status` is True, False or Unknown."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class Counts:
    """Tasks by how they stand; `ignored` failures leave the run going."""

    succeeded: int = 0
    failed: int = 0
    ignored: int = 0
    cancelled: int = 0
    skipped: int = 0
    late: int = 0
    incomplete: int = 0
    invalid: int = 0

    @property
    def completed(self) -> int:
        """All that ran to an end."""
        return self.succeeded + self.failed + self.cancelled + self.ignored

    @property
    def all_failed(self) -> int:
        """Failures, ignored ones included."""
        return self.failed + self.ignored


def judge(facts: Facts, outlook: Outlook) -> Verdict:
    """How the run stands."""
    counts = _count(facts, outlook)
    name = name_of(facts.run)
    finals_done = all(
        final in outlook.skipped or (final in facts.children and facts.children[final].done)
        for final in facts.plan.finals
    )
    if facts.pipeline_expired:
        return Verdict("False", "PipelineRunTimeout", timeout_message(facts))
    if facts.tasks_expired and finals_done and _nothing_runs(facts):
        limit = format_duration(facts.timeouts.tasks or facts.timeouts.pipeline)
        message = f'PipelineRun "{name}" failed due to tasks failed to finish within "{limit}"'
        return Verdict("False", "PipelineRunTimeout", message)
    if counts.incomplete:
        return _under_way(facts, counts, finals_done)
    return _ended(facts, outlook, counts)


def timeout_message(facts: Facts) -> str:
    """What Tekton says of a run that took too long."""
    limit = format_duration(facts.timeouts.pipeline)
    return f'PipelineRun "{name_of(facts.run)}" failed to finish within "{limit}"'


def child_references(
    facts: Facts, outlook: Outlook, created: Mapping[str, Sequence[Obj]]
) -> list[Obj]:
    """One entry for each TaskRun, in the order of the Pipeline."""
    found: list[Obj] = []
    plain, children, spilled = facts.plan.plain, facts.children, Variables()
    for name in _in_order(facts.plan, children.keys() | created.keys()):
        task, child = outlook.tasks[name], children.get(name)
        if child is not None and facts.plan.calls_by_results:
            spilled |= spilled_by(facts, name)
        if name in plain and isinstance(child, Child):
            found.append(child.reference)
            continue
        if name in created:
            entries = [(reference(made, name), made) for made in created[name]]
        else:
            entries = [(each.reference, each.obj) for each in children[name].members]
        if not (task.get("displayName") or task.get("when") or task.get("matrix")):
            found += [entry for entry, _ in entries]
            continue
        found += [_described(entry, task, task_run, spilled) for entry, task_run in entries]
    return found


def _described(entry: Obj, task: Obj, task_run: Obj, spilled: Variables) -> Obj:
    """An entry with what is shown for the task, in which the TaskRun's own params count.

    Before them comes what is `spilled`.
    """
    own = params.given(spec_of(task_run).get("params"))
    shown = task.get("displayName") or ""
    if shown:
        texts = {f"params.{name}": each for name, each in own.items() if isinstance(each, str)}
        shown = text(text(shown, spilled), Variables(texts))
    made = {**entry}
    if shown := matrix.shown_name(task, own) or shown:
        made["displayName"] = shown
    if task.get("when"):
        made["whenExpressions"] = _shown(task["when"])
    return made


def skipped_tasks(facts: Facts, outlook: Outlook) -> list[Obj]:
    """Tasks that will not run and why, in the order of the Pipeline.

    Of `finally`, `when` is shown only when it is why.
    """
    if not outlook.skipped:
        return []
    found: list[Obj] = []
    spilled = spillover(facts, outlook.skipped)
    for name in _in_order(facts.plan, outlook.skipped):
        task, reason = outlook.tasks[name], outlook.skipped[name]
        entry: Obj = {"name": name, "reason": reason}
        if task.get("when") and (name in facts.plan.tasks or reason == WHEN):
            entry["whenExpressions"] = _shown(when.substitute(task["when"], spilled))
        found.append(entry)
    return found


def _shown(expressions: Sequence[Obj]) -> list[Obj]:
    """`when` as Go writes it: an empty input is left out."""
    return [{key: found for key, found in each.items() if found != ""} for each in expressions]


def _in_order(plan: Plan, names: Container[str]) -> list[str]:
    """Some tasks in the order of the Pipeline, not in that of its graph."""
    return [name for name in (*plan.tasks, *plan.finals) if name in names]


def pipeline_results(facts: Facts) -> tuple[list[Obj], str]:
    """Results of the run, and what is wrong with those that should be there and are not.

    A result is left out without a word when it needs one that a task did not write because it
    failed or was skipped.
    """
    found, wrong = [], []
    for each in facts.plan.spec.get("results") or ():
        template = params.read_value(each.get("value"))
        outcome = [_resolve(facts, expression) for expression in references(template)]
        wrong += [each["name"]] * outcome.count("wrong")
        known = [variables for variables in outcome if isinstance(variables, Variables)]
        if outcome and len(known) == len(outcome):
            found.append({"name": each["name"], "value": value(template, merged(known))})
    if not wrong:
        return found, ""
    return found, (
        f"Failed to get PipelineResult from TaskRun Results for PipelineRun {name_of(facts.run)}: "
        f"invalid pipelineresults {listed(wrong)}, the referenced results don't exist"
    )


def _resolve(facts: Facts, expression: str) -> Variables | str:
    """Variables for one reference, ``wrong``, or ``absent`` when that is to be expected."""
    ref = parse_result(expression) if looks_like_result(expression) else None
    if ref is None:
        return "wrong"
    child = facts.children.get(ref.task)
    results: Mapping[str, Value] = _results(facts, ref.task, child)
    if ref.result not in results:
        return "wrong" if child is not None and child.succeeded else "absent"
    known = result_variables(ref.task, {ref.result: results[ref.result]})
    expected = expression.replace("finally.", "tasks.", 1).removesuffix("[*]")
    if not any(expected in part for part in (known.texts, known.lists, known.objects)):
        return "wrong"
    return _as_asked(expression, known)


def _results(facts: Facts, name: str, child: Standing | None) -> Mapping[str, Value]:
    """What a task gives to the results of the run.

    As in Tekton, one that fans out gives its own only when another task uses them, too.
    """
    unread = isinstance(child, Fan) and name not in facts.plan.consumed
    return child.results if child and child.done and not unread else {}


def _as_asked(expression: str, known: Variables) -> Variables:
    """Results of `finally` are known under ``tasks.`` and asked for under ``finally.``."""
    if not expression.startswith("finally."):
        return known

    def renamed(key: str) -> str:
        return key.replace("tasks.", "finally.", 1)

    return Variables(
        {renamed(key): found for key, found in known.texts.items()},
        {renamed(key): found for key, found in known.lists.items()},
        {renamed(key): found for key, found in known.objects.items()},
    )


def _count(facts: Facts, outlook: Outlook) -> Counts:
    tasks, children = {**facts.plan.tasks, **facts.plan.finals}, facts.children
    kinds = Counter(
        [
            _kind_of_child(child, tasks[name])
            for name, child in children.items()
            if child.done and name in tasks
        ]
    )
    skipped = [why for name, why in outlook.skipped.items() if not _ended_child(children, name)]
    kinds["invalid"], kinds["skipped"] = len(outlook.invalid), len(skipped)
    late = sum(reason in TIMEOUT_REASONS for reason in skipped)
    return Counts(**kinds, incomplete=len(tasks) - kinds.total(), late=late)


def _ended_child(children: Mapping[str, Standing], name: str) -> bool:
    child = children.get(name)
    return child is not None and child.done


def _kind_of_child(child: Standing, task: Obj) -> str:
    if child.succeeded:
        return "succeeded"
    if child.cancelled and not child.cancelled_for_timeout:
        return "cancelled"
    ignored = ignores_failure(task) and not child.cancelled_for_timeout
    return "ignored" if ignored else "failed"


def _nothing_runs(facts: Facts) -> bool:
    return all(child.done for child in facts.children.values())


def _under_way(facts: Facts, counts: Counts, finals_done: bool) -> Verdict:
    reason = "Running"
    if facts.tasks_expired and facts.plan.finals and not finals_done:
        reason = "PipelineRunTimeoutRunningFinally"
    elif facts.asked == "CancelledRunFinally":
        reason = "CancelledRunningFinally"
    elif facts.asked == "StoppedRunFinally":
        reason = "StoppedRunningFinally"
    elif counts.cancelled or (counts.failed and finals_done):
        reason = "PipelineRunStopping"
    message = (
        f"Tasks Completed: {counts.completed} (Failed: {counts.failed}, "
        f"Cancelled {counts.cancelled}), Incomplete: {counts.incomplete}, "
        f"Skipped: {counts.skipped}"
    )
    return Verdict("Unknown", reason, message)


def _ended(facts: Facts, outlook: Outlook, counts: Counts) -> Verdict:
    message = "".join(_summary(outlook, counts))
    if counts.invalid:
        return Verdict("False", "PipelineValidationFailed", message)
    if counts.failed or counts.late:
        return Verdict("False", "Failed", message)
    if facts.asked in ("CancelledRunFinally", "StoppedRunFinally"):
        return Verdict("False", "Cancelled", cancel_message(facts.run))
    if counts.cancelled:
        return Verdict("False", "Cancelled", message)
    return Verdict("True", "Completed" if counts.skipped else "Succeeded", message)


def cancel_message(run: Obj) -> str:
    """What Tekton says of a run that a user cancelled."""
    return f'PipelineRun "{name_of(run)}" was cancelled'


def _summary(outlook: Outlook, counts: Counts) -> Iterator[str]:
    ignored = f" (Ignored: {counts.ignored})" if counts.ignored else ""
    yield f"Tasks Completed: {counts.completed} (Failed: {counts.all_failed}{ignored}, "
    yield f"Cancelled {counts.cancelled}), Skipped: {counts.skipped}"
    if counts.invalid:
        why = "; ".join(message for _, message in sorted(outlook.invalid.items()))
        shown = why if len(why) <= _SHOWN else f"{why[:_SHOWN]}..."
        yield f", Failed Validation: {counts.invalid} ({shown})"
