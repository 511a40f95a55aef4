"""What may change in a run once it is there."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit_update

Obj = dict[str, Any]


def run(kind: str = "TaskRun", *, done: bool = False, **spec: Any) -> Obj:
    status = {"conditions": [{"type": "Succeeded", "status": "True" if done else "Unknown"}]}
    return {"kind": kind, "metadata": {"name": "r"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (run(timeout="1h"), run(timeout="1h", status="TaskRunCancelled", statusMessage="why")),
        (run(status="TaskRunPending"), run()),
        (run("PipelineRun"), run("PipelineRun", status="Cancelled")),
        (run(done=True, timeout="1h"), run(timeout="1h")),
        (run(params=[]), run()),
        (run("Task", steps=[]), run("Task", steps=[{}])),
    ],
)
def test_what_a_user_may_change(old: Obj, new: Obj) -> None:
    admit_update(old, new)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        (
            run(timeout="1h"),
            run(timeout="2h"),
            "spec",
            "Once the TaskRun has started, only status and statusMessage updates are allowed",
        ),
        (
            run("PipelineRun", params=[{"name": "p", "value": "1"}]),
            run("PipelineRun"),
            "spec",
            "Once the PipelineRun has started, only status updates are allowed",
        ),
        (
            run(done=True),
            run(status="TaskRunCancelled"),
            "spec",
            "Once the TaskRun is complete, no updates are allowed",
        ),
        (run(managedBy="a"), run(managedBy="b"), "spec.managedBy", "managedBy is immutable"),
    ],
)
def test_what_a_user_may_not_change(old: Obj, new: Obj, where: str, what: str) -> None:
    with pytest.raises(AdmissionError) as refusal:
        admit_update(old, new)
    assert refusal.value.where == f"{old['kind'].lower()}/r: {where}"
    assert refusal.value.what == f"invalid value: {what}"
