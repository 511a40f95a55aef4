"""Objects as the JSON text that the store keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mltk.tekton.objects import Obj, condition, is_done, status_of

dump: Callable[[Any], str] = json.JSONEncoder(
    # Nothing that came from JSON or passed admission goes in circles, and looking costs a third.
    ensure_ascii=False, check_circular=False, separators=(",", ":")
).encode  # fmt: skip
"""The shortest JSON of a value."""

_DRIVEN = ("PipelineRun", "TaskRun")
_TOLD_OF_OBJECT = ("apiVersion", "kind")
_TOLD_OF_METADATA = ("name", "namespace", "creationTimestamp")
_TOLD_OF_ANNOTATIONS = ("mltk.dev/queue", "mltk.dev/replaced-by")
_TOLD_OF_STATUS = ("startTime", "completionTime")
_TOLD_OF_CONDITION = ("type", "status", "reason")


def brief(obj: Obj) -> str:
    """JSON of what a list shows of an object: who it is, how a run stands and since when.

    Of the annotations those that tell of a queue.
    """
    status, found = status_of(obj), condition(obj)
    told = _picked(status, _TOLD_OF_STATUS)
    if found:
        told["conditions"] = [_picked(found, _TOLD_OF_CONDITION)]
    metadata = _picked(obj["metadata"], _TOLD_OF_METADATA)
    if marks := _picked(obj["metadata"].get("annotations") or {}, _TOLD_OF_ANNOTATIONS):
        metadata["annotations"] = marks
    return dump({**_picked(obj, _TOLD_OF_OBJECT), "metadata": metadata, "status": told})


def _picked(fields: Obj, names: tuple[str, ...]) -> Obj:
    return {name: fields[name] for name in names if name in fields}


def is_over(obj: Obj) -> bool:
    """Whether no engine has anything to do for an object."""
    return obj.get("kind") not in _DRIVEN or is_done(obj)


class StatusEncoder:
    """JSON of the status of one run, which is written again with every step.

    The text of a dict that is the same one as in the status before is taken from there, so that
    a step costs no more in a long run. Who passes a status on must not change it any more.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Any, str]] = {}

    def __call__(self, status: Obj) -> str:
        """Return the text that `dump` gives."""
        fresh: dict[int, tuple[Any, str]] = {}
        fields = [f"{dump(name)}:{self._text(value, fresh)}" for name, value in status.items()]
        self._kept = fresh
        return f"{{{','.join(fields)}}}"

    def _text(self, value: Any, fresh: dict[int, tuple[Any, str]]) -> str:
        if isinstance(value, list):
            return f"[{','.join([self._kept_text(item, fresh) for item in value])}]"
        return self._kept_text(value, fresh) if isinstance(value, dict) else dump(value)

    def _kept_text(self, value: Any, fresh: dict[int, tuple[Any, str]]) -> str:
        """`value` is kept with its text: an `id` means nothing once the object is gone."""
        found = self._kept.get(id(value))
        if found is None or found[0] is not value:
            found = value, dump(value)
        fresh[id(value)] = found
        return found[1]
