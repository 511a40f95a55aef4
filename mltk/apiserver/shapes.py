"""The fields of Kubernetes' own kinds that are served, in the notation of `mltk.tekton.schema`."""

from __future__ import annotations

from mltk.tekton.schema import Of, Shape

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
    "ownerReferences": "any",
    "managedFields": "any",
    "selfLink": "text",
}
"""``metadata`` of every object."""

CORE: dict[str, Shape] = {
    "ConfigMap": {"data": "map", "binaryData": "map", "immutable": "bool"},
    "Secret": {"data": "map", "stringData": "map", "type": "text", "immutable": "bool"},
    "PersistentVolumeClaim": {"spec": Of("PersistentVolumeClaimSpec"), "status": "any"},
    "PersistentVolumeClaimSpec": {
        "accessModes": "texts",
        "selector": "any",
        "resources": "any",
        "volumeName": "text",
        "storageClassName": "text",
        "volumeMode": "text",
        "dataSource": "any",
        "dataSourceRef": "any",
        "volumeAttributesClassName": "text",
    },
    "ServiceAccount": {
        "secrets": "any",
        "imagePullSecrets": "any",
        "automountServiceAccountToken": "bool",
    },
    "Namespace": {"spec": Of("NamespaceSpec"), "status": "any"},
    "NamespaceSpec": {"finalizers": "texts"},
    "Event": {
        "involvedObject": "any",
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
        "related": "any",
        "reportingComponent": "text",
        "reportingInstance": "text",
    },
    "Pod": {"spec": "any", "status": "any"},
}
