"""Which tasks of a run are skipped and why, and which cannot run for want of a result.

Rules: ``skip``, ``IsFinallySkipped`` and ``CheckMissingResultReferences`` in Tekton's
``pipelinerun/resources/pipelinerunresolution.go``; the order of the reasons matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mltk.tekton import specs, when
from mltk.tekton.cel import CelError
from mltk.tekton.childkinds import child_kind
from mltk.tekton.facts import Facts, ignores_failure
from mltk.tekton.matrix import has_empty_list
from mltk.tekton.objects import Obj, name_of, namespace_of
from mltk.tekton.references import ResultRef, result_variables, waits_openly
from mltk.tekton.substitution import Value, Variables, merged
from mltk.tekton.verdicts import RunRejected, user_error

STOPPING = "PipelineRun was stopping"
GRACEFULLY_CANCELLED = "PipelineRun was gracefully cancelled"
GRACEFULLY_STOPPED = "PipelineRun was gracefully stopped"
WHEN = "When Expressions evaluated to false"
PARENT = "Parent Tasks were skipped"
MISSING_RESULTS = "Results were missing"
PIPELINE_TIMEOUT = "PipelineRun timeout has been reached"
TASKS_TIMEOUT = "PipelineRun Tasks timeout has been reached"
FINALLY_TIMEOUT = "PipelineRun Finally timeout has been reached"

EMPTY_MATRIX = "Matrix Parameters have an empty array"

TIMEOUT_REASONS = frozenset({PIPELINE_TIMEOUT, TASKS_TIMEOUT, FINALLY_TIMEOUT})


@dataclass
class Outlook:
    """What becomes of the tasks that have no TaskRun: skipped, invalid or `ready` to run.

    `tasks` are the PipelineTasks with the results that they refer to in place.
    """

    tasks: dict[str, Obj] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    invalid: dict[str, str] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    dag_done: bool = False


def foresee(facts: Facts) -> Outlook:
    """Judge the tasks of the graph, those of `finally` apart (`foresee_final`)."""
    failed = any(
        child.failed and name in facts.plan.tasks and not ignores_failure(facts.plan.tasks[name])
        for name, child in facts.children.items()
    )
    outlook = _walk(facts, stopping=failed, invalid={})
    if outlook.invalid:
        # A task that cannot have its results stops the run, so the others are judged again.
        outlook = _walk(facts, stopping=True, invalid=outlook.invalid)
    return outlook


def foresee_final(facts: Facts, outlook: Outlook, statuses: Variables) -> None:
    """Judge the tasks of `finally` once the graph is done; adds to `outlook`."""
    for name, plain in facts.plan.finals.items():
        if name in facts.children:
            # How others ended is put into a task only to make it; the status shows it without.
            outlook.tasks[name], _ = _with_results(facts, name, plain)
            continue
        task, problem = _with_results(facts, name, specs.substitute_pipeline_task(plain, statuses))
        outlook.tasks[name] = task
        _check_cel(facts, task)
        if problem:
            outlook.skipped[name] = MISSING_RESULTS
        elif not when.allows(task.get("when")):
            outlook.skipped[name] = WHEN
        elif facts.pipeline_expired:
            outlook.skipped[name] = PIPELINE_TIMEOUT
        elif facts.final_expired:
            outlook.skipped[name] = FINALLY_TIMEOUT
        elif has_empty_list(task):
            outlook.skipped[name] = EMPTY_MATRIX
        else:
            outlook.ready.append(name)


def foresee_waiting_final(facts: Facts, outlook: Outlook) -> None:
    """The tasks of `finally` while the graph is not done: Tekton looks at their CEL already."""
    for name, task in facts.plan.finals.items():
        outlook.tasks[name] = task
        if any(each.get("cel") for each in task.get("when") or ()):
            _check_cel(facts, _with_results(facts, name, task)[0])


def _check_cel(facts: Facts, task: Obj) -> None:
    """End a run of whose expressions one comes to nothing, and be it for want of a result."""
    if not task.get("when"):
        return
    try:
        when.check(task["when"])
    except CelError as error:
        message = f"Error evaluating CEL {name_of(facts.run)}: {error}"
        raise RunRejected("CELEvaluationFailed", user_error(message)) from None


def statuses(facts: Facts, outlook: Outlook) -> Variables:
    """``tasks.X.status``, ``tasks.X.reason`` and ``tasks.status``, for `finally`."""
    texts = {}
    for name in facts.plan.tasks:
        child = facts.children.get(name)
        word = "None"
        if child and child.done:
            word = "Succeeded" if child.succeeded else "Failed"
        texts[f"tasks.{name}.status"] = word
        texts[f"tasks.{name}.reason"] = child.reason if child else ""
    texts["tasks.status"] = _aggregate(facts, outlook)
    return Variables(texts)


def _aggregate(facts: Facts, outlook: Outlook) -> str:
    """Also a failure that the run ignores makes ``tasks.status`` Failed."""
    if not outlook.dag_done:
        return "None"
    children = (facts.children.get(name) for name in facts.plan.tasks)
    if any(child and child.failed for child in children):
        return "Failed"
    skipped = any(name in outlook.skipped for name in facts.plan.tasks)
    return "Completed" if skipped else "Succeeded"


def _walk(facts: Facts, *, stopping: bool, invalid: Mapping[str, str]) -> Outlook:
    outlook = Outlook(invalid=dict(invalid))
    skipped, plan = outlook.skipped, facts.plan
    asked = _asked(facts, stopping)
    over = _settled(facts) | invalid.keys()
    done = set(over)
    for name in plan.graph.order:
        if name in over:
            outlook.tasks[name] = plan.tasks[name]
            continue
        parents = plan.graph.parents[name]
        task, problem, child = plan.tasks[name], None, facts.children.get(name)
        # Of a task that has its TaskRun, only what the status shows is still of interest.
        shown = child is None or name not in plan.plain
        parents_done = shown and done.issuperset(parents)
        if parents_done and plan.refs[name]:
            task, problem = _with_results(facts, name, task)
        outlook.tasks[name] = task
        _check_cel(facts, task)
        if child is not None:
            overtaken = _overtaken(facts, name, task, asked)
            skipped.update(overtaken)
            if child.done or overtaken:
                done.add(name)
            continue
        if not (parents_done or asked or skipped):
            continue  # it waits
        reason = asked or _reason(facts, task, parents, skipped, parents_done, problem)
        if reason:
            skipped[name] = reason
            done.add(name)
        elif parents_done and problem and not stopping:
            outlook.invalid[name] = problem.message
            done.add(name)
        elif parents_done:
            outlook.ready.append(name)
    outlook.dag_done = len(done) == len(plan.graph.order)
    return outlook


def _settled(facts: Facts) -> set[str]:
    """Tasks that have ended and of which no more is to be said; a long run has many of them."""
    settling = facts.plan.settling
    return {name for name, child in facts.children.items() if child.done and name in settling}


def _overtaken(facts: Facts, name: str, task: Obj, asked: str) -> dict[str, str]:
    """A Pipeline that has begun and is skipped all the same, as Tekton has it, with the reason."""
    if name not in facts.plan.nested:
        return {}
    heeded = "" if asked == GRACEFULLY_CANCELLED else asked
    reason = heeded or _reason(facts, task, (), {}, True, None)
    return {name: reason} if reason else {}


def _reason(
    facts: Facts,
    task: Obj,
    parents: tuple[str, ...],
    skipped: Mapping[str, str],
    parents_done: bool,
    problem: Problem | None,
) -> str:
    """Why a task of the graph is skipped, in Tekton's order; empty when it is not."""
    if parents_done and not when.allows(task.get("when")):
        return WHEN
    # A parent that was skipped by its own `when` does not skip those that only run after it.
    if any(skipped.get(parent, WHEN) != WHEN for parent in parents):
        return PARENT
    if not parents_done:
        return ""
    excused = problem and (ignores_failure(task) or skipped.get(problem.task) == WHEN)
    if excused and waits_openly(task):
        return MISSING_RESULTS
    if facts.pipeline_expired:
        return PIPELINE_TIMEOUT
    if facts.tasks_expired:
        return TASKS_TIMEOUT
    return EMPTY_MATRIX if has_empty_list(task) else ""


