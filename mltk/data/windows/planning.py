"""What is due: the windows of a table against what is known of them from the last look.

A look takes all rows that are there at once, as a batch, and judges them by the watermark of the
look before, as Spark's structured streaming does. So a row is never too late because of one that
came with it, and the order of rows within a look has no meaning.

Akidau et al., "The Dataflow Model", VLDB 2015, for the words watermark, lateness, window.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from mltk.data.windows.ledger import MOST, Entry, Fate, Ledger
from mltk.data.windows.rows import Timeline
from mltk.data.windows.schedule import Schedule, Window

State = Literal["open", "closed", "late", "final"]
"""Open until the watermark passes the end; then closed, while late rows are still taken; late when
some came that no run has learnt from; final when the allowance is over."""

CatchUp = Literal["all", "latest", "none"]

MOST_WINDOWS = 200_000
"""Windows that a table may span; more are a mistake of a unit."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """When windows close and what is made of them; times in microseconds.

    `idle_after` is how long a source may be silent before the clock closes windows in its place
    (None: for ever).
    """

    schedule: Schedule
    allowed_lateness: int = 0
    idle_after: int | None = None
    catch_up: CatchUp = "all"
    min_rows: int = 1
    geometry: str = ""


@dataclasses.dataclass(frozen=True)
class Standing:
    """One window as it stands; `late` counts the rows that came when it was final."""

    window: Window
    rows: int
    digest: str
    state: State
    version: int
    fate: Fate | None
    late: int = 0
    run: str = ""
    due: bool = False


@dataclasses.dataclass(frozen=True)
class Look:
    """What a look at the data found; `after` is the ledger once the runs of `due` are made.

    `late_before` counts rows that came for windows that are sealed.
    """

    standings: tuple[Standing, ...]
    watermark: int
    after: Ledger
    late_before: int = 0

    @property
    def due(self) -> tuple[Standing, ...]:
        """The windows that a run is to be made of, oldest first."""
        return tuple(each for each in self.standings if each.due)

    @property
    def late(self) -> int:
        """How many rows came too late, counted once for each window that they lie in."""
        return sum(each.late for each in self.standings) + self.late_before


def next_look(rules: Rules, now: int) -> int:
    """The moment after `now` at which the clock gives a reason to look, new rows or not."""
    idle = rules.idle_after or 0
    schedule = rules.schedule
    index = schedule.indices(now - idle).start
    return schedule.end(index) + idle


def look(rules: Rules, before: Ledger, rows: Timeline, now: int, data: str = "") -> Look:
    """Compare the rows, at least one, with the ledger; `now` is the clock, `data` their version.

    A ledger of another geometry counts as none. ValueError for a table that spans more windows
    than anybody means.
    """
    if before.geometry != rules.geometry:
        before = Ledger(geometry=rules.geometry)
    watermark = _watermark(rules, before, rows, now)
    whole_from = rules.schedule.last_begun(rows.times[0])
    found = [
        _standing(rules, before, rows, watermark, window, whole=window.index >= whole_from)
        for window in _windows(rules, rows)
    ]
    chosen = {each.window.index for each in _caught_up(rules, before, found)}
    standings = tuple(_decided(each, before, chosen) for each in found)
    ledger = dataclasses.replace(
        before,
        watermark=watermark,
        clock=max(now, before.clock or now),
        data=data,
        entries={**before.entries, **dict(_entries(before, standings))},
    )
    late_before = 0
    if before.sealed is not None:
        there = rows.before(rules.schedule.start(before.sealed))
        late_before = max(0, there - before.sealed_rows)
    kept = tuple(each for each in standings if not _is_sealed(before, each.window.index))
    return Look(kept, watermark, _sealed(rules, ledger, rows), late_before)


def _watermark(rules: Rules, before: Ledger, rows: Timeline, now: int) -> int:
    """The largest time seen; it never goes back, and where it may, the clock pushes it on."""
    seen = [rows.times[-1]]
    if before.watermark is not None:
        seen.append(before.watermark)
    if rules.idle_after is not None:
        seen.append(now - rules.idle_after)
    return max(seen)


def _windows(rules: Rules, rows: Timeline) -> Iterator[Window]:
    """All windows that a row of the table may lie in, oldest first."""
    first = rules.schedule.indices(rows.times[0]).start
    last = rules.schedule.last_begun(rows.times[-1])
    if last - first >= MOST_WINDOWS:
        raise ValueError(
            f"the data spans {last - first + 1:,} windows, one every {rules.schedule.every}: more"
            f" than {MOST_WINDOWS:,} are a mistake of a unit or of a time"
        )
    for index in range(first, last + 1):
        yield rules.schedule.window(index)


def _standing(
    rules: Rules, before: Ledger, rows: Timeline, watermark: int, window: Window, *, whole: bool
) -> Standing:
    """The window before `catch_up` has its say; one that begins before the data is not `whole`."""
    count = rows.count(window)
    entry = before.entries.get(window.index)
    digest = rows.version(window) if count else ""
    over = before.watermark is not None and window.end + rules.allowed_lateness <= before.watermark
    if over or _is_sealed(before, window.index):
        return _final(window, count, digest, entry)
    closed = window.end <= watermark
    version = entry.version if entry else 0
    fate = _fate(entry, whole=whole, enough=count >= rules.min_rows)
    # A window can also become fit for a run without new rows of its own.
    same = entry is not None and entry.digest == digest and entry.fate == fate
    changed = closed and count > 0 and not same
    if changed:
        version += 1
    state = _state(rules, window, watermark, closed=closed, late=changed and version > 1)
    shown = fate if version else None
    run = entry.run if entry else ""
    return Standing(
        window, count, digest, state, version, shown, 0, run, due=changed and fate == "run"
    )


def _fate(entry: Entry | None, *, whole: bool, enough: bool) -> Fate:
    if entry is not None and entry.fate == "skipped":
        # Late rows are no reason to run what was passed over.
        return "skipped"
    if not whole:
        return "partial"
    return "run" if enough else "few"


def _final(window: Window, count: int, digest: str, entry: Entry | None) -> Standing:
    """A window that takes no more rows: what came since is counted, what was deleted is not."""
    if entry is None:
        fate: Fate | None = "late" if count else None
        return Standing(window, 0, "", "final", 0, fate, late=count)
    late = max(0, count - entry.rows)
    if count == entry.rows and entry.digest != digest:
        late = 1  # at least one row came in the place of another
    return Standing(
        window, entry.rows, entry.digest, "final", entry.version, entry.fate, late, entry.run
    )


def _state(rules: Rules, window: Window, watermark: int, *, closed: bool, late: bool) -> State:
    if not closed:
        return "open"
    if late:
        return "late"
    return "final" if window.end + rules.allowed_lateness <= watermark else "closed"


def _caught_up(rules: Rules, before: Ledger, found: Sequence[Standing]) -> list[Standing]:
    """Of the windows that closed since the last look those that are run all the same.

    A look that finds more than one was late itself: nobody looked for a while, or data came in
    bulk.
    """
    new = [each for each in found if each.due and each.window.index not in before.entries]
    if rules.catch_up == "all" or len(new) <= 1:
        return new
    return new[-1:] if rules.catch_up == "latest" else []


def _decided(each: Standing, before: Ledger, chosen: set[int]) -> Standing:
    index = each.window.index
    if each.due and index not in before.entries and index not in chosen:
        return dataclasses.replace(each, due=False, fate="skipped")
    return each


def _entries(before: Ledger, standings: Iterable[Standing]) -> Iterator[tuple[int, Entry]]:
    """The entries of the windows that have a new version."""
    for each in standings:
        known = before.entries.get(each.window.index)
        if each.fate and each.version > (known.version if known else 0):
            entry = Entry(each.version, each.rows, each.digest, each.fate, each.run)
            yield each.window.index, entry


def _is_sealed(ledger: Ledger, index: int) -> bool:
    return ledger.sealed is not None and index < ledger.sealed


def _sealed(rules: Rules, ledger: Ledger, rows: Timeline) -> Ledger:
    """Forget the oldest windows where there are too many; those before the first kept are final."""
    if len(ledger.entries) <= MOST:
        return ledger
    kept = sorted(ledger.entries)[-MOST:]
    return dataclasses.replace(
        ledger,
        sealed=kept[0],
        sealed_rows=rows.before(rules.schedule.start(kept[0])),
        entries={index: ledger.entries[index] for index in kept},
    )
