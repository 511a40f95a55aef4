"""How long it takes to see which of 10,000 windows are due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mltk.data.reader import TextTable
from mltk.data.windows.ledger import Ledger, dumps, loads
from mltk.data.windows.periods import HOUR, parse_period
from mltk.data.windows.planning import Rules, look
from mltk.data.windows.rows import timeline
from mltk.data.windows.schedule import schedule

WINDOWS = 10_000
_START = 1_735_689_600_000_000


@dataclass(frozen=True)
class Planned:
    """Seconds: windows that are all new, with a row an hour, and the look after that."""

    first: float
    again: float


def measure() -> Planned:
    lies = schedule(parse_period("1h"), parse_period("1d"), ZoneInfo("Europe/Berlin"))
    rules = Rules(lies, allowed_lateness=6 * HOUR, catch_up="all")
    times = [_START + number * HOUR for number in range(WINDOWS)]
    rows = tuple((str(moment), "1.5") for moment in times)
    table = timeline(TextTable(("when", "y"), tuple(range(len(rows))), rows), times)
    began = time.perf_counter()
    first = look(rules, Ledger(), table, times[-1])
    between = time.perf_counter()
    look(rules, loads(dumps(first.after)), table, times[-1])
    ended = time.perf_counter()
    assert len(first.standings) >= WINDOWS
    return Planned(between - began, ended - between)
