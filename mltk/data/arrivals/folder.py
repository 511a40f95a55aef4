"""A folder of this machine as a source: files that are whole, by their names, sizes and times."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mltk.data.arrivals.found import ChangedError, Found
from mltk.data.objects import md5
from mltk.errors import InfrastructureError, NotFound

_DRAFTS = (".part", ".tmp", ".crdownload", ".filepart", ".swp", "~")


@dataclasses.dataclass(frozen=True)
class Seen:
    """A file as the folder shows it, without a look into it.

    `modified` is when its bytes changed, `changed` when anything did, such as who may read it.
    """

    name: str
    size: int
    modified: float
    changed: float = 0.0


@dataclasses.dataclass
class Folder:
    """The files of a folder and of the folders in it that no write has touched for `quiet` seconds.

    Names that begin with a dot or end as drafts do are left out, and so are links to folders. What
    cannot be read is told by `complain` and passed over. Files are hashed once, until they change.
    """

    root: Path
    quiet: float
    clock: Callable[[], float]
    complain: Callable[[str], None] = lambda _: None
    _digests: dict[Seen, str] = dataclasses.field(default_factory=dict)

    def look(self) -> Sequence[Seen]:
        """Every file that is no draft, whole or not, by name."""
        if not self.root.is_dir():
            raise NotFound("there is no such folder", where=str(self.root))
        return sorted(self._walk(self.root), key=lambda seen: seen.name)

    def find(self) -> Sequence[Found]:
        """The files that are whole."""
        return self.whole(self.look())

    def whole(self, seen: Sequence[Seen]) -> Sequence[Found]:
        """Those of `seen` that have rested long enough, with their digests."""
        rested = [each for each in seen if self.clock() - each.modified >= self.quiet]
        self._digests = {each: self._digests[each] for each in seen if each in self._digests}
        return [found for each in rested if (found := self._found(each))]

    def fetch(self, found: Found, target: Path) -> None:
        """Copy the file; ChangedError when it is another by now."""
        source = self.root / found.name
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError:
            raise ChangedError("the file is gone", where=str(source)) from None
        except OSError as error:
            place = str(source if error.filename == str(source) else error.filename or target)
            raise InfrastructureError(f"cannot be copied: {error.strerror}", where=place) from None
        if md5(target) != found.version:
            raise ChangedError("the file was written anew meanwhile", where=str(source))

    def _found(self, seen: Seen) -> Found | None:
        path = self.root / seen.name
        if seen not in self._digests:
            try:
                self._digests[seen] = md5(path)
            except OSError as error:
                self.complain(f"{path}: cannot be read: {error.strerror}")
                return None
        return Found(
            uri=path.resolve().as_uri(),
            name=seen.name,
            version=self._digests[seen],
            size=seen.size,
            time=datetime.fromtimestamp(seen.modified, UTC),
        )

    def _walk(self, folder: Path) -> Iterator[Seen]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.complain(f"{folder}: cannot be read: {error.strerror}")
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_DRAFTS):
                continue
            path = Path(entry.path)
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(path)
                elif path.is_file() or not path.exists():
                    status = path.stat()
                    name = path.relative_to(self.root).as_posix()
                    yield Seen(name, status.st_size, status.st_mtime, status.st_ctime)
            except FileNotFoundError:
                if entry.is_symlink():
                    self.complain(f"{path}: is a link to nothing")
            except OSError as error:  # a loop of links, for one
                self.complain(f"{path}: cannot be read: {error.strerror}")
