"""What must hold in a CustomRun (``customrun_validation.go`` of Tekton)."""

from __future__ import annotations

from collections.abc import Iterator

from mltk.tekton.config import Config
from mltk.tekton.fields import Problem, repeated
from mltk.tekton.objects import Obj
from mltk.tekton.taskrunrules import check_bindings

_HOLDERS = ("customRef", "customSpec")


def check_custom_run(spec: Obj, path: str, _: Config) -> Iterator[Problem]:
    """Problems of a CustomRun's spec; what it asks for is for its controller to judge."""
    found = [field for field in _HOLDERS if spec.get(field) is not None]
    if len(found) != 1:
        where = ", ".join(f"{path}.{field}" for field in _HOLDERS)
        yield Problem(where, f"expected exactly one, got {'both' if found else 'neither'}")
    for holder in found:
        for field in ("apiVersion", "kind"):
            if not spec[holder].get(field):
                yield Problem(f"{path}.{holder}.{field}", "missing field(s)")
    if (why := spec.get("statusMessage")) and not spec.get("status"):
        what = "statusMessage should not be set if status is not set, but it is currently set to"
        yield Problem(f"{path}.statusMessage", f"invalid value: {what} {why}")
    for name in repeated(each["name"] for each in spec.get("params") or ()).values():
        yield Problem(f"{path}.params[{name}].name", "expected exactly one, got both")
    yield from check_bindings(spec.get("workspaces") or (), f"{path}.workspaces")
