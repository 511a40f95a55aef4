"""What of a source was taken: a small file in git, beside the .dvc file.

One line of JSON for each object that was taken or refused, so that the same object is one version
on any machine.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from mltk.data.arrivals.found import Found
from mltk.errors import ConfigError

SUFFIX = ".arrivals"
_ALWAYS = ("path", "uri", "version")


@dataclasses.dataclass(frozen=True)
class Entry:
    """An object that was dealt with: its rows went into `path`, or `refused` says why not.

    `digest` is the MD5 of its bytes, "" where `version` is that already.
    """

    path: str
    uri: str
    version: str
    rows: int = 0
    refused: str = ""
    digest: str = ""

    def line(self) -> str:
        """The entry as the file has it; what says nothing is left out."""
        kept = dataclasses.asdict(self)
        kept = {key: kept[key] for key in kept if kept[key] or key in _ALWAYS}
        return json.dumps(kept, ensure_ascii=False) + "\n"


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The entries of one file, which may be for several tables."""

    entries: tuple[Entry, ...] = ()

    def find(self, path: str, found: Found) -> Entry | None:
        """What was done with an object for the table `path`; None when it is new.

        A file of a folder is known by its bytes alone: it may be moved, or dropped once more.
        """
        return self._known.get((path, *_identity(found.uri, found.version)))

    def same(self, path: str, uri: str, digest: str) -> Entry | None:
        """What was done with these very bytes when they were written to `uri` before."""
        return self._bytes.get((path, uri, digest)) if digest else None

    def holds(self, path: str, uri: str) -> bool:
        """Whether rows of an object at `uri` are in the table, whatever bytes it had then."""
        return (path, uri) in self._places

    def last(self, path: str) -> Entry | None:
        """The object that was taken last."""
        taken = (each for each in reversed(self.entries) if each.path == path and not each.refused)
        return next(taken, None)

    @functools.cached_property
    def _known(self) -> dict[tuple[str, str, str], Entry]:
        return {(each.path, *_identity(each.uri, each.version)): each for each in self.entries}

    @functools.cached_property
    def _places(self) -> frozenset[tuple[str, str]]:
        return frozenset((each.path, each.uri) for each in self.entries if not each.refused)

    @functools.cached_property
    def _bytes(self) -> dict[tuple[str, str, str], Entry]:
        return {(each.path, each.uri, each.digest or each.version): each for each in self.entries}

    def with_more(self, entries: Iterable[Entry]) -> Ledger:
        """The ledger with entries after its own."""
        return Ledger((*self.entries, *entries))

    def render(self) -> bytes:
        """The file."""
        return "".join(each.line() for each in self.entries).encode()


def _identity(uri: str, version: str) -> tuple[str, str]:
    return ("file://" if uri.startswith("file://") else uri), version


def place(dvc_file: str) -> str:
    """Where the ledger of the data that `dvc_file` tracks lies."""
    return f"{dvc_file.removesuffix('.dvc')}{SUFFIX}"


def read(content: bytes | None, where: str) -> Ledger:
    """The ledger in `content` (None: there is no file yet); ConfigError for what is none."""
    if content is None:
        return Ledger()
    return Ledger(tuple(_entries(content.splitlines(), where)))


def _entries(lines: Sequence[bytes], where: str) -> Iterable[Entry]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _entry(json.loads(line))
        except (ValueError, TypeError, RecursionError):
            raise ConfigError(
                "this line is not as mltk writes it, so it is not known what was taken before",
                where=f"{where}:{number}",
                hint=f"`git log -p {PurePosixPath(where).name}` shows what it was",
            ) from None


def _entry(value: Any) -> Entry:
    entry = Entry(**value)
    texts = (entry.path, entry.uri, entry.version, entry.refused, entry.digest)
    if not all(isinstance(each, str) for each in texts) or not isinstance(entry.rows, int):
        raise TypeError
    return entry
