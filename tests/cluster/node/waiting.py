"""Waiting for what other processes bring about."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.cluster.node.errors import NodeError


def until(
    reached: Callable[[], bool],
    what: str,
    *,
    seconds: float,
    watch: Callable[[], None] = lambda: None,
    hint: str | None = None,
) -> None:
    """Poll until ``reached``; ``watch`` raises when there is no point in waiting longer.

    Raises:
        NodeError: ``what`` did not come about in time.
    """
    end = time.monotonic() + seconds
    while not reached():
        watch()
        if time.monotonic() > end:
            raise NodeError(f"{what}: not within {seconds:.0f} s", hint=hint)
        time.sleep(0.1)
