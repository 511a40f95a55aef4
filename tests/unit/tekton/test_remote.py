"""What runs ask resolvers for, and what becomes of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.tekton.answers import check_found, read_found
from mltk.tekton.objects import Obj
from mltk.tekton.remote import (
    Request,
    Unresolved,
    described,
    pipeline_request,
    task_request,
    task_run_request,
)

from .tekton_simulation import STEPS, param


def asked(**values: Any) -> list[Obj]:
    return [param(name, value) for name, value in values.items()]


def test_a_request_is_named_as_tekton_names_it() -> None:
    # The digest is what Go's hash/fnv makes of "default/run", "kind", "task".
    request = Request("git", asked(kind="task"), "run", "default")
    assert request.name == "git-3caed0d480fa23bbb99e81ffbf3111eb"
    assert request.key == f"default/{request.name}"


def test_the_order_of_params_does_not_count_and_all_else_does() -> None:
    names = {
        Request(resolver, params, asker, namespace).name
        for resolver, params, asker, namespace in (
            ("git", asked(a="1", b="2"), "run", "lab"),
            ("git", asked(b="2", a="1"), "run", "lab"),
            ("hub", asked(a="1", b="2"), "run", "lab"),
            ("git", asked(a="1", b=["2"]), "run", "lab"),
            ("git", asked(a="1", b="2"), "other", "lab"),
            ("git", asked(a="1", b="2"), "run", "other"),
        )
    }
    assert len(names) == 5


def test_a_name_fits_a_label() -> None:
    assert len(Request("r" * 60, [], "run", "lab").name) == 63


def run_of(kind: str, field: str, reference: Obj, **spec: Any) -> Obj:
    metadata = {"name": "run", "namespace": "lab", "uid": "u-1"}
    return {"kind": kind, "metadata": metadata, "spec": {field: reference, **spec}}


def test_params_of_a_run_are_in_what_it_asks_for() -> None:
    values = {
        "a": "$(params.x)",
        "b": "$(context.pipelineRun.namespace)/$(context.pipelineRun.name)",
        "c": ["$(params.l[*])", "z"],
        "d": "$(params.gone)$(context.pipeline.name)",
    }
    reference = {"resolver": "r", "params": asked(**values)}
    run = run_of("PipelineRun", "pipelineRef", reference, params=asked(x="X", l=["p", "q"]))
    assert pipeline_request(run, reference).values == {
        "a": "X",
        "b": "lab/run",
        "c": ["p", "q", "z"],
        "d": "$(params.gone)",
    }


def test_a_task_run_asks_what_its_run_has_asked() -> None:
    reference = {"resolver": "r", "params": asked(a="1")}
    task = {"name": "t", "taskRef": reference}
    run = run_of("PipelineRun", "pipelineSpec", {"tasks": [task]})
    child = run_of("TaskRun", "taskRef", reference)
    child["metadata"] = {"name": "run-t", "namespace": "lab"}
    assert task_request(run, task).name == task_run_request(child).name


def test_context_of_a_task_run_is_in_what_it_asks_for() -> None:
    text = "$(context.taskRun.name) $(context.taskRun.uid) $(context.task.retry-count)"
    run = run_of("TaskRun", "taskRef", {"resolver": "r", "params": asked(a=text)})
    assert task_run_request(run).values == {"a": "run u-1 0"}


def test_a_reference_is_described_by_its_name_and_its_address() -> None:
    reference = {"resolver": "git", "params": asked(url="u", name="n", other="o")}
    assert described(reference) == "resolver type git\nurl = u\nname = n\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "decoding error: not YAML"),
        ("[]", "decoding error: "),
        ("{apiVersion: v1, kind: Secret}", "must be of Group: tekton.dev"),
        ("{apiVersion: tekton.dev/v1, kind: Secret}", "must be of Group: tekton.dev"),
        ("", "must be of Group: tekton.dev"),
    ],
)
def test_what_is_no_object_of_tekton_is_not_taken(text: str, message: str) -> None:
    with pytest.raises(Unresolved, match=message):
        check_found(text)


def test_of_several_documents_the_first_counts() -> None:
    text = "{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: a, ownerReferences: [b]}}\n"
    assert read_found(text + "---\n" + text.replace("a,", "c,"), "Task") == {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "a"},
    }


def test_a_pipeline_of_an_older_version_becomes_one_of_now() -> None:
    step = {**STEPS[0], "resources": {"requests": {"cpu": "1"}}}
    old = {
        "tasks": [
            {"name": "a", "taskSpec": {"steps": [step], "stepTemplate": {"resources": {}}}},
            {"name": "b", "taskRef": {"name": "n", "bundle": "oci:x"}},
        ],
        "finally": [{"name": "c", "taskRef": {"name": "n"}}],
    }
    text = {"apiVersion": "tekton.dev/v1beta1", "kind": "Pipeline", "metadata": {}, "spec": old}
    found = read_found(json.dumps(text), "Pipeline")
    embedded = found["spec"]["tasks"][0]["taskSpec"]
    assert found["apiVersion"] == "tekton.dev/v1"
    assert embedded["steps"] == [{**STEPS[0], "computeResources": {"requests": {"cpu": "1"}}}]
    assert embedded["stepTemplate"] == {"computeResources": {}}
    assert found["spec"]["tasks"][1]["taskRef"] == {
        "resolver": "bundles",
        "params": asked(bundle="oci:x", name="n", kind="Task"),
    }
    assert found["spec"]["finally"] == old["finally"]
