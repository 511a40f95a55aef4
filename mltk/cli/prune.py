"""Which runs are old enough to go, by tkn's `--keep` and `--keep-since`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mltk.tekton.objects import Obj, is_done, parse_time, status_of


def expired(
    runs: Sequence[Obj], *, keep: int | None, keep_since: float | None, now: datetime
) -> list[Obj]:
    """The ended runs of `runs` but for those to keep, oldest first.

    Kept are the `keep` that ended last, and those that ended less than `keep_since` seconds ago.
    A run that has not ended is never among them, nor does it count.
    """
    ended = sorted((run for run in runs if is_done(run)), key=_ended)
    old = ended[: max(0, len(ended) - (keep or 0))]
    if keep_since is None:
        return old
    limit = now - timedelta(seconds=keep_since)
    return [run for run in old if _ended(run) <= limit]


def _ended(run: Obj) -> datetime:
    # A run that was refused before it started may have no time of its end.
    return parse_time(status_of(run).get("completionTime") or run["metadata"]["creationTimestamp"])
