"""What runs refer to in the store: Tasks, StepActions, and what Secrets and ConfigMaps hold."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from mltk.local.store import Store
from mltk.tekton.environment import Lookup
from mltk.tekton.limitranges import Limits
from mltk.tekton.objects import Obj, name_of, spec_of
from mltk.tekton.remote import Unresolved
from mltk.tekton.verdicts import TaskRunRejected


class Tasks:
    """Tasks of a namespace as they are at one moment; `advance` goes on to the next.

    A Task that stays as it is, is read only once.
    """

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace
        self._known: dict[str, Obj] = {}
        self._looked_at: set[str] = set()

    def advance(self) -> None:
        """Take note of what changes until now."""
        self._looked_at.clear()

    def get(self, name: str) -> Obj:
        """Return the Task; raises NotFound."""
        known = self._known.get(name)
        if known is None or name not in self._looked_at:
            newest = known and self._store.newer(known)
            known = newest or self._store.get("Task", name, self._namespace)
            self._known[name] = known
            self._looked_at.add(name)
        return known

    def spec(self, name: str) -> Obj:
        """Return the spec of the Task; raises NotFound."""
        return spec_of(self.get(name))

    def step_action(self, ref: Obj) -> Obj:
        """Return the spec of the StepAction that a step refers to; raises Unresolved."""
        found = self._store.find("StepAction", ref["name"], self._namespace)
        if found is None:
            raise Unresolved(f'stepactions.tekton.dev "{ref["name"]}" not found')
        return spec_of(found)


def limit_ranges(store: Store, namespace: str) -> list[Limits]:
    """Return what the LimitRanges of a namespace say, those of the oldest first."""
    return [spec_of(each).get("limits") or () for each in store.list("LimitRange", namespace)]


def lookup(store: Store, namespace: str) -> Lookup:
    """Return what the steps of a namespace read their variables from, as text.

    It raises TaskRunRejected for a source that cannot be read.
    """

    def read(kind: str, name: str) -> dict[str, str] | None:
        found = store.find(kind, name, namespace)
        return None if found is None else texts_of(found)

    return read


def texts_of(obj: Obj) -> dict[str, str]:
    """Return what a Secret or a ConfigMap holds, as text; TaskRunRejected when it is not base64."""
    try:
        found = decoded(obj)
    except ValueError:
        text = f'{obj["kind"].lower()} "{name_of(obj)}" holds data that is not base64'
        raise TaskRunRejected("CreateContainerConfigError", text) from None
    return {key: value.decode("utf-8", "surrogateescape") for key, value in found.items()}


def decoded(obj: Obj) -> dict[str, bytes]:
    """Return what a Secret or a ConfigMap holds; raises ValueError for data that is not base64.

    Text is taken as it is from ``data`` of a ConfigMap and ``stringData`` of a Secret.
    """
    encoded, plain = ("data", "stringData") if obj["kind"] == "Secret" else ("binaryData", "data")
    raw: Mapping[str, Any] = obj.get(encoded) or {}
    texts: Mapping[str, Any] = obj.get(plain) or {}
    found = {key: base64.b64decode(value, validate=True) for key, value in raw.items()}
    return found | {key: str(value).encode() for key, value in texts.items()}
