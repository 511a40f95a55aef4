"""A process that evaluates events, replaced from time to time.

``python -m mltk.listener.worker FD STORE [HOST...]`` talks over the socket FD with `crew`: events
in, and of each what comes of it, in order. Each HOST is a GitHub that interceptors may ask.
Google's implementation of CEL keeps a little of each call in memory, and what an event of an
attacker may do to it ends a process that holds nothing.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.forges.people import connecting
from mltk.listener.inbox import Queued
from mltk.listener.outside import Outside
from mltk.local import namespaces
from mltk.local.store import Store
from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.sink import Outcome, Surroundings, made

_log = logging.getLogger(__name__)

READY = "ready"
"""What it says first."""


def main() -> None:
    """Evaluate events until the socket ends."""
    if sys.platform == "linux":  # an event that takes for ever must not outlive its listener
        namespaces.die_with_parent()
    channel, store = Connection(int(sys.argv[1])), Store(Path(sys.argv[2]))
    outside = Outside(store)
    surroundings = outside.surroundings(connecting(sys.argv[3:]))
    try:
        channel.send(READY)
        while True:
            events: Sequence[Queued] = channel.recv()
            for queued in events:
                outside.refresh()
                channel.send(evaluate(queued, outside, surroundings))
    except (EOFError, OSError):
        return
    except InfrastructureError as error:
        _log.error("events cannot be judged now: %s", error)
    finally:
        store.close()


def evaluate(queued: Queued, outside: Outside, surroundings: Surroundings) -> tuple[Outcome, ...]:
    """What comes of an event."""
    event = queued.event
    listener: Mapping[str, Any] | None
    listener = outside.get("EventListener", event.namespace, event.listener)
    if listener is None:
        reason = f"there is no EventListener {event.listener} any more"
        return (Outcome("", event.namespace, reason=reason),)
    given = Event(event.body, event.header, event_id=event.event_id)
    try:
        return made(listener, given, event.url, surroundings)
    except InfrastructureError:
        raise  # this process ends, and the event is tried again
    except Exception as error:  # whatever broke here is this event's alone
        _log.exception("an event could not be evaluated", extra={"eventID": event.event_id})
        reason = f"mltk could not evaluate it: {type(error).__name__}: {error}"
        return (Outcome("", event.namespace, reason=reason),)


if __name__ == "__main__":
    main()
