"""What a container may learn of its pod (fieldRef, resourceFieldRef).

Rules: ``pkg/fieldpath`` and ``pkg/api/v1/resource`` of Kubernetes; labels and annotations of the
pod are made by ``pkg/pod/pod.go`` of Tekton.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mltk.tekton.objects import Obj
from mltk.tekton.quantities import parse_quantity
from mltk.tekton.verdicts import TaskRunRejected

_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True)
class Resources:
    """What a container asks for, by name of a resource; `node` is what there is."""

    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    node: Mapping[str, str] = field(default_factory=dict)

    def read(self, ref: Obj) -> str:
        """The value of a ``resourceFieldRef``, e.g. ``limits.cpu``, in units of its divisor."""
        kind, _, name = str(ref.get("resource") or "").partition(".")
        given = self.limits if kind == "limits" else self.requests
        # A container without a limit may have all; a request that is not said is the limit.
        found = given.get(name) or self.limits.get(name)
        if found is None:
            found = self.node.get(name, "0") if kind == "limits" else "0"
        divisor = parse_quantity(str(ref.get("divisor") or "1")).value or 1
        return str(math.ceil(parse_quantity(found).value / divisor))


@dataclass(frozen=True)
class PodFacts:
    """A pod as its containers see it: single `fields` by path, labels and annotations.

    `resources` are those of its containers.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Resources] = field(default_factory=dict)

    def read(self, given: Obj, container: str = "") -> str:
        """What a `fieldRef` or a `resourceFieldRef` among the fields of `given` names.

        `container` is meant by a resource that names none. TaskRunRejected for a field that pods
        do not have.
        """
        if (ref := given.get("resourceFieldRef")) is not None:
            name = ref.get("containerName") or container
            return self.resources.get(name, Resources()).read(ref)
        return self._field(given.get("fieldRef") or {})

    def _field(self, ref: Obj) -> str:
        path = str(ref.get("fieldPath") or "")
        if found := _KEYED.fullmatch(path):
            return self._map(found[1]).get(found[2], "")
        if path in ("metadata.labels", "metadata.annotations"):
            return _lines(self._map(path.partition(".")[2]))
        if path in self.fields:
            return self.fields[path]
        raise TaskRunRejected("CreateContainerConfigError", f"unsupported fieldPath: {path}")

    def _map(self, name: str) -> Mapping[str, str]:
        return self.labels if name == "labels" else self.annotations


def _lines(found: Mapping[str, str]) -> str:
    """As ``FormatMap`` writes a map into a file."""
    return "\n".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(found.items()))
