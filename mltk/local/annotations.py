"""What the engine reads from, and writes to, the annotations of Tasks and TaskRuns."""

from __future__ import annotations

CACHE = "mltk.dev/cache"
"""On a Task, its author's promise: one of `TRUE` and `PARAMS`."""

TRUE = "true"
"""Same params, same Tasks before it, same result."""

PARAMS = "params"
"""Same params, same result, whatever ran before it."""

CACHE_BELOW = "mltk.dev/cache-below"
"""On a Task, its author's promise: it changes nothing of its workspaces but what is below this
path, where nothing else writes meanwhile. May hold `$(params.NAME)`."""

CACHE_KEY = "mltk.dev/cache-key"
"""On a TaskRun: the key of all that went into it."""

CACHED_FROM = "mltk.dev/cached-from"
"""On a TaskRun that was restored: the one that ran."""
