from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mltk.local.clock import SteadyClock, elapsed


class Machine:
    """A machine whose clock is set back and forth."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 50.0

    def pass_(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds


def test_jumps_of_the_clock_are_not_seen_until_it_settles() -> None:
    machine = Machine()
    clock = SteadyClock(lambda: machine.time, lambda: machine.seconds)
    machine.pass_(5)
    for jump in (timedelta(days=-400), timedelta(days=800)):
        machine.time += jump
        assert clock() == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    clock.settle()
    assert clock() == machine.time
    machine.pass_(1)
    assert clock() == machine.time


def test_seconds_pass() -> None:
    first = elapsed()
    assert elapsed() >= first
