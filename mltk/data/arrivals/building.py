"""The next version of a table, beside the one that is there: objects are fetched and joined."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from mltk.data.arrivals import tables
from mltk.data.arrivals.found import ChangedError, Found, Storage
from mltk.data.arrivals.ledger import Entry, Ledger
from mltk.data.arrivals.wanted import Table
from mltk.data.objects import md5
from mltk.errors import DataError, InfrastructureError

_TWICE = (
    "its rows were taken before it was written anew, and some would be there twice;"
    " give what is new another name, or say `how: replace`"
)


@dataclasses.dataclass(frozen=True)
class Built:
    """What became of the objects; `draft` is the new table when at least one was taken.

    `repeated` are those whose very bytes were written there before: they bring nothing, and are
    only to be remembered. `put_off` says of those that changed while they were read, or cannot be
    read, why they are left for another time.
    """

    draft: Path
    entries: tuple[Entry, ...] = ()
    put_off: tuple[str, ...] = ()
    repeated: tuple[Entry, ...] = ()

    @property
    def taken(self) -> tuple[Entry, ...]:
        """The objects that are in the draft."""
        return tuple(each for each in self.entries if not each.refused)

    @property
    def refused(self) -> tuple[Entry, ...]:
        """The objects that are no tables, or do not fit."""
        return tuple(each for each in self.entries if each.refused)


def build(
    table: Table,
    chosen: Sequence[Found],
    base: Path | None,
    storage: Storage,
    work: Path,
    known: Ledger,
) -> Built:
    """Fetch `chosen` into the folder `work` and join them to `base`, the table as it is now.

    One that cannot be read (nobody may, or it is archived) keeps no other from being taken;
    InfrastructureError when none could be.
    """
    draft = work / "draft"
    tables.begin(draft, base if table.setting.how == "append" else None)
    columns = tables.header(base, table.shape, table.path) if base else None
    entries: list[Entry] = []
    put_off: list[str] = []
    failures: list[InfrastructureError] = []
    repeated: list[Entry] = []
    for each in chosen:
        try:
            part = _fetched(storage, each, work)
        except ChangedError as error:
            put_off.append(str(error))
            continue
        except InfrastructureError as error:
            failures.append(error)
            continue
        digest = md5(part)
        if table.setting.how == "append" and known.same(table.path, each.uri, digest):
            repeated.append(_entry(table, each, digest))
            continue
        if table.setting.how == "append" and known.holds(table.path, each.uri):
            entries.append(dataclasses.replace(_entry(table, each, digest), refused=_TWICE))
            continue
        entry = _joined(table, each, part, draft, columns, digest)
        entries.append(entry)
        if entry.refused:
            continue
        if table.setting.how == "replace":
            break
        if columns is None:
            columns = tables.header(draft, table.shape, table.path)
    if failures and not (entries or repeated):
        raise failures[0]
    put_off += map(str, failures)
    return Built(draft, tuple(entries), tuple(put_off), tuple(repeated))


def _joined(
    table: Table,
    found: Found,
    part: Path,
    draft: Path,
    columns: Sequence[str] | None,
    digest: str,
) -> Entry:
    said = _entry(table, found, digest)
    try:
        if table.setting.how == "replace":
            rows = tables.check(part, table.shape, found.name)
            shutil.copyfile(part, draft)
        else:
            rows = tables.add(draft, part, columns, table.shape, found.name)
    except DataError as error:
        return dataclasses.replace(said, refused=error.what)
    return dataclasses.replace(said, rows=rows)


def _entry(table: Table, found: Found, digest: str) -> Entry:
    told = "" if digest == found.version else digest
    return Entry(table.path, found.uri, found.version, digest=told)


def _fetched(storage: Storage, found: Found, work: Path) -> Path:
    """The object's bytes, if they were not fetched before, for a version that came to nothing."""
    name = hashlib.sha256(f"{found.uri}\n{found.version}".encode()).hexdigest()
    part = work / name
    if not part.exists():
        coming = work / f"{name}.part"
        storage.fetch(found, coming)
        coming.replace(part)
    return part
