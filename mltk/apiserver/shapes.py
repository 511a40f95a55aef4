"""The fields of Kubernetes' own kinds that are served, in the notation of `mltk.tekton.schema`."""

from __future__ import annotations

from mltk.tekton.schema import LIMIT_RANGE, OBJECT_REFERENCE, Of, Shape

METADATA: Shape = {
    "name": "text",
    "generateName": "text",
    "namespace": "text",
    "labels": "map",
    "annotations": "map",
    "uid": "text",
    "resourceVersion": "text",
    "generation": "int",
    "creationTimestamp": "text",
    "deletionTimestamp": "text",
    "deletionGracePeriodSeconds": "int",
    "finalizers": "texts",
    "ownerReferences": Of("OwnerReference", many=True),
    "managedFields": Of("ManagedFieldsEntry", many=True),
    "selfLink": "text",
}
"""``metadata`` of every object."""

META: dict[str, Shape] = {
    "OwnerReference": {
        "apiVersion": "text",
        "kind": "text",
        "name": "text",
        "uid": "text",
        "controller": "bool",
        "blockOwnerDeletion": "bool",
    },
    "ManagedFieldsEntry": {
        "manager": "text",
        "operation": "text",
        "apiVersion": "text",
        "time": "text",
        "fieldsType": "text",
        "fieldsV1": "any",
        "subresource": "text",
    },
}
"""What ``metadata`` is made of."""

NEEDED: dict[str, tuple[str, ...]] = {"OwnerReference": ("apiVersion", "kind", "name", "uid")}
"""Fields without which an object of a shape is none."""

# Of a status, which only controllers write, what the engine and the tables read.
STATUS_LISTS = (
    "conditions", "steps", "sidecars", "retriesStatus", "childReferences", "results",
    "skippedTasks", "taskResults",
)  # fmt: skip
STATUS_OBJECTS = ("taskSpec", "pipelineSpec", "provenance", "extraFields", "capacity")
STATUS_TEXTS = ("podName", "startTime", "completionTime", "finallyStartTime", "phase")

CORE: dict[str, Shape] = {
    "ConfigMap": {"data": "map", "binaryData": "map", "immutable": "bool"},
    "Secret": {"data": "map", "stringData": "map", "type": "text", "immutable": "bool"},
    "LimitRange": {"spec": Of("LimitRangeSpec")},
    **LIMIT_RANGE,
    "PersistentVolumeClaim": {"spec": Of("PersistentVolumeClaimSpec"), "status": "any"},
    "PersistentVolumeClaimSpec": {
        "accessModes": "texts",
        "selector": "any",
        "resources": Of("VolumeResources"),
        "volumeName": "text",
        "storageClassName": "text",
        "volumeMode": "text",
        "dataSource": "any",
        "dataSourceRef": "any",
        "volumeAttributesClassName": "text",
    },
    "VolumeResources": {"limits": "quantities", "requests": "quantities"},
    "ServiceAccount": {
        "secrets": Of("ObjectReference", many=True),
        "imagePullSecrets": Of("LocalReference", many=True),
        "automountServiceAccountToken": "bool",
    },
    "Namespace": {"spec": Of("NamespaceSpec"), "status": "any"},
    "NamespaceSpec": {"finalizers": "texts"},
    "LocalReference": {"name": "text"},
    "ObjectReference": OBJECT_REFERENCE,
    "Event": {
        "involvedObject": Of("ObjectReference"),
        "reason": "text",
        "message": "text",
        "source": "any",
        "firstTimestamp": "text",
        "lastTimestamp": "text",
        "count": "int",
        "type": "text",
        "eventTime": "text",
        "series": "any",
        "action": "text",
        "related": Of("ObjectReference"),
        "reportingComponent": "text",
        "reportingInstance": "text",
    },
    "Pod": {"spec": "any", "status": "any"},
}
