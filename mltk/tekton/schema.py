"""The fields of tekton.dev/v1 by kind, and those that the engine does not do yet.

The inventory is that of Tekton's ``*_types.go``. A field that stands in `NOT_YET` is known and
refused by name; taking a row out of that table is all that admission needs to accept it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Leaf = Literal["text", "texts", "bool", "int", "duration", "value", "map", "properties", "any"]


@dataclass(frozen=True)
class Of:
    """An object of another shape, or with `many` a list of them."""

    shape: str
    many: bool = False


Shape = dict[str, Leaf | Of]

_DESCRIBED: Shape = {"displayName": "text", "description": "text"}
_CONTAINER: Shape = {
    "image": "text",
    "command": "texts",
    "args": "texts",
    "workingDir": "text",
    "env": Of("Env", many=True),
    "envFrom": Of("EnvFrom", many=True),
    "computeResources": "any",
    "volumeMounts": "any",
    "volumeDevices": "any",
    "imagePullPolicy": "text",
    "securityContext": "any",
}
_TASK: Shape = {
    **_DESCRIBED,
    "params": Of("ParamSpec", many=True),
    "steps": Of("Step", many=True),
    "stepTemplate": Of("StepTemplate"),
    "sidecars": "any",
    "volumes": "any",
    "workspaces": Of("WorkspaceDeclaration", many=True),
    "results": Of("TaskResult", many=True),
}
_REF: Shape = {
    "name": "text",
    "kind": "text",
    "apiVersion": "text",
    "resolver": "text",
    "params": "any",
    "bundle": "text",
}
_KEY: Shape = {"name": "text", "key": "text", "optional": "bool"}

SHAPES: dict[str, Shape] = {
    "Task": _TASK,
    "EmbeddedTask": {
        **_TASK,
        "metadata": Of("EmbeddedMetadata"),
        "apiVersion": "text",
        "kind": "text",
        "spec": "any",
    },
    "EmbeddedMetadata": {"labels": "map", "annotations": "map"},
    "ParamSpec": {
        "name": "text",
        "type": "text",
        "description": "text",
        "default": "value",
        "properties": "properties",
        "enum": "texts",
    },
    "Param": {"name": "text", "value": "value"},
    "Step": {
        **_CONTAINER,
        "name": "text",
        "displayName": "text",
        "script": "text",
        "timeout": "duration",
        "onError": "text",
        "workspaces": "any",
        "stdoutConfig": "any",
        "stderrConfig": "any",
        "ref": "any",
        "params": "any",
        "results": "any",
        "when": "any",
    },
    "StepTemplate": _CONTAINER,
    "Env": {"name": "text", "value": "text", "valueFrom": Of("EnvSource")},
    "EnvSource": {
        "secretKeyRef": Of("KeyRef"),
        "configMapKeyRef": Of("KeyRef"),
        "fieldRef": "any",
        "resourceFieldRef": "any",
        "fileKeyRef": "any",
    },
    "KeyRef": _KEY,
    "EnvFrom": {"prefix": "text", "secretRef": Of("NameRef"), "configMapRef": Of("NameRef")},
    "NameRef": {"name": "text", "optional": "bool"},
    "WorkspaceDeclaration": {
        "name": "text",
        "description": "text",
        "mountPath": "text",
        "readOnly": "bool",
        "optional": "bool",
    },
    "TaskResult": {
        "name": "text",
        "type": "text",
        "description": "text",
        "properties": "properties",
        "value": "any",
    },
    "Pipeline": {
        **_DESCRIBED,
        "params": Of("ParamSpec", many=True),
        "workspaces": Of("PipelineWorkspace", many=True),
        "tasks": Of("PipelineTask", many=True),
        "finally": Of("PipelineTask", many=True),
        "results": Of("PipelineResult", many=True),
    },
    "PipelineWorkspace": {"name": "text", "description": "text", "optional": "bool"},
    "PipelineResult": {
        "name": "text",
        "type": "text",
        "description": "text",
        "value": "value",
    },
    "PipelineTask": {
        **_DESCRIBED,
        "name": "text",
        "taskRef": Of("TaskRef"),
        "taskSpec": Of("EmbeddedTask"),
        "pipelineRef": "any",
        "pipelineSpec": "any",
        "params": Of("Param", many=True),
        "matrix": "any",
        "when": Of("When", many=True),
        "runAfter": "texts",
        "retries": "int",
        "timeout": "duration",
        "onError": "text",
        "workspaces": Of("PipelineTaskWorkspace", many=True),
    },
    "TaskRef": _REF,
    "PipelineRef": _REF,
    "When": {"input": "text", "operator": "text", "values": "texts", "cel": "text"},
    "PipelineTaskWorkspace": {"name": "text", "workspace": "text", "subPath": "text"},
    "PipelineRun": {
        "pipelineRef": Of("PipelineRef"),
        "pipelineSpec": Of("Pipeline"),
        "params": Of("Param", many=True),
        "workspaces": Of("WorkspaceBinding", many=True),
        "timeouts": Of("Timeouts"),
        "taskRunTemplate": Of("TaskRunTemplate"),
        "taskRunSpecs": Of("TaskRunSpec", many=True),
        "status": "text",
        "managedBy": "text",
    },
    "Timeouts": {"pipeline": "duration", "tasks": "duration", "finally": "duration"},
    "TaskRunTemplate": {"serviceAccountName": "text", "podTemplate": "any"},
    "TaskRunSpec": {
        "pipelineTaskName": "text",
        "serviceAccountName": "text",
        "podTemplate": "any",
        "stepSpecs": "any",
        "sidecarSpecs": "any",
        "metadata": Of("EmbeddedMetadata"),
        "computeResources": "any",
        "timeout": "duration",
    },
    "WorkspaceBinding": {
        "name": "text",
        "subPath": "text",
        "emptyDir": "any",
        "persistentVolumeClaim": Of("Claim"),
        "volumeClaimTemplate": "any",
        "configMap": "any",
        "secret": "any",
        "projected": "any",
        "csi": "any",
    },
    "Claim": {"claimName": "text", "readOnly": "bool"},
    "TaskRun": {
        "taskRef": Of("TaskRef"),
        "taskSpec": Of("Task"),
        "params": Of("Param", many=True),
        "workspaces": Of("WorkspaceBinding", many=True),
        "serviceAccountName": "text",
        "timeout": "duration",
        "retries": "int",
        "podTemplate": "any",
        "stepSpecs": "any",
        "sidecarSpecs": "any",
        "computeResources": "any",
        "debug": "any",
        "status": "text",
        "statusMessage": "text",
        "managedBy": "text",
    },
}

REQUIRED: dict[str, tuple[str, ...]] = {
    "ParamSpec": ("name",),
    "Param": ("name", "value"),
    "Env": ("name",),
    "KeyRef": ("name", "key"),
    "NameRef": ("name",),
    "WorkspaceDeclaration": ("name",),
    "TaskResult": ("name",),
    "PipelineWorkspace": ("name",),
    "PipelineResult": ("name", "value"),
    "PipelineTask": ("name",),
    "PipelineTaskWorkspace": ("name",),
    "TaskRunSpec": ("pipelineTaskName",),
    "WorkspaceBinding": ("name",),
}

_VOLUMES = "volumes other than workspaces are not done yet"
_STEP_ACTIONS = "StepActions are not done yet"
_STEP_RESULTS = "results of steps are not done yet"
_PER_STEP = "requests for single steps are not done yet; use computeResources of the Task"
_CUSTOM = "custom tasks need a controller of their own and are not done yet"
_RESOLVERS = "resolvers are not done yet; refer to it by name"
_NESTED = "pipelines in pipelines are not done yet"
_MANAGED = "runs that another controller manages are not done yet"
_DOWNWARD = "values from the pod are not done yet"
_STREAMS = "alpha in Tekton, not done yet"

NOT_YET: dict[tuple[str, str], str] = {
    ("ParamSpec", "enum"): "alpha in Tekton (enable-param-enum), not done yet",
    ("Task", "sidecars"): "sidecars are not done yet",
    ("EmbeddedTask", "sidecars"): "sidecars are not done yet",
    ("Task", "volumes"): _VOLUMES,
    ("EmbeddedTask", "volumes"): _VOLUMES,
    ("EmbeddedTask", "apiVersion"): _CUSTOM,
    ("EmbeddedTask", "kind"): _CUSTOM,
    ("EmbeddedTask", "spec"): _CUSTOM,
    ("TaskResult", "value"): _STEP_RESULTS,
    ("WorkspaceDeclaration", "mountPath"): (
        "a path of your own for a workspace is not done yet; use $(workspaces.NAME.path)"
    ),
    ("Step", "ref"): _STEP_ACTIONS,
    ("Step", "params"): _STEP_ACTIONS,
    ("Step", "results"): _STEP_RESULTS,
    ("Step", "when"): "`when` of steps is not done yet",
    ("Step", "workspaces"): "workspaces for single steps are not done yet",
    ("Step", "stdoutConfig"): _STREAMS,
    ("Step", "stderrConfig"): _STREAMS,
    ("Step", "volumeMounts"): _VOLUMES,
    ("Step", "volumeDevices"): _VOLUMES,
    ("StepTemplate", "volumeMounts"): _VOLUMES,
    ("StepTemplate", "volumeDevices"): _VOLUMES,
    ("EnvSource", "fieldRef"): _DOWNWARD,
    ("EnvSource", "resourceFieldRef"): _DOWNWARD,
    ("EnvSource", "fileKeyRef"): _DOWNWARD,
    ("PipelineTask", "matrix"): "matrix is not done yet; write one task for each combination",
    ("PipelineTask", "pipelineRef"): _NESTED,
    ("PipelineTask", "pipelineSpec"): _NESTED,
    ("When", "cel"): (
        "alpha in Tekton (enable-cel-in-whenexpression), not done yet; use input, operator, values"
    ),
    ("TaskRef", "apiVersion"): _CUSTOM,
    ("TaskRef", "resolver"): _RESOLVERS,
    ("TaskRef", "params"): _RESOLVERS,
    ("TaskRef", "bundle"): _RESOLVERS,
    ("PipelineRef", "resolver"): _RESOLVERS,
    ("PipelineRef", "params"): _RESOLVERS,
    ("PipelineRef", "bundle"): _RESOLVERS,
    ("PipelineRun", "managedBy"): _MANAGED,
    ("TaskRun", "managedBy"): _MANAGED,
    ("TaskRun", "debug"): "breakpoints are alpha in Tekton and not done yet",
    ("TaskRun", "stepSpecs"): _PER_STEP,
    ("TaskRun", "sidecarSpecs"): "sidecars are not done yet",
    ("TaskRunSpec", "stepSpecs"): _PER_STEP,
    ("TaskRunSpec", "sidecarSpecs"): "sidecars are not done yet",
    ("WorkspaceBinding", "configMap"): "workspaces from a ConfigMap are not done yet; use envFrom",
    ("WorkspaceBinding", "secret"): "workspaces from a Secret are not done yet; use envFrom",
    ("WorkspaceBinding", "projected"): "projected workspaces are not done yet",
    ("WorkspaceBinding", "csi"): "CSI workspaces are not done yet",
}

# Variables that belong to what is not done yet.
VARIABLES_NOT_YET: dict[re.Pattern[str], str] = {
    re.compile(r"\$\(steps\.[^()]*\.results[.\[]"): _STEP_RESULTS,
    re.compile(r"\$\(step\.results[.\[]"): _STEP_RESULTS,
    re.compile(r"\$\((?:step\.)?artifacts\.path\)"): "artifacts are alpha in Tekton, not done yet",
    re.compile(r"\$\((?:steps|tasks)\.[^()]*\.(?:inputs|outputs)[.)]"): (
        "artifacts are alpha in Tekton, not done yet"
    ),
    re.compile(r"\$\(tasks\.[^()]*\.matrix\.[^()]*length\)"): "matrix is not done yet",
}

# Fields that are taken and that only a pod gives a meaning to.
WITHOUT_EFFECT: dict[tuple[str, str], str] = {
    ("Step", "securityContext"): "a process runs as the user who started mltk",
    ("StepTemplate", "securityContext"): "a process runs as the user who started mltk",
    ("TaskRunTemplate", "podTemplate"): "there is no pod",
    ("TaskRunSpec", "podTemplate"): "there is no pod",
    ("TaskRun", "podTemplate"): "there is no pod",
}
