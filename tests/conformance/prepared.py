"""What an example says that a cluster must have before it: settings, and objects it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mltk.tekton.config import NAMESPACE
from mltk.tekton.objects import Obj
from tests.conformance.examples import Example

_ALPHA = {
    "enable-api-fields": "alpha",
    "enable-artifacts": "true",
    "enable-cel-in-whenexpression": "true",
    "enable-param-enum": "true",
}
# Flags and defaults that a single example says it needs.
_BY_SIDECAR = {"results-from": "sidecar-logs"}
_FLAGS = {
    "pipelineruns/alpha/pipelinerun-large-results": _BY_SIDECAR,
    "taskruns/alpha/compressed-results": {"enable-termination-message-compression": "true"},
    "taskruns/beta/large-task-result": _BY_SIDECAR,
}
_DEFAULTS = {
    "taskruns/no-ci/default-workspaces": {"default-task-run-workspace-binding": "emptyDir: {}"},
}
# What gives a token for a git server.
_TOKENS = {
    "pipelineruns/no-ci/git-resolver-custom-apiurl": "my-secret-token",
    "pipelineruns/no-ci/git-resolver-custom-secret": "my-secret-token",
}
_STEPS = {"steps": [{"name": "hello", "image": "busybox", "script": "echo hello"}]}
# Objects that it names and does not bring.
_OBJECTS = {
    "pipelineruns/no-ci/cluster-resolver": (
        "Pipeline",
        "some-pipeline",
        "namespace-containing-pipeline",
        {"tasks": [{"name": "hello", "taskSpec": _STEPS}]},
    ),
    "taskruns/no-ci/cluster-resolver": (
        "Task",
        "some-task",
        "namespace-containing-task",
        _STEPS,
    ),
}


def prepared(example: Example) -> Iterator[Obj]:
    """Objects to make before those of the example."""
    if flags := {**(_ALPHA if example.is_alpha else {}), **_FLAGS.get(example.name, {})}:
        yield config_map("feature-flags", flags)
    if defaults := _DEFAULTS.get(example.name):
        yield config_map("config-defaults", defaults)
    if token := _TOKENS.get(example.name):
        yield {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": token},
            "stringData": {"token": "t"},
        }
    if found := _OBJECTS.get(example.name):
        kind, name, namespace, spec = found
        metadata = {"name": name, "namespace": namespace}
        yield {"apiVersion": "tekton.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


def config_map(name: str, data: Mapping[str, str], namespace: str = NAMESPACE) -> Obj:
    """Settings of Tekton, or of what is in another namespace."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
