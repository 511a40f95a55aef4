"""Runs whose engine has died: every command looks for them, and hardly one finds any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk.local.ownership import Ownership

if TYPE_CHECKING:
    from mltk.local.store import Store
    from mltk.tekton.objects import Obj


def recover(store: Store) -> list[Obj]:
    """End the runs whose engine has died, and the steps that it left; return those runs.

    Runs that a controller has, or will have, are left to it.
    """
    ownership = Ownership(store.database)
    if not ownership.abandoned() or ownership.controller is not None:
        return []
    # Commands that only read do not wait for the meaning of TaskRuns to load.
    from mltk.local.recovery import end_run

    with store.transaction():  # nobody takes one of them over, or ends it too, between the lines
        return [run for uid in ownership.abandoned() if (run := end_run(uid, store)) is not None]
