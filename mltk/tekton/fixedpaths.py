"""Fields of a Task that name paths of a pod themselves, which plain processes do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltk.tekton.objects import Obj

# An absolute path below /workspace or /tekton, not one that goes on from a variable or a name.
_FIXED = re.compile(r"(?<![\w.)-])/(?:workspace(?![\w-])|tekton/)")


def fixed_paths(task_spec: Obj) -> list[str]:
    """Fields that name a path of a pod themselves, e.g. ``steps[0].script``.

    A literal ``/workspace`` or ``/tekton/``, or where to mount something; a runtime that starts
    plain processes cannot offer it.
    """
    places = [("stepTemplate", task_spec.get("stepTemplate") or {})]
    places += [
        (f"{section}[{i}]", each)
        for section in ("steps", "sidecars")
        for i, each in enumerate(task_spec.get(section) or ())
    ]
    literal = [
        f"{place}.{name}"
        for place, container in places
        for name, text in _path_fields(container)
        if _FIXED.search(text)
    ]
    mounted = [
        f"{place}.{section}[{index}].mountPath"
        for place, container in (*places, ("", task_spec))
        for section in ("volumeMounts", "workspaces")
        for index, each in enumerate(container.get(section) or ())
        if each.get("mountPath")
    ]
    last = [
        f"{place}.terminationMessagePath"
        for place, container in places
        if container.get("terminationMessagePath")
    ]
    return literal + [each.removeprefix(".") for each in mounted] + last


def _path_fields(container: Obj) -> Iterator[tuple[str, str]]:
    for name in ("script", "workingDir"):
        yield name, str(container.get(name) or "")
    for name in ("command", "args"):
        for index, text in enumerate(container.get(name) or ()):
            yield f"{name}[{index}]", str(text)
    for entry in container.get("env") or ():
        yield f"env[{entry.get('name')}].value", str(entry.get("value") or "")
