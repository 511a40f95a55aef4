"""Objects for the tests, and where they are served."""

from __future__ import annotations

from typing import Any

from mltk.tekton.objects import Obj

CONFIGS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
TASKS = "/apis/tekton.dev/v1/namespaces/default/tasks"
TASK_RUNS = "/apis/tekton.dev/v1/namespaces/default/taskruns"


def config(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"k": "v"} if data is None else data,
    }


def task(name: str, script: str = "true") -> Obj:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"steps": [{"name": "s", "image": "none", "script": script}]},
    }


def task_run(name: str, *scripts: str, **spec: Any) -> Obj:
    steps = [{"name": f"s{n}", "image": "none", "script": each} for n, each in enumerate(scripts)]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name},
        "spec": {"taskSpec": {"steps": steps}, **spec},
    }
