"""The columns in which `mltk get` shows the objects of each kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from mltk.cli.board import seconds_of
from mltk.cli.duration import exact, rough
from mltk.cli.waiting import waiting_word
from mltk.tekton.objects import Obj, name_of, namespace_of, parse_time, reason

Cell = Callable[[Obj, datetime], str]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Titles and what stands below them."""

    titles: Sequence[str]
    cells: Sequence[Cell]

    def row(self, obj: Obj, now: datetime) -> list[str]:
        """The cells of one object; `now` is what ages count to."""
        return [cell(obj, now) for cell in self.cells]


def columns(kind: str, *, with_namespace: bool = False) -> Columns:
    """The columns of a kind; the namespace comes first when objects of several are shown."""
    found = _BY_KIND.get(kind, _OTHERS)
    if not with_namespace:
        return found
    return Columns(["NAMESPACE", *found.titles], [_namespace, *found.cells])


def age(text: str | None, now: datetime) -> str:
    """How long ago a timestamp of an object was, in one unit; `---` when there is none."""
    return rough((now - parse_time(text)).total_seconds()) if text else "---"


def status_word(obj: Obj) -> str:
    """The reason of a run's condition, `Pending` before it has one, or how it waits in a queue."""
    return waiting_word(obj) or reason(obj) or "Pending"


def _name(obj: Obj, _now: datetime) -> str:
    return name_of(obj)


def _namespace(obj: Obj, _now: datetime) -> str:
    return namespace_of(obj)


def _age(obj: Obj, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _started(obj: Obj, now: datetime) -> str:
    found = age(obj.get("status", {}).get("startTime"), now)
    return found if found == "---" else f"{found} ago"


def _duration(obj: Obj, now: datetime) -> str:
    seconds = seconds_of(obj, now)
    return "---" if seconds is None else exact(seconds)


def _status(obj: Obj, _now: datetime) -> str:
    return status_word(obj)


def _description(obj: Obj, _now: datetime) -> str:
    text = str(obj.get("spec", {}).get("description") or "").strip()
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= 60 else f"{first[:57]}..."


def _keys(obj: Obj, _now: datetime) -> str:
    return str(len({**(obj.get("data") or {}), **(obj.get("stringData") or {})}))


_RUN = Columns(["NAME", "STARTED", "DURATION", "STATUS"], [_name, _started, _duration, _status])
_DEFINITION = Columns(["NAME", "DESCRIPTION", "AGE"], [_name, _description, _age])
_KEYED = Columns(["NAME", "DATA", "AGE"], [_name, _keys, _age])
_OTHERS = Columns(["NAME", "AGE"], [_name, _age])
_BY_KIND: Mapping[str, Columns] = {
    "PipelineRun": _RUN,
    "TaskRun": _RUN,
    "CustomRun": _RUN,
    "Pipeline": _DEFINITION,
    "Task": _DEFINITION,
    "StepAction": _DEFINITION,
    "Secret": _KEYED,
    "ConfigMap": _KEYED,
}
