"""Which process drives which run, and which processes its steps are.

A record stays when its process is killed; that is how the next one knows.
"""

from __future__ import annotations

from collections.abc import Iterable

from mltk.errors import Conflict
from mltk.local.database import Database
from mltk.local.identity import ProcessIdentity


class Ownership:
    """Owner records of runs, by uid, and the step processes of TaskRuns, by uid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, uid: str, label: str, engine: str) -> None:
        """Take a run (`label` names it) for an engine of this process.

        Raises Conflict when another engine has it, in whichever process, and still lives.
        """
        own = ProcessIdentity.own()
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT pid, started FROM owners WHERE uid=? AND engine<>?", (uid, engine)
            ).fetchone()
            if found and ProcessIdentity(*found).alive:
                raise Conflict(
                    f"{label} is driven by process {found[0]}",
                    hint="Wait for that process, or cancel the run.",
                )
            connection.execute(
                "INSERT OR REPLACE INTO owners VALUES (?,?,?,?)",
                (uid, own.pid, own.started, engine),
            )

    def release(self, uids: Iterable[str]) -> None:
        """Give runs back."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM owners WHERE uid=?", [(uid,) for uid in uids])

    def owner(self, uid: str) -> ProcessIdentity | None:
        """Return the process that drives, or drove, a run."""
        rows = self._database.query("SELECT pid, started FROM owners WHERE uid=?", (uid,))
        return ProcessIdentity(*rows[0]) if rows else None

    def abandoned(self) -> list[str]:
        """Return the uids of runs whose process has died."""
        rows = self._database.query("SELECT uid, pid, started FROM owners")
        return [uid for uid, pid, started in rows if not ProcessIdentity(pid, started).alive]

    def add_process(self, uid: str, process: ProcessIdentity) -> None:
        """Remember a step's process before anything can happen to this one."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO processes VALUES (?,?,?)",
                (uid, process.pid, process.started),
            )

    def forget_processes(self, uid: str) -> None:
        """Forget the processes of a TaskRun, which have ended."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM processes WHERE uid=?", (uid,))

    def processes(self, uid: str) -> list[ProcessIdentity]:
        """Return the processes that were started for a TaskRun."""
        rows = self._database.query("SELECT pid, started FROM processes WHERE uid=?", (uid,))
        return [ProcessIdentity(*row) for row in rows]
