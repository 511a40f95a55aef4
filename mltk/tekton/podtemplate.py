"""The params of a TaskRun in its podTemplate (``ApplyPodTemplateReplacements`` of Tekton).

Of a podTemplate only volumes and variables have a meaning here. Unlike in a Task's own volumes,
params count in names, and in the keys and paths of what a ConfigMap or a Secret shows.
"""

from __future__ import annotations

from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Variables, deep, text

_REPLACED = ("configMap", "secret", "persistentVolumeClaim")


def with_params(template: Obj, variables: Variables) -> Obj:
    """A podTemplate with its variables replaced."""
    volumes = [_volume(each, variables) for each in template.get("volumes") or ()]
    env = [deep(each, variables) for each in template.get("env") or ()]
    return {**template, "volumes": volumes, "env": env}


def _volume(volume: Obj, variables: Variables) -> Obj:
    made = {**volume, "name": text(volume["name"], variables)}
    for kind in _REPLACED:
        if volume.get(kind) is not None:
            made[kind] = deep(volume[kind], variables)
    if projected := volume.get("projected"):
        sources = [_named(each, variables) for each in projected.get("sources") or ()]
        made["projected"] = {**projected, "sources": sources}
    return made


def _named(source: Obj, variables: Variables) -> Obj:
    named = {
        kind: {**source[kind], "name": text(source[kind]["name"], variables)}
        for kind in ("configMap", "secret")
        if (source.get(kind) or {}).get("name")
    }
    return {**source, **named}
