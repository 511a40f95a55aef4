"""The payload of a rerun, against what the Tekton Dashboard posts."""

from __future__ import annotations

import copy

import pytest

from mltk.tekton.rerun import generate_name, rerun

RUN = {
    "apiVersion": "tekton.dev/v1",
    "kind": "PipelineRun",
    "metadata": {
        "name": "wine-x7k2p",
        "generateName": "wine-",
        "namespace": "lab",
        "uid": "5f0c",
        "resourceVersion": "12",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {
            "tekton.dev/pipeline": "model-delivery",
            "triggers.tekton.dev/trigger": "push",
            "mltk.dev/model": "wine",
        },
        "annotations": {
            "mltk.dev/key-parts": "{}",
            "tekton.dev/v1beta1TaskRuns": "{}",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "chains.tekton.dev/signed": "true",
        },
    },
    "spec": {
        "pipelineRef": {"name": "model-delivery"},
        "params": [{"name": "model", "value": "wine"}],
        "status": "Cancelled",
    },
    "status": {"conditions": []},
}


def test_the_copy_asks_for_the_same_and_says_whose_copy_it_is() -> None:
    before = copy.deepcopy(RUN)
    assert rerun(RUN) == {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "generateName": "wine-x7k2p-r-",
            "namespace": "lab",
            "labels": {
                "triggers.tekton.dev/trigger": "push",
                "mltk.dev/model": "wine",
                "dashboard.tekton.dev/rerunOf": "wine-x7k2p",
            },
            "annotations": {"mltk.dev/key-parts": "{}"},
        },
        "spec": {
            "pipelineRef": {"name": "model-delivery"},
            "params": [{"name": "model", "value": "wine"}],
        },
    }
    assert before == RUN


def test_a_task_run_loses_all_annotations_of_tekton() -> None:
    run = copy.deepcopy(RUN)
    run["kind"] = "TaskRun"
    run["metadata"]["annotations"] = {"tekton.dev/pipelines.minVersion": "1.0", "mine": "kept"}
    assert rerun(run)["metadata"]["annotations"] == {"mine": "kept"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wine", "wine-r-"),
        ("wine-r-abcde", "wine-r-"),
        # The Dashboard's trap, kept: the name is cut at its last "-r-".
        ("train-r-model-x", "train-r-"),
    ],
)
def test_names_do_not_grow(name: str, expected: str) -> None:
    assert generate_name(name) == expected
