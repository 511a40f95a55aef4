"""Of a PipelineRun what a queue has to know, so that ten thousand that wait take little room."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mltk.queueing.annotations import CALLED_AT, PROJECT, QUEUE, QUEUED_AT, WAITING_SINCE
from mltk.queueing.rules import Rules, read_rules
from mltk.tekton.managing import other_manager
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    is_done,
    labels_of,
    name_of,
    namespace_of,
    parse_time,
    spec_of,
    status_of,
    uid_of,
)

PENDING = "PipelineRunPending"

_FIRST_YEAR, _LAST_YEAR = 1970, 9000

Stage = Literal["waiting", "called", "running", "over"]
"""A run that is `called` is pending still: its turn has come, and it goes next."""

Lane = tuple[str, str, str]
"""Namespace, project and name of a queue."""


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that waits, or that counts against the limit for which others wait.

    `queue` is None for a run of a project that came without the rules; it counts all the same.
    `order` tells older from newer. `version` is that of one that waits, empty for any other.
    """

    uid: str
    name: str
    namespace: str
    project: str
    queue: str | None
    stage: Stage
    created: datetime
    order: tuple[datetime, str, str]
    since: datetime
    called: datetime | None
    rules: Rules
    version: str = ""

    @property
    def lane(self) -> Lane:
        """The queue, among those of all projects."""
        return self.namespace, self.project, self.queue or ""

    @property
    def pending(self) -> bool:
        """Whether it does not run yet."""
        return self.stage in ("waiting", "called")


def queued_run(obj: Obj) -> QueuedRun | None:
    """What a queue knows of a PipelineRun; None for one that concerns none.

    A pending one without a queue waits for somebody else, and so does one that another controller
    manages; one within another run goes with that.
    """
    said = _texts(annotations_of(obj))
    project = _texts(labels_of(obj)).get(PROJECT, "")
    queue, stage = said.get(QUEUE), _stage(obj, said)
    if queue is None and (not project or stage != "running"):
        return None
    if other_manager(obj) or _is_nested(obj):
        return None
    name, created = name_of(obj), parse_time(obj["metadata"]["creationTimestamp"])
    return QueuedRun(
        uid=uid_of(obj),
        name=name,
        namespace=sys.intern(namespace_of(obj)),
        project=sys.intern(project),
        queue=None if queue is None else sys.intern(queue.strip()),
        stage=stage,
        created=created,
        order=(created, said.get(QUEUED_AT, ""), name),
        since=min(created, _moment(said.get(WAITING_SINCE)) or created),
        called=_moment(said.get(CALLED_AT)),
        rules=read_rules(said)[0],
        version=obj["metadata"]["resourceVersion"] if stage in ("waiting", "called") else "",
    )


def rules_of(obj: Obj) -> Rules:
    """How a PipelineRun waits."""
    return read_rules(_texts(annotations_of(obj)))[0]


def problems(obj: Obj) -> tuple[str, ...]:
    """What is wrong with the annotations by which a PipelineRun waits."""
    said = _texts(annotations_of(obj))
    return read_rules(said)[1] if obj.get("kind") == "PipelineRun" and QUEUE in said else ()


def waits(obj: Obj) -> bool:
    """Whether a run waits in a queue."""
    return (
        obj.get("kind") == "PipelineRun"
        and spec_of(obj).get("status") == PENDING
        and QUEUE in (obj["metadata"].get("annotations") or {})
        and not is_done(obj)
    )


def _texts(found: Mapping[str, object]) -> dict[str, str]:
    """Labels or annotations; YAML may have made numbers of what an API server would refuse."""
    return {name: str(value) for name, value in found.items()}


def _stage(obj: Obj, said: Mapping[str, str]) -> Stage:
    if is_done(obj):
        return "over"
    asked = spec_of(obj).get("status")
    if asked == "Cancelled" and not status_of(obj).get("startTime"):
        return "over"  # it waited, and will never run
    if asked != PENDING:
        return "running"
    return "called" if CALLED_AT in said else "waiting"


def _is_nested(obj: Obj) -> bool:
    owners = obj["metadata"].get("ownerReferences") or ()
    return any(each.get("kind") == "PipelineRun" for each in owners)


def _moment(text: str | None) -> datetime | None:
    """A time that the queue wrote; None for what somebody else put there."""
    try:
        found = parse_time(text or "")
    except ValueError:
        return None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return None  # nothing could be added to it
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
