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


def test_every_row_of_a_year_finds_its_place() -> None:
    for model in range(MODELS):
        _one_model(random.Random(model), weekly=bool(model % 2))


def _one_model(draw: random.Random, *, weekly: bool) -> None:
    schedule = plan("1w" if weekly else "1mo", zone="Europe/Berlin")
    rule = Rules(schedule, allowed_lateness=2 * DAY)
    times = [START + hour * HOUR for hour in range(365 * 24)]
    # Late by up to four days: half of them come within the allowance.
    came = [time + (draw.randrange(4 * DAY) if draw.random() < LATE else 0) for time in times]
    ledger, runs = Ledger(), 0
    for end in [*range(START + 14 * DAY, START + 365 * DAY, 14 * DAY), START + 380 * DAY]:
        there = [time for time, arrived in zip(times, came, strict=True) if arrived < end]
        found = look(rule, ledger, rows_at(there), end)
        runs += len(found.due)
        ledger = found.after
    tallied = {each.window.index: (each.rows, each.late) for each in found.standings}
    for index, (rows, late) in tallied.items():
        window = schedule.window(index)
        whole = bisect_left(times, window.end) - bisect_left(times, window.start)
        assert rows + late == whole
    assert sum(late for _, late in tallied.values()) == found.late
    versions = sum(each.version for each in found.standings if each.fate == "run")
    assert runs == versions >= (50 if weekly else 11)
