"""What tekton.dev/v1 has and the engine does not do yet: refused by name, never ignored.

Rows are (shape, field) of `schema`. Taking a row out is all that admission needs to accept it.
"""

from __future__ import annotations

import re

_VOLUMES = "volumes other than workspaces are not done yet"
_CUSTOM = "custom tasks need a controller of their own and are not done yet"
_NESTED = "pipelines in pipelines are not done yet"
_DOWNWARD = "values from the pod are not done yet"

NOT_YET: dict[tuple[str, str], str] = {
    ("Task", "sidecars"): "sidecars are not done yet",
    ("EmbeddedTask", "sidecars"): "sidecars are not done yet",
    ("Task", "volumes"): _VOLUMES,
    ("EmbeddedTask", "volumes"): _VOLUMES,
    ("EmbeddedTask", "apiVersion"): _CUSTOM,
    ("EmbeddedTask", "kind"): _CUSTOM,
    ("EmbeddedTask", "spec"): _CUSTOM,
    ("StepAction", "volumeMounts"): _VOLUMES,
    ("Step", "volumeMounts"): _VOLUMES,
    ("Step", "volumeDevices"): _VOLUMES,
    ("StepTemplate", "volumeMounts"): _VOLUMES,
    ("StepTemplate", "volumeDevices"): _VOLUMES,
    ("Resources", "claims"): "claims of devices are not done yet",
    ("EnvSource", "fieldRef"): _DOWNWARD,
    ("EnvSource", "resourceFieldRef"): _DOWNWARD,
    ("EnvSource", "fileKeyRef"): _DOWNWARD,
    ("PipelineTask", "pipelineRef"): _NESTED,
    ("PipelineTask", "pipelineSpec"): _NESTED,
    ("TaskRef", "apiVersion"): _CUSTOM,
    ("TaskRun", "debug"): "breakpoints are alpha in Tekton and not done yet",
    ("TaskRun", "sidecarSpecs"): "sidecars are not done yet",
    ("TaskRunSpec", "sidecarSpecs"): "sidecars are not done yet",
    ("WorkspaceBinding", "configMap"): "workspaces from a ConfigMap are not done yet; use envFrom",
    ("WorkspaceBinding", "secret"): "workspaces from a Secret are not done yet; use envFrom",
    ("WorkspaceBinding", "projected"): "projected workspaces are not done yet",
    ("WorkspaceBinding", "csi"): "CSI workspaces are not done yet",
}

# Variables that belong to what is not done yet.
VARIABLES_NOT_YET: dict[re.Pattern[str], str] = {
    re.compile(r"\$\((?:step\.)?artifacts\.path\)"): "artifacts are alpha in Tekton, not done yet",
    re.compile(r"\$\((?:steps|tasks)\.[^()]*\.(?:inputs|outputs)[.)]"): (
        "artifacts are alpha in Tekton, not done yet"
    ),
}

# Fields that are taken and that only a pod gives a meaning to.
WITHOUT_EFFECT: dict[tuple[str, str], str] = {
    ("Step", "securityContext"): "a process runs as the user who started mltk",
    ("StepAction", "securityContext"): "a process runs as the user who started mltk",
    ("StepTemplate", "securityContext"): "a process runs as the user who started mltk",
    ("TaskRunTemplate", "podTemplate"): "there is no pod",
    ("TaskRunSpec", "podTemplate"): "there is no pod",
    ("TaskRun", "podTemplate"): "there is no pod",
}
