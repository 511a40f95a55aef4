"""What the engine reads from, and writes to, the annotations of Tasks and TaskRuns."""

from __future__ import annotations

CACHE = "mltk.dev/cache"
"""``"true"`` on a Task: same params, same Tasks before it, same result."""

CACHE_KEY = "mltk.dev/cache-key"
"""On a TaskRun: the key of all that went into it."""

CACHED_FROM = "mltk.dev/cached-from"
"""On a TaskRun that was restored: the one that ran."""
