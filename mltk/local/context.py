"""What the parts of an engine share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mltk.local.cache import Cache
from mltk.local.layout import Layout
from mltk.local.memo import ClaimUse
from mltk.local.overflow import LOG_BYTES
from mltk.local.ownership import Ownership
from mltk.local.removal import Removal
from mltk.local.resolvers.requests import Requests
from mltk.local.runtime import Runtime
from mltk.local.store import Store
from mltk.tekton.objects import Obj
from mltk.tekton.verdicts import TaskRunRejected

ENGINE_FAILED = "EngineFailed"
"""The one reason of the engine's own besides Interrupted: it broke, the step did not."""


@dataclass(frozen=True)
class Context:
    """What all TaskRuns of an engine share. `cache` is None when nothing is to be restored."""

    store: Store
    layout: Layout
    runtime: Runtime
    observer: Callable[[Obj], None]
    clock: Callable[[], datetime]
    ownership: Ownership
    cache: Cache | None
    environment: str
    grace: float
    requests: Requests
    removal: Removal
    log_bytes: int = LOG_BYTES
    claims: ClaimUse = field(default_factory=ClaimUse)


@dataclass(frozen=True)
class Job:
    """A TaskRun with the Task that it runs.

    `metadata` are labels and annotations of the Task, `run_uid` is the PipelineRun's, `before`
    the outcomes of the TaskRuns before it, `refusal` why what its steps refer to cannot be had.
    """

    task_run: Obj
    task_spec: Obj
    metadata: Obj
    run_uid: str = ""
    before: tuple[str, ...] = ()
    refusal: TaskRunRejected | None = None
