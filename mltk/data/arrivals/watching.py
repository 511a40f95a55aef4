"""A folder that is looked at again and again: when what has come there is to be taken. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mltk.data.arrivals.folder import Folder, Seen
from mltk.data.arrivals.found import Found
from mltk.data.arrivals.gathering import Gathering


@dataclass
class Burst:
    """Gathers files until nothing has come or changed for a while.

    A file is whole when it looks the same for the quiet period, whatever time it bears: copies
    keep the times of their originals. Where a burst does not end, what is whole by then is taken.
    """

    rule: Gathering
    _since: dict[Seen, float] = field(default_factory=dict)
    _taken: set[Seen] = field(default_factory=set)
    _begun: float | None = None

    def look(self, seen: Collection[Seen], now: float) -> Sequence[Seen]:
        """The files to take now, of all that are `seen`; mostly none."""
        self._taken &= set(seen)
        new = [each for each in seen if each not in self._taken]
        self._since = {each: self._since.get(each, now) for each in new}
        if not new:
            self._begun = None
            return ()
        self._begun = now if self._begun is None else self._begun
        if not self.rule.is_over(self._begun, max(self._since.values()), now):
            return ()
        return [each for each in new if now - self._since[each] >= self.rule.quiet]

    def took(self, files: Collection[Seen]) -> None:
        """Note that these are done with."""
        self._taken |= set(files)
        self._begun = None

    def put_off(self, now: float) -> None:
        """Wait anew: they could not be taken."""
        self._since = dict.fromkeys(self._since, now)
        self._begun = None


@dataclass(frozen=True)
class Picked:
    """Some files of a folder as a source of data."""

    folder: Folder
    files: Sequence[Seen]

    def find(self) -> Sequence[Found]:
        """These files."""
        return self.folder.whole(self.files)

    def fetch(self, found: Found, target: Path) -> None:
        """Copy one of them."""
        self.folder.fetch(found, target)
