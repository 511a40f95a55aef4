"""Hostile events; `make fuzz-listen` sends a million of them."""

from __future__ import annotations

from pathlib import Path

from .conftest import apply, listening, push, signed
from .fuzzing import fuzz, made
from .hostile_arrivals import arrivals


def test_nothing_comes_of_hostile_events_and_the_listener_stays(folder: Path) -> None:
    apply(folder, *arrivals())
    with listening(folder, "--no-run") as ear:
        told = fuzz(ear, 4000, 7)
        ear.settled()
        assert not made(ear)
        assert not ear.rows("parked")
        assert not any(code >= 500 for code in told.answers)
        assert told.answers[202] > 1000
        body = push()
        event_id = ear.send(body, signed(body)).event_id
        ear.settled()
        assert len(ear.runs(event_id)) == 1
