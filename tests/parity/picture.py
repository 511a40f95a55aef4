"""What a run looks like from outside, without what no two runs share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.tekton.objects import Obj, name_of, namespace_of, uid_of

# The API server's own bookkeeping, the times, and what only a container has.
_DROPPED = frozenset(
    {
        "uid", "resourceVersion", "generation", "managedFields", "creationTimestamp",
        "containerID", "imageID",
        # What the user wrote, wherever it is shown: Tekton's webhook writes the defaults into it,
        # the embedded engine reads it as if they were there.
        "taskSpec", "pipelineSpec",
    }
)  # fmt: skip
_TIMES = frozenset(
    {
        "startTime", "completionTime", "finallyStartTime", "startedAt", "finishedAt",
        "lastTransitionTime",
    }
)  # fmt: skip
_CLAIM = re.compile(r"\bpvc-[0-9a-f]{10}\b")  # named after the uid of the run
# Named after the namespace of the run, too.
_REQUEST = re.compile(r"\b(bundles|cluster|git|http|hub)-[0-9a-f]{32}\b")
# A busy node has not started the pod yet when its time is up.
_PENDING = re.compile(r"\nPrevious status: \[Pending\] pod status .*", re.DOTALL)
_MISSING = object()


@dataclass(frozen=True)
class Difference:
    """A place of two pictures that do not agree; None where one has nothing."""

    path: str
    local: Any
    cluster: Any

    def __str__(self) -> str:
        return f"{self.path}\n    here:   {self.local!r}\n    Tekton: {self.cluster!r}"


def picture(run: Obj, task_runs: Sequence[Obj]) -> Obj:
    """A run and its TaskRuns by name, comparable; the spec of the run is what the user wrote."""
    names = {uid_of(obj): "UID" for obj in (run, *task_runs)} | {namespace_of(run): "NAMESPACE"}
    others = {name_of(each): _plain(each, names) for each in task_runs}
    written = {**run, "spec": {"status": run["spec"].get("status")}}
    return {"run": _plain(written, names), "taskRuns": others}


def differences(local: Any, cluster: Any, path: str = "") -> Iterator[Difference]:
    """Where two pictures do not agree."""
    if path.endswith(("/labels", "/annotations")):
        local, cluster = ({} if each is _MISSING else each for each in (local, cluster))
    if isinstance(local, Mapping) and isinstance(cluster, Mapping):
        for key in sorted({*local, *cluster}):
            here = f"{path}/{key}"
            yield from differences(local.get(key, _MISSING), cluster.get(key, _MISSING), here)
    elif isinstance(local, list) and isinstance(cluster, list) and len(local) == len(cluster):
        for index, pair in enumerate(zip(local, cluster, strict=True)):
            yield from differences(*pair, f"{path}/{index}")
    elif local != cluster:
        yield Difference(path, *(None if each is _MISSING else each for each in (local, cluster)))


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        found = {k: _field(k, v, names) for k, v in value.items() if k not in _DROPPED}
        # Go writes the fields of a struct that nobody set as null or {}: that says nothing.
        return {key: each for key, each in found.items() if each is not None and each != {}}
    if isinstance(value, list):
        return [_plain(each, names) for each in value]
    if isinstance(value, str):
        for name, shown in names.items():
            value = value.replace(name, shown)
        value = _REQUEST.sub(r"\1-HASH", _CLAIM.sub("pvc-HASH", value))
        return _PENDING.sub("", value)
    return value


def _field(key: str, value: Any, names: Mapping[str, str]) -> Any:
    return "TIME" if key in _TIMES and value else _plain(value, names)