def _asked(facts: Facts, stopping: bool) -> str:
    """Why nothing starts any more, whatever the task."""
    if stopping:
        return STOPPING
    return {
        "CancelledRunFinally": GRACEFULLY_CANCELLED,
        "StoppedRunFinally": GRACEFULLY_STOPPED,
    }.get(facts.asked, "")


@dataclass(frozen=True)
class Problem:
    """The first reference of a task that cannot be resolved: to which `task`, and why."""

    task: str
    message: str


def _with_results(facts: Facts, name: str, task: Obj) -> tuple[Obj, Problem | None]:
    """The task with the results it refers to, or as it is when one is not there (all or none)."""
    found: dict[str, dict[str, Value]] = {}
    for ref in facts.plan.refs[name]:
        child = facts.children.get(ref.task)
        if child is None or not child.done:
            return task, Problem(ref.task, _unfinished(facts, ref))
        if ref.result not in child.results:
            return task, Problem(ref.task, _missing(ref, name, child.succeeded))
        _check_index(facts, ref, child.results[ref.result])
        found.setdefault(ref.task, {})[ref.result] = child.results[ref.result]
    variables = merged(result_variables(*each) for each in found.items())
    made = specs.substitute_pipeline_task(task, variables)
    if variables and task.get("taskSpec"):
        made = {**made, "taskSpec": specs.substitute_task(task["taskSpec"], variables)}
    return made, None


def _unfinished(facts: Facts, ref: ResultRef) -> str:
    if ref.task in facts.children:
        return f'task "{ref.task}" referenced by result was not finished'
    kind = child_kind({**facts.plan.tasks, **facts.plan.finals}.get(ref.task, {}))
    return f'Result reference error: Internal result ref "{ref.task}" has zero-length {kind}s'


def _missing(ref: ResultRef, target: str, succeeded: bool) -> str:
    if succeeded:
        return (
            f'task "{ref.task}" completed successfully but did not emit the result '
            f'"{ref.result}", which is referenced by task "{target}"'
        )
    return (
        f"Invalid task result reference: Could not find result with name {ref.result} "
        f"for pipeline task {ref.task}"
    )


def _check_index(facts: Facts, ref: ResultRef, value: object) -> None:
    if isinstance(value, list) and ref.index is not None and ref.index >= len(value):
        where = f"PipelineRun {namespace_of(facts.run)}/{name_of(facts.run)}"
        message = (
            f"{where} can't be Run; couldn't resolve all references: array Result Index "
            f"{ref.index} for Task {ref.task} Result {ref.result} is out of bound of size "
            f"{len(value)}"
        )
        raise RunRejected("PipelineValidationFailed", user_error(message))
