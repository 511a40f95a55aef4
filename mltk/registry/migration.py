"""The database of an MLflow server, brought to the tables of this MLflow before the server starts.

A server refuses a database that an older MLflow made, and MLflow's own migration of one is neither
safe to interrupt nor to be undone. So a SQLite file is migrated as a copy that takes its place
when it is complete; what was there stays beside it, under the name of its revision.

Run as ``python -m mltk.registry.migration``, with the URI in MLFLOW_BACKEND_STORE_URI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
from pathlib import Path

from mltk.errors import ConfigError, InfrastructureError, MltkError
from mltk.registry import database
from mltk.urls import without_password

_VARIABLE = "MLFLOW_BACKEND_STORE_URI"
# A server gives artifacts out itself, wherever it keeps them.
_SERVED = "mlflow-artifacts:/"


def migrate(uri: str) -> str:
    """Make or migrate the tables behind `uri`, and say what was done.

    InfrastructureError when the database cannot be reached or migrated; ConfigError for a SQLite
    URI without an absolute path, and for one that asks for a driver that is not here.
    """
    if not uri.startswith("sqlite:"):
        return _in_place(uri)
    path = Path(uri.partition(":///")[2])
    if not path.is_absolute():
        raise ConfigError(f"the path of '{uri}' is relative", hint="sqlite:////folder/mlflow.db")
    with database.lock(path):
        try:
            return _as_copy(path)
        except (OSError, sqlite3.Error) as error:
            raise database.broken(path, error) from None


def _in_place(uri: str) -> str:
    from mltk.registry import warm

    try:
        before, after = warm.upgrade(uri)
    except ImportError as error:
        # SQLAlchemy takes another driver for postgresql:// than the one that is installed.
        raise ConfigError(
            f"the driver of the MLflow database is not installed: {error.name}",
            where=without_password(uri),
            hint="write postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE",
        ) from None
    except Exception as error:
        # What SQLAlchemy and its drivers say may hold the URI, and so the password.
        words = without_password(str(error)).splitlines()[0]
        raise InfrastructureError(
            f"the MLflow database cannot be migrated: {words}",
            where=without_password(uri),
            hint="see that it answers and that its user may create tables there",
        ) from None
    return f"tables at {after}" if before == after else f"migrated from {before} to {after}"


def _as_copy(path: Path) -> str:
    before = _revision(path)
    from mltk.registry import warm

    if before is None:
        database.found(path, lambda draft, _: warm.make_tables(draft, _SERVED))
        return f"made {path.name}"
    if before == warm.newest_revision():
        return f"{path.name} is at {before}"
    workshop = path.with_name(path.name + ".part")
    shutil.rmtree(workshop, ignore_errors=True)  # of a process that was ended here
    workshop.mkdir()
    draft = workshop / path.name
    with contextlib.closing(sqlite3.connect(path)) as old:
        # Nothing may stay in a log beside the file: it would be read into the new one.
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.closing(sqlite3.connect(draft)) as new:
            old.backup(new)
    _, after = warm.upgrade(f"sqlite:///{draft}")
    backup = path.with_name(f"{path.name}.{before}")
    shutil.copyfile(path, backup)
    draft.replace(path)
    shutil.rmtree(workshop, ignore_errors=True)
    return f"migrated {path.name} from {before} to {after}; the old one is {backup.name}"


def _revision(path: Path) -> str | None:
    """Revision of the tables; None where there are none yet."""
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def main() -> int:
    """Migrate what the environment names; the exit code is that of the error."""
    try:
        sys.stderr.write(migrate(os.environ.get(_VARIABLE, "")) + "\n")
    except MltkError as error:
        sys.stderr.write(error.describe() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
