"""The fields of tekton.dev/v1 by kind: the inventory of Tekton's ``*_types.go``.

Fields that the engine does not do yet stand here too; `notyet` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Leaf = Literal[
    "text", "texts", "bool", "int", "duration", "value", "map", "properties", "quantities", "any"
]


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
    "computeResources": Of("Resources"),
    "volumeMounts": Of("VolumeMount", many=True),
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
    "volumes": Of("Volume", many=True),
    "workspaces": Of("WorkspaceDeclaration", many=True),
    "results": Of("TaskResult", many=True),
}
_REF: Shape = {
    "name": "text",
    "apiVersion": "text",
    "resolver": "text",
    "params": Of("Param", many=True),
}
DRIVEN = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume",
    "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs",
    "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
    "vsphereVolume",
)  # fmt: skip
"""Sources of volumes that take a driver, or an image."""

_FILES: Shape = {"items": Of("KeyToPath", many=True), "defaultMode": "int", "optional": "bool"}
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
        "workspaces": Of("WorkspaceUsage", many=True),
        "stdoutConfig": Of("StepOutput"),
        "stderrConfig": Of("StepOutput"),
        "ref": Of("StepRef"),
        "params": Of("Param", many=True),
        "results": Of("StepResult", many=True),
        "when": Of("When", many=True),
    },
    "StepRef": {"name": "text", "resolver": "text", "params": Of("Param", many=True)},
    "StepOutput": {"path": "text"},
    "StepResult": {
        "name": "text",
        "type": "text",
        "description": "text",
        "properties": "properties",
    },
    "StepAction": {
        "description": "text",
        "image": "text",
        "command": "texts",
        "args": "texts",
        "env": Of("Env", many=True),
        "script": "text",
        "workingDir": "text",
        "params": Of("ParamSpec", many=True),
        "results": Of("StepResult", many=True),
        "securityContext": "any",
        "volumeMounts": Of("VolumeMount", many=True),
    },
    "StepTemplate": _CONTAINER,
    "WorkspaceUsage": {"name": "text", "mountPath": "text"},
    "Env": {"name": "text", "value": "text", "valueFrom": Of("EnvSource")},
    "EnvSource": {
        "secretKeyRef": Of("KeyRef"),
        "configMapKeyRef": Of("KeyRef"),
        "fieldRef": Of("FieldRef"),
        "resourceFieldRef": Of("ResourceFieldRef"),
        "fileKeyRef": "any",
    },
    "FieldRef": {"apiVersion": "text", "fieldPath": "text"},
    "ResourceFieldRef": {"containerName": "text", "resource": "text", "divisor": "any"},
    "VolumeMount": {
        "name": "text",
        "mountPath": "text",
        "subPath": "text",
        "subPathExpr": "text",
        "readOnly": "bool",
        "recursiveReadOnly": "text",
        "mountPropagation": "text",
    },
    "Volume": {
        "name": "text",
        "emptyDir": "any",
        "hostPath": Of("HostPath"),
        "persistentVolumeClaim": Of("Claim"),
        "configMap": Of("ConfigMapFiles"),
        "secret": Of("SecretFiles"),
        "projected": Of("Projected"),
        "downwardAPI": Of("DownwardFiles"),
        "ephemeral": "any",
        **dict.fromkeys(DRIVEN, "any"),
    },
    "HostPath": {"path": "text", "type": "text"},
    "ConfigMapFiles": {"name": "text", **_FILES},
    "SecretFiles": {"secretName": "text", **_FILES},
    "SecretProjection": {"name": "text", **_FILES},
    "KeyToPath": {"key": "text", "path": "text", "mode": "int"},
    "Projected": {"sources": Of("ProjectedSource", many=True), "defaultMode": "int"},
    "ProjectedSource": {
        "configMap": Of("ConfigMapFiles"),
        "secret": Of("SecretProjection"),
        "downwardAPI": Of("DownwardFiles"),
        "serviceAccountToken": "any",
        "clusterTrustBundle": "any",
        "podCertificate": "any",
    },
    "DownwardFiles": {"items": Of("DownwardFile", many=True), "defaultMode": "int"},
    "DownwardFile": {
        "path": "text",
        "fieldRef": Of("FieldRef"),
        "resourceFieldRef": Of("ResourceFieldRef"),
        "mode": "int",
    },
    "KeyRef": _KEY,
    "Resources": {"limits": "quantities", "requests": "quantities", "claims": "any"},
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
        "value": "value",
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
        "matrix": Of("Matrix"),
        "when": Of("When", many=True),
        "runAfter": "texts",
        "retries": "int",
        "timeout": "duration",
        "onError": "text",
        "workspaces": Of("PipelineTaskWorkspace", many=True),
    },
    "Matrix": {"params": Of("Param", many=True), "include": Of("Include", many=True)},
    "Include": {"name": "text", "params": Of("Param", many=True)},
    "TaskRef": {**_REF, "kind": "text"},
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
        "stepSpecs": Of("StepSpec", many=True),
        "sidecarSpecs": "any",
        "metadata": Of("EmbeddedMetadata"),
        "computeResources": Of("Resources"),
        "timeout": "duration",
    },
    "StepSpec": {"name": "text", "computeResources": Of("Resources")},
    "WorkspaceBinding": {
        "name": "text",
        "subPath": "text",
        "emptyDir": "any",
        "persistentVolumeClaim": Of("Claim"),
        "volumeClaimTemplate": "any",
        "configMap": Of("ConfigMapFiles"),
        "secret": Of("SecretFiles"),
        "projected": Of("Projected"),
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
        "stepSpecs": Of("StepSpec", many=True),
        "sidecarSpecs": "any",
        "computeResources": Of("Resources"),
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
    "VolumeMount": ("name", "mountPath"),
    "Volume": ("name",),
    "HostPath": ("path",),
    "KeyToPath": ("key", "path"),
    "DownwardFile": ("path",),
    "WorkspaceUsage": ("name",),
    "TaskResult": ("name",),
    "StepResult": ("name",),
    "PipelineWorkspace": ("name",),
    "PipelineResult": ("name", "value"),
    "PipelineTask": ("name",),
    "PipelineTaskWorkspace": ("name",),
    "TaskRunSpec": ("pipelineTaskName",),
    "StepSpec": ("name",),
    "WorkspaceBinding": ("name",),
}
