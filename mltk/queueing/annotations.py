"""The annotations by which a run says how it waits, and those that say what became of it."""

from __future__ import annotations

PROJECT = "mltk.dev/project"
"""A label: runs of one project share its limit."""

# What whoever makes a run says of it.

QUEUE = "mltk.dev/queue"
"""Name of the queue in which it waits; queues of different projects are different ones."""

QUEUE_LIMIT = "mltk.dev/queue-limit"
"""How many runs of its queue go on at once; absent: as many as there are."""

PROJECT_LIMIT = "mltk.dev/project-limit"
"""How many runs of its project go on at once; absent: as many as there are."""

NEWEST_WINS = "mltk.dev/newest-wins"
"""`true`: older runs of its queue that still wait are cancelled."""

QUIET_PERIOD = "mltk.dev/quiet-period"
"""A duration: nothing of its queue goes until no newer run has come for so long."""

LONGEST_WAIT = "mltk.dev/longest-wait"
"""A duration: but not longer than this since the oldest one that waits, or was replaced, came."""

QUEUED_AT = "mltk.dev/queued-at"
"""When it was made, to the microsecond: the order of runs that are made in the same second."""

# What the queue writes.

CALLED_AT = "mltk.dev/called-at"
"""When its turn came."""

WAITING_SINCE = "mltk.dev/waiting-since"
"""When the oldest run came that this one has replaced."""

REPLACED_BY = "mltk.dev/replaced-by"
"""The newer run for which this one was cancelled."""

STATE = (QUEUED_AT, CALLED_AT, WAITING_SINCE, REPLACED_BY)
"""What is true of one run only, and of no copy of it."""
