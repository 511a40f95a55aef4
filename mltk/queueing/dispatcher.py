"""Lets runs go when their turn comes, through the verbs over objects.

Nothing is kept but what the runs say of themselves, and each write names the version of the run
that it is about. So it may be killed at any moment, and others may do the same beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mltk.errors import AdmissionError, Conflict, NotFound
from mltk.queueing.annotations import CALLED_AT, REPLACED_BY, WAITING_SINCE
from mltk.queueing.decision import Decision, Replacement, decide
from mltk.queueing.runs import QueuedRun
from mltk.queueing.stream import Stream
from mltk.queueing.view import View
from mltk.tekton.api import Backend
from mltk.tekton.objects import Obj, format_micro_time

Clock = Callable[[], datetime]
Say = Callable[[str], None]


def _say_nothing(_: str) -> None:
    """Tell nobody."""


class Dispatcher:
    """Tends the queues of a namespace, or of all; `say` hears of each run that it moves."""

    def __init__(
        self,
        backend: Backend,
        namespace: str | None = None,
        *,
        clock: Clock = lambda: datetime.now(UTC),
        say: Say = _say_nothing,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._say = say
        self._view = View()
        self._asked: dict[str, str] = {}
        self._stopped = False
        self._stream = Stream(backend, namespace)

    def run(self) -> None:
        """Tend the queues until `stop`; raises InfrastructureError when the backend fails."""
        look_at: datetime | None = None
        with self._stream:
            while not self._stopped:
                changed = self._view.take(self._stream.take(self._seconds_until(look_at)))
                due = look_at is not None and self._clock() >= look_at
                if self._view.complete and (changed or due):
                    decision = decide(self._clock(), self._view.runs)
                    look_at = decision.look_again_at
                    self._do(decision)

    def stop(self) -> None:
        """Let `run` end; any thread may say so, and a signal handler."""
        self._stopped = True
        self._stream.wake()

    def _seconds_until(self, moment: datetime | None) -> float | None:
        if moment is None:
            return None
        # A clock that is set, or a machine that slept, is noticed after a minute.
        return min(max(0.0, (moment - self._clock()).total_seconds()), 60.0)

    def _do(self, decision: Decision) -> None:
        self._asked = {
            run.uid: self._asked[run.uid] for run in self._view.runs if run.uid in self._asked
        }
        for replacement in decision.replace:
            self._replace(replacement)
        for run in decision.withdraw:
            self._patch(run, {CALLED_AT: None})
        for run in decision.release:
            if self._patch(run, {}, status=None):
                self._say(f"{_named(run)} goes")
        for call in decision.call:
            self._patch(call.run, {CALLED_AT: format_micro_time(call.at)})

    def _replace(self, replacement: Replacement) -> None:
        """Cancel the older runs, once the newer one knows since when it waits for them, too."""
        newest = replacement.by
        if replacement.since < newest.since:
            self._patch(newest, {WAITING_SINCE: format_micro_time(replacement.since)})
            return  # its change is seen, and then they are replaced
        for run in replacement.runs:
            if self._patch(run, {REPLACED_BY: newest.name}, status="Cancelled"):
                self._say(f"{_named(run)} is replaced by {newest.name}")

    def _patch(self, run: QueuedRun, annotations: dict[str, str | None], **spec: Any) -> bool:
        """Change a run if it is as it was seen; whoever changed it meanwhile is heard of."""
        if self._asked.get(run.uid) == run.version:
            return False
        self._asked[run.uid] = run.version
        patch: Obj = {
            "metadata": {"resourceVersion": run.version, "annotations": annotations},
            **({"spec": spec} if spec else {}),
        }
        try:
            self._backend.patch("PipelineRun", run.name, run.namespace, patch)
        except (Conflict, NotFound):
            return False
        except AdmissionError as error:
            self._say(f"{_named(run)} is left as it is: {error}")
            return False
        return True


def _named(run: QueuedRun) -> str:
    return f"{run.namespace}/{run.name} of queue {run.queue}"
