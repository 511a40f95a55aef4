"""What API servers really answer, and what the user reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.cluster.call import POD, Call
from mltk.cluster.errors import Expired, Refusal, Unreachable, error_of
from mltk.errors import AdmissionError, Conflict, InfrastructureError, MltkError, NotFound
from mltk.tekton.kinds import find_kind

RUN = Call("create", find_kind("pr"), "lab", "wine")
TASK = Call("patch", find_kind("task"), "lab", "train")
CLAIM = Call("create", find_kind("pvc"), "lab", "data")


def refused(call: Call, code: int, message: str, reason: str = "", **details: Any) -> MltkError:
    status = {"kind": "Status", "status": "Failure", "message": message, "code": code}
    status |= {"reason": reason, "details": details} if reason else {}
    return error_of(Refusal.read(call, code, json.dumps(status).encode()))


def test_who_is_not_known_is_told_to_log_in() -> None:
    error = refused(RUN, 401, "Unauthorized", "Unauthorized")
    assert isinstance(error, InfrastructureError)
    assert "does not know who you are" in error.what
    assert "kubectl auth whoami" in str(error.hint)


def test_forbidden_names_user_verb_resource_and_namespace() -> None:
    error = refused(
        Call("list", find_kind("pr"), "lab"),
        403,
        'pipelineruns.tekton.dev is forbidden: User "system:serviceaccount:lab:ann" cannot list'
        ' resource "pipelineruns" in API group "tekton.dev" in the namespace "lab"',
        "Forbidden",
        group="tekton.dev",
        kind="pipelineruns",
    )
    assert error.exit_code == 5
    assert error.what == (
        "user 'system:serviceaccount:lab:ann' may not list pipelineruns.tekton.dev"
        " in namespace 'lab'"
    )
    assert "`kubectl auth can-i list pipelineruns.tekton.dev -n lab`" in str(error.hint)
    assert "verb list, resource pipelineruns, API group 'tekton.dev'" in str(error.hint)


def test_forbidden_subresource_of_the_core_group_in_all_namespaces() -> None:
    error = refused(
        Call("get", POD, None, "p", "log"),
        403,
        'pods "p" is forbidden: User "ann" cannot get resource "pods/log" in API group ""'
        " at the cluster scope",
        "Forbidden",
    )
    assert error.what == "user 'ann' may not get pods/log in all namespaces"
    assert "`kubectl auth can-i get pods/log --all-namespaces`" in str(error.hint)


def test_nobody_in_particular_is_told_to_log_in() -> None:
    text = 'User "system:anonymous" cannot get resource "tasks" in API group "tekton.dev"'
    assert "does not know who you are" in refused(TASK, 403, text, "Forbidden").what


def test_exceeded_quota_is_no_missing_right() -> None:
    error = refused(
        RUN,
        403,
        'pipelineruns.tekton.dev "wine" is forbidden: exceeded quota: runs, requested:'
        " count/pipelineruns.tekton.dev=1, used: count/pipelineruns.tekton.dev=2, limited:"
        " count/pipelineruns.tekton.dev=2",
        "Forbidden",
        name="wine",
        kind="pipelineruns",
    )
    assert error.what.startswith("namespace 'lab' has no room for it: exceeded quota: runs")
    assert "kubectl describe quota -n lab" in str(error.hint)


def test_namespace_that_goes_away_takes_nothing_new() -> None:
    error = refused(
        RUN,
        403,
        'pipelineruns.tekton.dev "wine" is forbidden: unable to create new content in namespace'
        " lab because it is being terminated",
        "Forbidden",
        causes=[{"reason": "NamespaceTerminating", "field": "metadata.namespace"}],
    )
    assert error.what == "namespace 'lab' is being deleted"


@pytest.mark.parametrize(
    "body",
    [
        b"404 page not found\n",
        json.dumps(
            {
                "kind": "Status",
                "reason": "NotFound",
                "message": "the server could not find the requested resource",
                "details": {},
                "code": 404,
            }
        ).encode(),
    ],
)
def test_missing_tekton_says_what_to_install(body: bytes) -> None:
    error = error_of(Refusal.read(Call("list", find_kind("pr"), "lab"), 404, body))
    assert isinstance(error, InfrastructureError)
    assert "no PipelineRuns of tekton.dev/v1: Tekton Pipelines is not installed" in error.what
    assert "kubectl apply -f https://" in str(error.hint)
    assert "v1.15.0/release.yaml" in str(error.hint)


def test_what_is_not_kubernetes_is_told() -> None:
    error = error_of(Refusal.read(Call("list", find_kind("cm"), "lab"), 404, b"<html>hello</html>"))
    assert "is not Kubernetes' API" in error.what


def test_missing_object_names_the_command_that_lists() -> None:
    call = Call("get", find_kind("pr"), "lab", "wine")
    error = refused(call, 404, 'pipelineruns.tekton.dev "wine" not found', "NotFound", name="wine")
    assert isinstance(error, NotFound)
    assert error.what == "there is no PipelineRun 'wine' in namespace 'lab'"
    assert error.hint == "`mltk get pipelineruns` lists what there is."


def test_missing_namespace_is_not_a_missing_object() -> None:
    error = refused(
        RUN, 404, 'namespaces "lab" not found', "NotFound", name="lab", kind="namespaces"
    )
    assert isinstance(error, NotFound)
    assert error.what == "there is no namespace 'lab'"
    assert "kubectl create namespace lab" in str(error.hint)


def test_what_exists_is_a_conflict() -> None:
    error = refused(RUN, 409, "... already exists", "AlreadyExists", name="wine")
    assert isinstance(error, Conflict)
    assert error.what == "PipelineRun 'wine' exists already in namespace 'lab'"


def test_stale_write_is_a_conflict() -> None:
    error = refused(TASK, 409, "the object has been modified", "Conflict", name="train")
    assert isinstance(error, Conflict)
    assert error.what == "Task 'train' was changed meanwhile"


@pytest.mark.parametrize(
    ("manager", "hint"), [("ann", "--force-conflicts"), ("helm", "helm upgrade")]
)
def test_field_of_another_names_manager_and_field(manager: str, hint: str) -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": f'conflict with "{manager}" using tekton.dev/v1',
        "field": ".spec.steps",
    }
    error = refused(TASK, 409, "Apply failed with 1 conflict", "Conflict", causes=[cause])
    assert isinstance(error, Conflict)
    assert error.what == f"{manager} set spec.steps of Task 'train'"
    assert hint in str(error.hint)


def test_forgotten_version_is_for_the_watch() -> None:
    error = refused(Call("watch", find_kind("pr")), 410, "too old resource version: 1 (9)")
    assert isinstance(error, Expired)


@pytest.mark.parametrize(
    ("text", "what", "path"),
    [
        ("missing field(s): spec.steps", "missing field(s)", "spec.steps"),
        (
            "expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec",
            "expected exactly one, got neither",
            "spec.pipelineRef, spec.pipelineSpec",
        ),
        (
            'invalid value: "1 h": spec.pipelineSpec.tasks[0].timeout',
            'invalid value: "1 h"',
            "spec.pipelineSpec.tasks[0].timeout",
        ),
        ("something is wrong with it", "something is wrong with it", ""),
    ],
)
def test_words_of_tektons_webhook_keep_their_path(text: str, what: str, path: str) -> None:
    error = refused(
        RUN,
        400,
        'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request:'
        f" validation failed: {text}",
        "BadRequest",
    )
    assert isinstance(error, AdmissionError)
    assert error.what == what
    assert error.where == (f"pipelinerun/wine: {path}" if path else "pipelinerun/wine")


def test_all_that_the_webhook_found_is_told() -> None:
    text = "missing field(s): spec.steps\ninvalid value: x: spec.params[0].type"
    error = refused(TASK, 400, f'admission webhook "w" denied the request: {text}', "BadRequest")
    assert error.what == "missing field(s)"
    assert error.hint == "Also:\n  spec.params[0].type: invalid value: x"


def test_fields_that_kubernetes_refuses_are_named() -> None:
    cause = {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.storage"}
    error = refused(CLAIM, 422, "... is invalid", "Invalid", causes=[cause])
    assert isinstance(error, AdmissionError)
    assert (error.what, error.where) == (
        "Required value",
        "persistentvolumeclaim/data: spec.storage",
    )


def test_unknown_fields_are_named() -> None:
    text = 'strict decoding error: unknown field "spec.foo", unknown field "bar"'
    error = refused(CLAIM, 400, text, "BadRequest")
    assert (error.what, error.where) == (
        "unknown field 'foo'",
        "persistentvolumeclaim/data: spec.foo",
    )
    assert error.hint == "Also:\n  bar: unknown field 'bar'"


def test_object_that_is_too_large_is_refused() -> None:
    error = refused(RUN, 413, "Request entity too large: limit is 3145728")
    assert isinstance(error, AdmissionError)
    assert "too large" in error.what or "larger" in error.what


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        (
            500,
            'Internal error occurred: failed calling webhook "webhook.pipeline.tekton.dev": failed'
            " to call webhook: connection refused",
            "kubectl get pods -n tekton-pipelines",
        ),
        (500, 'Get "https://10.0.0.2:10250/containerLogs": dial tcp: refused', "kubectl get nodes"),
        (429, "Too many requests", "Try again"),
        (503, "apiserver is shutting down", "Try again"),
        (504, "Timeout: request did not complete", "Try again"),
    ],
)
def test_what_may_work_later_can_be_told_apart(code: int, message: str, says: str) -> None:
    error = refused(RUN, code, message, "InternalError")
    assert isinstance(error, Unreachable)
    assert says in str(error.hint)


def test_any_other_answer_keeps_its_code_and_words() -> None:
    error = refused(RUN, 418, "I'm a teapot")
    assert "answered 418: I'm a teapot" in error.what
