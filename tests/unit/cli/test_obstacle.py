"""What Tekton and Kubernetes say of pods that do not start, as one line and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.cli.obstacle import explained, is_unexplained, obstacle, read
from mltk.tekton.objects import message

SCHEDULER = (
    "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available:"
    " 1 No preemption victims found for incoming pod."
)


def _task_run(reason: str, text: str, status: str = "Unknown") -> Any:
    condition = {"type": "Succeeded", "status": status, "reason": reason, "message": text}
    return {
        "kind": "TaskRun",
        "metadata": {"name": "wine-train-model"},
        "status": {"podName": "wine-train-model-pod", "conditions": [condition]},
    }


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            SCHEDULER,
            "no node has a free nvidia.com/gpu"
            " (0/1 nodes are available: 1 Insufficient nvidia.com/gpu)",
        ),
        (
            'pod status "PodScheduled":"False"; message: "0/3 nodes are available: 1 Insufficient'
            " cpu, 2 node(s) had untolerated taint {gpu: true}. preemption: 0/3 nodes are"
            ' available: 3 Preemption is not helpful for scheduling."',
            "no node has enough cpu, a node has a taint that it does not tolerate (0/3 nodes are"
            " available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: true})",
        ),
        (
            'pod status "PodScheduled":"False"; message: "0/1 nodes are available: 1 node(s)'
            " didn't match Pod's node affinity/selector. no new claims to deallocate, preemption:"
            ' 0/1 nodes are available: 1 Preemption is not helpful for scheduling."',
            "no node has the labels that it asks for (0/1 nodes are available: 1 node(s) didn't"
            " match Pod's node affinity/selector)",
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            "its volume is not there yet (0/1 nodes are available: pod has unbound immediate"
            " PersistentVolumeClaims)",
        ),
        (
            'TaskRun Pod exceeded available resources: pods "wine-fetch-data-pod" is forbidden:'
            " exceeded quota: runs, requested: pods=1, used: pods=10, limited: pods=10",
            "the quota runs of the namespace is used up"
            " (requested: pods=1, used: pods=10, limited: pods=10)",
        ),
        (
            'the step "train" in TaskRun "wine-train-model" failed to pull the image'
            ' "registry.example/mltk:9". The pod errored with the message: "Back-off pulling image'
            ' \\"registry.example/mltk:9\\"."',
            "the image registry.example/mltk:9 cannot be pulled",
        ),
        (
            'build step "step-fetch" is pending with reason "Back-off pulling image'
            ' \\"localhost/mltk:9\\": ErrImagePull: not found"',
            "the image localhost/mltk:9 cannot be pulled (not found)",
        ),
        (
            'build step "step-x" is pending with reason "failed to pull and unpack image'
            ' \\"localhost/none:1\\": failed to resolve reference \\"localhost/none:1\\": failed to'
            ' do request: connection refused"',
            "the image localhost/none:1 cannot be pulled"
            " (failed to do request: connection refused)",
        ),
        (
            'the step "x" in TaskRun "y" failed to start. The pod errored with the message:'
            ' "secret \\"mltk-source\\" not found."',
            "the secret mltk-source is not there",
        ),
    ],
)
def test_one_line(said: str, line: str) -> None:
    found = read(said)
    assert found is not None
    assert found.what == line
    assert found.hint


@pytest.mark.parametrize(
    "said",
    [
        "Not all Steps in the Task have finished executing",
        'pod status "Initialized":"False"; message: "containers with incomplete status: [prepare]"',
        "Pending",
        "",
    ],
)
def test_a_pod_that_is_just_starting_is_in_nobodys_way(said: str) -> None:
    assert obstacle(_task_run("Pending", said)) is None


def test_a_step_that_prints_such_words_is_no_obstacle() -> None:
    assert obstacle(_task_run("Running", SCHEDULER)) is None
    assert obstacle(_task_run("Succeeded", SCHEDULER, "True")) is None


def test_what_the_scheduler_says_comes_from_the_events_of_the_pod() -> None:
    waiting = _task_run("ExceededNodeResources", "TaskRun Pod exceeded available resources")
    assert is_unexplained(waiting)
    others = {"reason": "FailedScheduling", "message": "0/9", "involvedObject": {"kind": "Pod"}}
    assert explained(waiting, [others]) is waiting
    own = {"kind": "Pod", "name": "wine-train-model-pod"}
    told = explained(
        waiting, [{"reason": "FailedScheduling", "message": SCHEDULER, "involvedObject": own}]
    )
    assert not is_unexplained(told)
    assert message(waiting) == "TaskRun Pod exceeded available resources"
    found = obstacle(told)
    assert found is not None
    assert found.what.startswith("no node has a free nvidia.com/gpu (0/1")
