"""The SQLite file under a local MLflow: made once, locked, and words for its troubles.

MLflow's own migration of a fresh file races when several processes start at once; a lock file
beside the database lets one of them do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mltk.errors import InfrastructureError

_PROBE_SECONDS = 5.0
_LOCK_SECONDS = 60.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def lock(path: Path, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock file beside the database; InfrastructureError when it stays taken."""
    beside = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = beside.open("a")
    except OSError as error:
        raise InfrastructureError(
            f"cannot write beside the MLflow database: {error.strerror}",
            where=str(beside),
            hint="check the owner of the folder and the space on its disk",
        ) from None
    with handle:
        deadline = time.monotonic() + seconds
        while not _taken(handle.fileno()):
            if time.monotonic() > deadline:
                raise locked(path)
            time.sleep(_POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def found(path: Path, make_tables: Callable[[str, Path], None]) -> None:
    """Make the database if it has no tables yet, whole or not at all; the lock must be held.

    `make_tables` gets the URI of the new file and the folder of the artifacts. MLflow makes its
    tables in dozens of steps, and what it left half done it cannot go on with. So they are made
    in a folder of their own, and the file takes its place when it is complete.
    """
    if path.exists() and _has_tables(path):
        return
    workshop = path.with_name(path.name + ".part")
    shutil.rmtree(workshop, ignore_errors=True)  # of a process that was ended here
    workshop.mkdir()
    draft = workshop / path.name
    make_tables(f"sqlite:///{draft}", artifacts(path))
    with contextlib.closing(sqlite3.connect(draft)) as connection:
        # Readers and one writer can use it at once.
        connection.execute("PRAGMA journal_mode=WAL")
    draft.replace(path)
    shutil.rmtree(workshop, ignore_errors=True)


def _has_tables(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def artifacts(path: Path) -> Path:
    """Folder beside the database in which MLflow keeps files, wherever a process runs."""
    return path.parent.resolve() / "mlartifacts"


def probe(path: Path, *, write: bool = False, seconds: float = _PROBE_SECONDS) -> None:
    """Raise InfrastructureError when the file cannot be read (or written) for some seconds."""
    if not path.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=seconds)) as connection:
            if write:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
            else:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise locked(path) from None
        raise broken(path, error) from None
    except sqlite3.DatabaseError as error:
        raise broken(path, error) from None


def locked(path: Path) -> InfrastructureError:
    """Another program holds the database, or the lock beside it."""
    return InfrastructureError(
        "the MLflow database is locked by another process",
        where=str(path),
        hint=f"see who holds it (fuser {path}), let it finish, then run again",
    )


def broken(path: Path, error: Exception) -> InfrastructureError:
    """The file is there, but is no database that can be used."""
    return InfrastructureError(
        f"the MLflow database cannot be used: {error}",
        where=str(path),
        hint="check the file's owner and the space on its disk, or set another tracking.uri",
    )
