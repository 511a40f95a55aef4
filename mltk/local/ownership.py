"""Which process drives which run, and which processes its steps are.

A record stays when its process is killed; that is how the next one knows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from mltk.errors import Conflict
from mltk.local.database import Database
from mltk.local.identity import ProcessIdentity

MARK = "MLTK_TASKRUN_UID"
"""The variable by which the processes of a TaskRun are known, whatever became of their parents."""

_OFFICE = "controller"  # stands where a run's uid stands
_CONTROLLERS = "controller-"  # what the engines of controllers begin with
_RESERVED = ""  # stands where an engine stands, before there is one


class Ownership:
    """Owner records of runs, by uid, and the step processes of TaskRuns, by uid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, uid: str, label: str, engine: str) -> None:
        """Take a run (`label` names it) for an engine of this process.

        Raises Conflict when another engine has it, in whichever process, and still lives.
        """
        with self._database.transaction():
            owner = self._other(uid, engine)
            if owner is not None:
                raise Conflict(
                    f"{label} is driven by process {owner.pid}",
                    hint="Wait for that process, or cancel the run.",
                )
            self._write(uid, engine)

    def take(self, uid: str, engine: str) -> bool:
        """Take a run that no living engine has; False when one has it."""
        with self._database.transaction():
            if self._other(uid, engine) is not None:
                return False
            self._write(uid, engine)
            return True

    def reserve(self, uid: str) -> None:
        """Keep a run that this process has just made for an engine that it will start."""
        self._write(uid, _RESERVED)

    def take_office(self) -> str:
        """Make a new engine the one that drives what nobody else does, and return it.

        Raises Conflict when another one lives.
        """
        engine = f"{_CONTROLLERS}{uuid.uuid4().hex}"
        with self._database.transaction():
            owner = self._other(_OFFICE, engine)
            if owner is not None:
                raise Conflict(
                    f"the runs of this folder are driven by process {owner.pid} already",
                    hint=f"Use that one, or end it first: kill {owner.pid}",
                )
            self._write(_OFFICE, engine)
        return engine

    def leave_office(self, engine: str) -> None:
        """Give the office and all runs of `engine` back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM owners WHERE engine=?", (engine,))

    @property
    def controller(self) -> ProcessIdentity | None:
        """The living process that drives what nobody else does."""
        found = self.owner(_OFFICE)
        return found if found is not None and found.alive else None

    def release(self, uids: Iterable[str]) -> None:
        """Give runs back."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM owners WHERE uid=?", [(uid,) for uid in uids])

    def owner(self, uid: str) -> ProcessIdentity | None:
        """Return the process that drives, or drove, a run."""
        rows = self._database.query("SELECT pid, started FROM owners WHERE uid=?", (uid,))
        return ProcessIdentity(*rows[0]) if rows else None

    def abandoned(self) -> list[str]:
        """Return the uids of runs whose process has died, but those that wait for a controller."""
        rows = self._database.query(
            "SELECT uid, pid, started FROM owners WHERE substr(engine, 1, ?) <> ?",
            (len(_CONTROLLERS), _CONTROLLERS),
        )
        return _dead(rows)

    def orphans(self) -> list[str]:
        """Return the uids of all runs whose process has died."""
        own = ProcessIdentity.own()
        rows = self._database.query(
            "SELECT uid, pid, started FROM owners WHERE uid<>? AND NOT (pid=? AND started=?)",
            (_OFFICE, own.pid, own.started),
        )
        return _dead(rows)

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

    def _other(self, uid: str, engine: str) -> ProcessIdentity | None:
        """The living process of another engine that has a run."""
        rows = self._database.query("SELECT pid, started, engine FROM owners WHERE uid=?", (uid,))
        for pid, started, holder in rows:
            found = ProcessIdentity(pid, started)
            reserved_here = holder == _RESERVED and found == ProcessIdentity.own()
            if holder != engine and not reserved_here and found.alive:
                return found
        return None

    def _write(self, uid: str, engine: str) -> None:
        own = ProcessIdentity.own()
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO owners VALUES (?,?,?,?)",
                (uid, own.pid, own.started, engine),
            )


def _dead(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return [uid for uid, *process in rows if not ProcessIdentity(*process).alive]
