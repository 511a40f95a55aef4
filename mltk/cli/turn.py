"""One process at a time decides which runs are new, so that two commands do not double a run."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Self

from mltk.closing import Closing
from mltk.errors import InfrastructureError


class Turn(Closing):
    """An exclusive lock on a file; `close` gives it up early. The system frees it if we die."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise InfrastructureError(
                f"cannot be locked: {error.strerror}",
                where=str(self._path),
                hint="check that you may write in that folder, and that its disk is not full",
            ) from None
        return self

    def close(self) -> None:
        """Let the next one decide."""
        if self._file is not None:
            self._file.close()
            self._file = None
