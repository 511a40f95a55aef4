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


def trigger_objects(name: str) -> list[Obj]:
    """One object of each kind of Tekton Triggers, all of that name."""
    template = {
        "params": [{"name": "who", "description": "whom to greet", "default": "you"}],
        "resourcetemplates": [task_run("", "true")],
    }
    template["resourcetemplates"][0]["metadata"] = {"generateName": f"{name}-"}
    params = [{"name": "who", "value": "$(body.who)"}]
    interceptors = [{"ref": {"name": "cel"}, "params": [{"name": "filter", "value": "true"}]}]
    trigger = {
        "name": "push",
        "bindings": [{"ref": name}],
        "template": {"ref": name},
        "interceptors": interceptors,
    }
    client = {"clientConfig": {"url": "http://localhost:1"}}
    beta: dict[str, Any] = {
        "TriggerBinding": {"params": params},
        "ClusterTriggerBinding": {"params": params},
        "TriggerTemplate": template,
        "Trigger": trigger,
        "EventListener": {"serviceAccountName": "robot", "triggers": [trigger]},
    }
    alpha = {"Interceptor": client, "ClusterInterceptor": client}
    return [
        {
            "apiVersion": f"triggers.tekton.dev/{version}",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        for version, kinds in (("v1beta1", beta), ("v1alpha1", alpha))
        for kind, spec in kinds.items()
    ]
