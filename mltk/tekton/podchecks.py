"""What a TaskRun and its Task must agree in before a pod is made, in Tekton's words.

Rules: ``prepare`` and ``createPod`` in Tekton's ``pkg/reconciler/taskrun/taskrun.go``. Each raises
TaskRunRejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mltk.tekton import enums, params
from mltk.tekton.config import FeatureFlags
from mltk.tekton.fields import Problem, as_tekton_writes
from mltk.tekton.labels import TASK
from mltk.tekton.objects import Obj, by_name, labels_of, name_of, namespace_of, spec_of
from mltk.tekton.quantities import Quantity, parse_quantity
from mltk.tekton.remote import is_remote
from mltk.tekton.runchecks import params_misfit
from mltk.tekton.substitution import Value
from mltk.tekton.taskrules import check_task, check_usage
from mltk.tekton.verdicts import TaskRunRejected, listed, user_error

_CLAIM = "persistentVolumeClaim"


def check_requests(task_spec: Obj) -> None:
    """A step asks for no more than its limit, or that of the stepTemplate."""
    of_template = _resources(task_spec.get("stepTemplate"), "limits")
    for step in task_spec.get("steps") or ():
        limits = {**of_template, **_resources(step, "limits")}
        for name, asked in _resources(step, "requests").items():
            if name in limits and limits[name].value < asked.value:
                raise _invalid(
                    f"invalid request resource value: {asked} must be less or equal to limit"
                    f" {limits[name]}"
                )


def _resources(container: Obj | None, part: str) -> dict[str, Quantity]:
    found = ((container or {}).get("computeResources") or {}).get(part) or {}
    return {name: parse_quantity(str(amount)) for name, amount in found.items()}


def checked_params(task_run: Obj, task_spec: Obj) -> dict[str, Value]:
    """Return the value of each param, those that the Task has by default included."""
    declared = task_spec.get("params") or []
    values = params.given(spec_of(task_run).get("params"))
    if why := params_misfit(declared, values, open_=False):
        named = task_ref(task_run)
        raise _invalid(f"invalid input params for task {named}: {why}")
    if why := enums.outside(declared, spec_of(task_run).get("params") or ()):
        raise TaskRunRejected("InvalidParamValue", user_error(why))
    values = params.with_defaults(declared, values)
    places = [task_spec.get("steps"), task_spec.get("stepTemplate")]
    if found := params.out_of_bounds(places, values):
        raise _invalid(f"non-existent param references:{listed(found)}")
    return values


def check_bindings(task_run: Obj, task_spec: Obj) -> None:
    """An embedded Task may use what is bound without declaring it."""
    declared = by_name(task_spec.get("workspaces"))
    bound = by_name(spec_of(task_run).get("workspaces"))
    for name, workspace in declared.items():
        if name not in bound and not workspace.get("optional"):
            raise _invalid(f'declared workspace "{name}" is required but has not been bound')
    if spec_of(task_run).get("taskSpec"):
        return
    for name in bound:
        if name not in declared:
            raise _invalid(f'workspace binding "{name}" does not match any declared workspace')


def check_claims(task_run: Obj, flags: FeatureFlags) -> None:
    """Refuse two volumes, which may lie on two nodes (``ValidateOnlyOnePVCIsUsed`` in Tekton)."""
    bound = spec_of(task_run).get("workspaces") or ()
    claims = {each[_CLAIM].get("claimName") for each in bound if each.get(_CLAIM)}
    templates = {each["name"] for each in bound if each.get("volumeClaimTemplate") is not None}
    if flags.coschedule == "workspaces" and len(claims | templates) > 1:
        raise _invalid("more than one PersistentVolumeClaim is bound")


def check_step_specs(task_run: Obj, task_spec: Obj) -> None:
    """Requests for a step are a pod's matter, but the step must be there."""
    names = {step.get("name") for step in task_spec.get("steps") or ()}
    for each in spec_of(task_run).get("stepSpecs") or ():
        if each["name"] not in names:
            raise _invalid(f"invalid StepOverride: No Step named {each['name']}")


def check_leftovers(task_run: Obj, spec: Obj, flags: FeatureFlags) -> None:
    """Refuse what does not hold any more once variables are replaced (``createPod`` in Tekton).

    Most of all, a param that nobody declared.
    """
    if found := _leftovers(_Itself(spec), flags):
        raise no_pod(task_run, as_tekton_writes(found))


@lru_cache(maxsize=16)  # a spec without a variable is the same one in many TaskRuns
def _leftovers(itself: _Itself, flags: FeatureFlags) -> Sequence[Problem]:
    spec = itself.spec
    found = list(check_usage(spec.get("steps") or (), spec.get("params") or (), ""))
    return found or list(check_task(spec, "", alone=False, flags=flags))


@dataclass(frozen=True, eq=False)
class _Itself:
    """A spec that is like no other; nobody changes one."""

    spec: Obj

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.spec is self.spec


def no_pod(task_run: Obj, why: str) -> TaskRunRejected:
    """Return what a TaskRun whose pod cannot be made is told."""
    name = task_ref(task_run)
    task = f"missing or invalid Task {namespace_of(task_run)}/{name}" if name else ""
    return TaskRunRejected(
        "PodCreationFailed",
        f'failed to create task run pod "{name_of(task_run)}": {why}. '
        f"Maybe {task or 'invalid TaskSpec'}",
    )


def task_ref(task_run: Obj) -> str:
    """Name of a Task that is not embedded; that of one from elsewhere stands in the label."""
    ref = spec_of(task_run).get("taskRef") or {}
    return str(ref.get("name") or (labels_of(task_run).get(TASK, "") if is_remote(ref) else ""))


def _invalid(message: str) -> TaskRunRejected:
    return TaskRunRejected("TaskRunValidationFailed", user_error(message))
