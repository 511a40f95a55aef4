"""A year of hourly data for 24 models, one row in twenty late, looked at every fortnight."""

from __future__ import annotations

import random
from bisect import bisect_left

from mltk.data.windows.ledger import Ledger
from mltk.data.windows.periods import DAY, HOUR
from mltk.data.windows.planning import Rules, look

from .streams import at, plan, rows_at

MODELS = 24
START = at("2026-01-01")
LATE = 0.05


# How windows lie, and how many of a year are run at least: adjacent ones and overlapping ones.
KINDS = (("1mo", "1mo", 11), ("1w", "1w", 50), ("1w", "4w", 47))


def test_every_row_of_a_year_finds_its_place() -> None:
    for model in range(MODELS):
        _one_model(random.Random(model), *KINDS[model % len(KINDS)])


def _one_model(draw: random.Random, every: str, length: str, least: int) -> None:
    schedule = plan(every, length, zone="Europe/Berlin")
    rule = Rules(schedule, allowed_lateness=2 * DAY)
    times = [START + hour * HOUR for hour in range(365 * 24)]
    # Late by up to four days: half of them come within the allowance.
    came = [time + (draw.randrange(4 * DAY) if draw.random() < LATE else 0) for time in times]
    ledger, runs = Ledger(), 0
    for end in [*range(START + 14 * DAY, START + 365 * DAY, 14 * DAY), START + 380 * DAY]:
        there = [time for time, arrived in zip(times, came, strict=True) if arrived < end]
        found = look(rule, ledger, rows_at(there), end)
        runs += len(found.due)
        for each in found.due:  # only what has other rows than its last run
            known = ledger.entries.get(each.window.index)
            assert known is None or known.rows < each.rows
        ledger = found.after
    tallied = {each.window.index: (each.rows, each.late) for each in found.standings}
    for index, (rows, late) in tallied.items():
        window = schedule.window(index)
        whole = bisect_left(times, window.end) - bisect_left(times, window.start)
        assert rows + late == whole
    assert sum(late for _, late in tallied.values()) == found.late
    versions = sum(each.version for each in found.standings if each.fate == "run")
    assert runs == versions >= least
