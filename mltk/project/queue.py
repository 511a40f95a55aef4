"""`limits` of mltk.yaml as the annotations by which runs wait (docs/queue.md). Pure."""

from __future__ import annotations

from mltk.project.spec import Limits
from mltk.queueing.annotations import (
    LONGEST_WAIT,
    NEWEST_WINS,
    PROJECT_LIMIT,
    QUEUE,
    QUEUE_LIMIT,
    QUIET_PERIOD,
)


def queue_annotations(limits: Limits | None, model: str) -> dict[str, str]:
    """What runs of a model say of how they wait; nothing when there are no limits."""
    if limits is None:
        return {}
    said = {
        QUEUE: f"model-{model}",
        QUEUE_LIMIT: limits.model,
        PROJECT_LIMIT: limits.project,
        NEWEST_WINS: "true" if limits.newest_wins else None,
        QUIET_PERIOD: limits.quiet_period,
        LONGEST_WAIT: limits.longest_wait,
    }
    return {name: str(value) for name, value in said.items() if value is not None}
