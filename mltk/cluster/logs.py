"""What steps wrote, from the pods of a TaskRun.

A stream may break while its container goes on (the API server or the kubelet restarts): each line
comes with its time, which is where the next stream begins and how a line is told from its repeat.
Within a stream times need not be in order: standard output and error are written down side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from mltk.cluster.call import POD, Call
from mltk.cluster.errors import Unreachable
from mltk.cluster.listing import selection
from mltk.cluster.patience import Patience
from mltk.cluster.pods import container_of, has_ended, has_succeeded, pod_of, state, steps_of
from mltk.cluster.server import Server
from mltk.cluster.watch import watch
from mltk.errors import AdmissionError, NotFound
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, is_done

# A kubelet ends the stream of a container a little before it tells that it has ended.
_STATUS_SECONDS = 5.0
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")


class PodGone(NotFound):
    """The pod is not there any more, and what its containers wrote is not either."""


class Logs:
    """The logs of one TaskRun; of the `step`, or of all steps in their order."""

    def __init__(self, server: Server, task_run: str, namespace: str, step: str | None) -> None:
        self._server = server
        self._name = task_run
        self._namespace = namespace
        self._step = step

    def read(self) -> Iterator[str]:
        """Yield the lines that the last attempt has written so far."""
        name = pod_of(self._task_run())
        if not name:
            return
        pod = self._pod(name)
        for step in self._steps(pod):
            if state(pod, step) != "waiting":
                yield from _Container(self._server, self._namespace, name, step).lines()

    def follow(self) -> Iterator[str]:
        """Yield lines as they are written, attempt by attempt, until the TaskRun has ended.

        With a `step` named, they end with it, unless it has failed: a retry may follow then.
        """
        name = ""
        while (following := self._next_pod(name)) is not None:
            name = following
            yield from self._follow_pod(name)
            if self._step is not None and self._step_succeeded(name, self._step):
                return

    def _follow_pod(self, name: str) -> Iterator[str]:
        try:
            steps = self._steps(self._pod(name))
        except PodGone:
            if is_done(self._task_run()):
                raise
            return
        with suppress(NotFound):  # Tekton deletes the pod of a run that is cancelled or late
            for step in steps:
                if self._started(name, step):
                    yield from self._follow_step(name, step)

    def _step_succeeded(self, pod: str, step: str) -> bool:
        try:
            return has_succeeded(self._pod(pod), step)
        except PodGone:
            return False

    def _follow_step(self, pod: str, step: str) -> Iterator[str]:
        container, patience = _Container(self._server, self._namespace, pod, step), Patience()
        while True:
            ended = state(self._pod(pod), step) == "terminated"
            try:
                for line in container.lines(follow=True):
                    patience.reward()
                    yield line
            except Unreachable as error:
                patience.spend(error)
                continue
            if ended:
                return
            self._wait_for(pod, step, ("terminated",), _STATUS_SECONDS)

    def _next_pod(self, last: str) -> str | None:
        """Wait for a pod after `last`; None when the TaskRun has ended without another one."""
        call = Call("watch", find_kind("TaskRun"), self._namespace)
        for event in watch(self._server, call, selection(None, self._name)):
            name = pod_of(event.obj)
            if event.type == "DELETED":
                return None
            if name and name != last:
                return name
            if is_done(event.obj):
                return None
        return None

    def _started(self, pod: str, step: str) -> bool:
        """Wait until the container of a step has started; False when it never will."""
        return self._wait_for(pod, step, ("running", "terminated"))

    def _wait_for(
        self, pod: str, step: str, states: tuple[str, ...], timeout: float | None = None
    ) -> bool:
        call = Call("watch", POD, self._namespace)
        for event in watch(self._server, call, selection(None, pod), timeout=timeout):
            if event.type == "DELETED":
                return False
            if state(event.obj, step) in states:
                return True
            if has_ended(event.obj):
                return False
        return False

    def _task_run(self) -> Obj:
        call = Call("get", find_kind("TaskRun"), self._namespace, self._name)
        return self._server.send(call)

    def _pod(self, name: str) -> Obj:
        try:
            return self._server.send(Call("get", POD, self._namespace, name))
        except NotFound:
            raise PodGone(
                f"the logs of TaskRun '{self._name}' went with its pod '{name}'",
                hint="A cluster keeps logs as long as the pod; later they are where it sends them"
                " (Tekton Results, a log collector)."
                f" `mltk describe taskrun {self._name}` shows what remains.",
            ) from None

    def _steps(self, pod: Obj) -> list[str]:
        known = steps_of(pod)
        if self._step is not None and self._step not in known:
            raise NotFound(
                f"TaskRun '{self._name}' has no step '{self._step}'",
                hint=f"Its steps are {', '.join(known)}.",
            )
        return [self._step] if self._step else list(known)


class _Container:
    """The lines of a container's log that have not been read yet."""

    def __init__(self, server: Server, namespace: str, pod: str, step: str) -> None:
        self._server = server
        self._call = Call("get", POD, namespace, pod, "log")
        self._container = container_of(step)
        self._last = ""  # the latest time of all lines
        self._of_last = 0  # lines that bear it

    def lines(self, *, follow: bool = False) -> Iterator[str]:
        """Yield further lines; with `follow` as they come. None before the container starts."""
        query = {"container": self._container, "timestamps": "true"}
        if follow:
            query["follow"] = "true"
        if self._last:
            query["sinceTime"] = self._last
        since, repeated = self._last, self._of_last
        with (
            suppress(AdmissionError),  # code 400: it is waiting to start
            self._server.stream(self._call, query) as lines,
        ):
            for line in lines:
                moment, text = _parted(line.decode("utf-8", errors="replace"))
                if moment < since:
                    continue
                if moment == since and repeated:
                    repeated -= 1
                    continue
                if moment > self._last:
                    self._last, self._of_last = moment, 0
                self._of_last += moment == self._last
                yield text


def _parted(line: str) -> tuple[str, str]:
    """The time of a line and the rest of it; a line without one is the kubelet's own word."""
    moment, _, text = line.partition(" ")
    if not _MOMENT.match(moment):
        raise Unreachable(f"the log cannot be read now: {line}")
    return moment, text
