"""Kubernetes' Events about a run: why it does not start, what a node did to its pods."""

from __future__ import annotations

from collections.abc import Iterator

from mltk.cluster.call import EVENT, Call
from mltk.cluster.listing import list_all, selection
from mltk.cluster.pods import pod_of
from mltk.cluster.server import Server
from mltk.tekton.kinds import find_kind
from mltk.tekton.labels import PIPELINE_RUN
from mltk.tekton.objects import Obj, name_of, namespace_of, uid_of


def events_about(server: Server, obj: Obj) -> list[Obj]:
    """The Events about an object, its TaskRuns and their pods, oldest first."""
    call = Call("list", EVENT, namespace_of(obj))
    found = [
        event
        for selector in _selectors([obj, *_task_runs(server, obj)])
        for event in list_all(server, call, {"fieldSelector": selector})[0]
    ]
    return sorted(found, key=_moment)


def _task_runs(server: Server, obj: Obj) -> list[Obj]:
    if obj["kind"] != "PipelineRun":
        return []
    call = Call("list", find_kind("TaskRun"), namespace_of(obj))
    return list_all(server, call, selection({PIPELINE_RUN: name_of(obj)}))[0]


def _selectors(objs: list[Obj]) -> Iterator[str]:
    for obj in objs:
        yield f"involvedObject.uid={uid_of(obj)}"
        if pod := pod_of(obj):
            yield f"involvedObject.kind=Pod,involvedObject.name={pod}"


def _moment(event: Obj) -> str:
    times = (event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp"))
    return next(str(time) for time in (*times, event["metadata"]["creationTimestamp"]) if time)
