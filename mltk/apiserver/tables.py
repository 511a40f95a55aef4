"""The columns that kubectl prints: those of Tekton's definitions, and of Kubernetes' own kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from mltk.apiserver.durations import age
from mltk.apiserver.resources import Resource
from mltk.tekton.objects import SUCCEEDED, Obj

# What a cell is made of: name and creation of the object, the values at the paths of the table, and
# the time it is.
Cell = Callable[["Born", Sequence[Any], datetime], object]

_BORN = ("$.metadata.name", "$.metadata.creationTimestamp")


class Born(NamedTuple):
    """Name of an object, and when it was made."""

    name: str
    since: str | None


@dataclass(frozen=True)
class Column:
    """A column; kubectl shows those of `priority` 0, with ``-o wide`` all."""

    name: str
    cell: Cell
    type: str = "string"
    priority: int = 0

    def definition(self) -> Obj:
        """The column as a table describes it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": "",
            "priority": self.priority,
        }


@dataclass(frozen=True)
class Columns:
    """The columns of a kind, and the paths in an object that they are made of."""

    columns: Sequence[Column]
    own: Sequence[str]

    @property
    def paths(self) -> Sequence[str]:
        """All that is needed of an object."""
        return (*_BORN, *self.own)

    def cells(self, values: Sequence[Any], now: datetime) -> list[object]:
        """The cells of one object: `values` are what stands at the paths."""
        born, rest = Born(*values[:2]), values[2:]
        return [column.cell(born, rest, now) for column in self.columns]


def columns_of(resource: Resource) -> Columns:
    """The columns of a resource."""
    return _BY_KIND.get(resource.kind.kind, _OTHERS)


def _name(born: Born, _values: Sequence[Any], _now: datetime) -> object:
    return born.name


def _age(born: Born, _values: Sequence[Any], now: datetime) -> object:
    return age(born.since, now)


def _created(born: Born, _values: Sequence[Any], _now: datetime) -> object:
    return born.since


def _of_condition(key: str, kind: str = SUCCEEDED) -> Cell:
    def cell(_born: Born, values: Sequence[Any], _now: datetime) -> object:
        for found in values[0] or ():
            if found.get("type") == kind:
                return found.get(key)
        return None

    return cell


def _ago(index: int) -> Cell:
    def cell(_born: Born, values: Sequence[Any], now: datetime) -> object:
        return age(values[index], now) if values[index] else None

    return cell


def _value(index: int) -> Cell:
    return lambda _born, values, _now: values[index]


def _count(*indexes: int) -> Cell:
    return lambda _born, values, _now: sum(len(values[index] or ()) for index in indexes)


def _modes(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    short = {
        "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
        "ReadWriteOncePod": "RWOP",
    }  # fmt: skip
    return ",".join(short.get(mode, mode) for mode in values[2] or ())


def _claim_class(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    return values[3] or ""


def _capacity(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    return (values[1] or {}).get("storage", "")


def _ready(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    found = values[0] or ()
    return f"{sum(bool(each.get('ready')) for each in found)}/{len(found)}"


def _pod_status(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    """The word that kubectl shows: of a container that failed or waits, else the phase."""
    phase = values[1]
    ended = [(each.get("state") or {}).get("terminated") for each in values[0] or ()]
    failed = [each for each in ended if each and each.get("exitCode")]
    if failed:
        return failed[-1].get("reason") or "Error"
    return {"Succeeded": "Completed", "Failed": "Error"}.get(phase, phase)


def _object(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    about = values[3] or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _message(_born: Born, values: Sequence[Any], _now: datetime) -> object:
    return str(values[4] or "").strip()


def _last_seen(born: Born, values: Sequence[Any], now: datetime) -> object:
    return age(values[0] or values[5] or born.since, now)


_NAME = Column("Name", _name)
_AGE = Column("Age", _age, "date")
_OTHERS = Columns((_NAME, _AGE), ("$.kind",))
_RUN = Columns(
    (
        _NAME,
        Column("Succeeded", _of_condition("status")),
        Column("Reason", _of_condition("reason")),
        Column("StartTime", _ago(1), "date"),
        Column("CompletionTime", _ago(2), "date"),
    ),
    ("$.status.conditions", "$.status.startTime", "$.status.completionTime"),
)
_BY_KIND: Mapping[str, Columns] = {
    "PipelineRun": _RUN,
    "TaskRun": _RUN,
    "CustomRun": _RUN,
    "EventListener": Columns(
        (
            _NAME,
            Column("Address", _value(1)),
            Column("Available", _of_condition("status", "Available")),
            Column("Reason", _of_condition("reason", "Available")),
            Column("Ready", _of_condition("status", "Ready")),
            Column("Reason", _of_condition("reason", "Ready")),
        ),
        ("$.status.conditions", "$.status.address.url"),
    ),
    "Secret": Columns(
        (_NAME, Column("Type", _value(0)), Column("Data", _count(1), "integer"), _AGE),
        ("$.type", "$.data"),
    ),
    "ConfigMap": Columns(
        (_NAME, Column("Data", _count(0, 1), "integer"), _AGE), ("$.data", "$.binaryData")
    ),
    "LimitRange": Columns((_NAME, Column("Created At", _created)), ("$.kind",)),
    "PersistentVolumeClaim": Columns(
        (
            _NAME,
            Column("Status", _value(0)),
            Column("Volume", _value(4)),
            Column("Capacity", _capacity),
            Column("Access Modes", _modes),
            Column("StorageClass", _claim_class),
            _AGE,
        ),
        (
            "$.status.phase",
            "$.status.capacity",
            "$.spec.accessModes",
            "$.spec.storageClassName",
            "$.spec.volumeName",
        ),
    ),
    "ServiceAccount": Columns(
        (_NAME, Column("Secrets", _count(0), "integer"), _AGE), ("$.secrets",)
    ),
    "Namespace": Columns((_NAME, Column("Status", _value(0)), _AGE), ("$.status.phase",)),
    "Event": Columns(
        (
            Column("Last Seen", _last_seen),
            Column("Type", _value(1)),
            Column("Reason", _value(2)),
            Column("Object", _object),
            Column("Message", _message),
        ),
        (
            "$.lastTimestamp",
            "$.type",
            "$.reason",
            "$.involvedObject",
            "$.message",
            "$.eventTime",
        ),
    ),
    "Pod": Columns(
        (
            _NAME,
            Column("Ready", _ready),
            Column("Status", _pod_status),
            Column("Restarts", lambda *_: "0"),
            _AGE,
            Column("IP", lambda *_: "<none>", priority=1),
            Column("Node", _value(2), priority=1),
        ),
        ("$.status.containerStatuses", "$.status.phase", "$.spec.nodeName"),
    ),
}
