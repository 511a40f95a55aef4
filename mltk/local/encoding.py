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
_TOLD = ("apiVersion", "kind")
_TOLD_OF_METADATA = ("name", "namespace", "uid", "creationTimestamp", "labels", "resourceVersion")


def brief(obj: Obj) -> str:
    """JSON of what a table shows of a run: who it is, how it stands and since when."""
    metadata, status = obj["metadata"], status_of(obj)
    found = condition(obj)
    told = {key: status[key] for key in ("startTime", "completionTime") if key in status}
    return dump(
        {
            **{key: obj[key] for key in _TOLD if key in obj},
            "metadata": {key: metadata[key] for key in _TOLD_OF_METADATA if key in metadata},
            "status": told | ({"conditions": [found]} if found else {}),
        }
    )


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
