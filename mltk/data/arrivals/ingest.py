"""The arrival of data made a DVC data version: what is new at the sources, in one work tree."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mltk.data.arrivals.arrival import Arrival
from mltk.data.arrivals.bucket import Bucket
from mltk.data.arrivals.building import build
from mltk.data.arrivals.folder import Folder
from mltk.data.arrivals.found import Storage
from mltk.data.arrivals.ledger import Entry
from mltk.data.arrivals.recording import Journal, base_of, record, settle, standing
from mltk.data.arrivals.wanted import Table, choose
from mltk.errors import InfrastructureError
from mltk.project.arriving import seconds
from mltk.project.git import Repository

Open = Callable[[Table], Storage]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the objects of one table; `commit` is None when nothing is new.

    `put_off` are objects that changed while they were read, or could not be, `failure` is why the
    source could not be looked at, or nothing of it read.
    """

    table: Table
    taken: tuple[Entry, ...] = ()
    refused: tuple[Entry, ...] = ()
    put_off: tuple[str, ...] = ()
    commit: str | None = None
    failure: InfrastructureError | None = None


@dataclasses.dataclass(frozen=True)
class Place:
    """Where data are taken into: a work tree, the DVC project with its objects, room for drafts.

    `work` lies on the disk of the tree. `who` is `NAME <EMAIL>`, in whose name is committed.
    """

    tree: Repository
    objects: Path
    work: Path
    who: str


def ingest(place: Place, tables: Sequence[Table], open_storage: Open) -> tuple[Outcome, ...]:
    """Take what is new for each of `tables`, one commit a table.

    Each commit holds the new version and the names of the objects that it is made of, so that a
    process that is killed at any moment, and begun again, comes to the same end. A source that is
    away does not keep others from being read; InfrastructureError when all of them are.
    """
    outcomes = tuple(_ingest(place, table, open_storage(table)) for table in tables)
    failures = [each.failure for each in outcomes if each.failure]
    if failures and len(failures) == len(outcomes):
        raise failures[0]
    return outcomes


def storage(
    table: Table,
    told: Sequence[Arrival],
    complain: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> Storage:
    """What mltk.yaml names as the source of a table; `told` is what an event says."""
    setting = table.setting
    if setting.is_folder:
        folder = Path(setting.place.removeprefix("file://"))
        return Folder(folder, seconds(setting.quiet_period), clock, complain)
    return Bucket(setting.place, setting.endpoint, told)


def _ingest(place: Place, table: Table, source: Storage) -> Outcome:
    now = standing(place.tree, place.objects, table)
    journal = Journal(place.work / "journal.json")
    place.work.mkdir(parents=True, exist_ok=True)
    settle(place.tree, place.objects, table, now, journal)
    parts = place.work / "parts"
    parts.mkdir(exist_ok=True)
    try:
        chosen = choose(table, source.find(), now.ledger)
        if not chosen:
            return Outcome(table)
        base = base_of(place.objects, now)
        built = build(table, chosen, base, source, parts, now.ledger)
    except InfrastructureError as error:
        return Outcome(table, failure=error)
    commit = None
    if built.entries or built.repeated:
        commit = record(place.tree, table, now, built, journal, place.who)
    return Outcome(table, built.taken, built.refused, built.put_off, commit)


def clear(place: Place) -> None:
    """Forget what was fetched: it is in the repository now."""
    shutil.rmtree(place.work / "parts", ignore_errors=True)
