"""One SQLite file that several processes share, with every failure of SQLite as one of ours."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError
from mltk.local.format import VERSION, bring_up_to_date

_BUSY_SECONDS = 10.0
_MAPPED_BYTES = 1 << 30

# Fragments of SQLite's own messages (https://www.sqlite.org/rescode.html) and what comes next.
_HINTS = {
    "locked": "Another process holds it; try again when that one is done.",
    "full": "Free some disk space, then repeat the command; nothing was half written.",
    "disk i/o error": "Look at the disk: it is full, gone or failing.",
    "not a database": "Move the file away; mltk then starts with an empty store.",
    "malformed": "Move the file away; mltk then starts with an empty store.",
    "unable to open": "Check that the folder exists and that you may write in it.",
    "readonly": "Check that you may write the file and its folder.",
}


def _failure(error: sqlite3.Error, path: Path) -> InfrastructureError:
    text = str(error)
    hint = next((hint for sign, hint in _HINTS.items() if sign in text.lower()), None)
    return InfrastructureError(f"the store failed: {text}", where=str(path), hint=hint)


class Database:
    """A connection that threads share; transactions nest, the outermost one commits.

    Within a transaction `depth` tells how many lie in one another.
    Raises InfrastructureError, with a hint, when the file cannot be opened, read or written.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = _BUSY_SECONDS,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._sync = sync
        self._syncing = threading.Lock()
        self._asked = self._synced = 0
        self.depth = 0
        self._after: list[Callable[[], None]] = []
        try:
            self._connection = self._open(busy_seconds)
        except sqlite3.Error as error:
            raise _failure(error, path) from error

    def _open(self, busy_seconds: float) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(f"unable to open: {error}") from error
        connection = sqlite3.connect(
            self.path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise InfrastructureError(
                f"the store has format {found}, this mltk reads {VERSION}",
                where=str(self.path),
                hint="Update mltk.",
            )
        # Two first openings at the same moment may refuse each other the exclusive lock that this
        # takes; the file works either way, and the next opening sets it.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        if found < VERSION:
            bring_up_to_date(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; within it, this thread alone writes.

        The last ones before a loss of power may be forgotten, the file is whole; see `settle`.
        """
        try:
            with self._lock:
                if self.depth == 0:
                    self._connection.execute("BEGIN IMMEDIATE")
                self.depth += 1
                try:
                    yield self._connection
                except BaseException:
                    self._leave("ROLLBACK")
                    raise
                self._leave("COMMIT")
        except sqlite3.Error as error:
            raise _failure(error, self.path) from error

    def _leave(self, verb: str) -> None:
        self.depth -= 1
        if self.depth:
            return
        after, self._after = self._after, []
        try:
            # SQLite has rolled back by itself after a full disk.
            if self._connection.in_transaction:
                self._connection.execute(verb)
                for call in after if verb == "COMMIT" else ():
                    call()
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def on_commit(self, call: Callable[[], None]) -> None:
        """Call it when the transaction of this thread is through, not when it is taken back."""
        self._after.append(call)

    def settle(self) -> None:
        """Wait until all that was written outlives a loss of power.

        The disk works meanwhile and the store does not wait; threads that come together share one
        wait. What SQLite has moved out of the log by then was on the disk before.
        """
        with self._lock:
            self._asked += 1
            mine = self._asked
        with self._syncing:
            if self._synced >= mine:
                return
            asked = self._asked
            try:
                self._sync_log()
            except OSError as error:
                failure = sqlite3.OperationalError(f"disk I/O error: {error}")
                raise _failure(failure, self.path) from error
            self._synced = asked

    def _sync_log(self) -> None:
        try:
            log = os.open(f"{self.path}-wal", os.O_RDWR)
        except FileNotFoundError:
            return  # a disk without shared memory has no log; SQLite then waits by itself
        try:
            self._sync(log)
        finally:
            os.close(log)

    @property
    def others(self) -> int:
        """A number that changes whenever another connection has written."""
        return int(self.query("PRAGMA data_version")[0][0])

    def query(
        self, sql: str, values: tuple[Any, ...] | dict[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Rows of a SELECT."""
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _failure(error, self.path) from error

    def query_many(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Rows of a SELECT that reads much of the file, in half the time.

        The file is mapped into memory meanwhile. Not always: what a failing disk does not give then
        ends the process.
        """
        with self._lock:
            self.query(f"PRAGMA mmap_size={_MAPPED_BYTES}")
            try:
                return self.query(sql, values)
            finally:
                self.query("PRAGMA mmap_size=0")

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        with self._lock:
            self._connection.close()
